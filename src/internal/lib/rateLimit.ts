/** A call in a minute. */
const slowest = 1 / 60

/** The part of the budget that is used: what goes evenly arrives a little less so. */
const used = 9 / 10

/** The part of that that may go at once: who comes alone is not delayed, and a crowd does not come all together. */
const burstShare = 1 / 20

/** Milliseconds by which a call may be early: more than the rounding errors of a burst, which must not delay its last call. */
const tolerance = 0.1

/**
 * Lets through a few calls at once and the others evenly, in any second no more than the budget has (the generic cell rate
 * algorithm). Those who wait go a little late, by a random part, so that processes that began together do not call
 * together.
 *
 * Says when whoever is first may go; and, if that is now, when the next call would go if all went evenly.
 *
 * @internal
 */
export const turn = (
  { budget: given, even, late, now }: {
    readonly budget: number
    readonly even: number
    readonly late: number
    readonly now: number
  }
): { readonly at: number; readonly even: number } => {
  if (given === Number.POSITIVE_INFINITY) return { at: now, even: now }
  // Whatever is given, everybody gets their turn before a session ends.
  const budget = (given > slowest ? given : slowest) * used
  const burst = Math.max(1, Math.floor(budget * burstShare))
  // A second has room for the burst, less the one that is even anyhow, and for what follows it.
  const spacing = 1000 / (budget - burst + 1)
  const ahead = (burst - 1) * spacing
  // A turn away at the most, whatever budget was given by those before.
  const time = Math.min(even, now + ahead + spacing)
  const earliest = time - ahead
  return {
    at: earliest - now > tolerance ? earliest + Math.min(spacing, ahead) * late : now,
    // A process that was held up does not catch up all at once.
    even: Math.max(time, now) + spacing
  }
}
