import { Chunk, Effect, Fiber, TestClock, TestServices } from "effect"
import { clockWith } from "./manualClock.js"

let unhurriedNow = 0

/** The clock stands still until this is done, which may take real time but must not sleep. */
export const unhurried = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.acquireUseRelease(
    Effect.sync(() => unhurriedNow++),
    () => self,
    () => Effect.sync(() => unhurriedNow--)
  )

/** Joins `fiber`, moving the test clock straight to each next sleeper and letting real I/O land in between. */
export const settle = <A, E>(fiber: Fiber.RuntimeFiber<A, E>) =>
  Effect.gen(function*() {
    while (fiber.unsafePoll() === null) {
      // What runs on without sleeping is given the time to: only who sleeps is hurried.
      yield* TestServices.provideLive(Effect.sleep("1 millis"))
      const sleeps = yield* TestClock.sleeps()
      if (fiber.unsafePoll() === null && unhurriedNow === 0 && Chunk.isNonEmpty(sleeps)) {
        yield* TestClock.setTime(Math.min(...sleeps))
      }
    }
    return yield* Fiber.join(fiber)
  })

/** Runs a test whose sleeps take no time. */
export const settled = <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.flatMap(Effect.fork(self), settle)

/** Runs `self` on a clock on which no sleep ends, so that only an event wakes it. */
export const withoutTimers = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(clockWith(() => ({ sleep: () => Effect.never })), (clock) => Effect.withClock(self, clock))
