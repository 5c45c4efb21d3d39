import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Exit, Fiber, FiberId, Random, Supervisor, TestClock } from "effect"
import { TokenPoller } from "../src/index.js"
import * as alarm from "../src/internal/service/pollScheduler.js"
import { assertEqual } from "./support/equality.js"
import { clockWith, makeManualClock } from "./support/manualClock.js"
import { atEachStep } from "./support/scheduler.js"

/** Lets every fiber run until it waits. */
const idle = Effect.repeatN(Effect.yieldNow(), 100)

/** An alarm, sleepers by name, and which of them woke at what time. */
const sleeping = Effect.gen(function*() {
  const { set, turn } = yield* alarm.make
  const clock = yield* Effect.clock
  const woken: Array<readonly [name: string, at: number]> = []
  const named = (name: string) => {
    const sleeper = alarm.sleeper()
    sleeper.onDue = () => {
      woken.push([name, clock.unsafeCurrentTimeMillis()])
    }
    return sleeper
  }
  return { set, turn, named, woken }
})

/** A test in which the random part of a delay is always the same, and which sees the fibers that are left. */
const test = (title: string, body: Effect.Effect<unknown>, { budget = 1000, late = 0 } = {}) =>
  it.effect(title, () =>
    body.pipe(
      Effect.withRandom(Random.fixed([late])),
      Effect.provideService(TokenPoller.PollBudget, budget)
    ))

describe("the timer queue", () => {
  test(
    "wakes a sleeper after its delay, not before, and once",
    Effect.gen(function*() {
      const { named, set, woken } = yield* sleeping
      const a = named("a")
      yield* set(a, 1000)
      yield* TestClock.adjust("999 millis")
      assert.isFalse(a.isDue)
      yield* TestClock.adjust("1 millis")
      assert.isTrue(a.isDue)
      yield* TestClock.adjust("1 hour")
      assertEqual(woken, [["a", 1000]])
    })
  )

  test(
    "wakes sleepers by their time, and those of one time in the order in which they were set",
    Effect.gen(function*() {
      const { named, set, woken } = yield* sleeping
      for (const [name, delay] of [["a", 20], ["b", 10], ["c", 20], ["d", 10], ["e", 0], ["f", 15]] as const) {
        yield* set(named(name), delay)
        yield* TestClock.adjust("0 millis")
      }
      yield* TestClock.adjust("1 second")
      assertEqual(woken, [["e", 0], ["b", 10], ["d", 10], ["f", 15], ["a", 20], ["c", 20]])
    })
  )

  test(
    "has one fiber while there are sleepers, and none when there are none",
    Effect.gen(function*() {
      const supervisor = yield* Supervisor.track
      const { named, set } = yield* sleeping
      const left = Effect.map(supervisor.value, (fibers) => fibers.length)
      const sleepers = [named("a"), named("b"), named("c")]
      for (const [index, sleeper] of sleepers.entries()) {
        yield* Effect.supervised(set(sleeper, 30 - 10 * index), supervisor)
        yield* TestClock.adjust("0 millis")
        assert.strictEqual(yield* left, 1)
      }
      yield* TestClock.adjust("10 millis")
      assert.strictEqual(yield* left, 1)
      yield* TestClock.adjust("20 millis")
      assert.strictEqual(yield* left, 0)
      // The queue is in order for the next one.
      yield* Effect.supervised(Effect.forEach(sleepers, (sleeper) => set(sleeper, 10)), supervisor)
      yield* TestClock.adjust("0 millis")
      yield* Effect.forEach(sleepers.slice(1), alarm.forget)
      assert.strictEqual(yield* left, 1)
      yield* Effect.forEach(sleepers, alarm.forget)
      assert.strictEqual(yield* left, 0)
      yield* Effect.supervised(set(named("d"), 10), supervisor)
      assert.strictEqual(yield* left, 1)
      yield* TestClock.adjust("10 millis")
      assert.strictEqual(yield* left, 0)
    })
  )

  test(
    "ends its fiber without a failure once the last sleeper has woken",
    Effect.gen(function*() {
      const exits: Array<Exit.Exit<unknown, unknown>> = []
      const supervisor = new class extends Supervisor.AbstractSupervisor<void> {
        override readonly value = Effect.void
        override onEnd<A, E>(exit: Exit.Exit<A, E>) {
          exits.push(exit)
        }
      }()
      const { named, set } = yield* sleeping
      yield* Effect.supervised(set(named("a"), 10), supervisor)
      yield* TestClock.adjust("10 millis")
      assertEqual(exits, [Exit.void])
    })
  )

  test(
    "wakes a sleeper that is set again at its new time only, earlier or later",
    Effect.gen(function*() {
      const { named, set, woken } = yield* sleeping
      const a = named("a")
      const b = named("b")
      yield* set(a, 10)
      yield* set(b, 10)
      yield* set(a, 20)
      yield* set(b, 5)
      yield* TestClock.adjust("1 second")
      assertEqual(woken, [["b", 5], ["a", 20]])
      yield* set(a, 10)
      assert.isFalse(a.isDue)
      yield* TestClock.adjust("10 millis")
      assert.isTrue(a.isDue)
      assertEqual(woken.slice(2), [["a", 1010]])
    })
  )

  test(
    "does not wake a sleeper that was forgotten, and wakes the others",
    Effect.gen(function*() {
      const { named, set, woken } = yield* sleeping
      const sleepers = [named("a"), named("b"), named("c")]
      for (const sleeper of sleepers) yield* set(sleeper, 10)
      const [, b = named("none")] = sleepers
      yield* alarm.forget(b)
      yield* alarm.forget(b)
      yield* alarm.forget(named("never set"))
      yield* TestClock.adjust("1 second")
      assertEqual(woken, [["a", 10], ["c", 10]])
      for (const sleeper of sleepers) yield* alarm.forget(sleeper)
    })
  )

  test(
    "gives sleepers that are due together their turns in the budget",
    Effect.gen(function*() {
      const { named, set, woken } = yield* sleeping
      for (const name of ["a", "b", "c"]) yield* set(named(name), 10)
      yield* Effect.provideService(set(named("d"), 10), TokenPoller.PollBudget, 1)
      yield* TestClock.adjust("5 seconds")
      // A timer has whole milliseconds. The last has a budget of its own.
      assertEqual(woken, [["a", 10], ["b", 233], ["c", 456], ["d", 679]])
    }),
    { budget: 5 }
  )

  test(
    "delays those who wait for their turn by a random part of it",
    Effect.gen(function*() {
      const { named, set, woken } = yield* sleeping
      for (const name of ["a", "b", "c", "d", "e"]) yield* set(named(name), 10)
      yield* TestClock.adjust("1 second")
      // The fifth has its turn after 11.5 milliseconds, and waits half of that again.
      assertEqual(woken.map(([, at]) => at), [10, 10, 10, 10, 28])
    }),
    { budget: 100, late: 0.5 }
  )

  test(
    "a clock that is set back delays those who sleep by no more than their delay, and no one who comes later",
    Effect.gen(function*() {
      const { named, set, woken } = yield* sleeping
      let offset = 60_000
      const clock = yield* clockWith((clock) => ({
        currentTimeMillis: Effect.map(clock.currentTimeMillis, (millis) => millis + offset)
      }))
      yield* Effect.withClock(set(named("a"), 10_000), clock)
      yield* TestClock.adjust("1 second")
      offset = 0
      yield* TestClock.adjust("19 seconds")
      assertEqual(woken, [["a", 20_000]])
      yield* Effect.withClock(set(named("b"), 5000), clock)
      yield* TestClock.adjust("5 seconds")
      assertEqual(woken.slice(1), [["b", 25_000]])
    })
  )

  test(
    "looks again when a timer ends early, and sets it to whole milliseconds",
    Effect.gen(function*() {
      const { named, set, woken } = yield* sleeping
      const asked: Array<number> = []
      const clock = yield* clockWith((clock) => ({
        sleep: (duration) => {
          asked.push(Duration.toMillis(duration))
          return clock.sleep(Duration.millis(Math.ceil(Duration.toMillis(duration) / 2)))
        }
      }))
      yield* Effect.withClock(set(named("a"), 99.5), clock)
      yield* TestClock.adjust("1 second")
      assertEqual(woken, [["a", 100]])
      assertEqual(asked, [100, 50, 25, 12, 6, 3, 1])
    })
  )

  test(
    "does not set the timer again for a sleeper that is not the first",
    Effect.gen(function*() {
      const { named, set, woken } = yield* sleeping
      let timers = 0
      const clock = yield* clockWith((clock) => ({
        sleep: (duration) => {
          timers++
          return clock.sleep(duration)
        }
      }))
      for (const delay of [10, 10, 20, 15]) {
        yield* Effect.withClock(set(named("a"), delay), clock)
        yield* TestClock.adjust("0 millis")
      }
      assert.strictEqual(timers, 1)
      yield* TestClock.adjust("20 millis")
      assert.lengthOf(woken, 4)
    })
  )

  test(
    "sleepers by different clocks do not wake each other",
    Effect.gen(function*() {
      const { named, set, woken } = yield* sleeping
      let millis = 0
      const hurried = yield* clockWith(() => ({
        currentTimeMillis: Effect.sync(() => millis),
        sleep: (duration) =>
          Effect.sync(() => {
            millis += Duration.toMillis(duration)
          })
      }))
      yield* set(named("a"), 10)
      yield* Effect.withClock(set(named("b"), 1000), hurried)
      yield* TestClock.adjust("0 millis")
      assertEqual(woken, [["b", 0]])
      yield* TestClock.adjust("10 millis")
      assertEqual(woken.slice(1), [["a", 10]])
    })
  )

  test(
    "keeps its order wherever two that set a sleeper come in between each other",
    Effect.gen(function*() {
      for (
        const [first, second, isForgotten] of [[10, 5, false], [5, 10, false], [10, 10, false], [10, 5, true]] as const
      ) {
        const steps = yield* atEachStep((suspending) =>
          Effect.gen(function*() {
            const supervisor = yield* Supervisor.track
            const clock = makeManualClock()
            const { named, set, woken } = yield* sleeping
            const a = named("a")
            const b = named("b")
            const setBoth = Effect.gen(function*() {
              const slow = yield* Effect.fork(Effect.withScheduler(set(a, first), suspending()))
              const other = yield* Effect.fork(set(b, second))
              yield* Fiber.joinAll([slow, other])
            })
            yield* setBoth.pipe(Effect.withClock(yield* clock.clock), Effect.supervised(supervisor))
            yield* idle
            assert.strictEqual((yield* supervisor.value).length, 1)
            if (isForgotten) yield* Effect.forEach([a, b], alarm.forget)
            else {
              yield* clock.set(5)
              yield* idle
              assertEqual(woken.map(([name]) => name), first === 5 ? ["a"] : second === 5 ? ["b"] : [])
              yield* clock.set(10)
              yield* idle
              assert.lengthOf(woken, 2)
            }
            assert.strictEqual((yield* supervisor.value).length, 0)
          })
        )
        assert.isAbove(steps, 20)
      }
    })
  )

  test(
    "leaves no fiber when the setting of a sleeper is interrupted anywhere, once the sleeper is forgotten",
    Effect.gen(function*() {
      const steps = yield* atEachStep((suspending) =>
        Effect.gen(function*() {
          const supervisor = yield* Supervisor.track
          const { named, set, woken } = yield* sleeping
          const a = named("a")
          yield* Effect.gen(function*() {
            let caller: Fiber.RuntimeFiber<void> | undefined
            const interrupt = () => caller?.unsafeInterruptAsFork(FiberId.none)
            caller = yield* Effect.fork(Effect.withScheduler(set(a, 10), suspending(interrupt)))
            yield* Fiber.await(caller)
          }).pipe(Effect.withClock(yield* makeManualClock().clock), Effect.supervised(supervisor))
          yield* alarm.forget(a)
          yield* idle
          assert.strictEqual((yield* supervisor.value).length, 0)
          assertEqual(woken, [])
        })
      )
      assert.isAbove(steps, 20)
    })
  )
})

describe("a turn", () => {
  /** Callers that take a turn at the same time, and the times at which they had it. */
  const callers = (count: number) =>
    Effect.gen(function*() {
      const { turn } = yield* sleeping
      const at: Array<number> = []
      const fibers = yield* Effect.replicateEffect(
        Effect.fork(Effect.zipRight(turn, Effect.map(Clock.currentTimeMillis, (millis) => at.push(millis)))),
        count
      )
      yield* TestClock.adjust("0 millis")
      return { fibers, at }
    })

  test(
    "comes at once to a caller alone, and to others evenly",
    Effect.gen(function*() {
      const { at, fibers } = yield* callers(3)
      assertEqual(at, [0])
      yield* TestClock.adjust("222 millis")
      assert.lengthOf(at, 1)
      yield* TestClock.adjust("1 second")
      assertEqual(at, [0, 223, 446])
      yield* Fiber.joinAll(fibers)
    }),
    { budget: 5 }
  )

  test(
    "is not taken from the others by a caller that is interrupted",
    Effect.gen(function*() {
      const { at, fibers } = yield* callers(4)
      const [, second, third] = fibers
      for (const fiber of [second, third]) {
        assert.isTrue(fiber !== undefined && Exit.isInterrupted(yield* Fiber.interrupt(fiber)))
      }
      yield* TestClock.adjust("1 second")
      assertEqual(at, [0, 223])
    }),
    { budget: 5 }
  )

  test(
    "comes to a caller, and to the next one, wherever the first is suspended",
    atEachStep((suspending) =>
      Effect.gen(function*() {
        const { turn } = yield* sleeping
        const first = yield* Effect.fork(Effect.withScheduler(turn, suspending()))
        const next = yield* Effect.fork(turn)
        yield* Fiber.joinAll([first, next])
      })
    )
  )
})
