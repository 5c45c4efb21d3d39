import { Clock, Duration, Effect } from "effect"

/** The clock of the fiber, with some of its methods replaced. */
export const clockWith = (replaced: (clock: Clock.Clock) => Partial<Clock.Clock>) =>
  Effect.map(Effect.clock, (clock): Clock.Clock => ({
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    currentTimeMillis: clock.currentTimeMillis,
    currentTimeNanos: clock.currentTimeNanos,
    unsafeCurrentTimeMillis: () => clock.unsafeCurrentTimeMillis(),
    unsafeCurrentTimeNanos: () => clock.unsafeCurrentTimeNanos(),
    sleep: (duration) => clock.sleep(duration),
    ...replaced(clock)
  }))

/**
 * A clock that a test sets. Unlike `TestClock`, whose methods may block for ever once a fiber that sleeps was interrupted in
 * the middle of a step, it keeps its order wherever a fiber is suspended or interrupted.
 */
export const makeManualClock = () => {
  let now = 0
  let timers: ReadonlyArray<{ readonly at: number; readonly end: () => void }> = []
  const clock = clockWith(() => ({
    currentTimeMillis: Effect.sync(() => now),
    unsafeCurrentTimeMillis: () => now,
    sleep: (duration) =>
      Effect.async((resume) => {
        timers = [...timers, { at: now + Duration.toMillis(duration), end: () => resume(Effect.void) }]
      })
  }))
  const set = (millis: number) =>
    Effect.sync(() => {
      now = millis
      const due = timers.filter(({ at }) => at <= now)
      timers = timers.filter(({ at }) => at > now)
      due.forEach(({ end }) => end())
    })
  return { clock, set }
}

/** A clock that counts its sleeps: those that have started, and those that have not ended. */
export const countingSleeps = Effect.suspend(() => {
  const sleeps = { started: 0, pending: 0 }
  return Effect.map(
    clockWith((clock) => ({
      sleep: (duration) =>
        Effect.acquireUseRelease(
          Effect.sync(() => {
            sleeps.started++
            sleeps.pending++
          }),
          () => Effect.interruptible(clock.sleep(duration)),
          () => Effect.sync(() => sleeps.pending--)
        )
    })),
    (clock) => ({ clock, sleeps })
  )
})
