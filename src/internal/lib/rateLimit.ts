/** The lowest rate that is applied: one call per minute. */
const minRate = 1 / 60

/** The part of the rate that is used, since calls that are sent at even intervals arrive at less even ones. */
const utilisation = 9 / 10

/** The part of the used rate that may be sent at once: a single call is not delayed, and many do not arrive together. */
const burstShare = 1 / 20

/** Milliseconds by which a call may be early: more than the rounding errors of a burst, which must not delay its last call. */
const tolerance = 0.1

/**
 * Decides when the next call may be sent: a few at once and the others at even intervals, in any second no more than the rate
 * (the generic cell rate algorithm). A delayed call is later by a random part of an interval, so that processes that started
 * together do not send together.
 *
 * `theoreticalArrivalTime` is that of the last call; the result has the time of this call and, if that is now, the
 * theoretical arrival time of the next one.
 *
 * @internal
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
  // Every call is sent before a session ends, whatever the rate.
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
