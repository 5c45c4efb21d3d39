import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Exit, Fiber, FiberId, Random, Supervisor, TestClock } from "effect"
import * as pollScheduler from "../src/internal/service/pollScheduler.js"
import * as TokenPoller from "../src/TokenPoller.js"
import { assertEqual } from "./support/equality.js"
import { clockWith, makeManualClock } from "./support/manualClock.js"
import { atEachStep } from "./support/scheduler.js"

/** Lets every fiber run until it waits. */
const idle = Effect.repeatN(Effect.yieldNow(), 100)

/** A scheduler, timers with names, and which of them fired at what time. */
const scheduling = Effect.gen(function*() {
  const { acquire, schedule } = yield* pollScheduler.make
  const clock = yield* Effect.clock
  const fired: Array<readonly [name: string, at: number]> = []
  const named = (name: string) => {
    const timer = pollScheduler.timer()
    timer.onFire = () => {
      fired.push([name, clock.unsafeCurrentTimeMillis()])
    }
    return timer
  }
  return { schedule, acquire, named, fired }
})

/** A test in which the random part of a delay is always the same. */
const test = (title: string, body: Effect.Effect<unknown>, { jitter = 0, rate = 1000 } = {}) =>
  it.effect(title, () =>
    body.pipe(
      Effect.withRandom(Random.fixed([jitter])),
      Effect.provideService(TokenPoller.PollBudget, rate)
    ))

describe("the timer queue", () => {
  test(
    "fires a timer after its delay, not before, and once",
    Effect.gen(function*() {
      const { fired, named, schedule } = yield* scheduling
      const a = named("a")
      yield* schedule(a, 1000)
      yield* TestClock.adjust("999 millis")
      assert.isFalse(a.isFired)
      yield* TestClock.adjust("1 millis")
      assert.isTrue(a.isFired)
      yield* TestClock.adjust("1 hour")
      assertEqual(fired, [["a", 1000]])
    })
  )

  test(
    "fires timers by their time, and those of one time in the order in which they were scheduled",
    Effect.gen(function*() {
      const { fired, named, schedule } = yield* scheduling
      for (const [name, delay] of [["a", 20], ["b", 10], ["c", 20], ["d", 10], ["e", 0], ["f", 15]] as const) {
        yield* schedule(named(name), delay)
        yield* TestClock.adjust("0 millis")
      }
      yield* TestClock.adjust("1 second")
      assertEqual(fired, [["e", 0], ["b", 10], ["d", 10], ["f", 15], ["a", 20], ["c", 20]])
    })
  )

  test(
    "has one fiber while there are timers, and none when there are none",
    Effect.gen(function*() {
      const supervisor = yield* Supervisor.track
      const { named, schedule } = yield* scheduling
      const left = Effect.map(supervisor.value, (fibers) => fibers.length)
      const timers = [named("a"), named("b"), named("c")]
      for (const [index, timer] of timers.entries()) {
        yield* Effect.supervised(schedule(timer, 30 - 10 * index), supervisor)
        yield* TestClock.adjust("0 millis")
        assert.strictEqual(yield* left, 1)
      }
      yield* TestClock.adjust("10 millis")
      assert.strictEqual(yield* left, 1)
      yield* TestClock.adjust("20 millis")
      assert.strictEqual(yield* left, 0)
      // The queue is in order for the next one.
      yield* Effect.supervised(Effect.forEach(timers, (timer) => schedule(timer, 10)), supervisor)
      yield* TestClock.adjust("0 millis")
      yield* Effect.forEach(timers.slice(1), pollScheduler.cancel)
      assert.strictEqual(yield* left, 1)
      yield* Effect.forEach(timers, pollScheduler.cancel)
      assert.strictEqual(yield* left, 0)
      yield* Effect.supervised(schedule(named("d"), 10), supervisor)
      assert.strictEqual(yield* left, 1)
      yield* TestClock.adjust("10 millis")
      assert.strictEqual(yield* left, 0)
    })
  )

  test(
    "ends its fiber without a failure once the last timer has fired",
    Effect.gen(function*() {
      const exits: Array<Exit.Exit<unknown, unknown>> = []
      const supervisor = new class extends Supervisor.AbstractSupervisor<void> {
        override readonly value = Effect.void
        override onEnd<A, E>(exit: Exit.Exit<A, E>) {
          exits.push(exit)
        }
      }()
      const { named, schedule } = yield* scheduling
      yield* Effect.supervised(schedule(named("a"), 10), supervisor)
      yield* TestClock.adjust("10 millis")
      assertEqual(exits, [Exit.void])
    })
  )

  test(
    "fires a timer that is scheduled again at its new time only, earlier or later",
    Effect.gen(function*() {
      const { fired, named, schedule } = yield* scheduling
      const a = named("a")
      const b = named("b")
      yield* schedule(a, 10)
      yield* schedule(b, 10)
      yield* schedule(a, 20)
      yield* schedule(b, 5)
      yield* TestClock.adjust("1 second")
      assertEqual(fired, [["b", 5], ["a", 20]])
      yield* schedule(a, 10)
      assert.isFalse(a.isFired)
      yield* TestClock.adjust("10 millis")
      assert.isTrue(a.isFired)
      assertEqual(fired.slice(2), [["a", 1010]])
    })
  )

  test(
    "does not fire a timer that was cancelled, and fires the others",
    Effect.gen(function*() {
      const { fired, named, schedule } = yield* scheduling
      const timers = [named("a"), named("b"), named("c")]
      for (const timer of timers) yield* schedule(timer, 10)
      const [, b = named("none")] = timers
      yield* pollScheduler.cancel(b)
      yield* pollScheduler.cancel(b)
      yield* pollScheduler.cancel(named("never scheduled"))
      yield* TestClock.adjust("1 second")
      assertEqual(fired, [["a", 10], ["c", 10]])
      for (const timer of timers) yield* pollScheduler.cancel(timer)
    })
  )

  test(
    "fires timers that are due together at the times that the rate allows",
    Effect.gen(function*() {
      const { fired, named, schedule } = yield* scheduling
      for (const name of ["a", "b", "c"]) yield* schedule(named(name), 10)
      yield* Effect.provideService(schedule(named("d"), 10), TokenPoller.PollBudget, 1)
      yield* TestClock.adjust("5 seconds")
      // A sleep has whole milliseconds. The last has a rate of its own.
      assertEqual(fired, [["a", 10], ["b", 233], ["c", 456], ["d", 679]])
    }),
    { rate: 5 }
  )

  test(
    "delays timers beyond the rate by a random part of an interval",
    Effect.gen(function*() {
      const { fired, named, schedule } = yield* scheduling
      for (const name of ["a", "b", "c", "d", "e"]) yield* schedule(named(name), 10)
      yield* TestClock.adjust("1 second")
      // The slot of the fifth is after 11.5 milliseconds, and the jitter adds half of that.
      assertEqual(fired.map(([, at]) => at), [10, 10, 10, 10, 28])
    }),
    { jitter: 0.5, rate: 100 }
  )

  test(
    "a clock that is set back delays the timers by no more than their delay, and none that is scheduled later",
    Effect.gen(function*() {
      const { fired, named, schedule } = yield* scheduling
      let offset = 60_000
      const clock = yield* clockWith((clock) => ({
        currentTimeMillis: Effect.map(clock.currentTimeMillis, (millis) => millis + offset)
      }))
      yield* Effect.withClock(schedule(named("a"), 10_000), clock)
      yield* TestClock.adjust("1 second")
      offset = 0
      yield* TestClock.adjust("19 seconds")
      assertEqual(fired, [["a", 20_000]])
      yield* Effect.withClock(schedule(named("b"), 5000), clock)
      yield* TestClock.adjust("5 seconds")
      assertEqual(fired.slice(1), [["b", 25_000]])
    })
  )

  test(
    "looks again when a sleep of the clock ends early, and sleeps for whole milliseconds",
    Effect.gen(function*() {
      const { fired, named, schedule } = yield* scheduling
      const delays: Array<number> = []
      const clock = yield* clockWith((clock) => ({
        sleep: (duration) => {
          delays.push(Duration.toMillis(duration))
          return clock.sleep(Duration.millis(Math.ceil(Duration.toMillis(duration) / 2)))
        }
      }))
      yield* Effect.withClock(schedule(named("a"), 99.5), clock)
      yield* TestClock.adjust("1 second")
      assertEqual(fired, [["a", 100]])
      assertEqual(delays, [100, 50, 25, 12, 6, 3, 1])
    })
  )

  test(
    "does not start another sleep of the clock for a timer that is not the first",
    Effect.gen(function*() {
      const { fired, named, schedule } = yield* scheduling
      let sleeps = 0
      const clock = yield* clockWith((clock) => ({
        sleep: (duration) => {
          sleeps++
          return clock.sleep(duration)
        }
      }))
      for (const delay of [10, 10, 20, 15]) {
        yield* Effect.withClock(schedule(named("a"), delay), clock)
        yield* TestClock.adjust("0 millis")
      }
      assert.strictEqual(sleeps, 1)
      yield* TestClock.adjust("20 millis")
      assert.lengthOf(fired, 4)
    })
  )

  test(
    "timers on different clocks do not affect each other",
    Effect.gen(function*() {
      const { fired, named, schedule } = yield* scheduling
      let millis = 0
      const fast = yield* clockWith(() => ({
        currentTimeMillis: Effect.sync(() => millis),
        sleep: (duration) =>
          Effect.sync(() => {
            millis += Duration.toMillis(duration)
          })
      }))
      yield* schedule(named("a"), 10)
      yield* Effect.withClock(schedule(named("b"), 1000), fast)
      yield* TestClock.adjust("0 millis")
      assertEqual(fired, [["b", 0]])
      yield* TestClock.adjust("10 millis")
      assertEqual(fired.slice(1), [["a", 10]])
    })
  )

  test(
    "keeps its order wherever two fibers that schedule a timer interleave",
    Effect.gen(function*() {
      for (
        const [first, second, isCancelled] of [[10, 5, false], [5, 10, false], [10, 10, false], [10, 5, true]] as const
      ) {
        const steps = yield* atEachStep((suspending) =>
          Effect.gen(function*() {
            const supervisor = yield* Supervisor.track
            const clock = makeManualClock()
            const { fired, named, schedule } = yield* scheduling
            const a = named("a")
            const b = named("b")
            const scheduleBoth = Effect.gen(function*() {
              const slow = yield* Effect.fork(Effect.withScheduler(schedule(a, first), suspending()))
              const other = yield* Effect.fork(schedule(b, second))
              yield* Fiber.joinAll([slow, other])
            })
            yield* scheduleBoth.pipe(Effect.withClock(yield* clock.clock), Effect.supervised(supervisor))
            yield* idle
            assert.strictEqual((yield* supervisor.value).length, 1)
            if (isCancelled) yield* Effect.forEach([a, b], pollScheduler.cancel)
            else {
              yield* clock.set(5)
              yield* idle
              assertEqual(fired.map(([name]) => name), first === 5 ? ["a"] : second === 5 ? ["b"] : [])
              yield* clock.set(10)
              yield* idle
              assert.lengthOf(fired, 2)
            }
            assert.strictEqual((yield* supervisor.value).length, 0)
          })
        )
        assert.isAbove(steps, 20)
      }
    })
  )

  test(
    "leaves no fiber if schedule is interrupted at any step, once the timer is cancelled",
    Effect.gen(function*() {
      const steps = yield* atEachStep((suspending) =>
        Effect.gen(function*() {
          const supervisor = yield* Supervisor.track
          const { fired, named, schedule } = yield* scheduling
          const a = named("a")
          yield* Effect.gen(function*() {
            let caller: Fiber.RuntimeFiber<void> | undefined
            const interrupt = () => caller?.unsafeInterruptAsFork(FiberId.none)
            caller = yield* Effect.fork(Effect.withScheduler(schedule(a, 10), suspending(interrupt)))
            yield* Fiber.await(caller)
          }).pipe(Effect.withClock(yield* makeManualClock().clock), Effect.supervised(supervisor))
          yield* pollScheduler.cancel(a)
          yield* idle
          assert.strictEqual((yield* supervisor.value).length, 0)
          assertEqual(fired, [])
        })
      )
      assert.isAbove(steps, 20)
    })
  )
})

describe("acquire", () => {
  /** Callers at the same time, and the times at which acquire ended. */
  const callers = (count: number) =>
    Effect.gen(function*() {
      const { acquire } = yield* scheduling
      const at: Array<number> = []
      const fibers = yield* Effect.replicateEffect(
        Effect.fork(Effect.zipRight(acquire, Effect.map(Clock.currentTimeMillis, (millis) => at.push(millis)))),
        count
      )
      yield* TestClock.adjust("0 millis")
      return { fibers, at }
    })

  test(
    "ends at once for one caller, and at even intervals for others",
    Effect.gen(function*() {
      const { at, fibers } = yield* callers(3)
      assertEqual(at, [0])
      yield* TestClock.adjust("222 millis")
      assert.lengthOf(at, 1)
      yield* TestClock.adjust("1 second")
      assertEqual(at, [0, 223, 446])
      yield* Fiber.joinAll(fibers)
    }),
    { rate: 5 }
  )

  test(
    "uses no slot of the rate if the caller is interrupted",
    Effect.gen(function*() {
      const { at, fibers } = yield* callers(4)
      const [, second, third] = fibers
      for (const fiber of [second, third]) {
        assert.isTrue(fiber !== undefined && Exit.isInterrupted(yield* Fiber.interrupt(fiber)))
      }
      yield* TestClock.adjust("1 second")
      assertEqual(at, [0, 223])
    }),
    { rate: 5 }
  )

  test(
    "ends for a caller, and for the next one, wherever the first is suspended",
    atEachStep((suspending) =>
      Effect.gen(function*() {
        const { acquire } = yield* scheduling
        const first = yield* Effect.fork(Effect.withScheduler(acquire, suspending()))
        const next = yield* Effect.fork(acquire)
        yield* Fiber.joinAll([first, next])
      })
    )
  )
})
