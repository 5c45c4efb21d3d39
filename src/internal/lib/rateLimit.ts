/** Lowest rate: one call per minute. */
const minRate = 1 / 60

/** Part of the rate that is used: calls that are sent at even intervals arrive at uneven ones. */
const utilisation = 9 / 10

/** Part of the used rate that may be sent at once: a single call is not delayed, and many calls are spread. */
const burstShare = 1 / 20

/** Milliseconds by which a call may be early: more than the rounding errors of a burst, so that they delay no call. */
const tolerance = 0.1

/**
 * Computes when the next call may be sent, by the generic cell rate algorithm: a few calls at once, the others at even
 * intervals, in any second at most `rate`. A delayed call is later by a random part of an interval, so that processes that
 * started together do not send together.
 *
 * `theoreticalArrivalTime` is that of the last call. The result has the time of this call and, if that time is `now`, the
 * theoretical arrival time of the next call.
 */
export const nextSlot = (
  { jitter, now, rate: given, theoreticalArrivalTime }: {
    /** Calls per second. */
    readonly rate: number
    readonly theoreticalArrivalTime: number
    /** 0 to 1. */
    readonly jitter: number
    readonly now: number
  }
): { readonly at: number; readonly theoreticalArrivalTime: number } => {
  if (given === Number.POSITIVE_INFINITY) return { at: now, theoreticalArrivalTime: now }
  // The lowest rate lets every call be sent before its session ends.
  const rate = (given > minRate ? given : minRate) * utilisation
  const burst = Math.max(1, Math.floor(rate * burstShare))
  // A second has room for the burst, less the one call that is even anyway, and for the calls that follow it.
  const emissionInterval = 1000 / (rate - burst + 1)
  const burstTolerance = (burst - 1) * emissionInterval
  // At most one interval away, whatever the rate of the earlier calls was.
  const arrival = Math.min(theoreticalArrivalTime, now + burstTolerance + emissionInterval)
  const earliest = arrival - burstTolerance
  return {
    at: earliest - now > tolerance ? earliest + Math.min(emissionInterval, burstTolerance) * jitter : now,
    // A process that was suspended does not send everything at once.
    theoreticalArrivalTime: Math.max(arrival, now) + emissionInterval
  }
}
