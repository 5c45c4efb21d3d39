import { Duration, Effect } from "effect"
import { clockWith } from "../manualClock.js"

interface Sleeper {
  readonly at: number
  readonly end: () => void
}

/** Lets the other fibers run until each has had `turns` turns. */
export const turns = (count: number) => Effect.repeatN(Effect.yieldNow(), count)

/**
 * A clock that only `advance` moves, past one sleeper after another. `TestClock` waits for real timers at each of its sleepers,
 * which takes milliseconds each, and may block when sleeping fibers are interrupted.
 */
export const makeVirtualClock = () => {
  let now = 0
  const sleepers = new Set<Sleeper>()
  const clock = clockWith(() => ({
    currentTimeMillis: Effect.sync(() => now),
    currentTimeNanos: Effect.sync(() => BigInt(Math.floor(now)) * 1_000_000n),
    unsafeCurrentTimeMillis: () => now,
    unsafeCurrentTimeNanos: () => BigInt(Math.floor(now)) * 1_000_000n,
    sleep: (duration) =>
      Effect.async<void>((resume) => {
        const sleeper = { at: now + Duration.toMillis(duration), end: () => resume(Effect.void) }
        sleepers.add(sleeper)
        return Effect.sync(() => sleepers.delete(sleeper))
      })
  }))

  const next = (until: number) => {
    let first: Sleeper | undefined
    for (const sleeper of sleepers) {
      if (sleeper.at <= until && (first === undefined || sleeper.at < first.at)) first = sleeper
    }
    return first
  }

  /** Wakes at most `most` sleepers in order, each at its time, and then the rest of them at the end. */
  const advance = (millis: number, most = 40) =>
    Effect.gen(function*() {
      // What is ready to run takes no time.
      yield* turns(32)
      const until = now + millis
      for (let woken = 0;; woken++) {
        const sleeper = next(until)
        if (sleeper === undefined) break
        now = woken < most ? Math.max(now, sleeper.at) : until
        sleepers.delete(sleeper)
        sleeper.end()
        if (woken < most) yield* turns(4)
      }
      now = until
      yield* turns(8)
    })

  return { clock, advance, now: () => now, sleeping: () => sleepers.size }
}

export type VirtualClock = ReturnType<typeof makeVirtualClock>
