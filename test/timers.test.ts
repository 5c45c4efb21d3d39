import { assert, describe, it } from "@effect/vitest"
import { type Clock, Duration, Effect, TestClock } from "effect"
import * as timers from "../src/internal/lib/timers.js"
import { assertEqual } from "./support/equality.js"
import { clockWith, countingSleeps } from "./support/manualClock.js"

const start = (startTimer: timers.StartTimer, onFire: () => void, clock?: Clock.Clock) => {
  const started = Effect.withFiberRuntime<() => void>((fiber) => Effect.sync(() => startTimer(fiber, onFire)))
  return clock === undefined ? started : Effect.withClock(started, clock)
}

/** Lets the fiber of the timers run. */
const settle = Effect.repeatN(Effect.yieldNow(), 20)

const timer = (duration: Duration.DurationInput) => timers.make(Duration.decode(duration))

describe("timers of one duration", () => {
  it.effect("fire after the duration, each at its own time, and share one sleep", () =>
    Effect.gen(function*() {
      const { clock, sleeps } = yield* countingSleeps
      const fired: Array<string> = []
      const startTimer = timer("10 seconds")
      yield* start(startTimer, () => fired.push("first"), clock)
      yield* TestClock.adjust("4 seconds")
      yield* start(startTimer, () => fired.push("second"), clock)
      yield* start(startTimer, () => fired.push("third"), clock)
      yield* TestClock.adjust("5999 millis")
      assertEqual(fired, [])
      assertEqual(sleeps, { started: 1, pending: 1 })
      yield* TestClock.adjust("1 millis")
      assertEqual(fired, ["first"])
      yield* TestClock.adjust("3999 millis")
      assertEqual(fired, ["first"])
      yield* TestClock.adjust("1 millis")
      assertEqual(fired, ["first", "second", "third"])
      yield* settle
      assertEqual(sleeps, { started: 2, pending: 0 })
    }))

  it.effect("do not fire if they are cancelled, and 10 milliseconds after the last one the sleep ends", () =>
    Effect.gen(function*() {
      const { clock, sleeps } = yield* countingSleeps
      const fired: Array<string> = []
      const startTimer = timer("10 seconds")
      const cancelFirst = yield* start(startTimer, () => fired.push("first"), clock)
      const cancelSecond = yield* start(startTimer, () => fired.push("second"), clock)
      yield* settle
      cancelFirst()
      yield* settle
      assert.strictEqual(sleeps.pending, 1)
      cancelSecond()
      cancelSecond()
      yield* settle
      yield* TestClock.adjust("9 millis")
      assertEqual(sleeps, { started: 2, pending: 2 })
      yield* TestClock.adjust("1 millis")
      yield* settle
      // No sleep is left that would keep the process running.
      assertEqual(sleeps, { started: 2, pending: 0 })
      yield* TestClock.adjust("1 minutes")
      assertEqual(fired, [])
      yield* start(startTimer, () => fired.push("third"), clock)
      yield* TestClock.adjust("10 seconds")
      assertEqual(fired, ["third"])
    }))

  it.effect("share the sleep with one that the same fiber has just cancelled, and fire at their own time", () =>
    Effect.gen(function*() {
      const { clock, sleeps } = yield* countingSleeps
      const fired: Array<number> = []
      const startTimer = timer("10 seconds")
      let cancel = yield* start(startTimer, () => fired.push(0), clock)
      for (let i = 1; i <= 5; i++) {
        yield* TestClock.adjust("1 seconds")
        cancel()
        yield* TestClock.adjust("5 millis")
        cancel = yield* start(startTimer, () => fired.push(i), clock)
      }
      yield* TestClock.adjust("9999 millis")
      assertEqual(fired, [])
      yield* TestClock.adjust("1 millis")
      assertEqual(fired, [5])
      yield* settle
      // Each time, one sleep ends the timers if there are none.
      assertEqual(sleeps, { started: 2 + 5, pending: 0 })
    }))

  it.effect("fire by the clock of the fiber that starts them, and not by its date, which may be corrected", () =>
    Effect.gen(function*() {
      const fired: Array<string> = []
      const startTimer = timer("10 seconds")
      let correction = 0
      const corrected = yield* clockWith((clock) => ({
        unsafeCurrentTimeMillis: () => clock.unsafeCurrentTimeMillis() + correction
      }))
      const stopped = yield* clockWith(() => ({ sleep: () => Effect.never }))
      yield* start(startTimer, () => fired.push("stopped"), stopped)
      yield* start(startTimer, () => fired.push("corrected"), corrected)
      correction = -3_600_000
      yield* TestClock.adjust("9 seconds")
      correction = 3_600_000
      yield* start(startTimer, () => fired.push("later"), corrected)
      yield* TestClock.adjust("1 seconds")
      assertEqual(fired, ["corrected"])
      yield* TestClock.adjust("9 seconds")
      assertEqual(fired, ["corrected", "later"])
    }))

  it.effect("fire without a sleep if the duration is zero, also the next ones", () =>
    Effect.gen(function*() {
      const fired: Array<number> = []
      const startTimer = timer(0)
      for (const i of [1, 2]) {
        yield* start(startTimer, () => fired.push(i))
        yield* settle
      }
      assertEqual(fired, [1, 2])
    }))
})
