import { assert, describe, it } from "@effect/vitest"
import {
  Cause,
  Chunk,
  Context,
  Deferred,
  Duration,
  Effect,
  Equal,
  Exit,
  Fiber,
  FiberId,
  FiberRef,
  Layer,
  Logger,
  LogLevel,
  Supervisor,
  TestClock
} from "effect"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { makeCancelledPromise, timeLimit } from "../src/internal/lib/timeLimit.js"
import { assertEqual } from "./support/equality.js"
import { countingSleeps } from "./support/manualClock.js"

const limit = Duration.seconds(10)

const within = timeLimit({ duration: limit, onTimeout: () => "too late" as const })

/** Notes when it begins and how it ends. */
const noting = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const begun = yield* Deferred.make<void>()
    const ended = yield* Deferred.make<Exit.Exit<A, E>>()
    const effect = Effect.onExit(
      Effect.zipRight(Deferred.succeed(begun, undefined), self),
      (exit) => Deferred.succeed(ended, exit)
    )
    return { effect, begun: Deferred.await(begun), ended: Deferred.await(ended), isOver: Deferred.isDone(ended) }
  })

/** Runs a test, and checks that no fiber of its body is alive at the end. */
const leavingNoFiber = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const supervisor = yield* Supervisor.track
    const result = yield* Effect.supervised(self, supervisor)
    // A fiber that is interrupted needs a turn of its own to end.
    yield* Effect.yieldNow()
    assert.strictEqual((yield* supervisor.value).length, 0, "a fiber is left")
    return result
  })

const same = <A, E>(actual: Exit.Exit<A, E>, expected: Exit.Exit<A, E>) =>
  assert.isTrue(Equal.equals(actual, expected), `${String(actual)} is not ${String(expected)}`)

const regions = [
  ["an interruptible region", Effect.interruptible],
  ["an uninterruptible region", Effect.uninterruptible]
] as const

describe("a time limit", () => {
  for (const [where, region] of regions) {
    it.effect(`in ${where} fails with its error when time is up, and interrupts the effect`, () =>
      leavingNoFiber(Effect.gen(function*() {
        const slow = yield* noting(Effect.never)
        const fiber = yield* Effect.fork(region(within(slow.effect)))
        yield* slow.begun
        yield* TestClock.adjust("9 seconds")
        assert.isNull(fiber.unsafePoll())
        yield* TestClock.adjust("1 seconds")
        same(yield* Fiber.await(fiber), Exit.fail("too late"))
        assert.isTrue(Exit.isInterrupted(yield* slow.ended))
      })))

    it.effect(`in ${where} waits for what the effect does when it is interrupted`, () =>
      leavingNoFiber(Effect.gen(function*() {
        const cleanUp = yield* noting(Effect.sleep("1 seconds"))
        const fiber = yield* Effect.fork(region(within(Effect.onInterrupt(Effect.never, () => cleanUp.effect))))
        yield* TestClock.adjust(limit)
        yield* cleanUp.begun
        assert.isNull(fiber.unsafePoll())
        yield* TestClock.adjust("1 seconds")
        same(yield* Fiber.await(fiber), Exit.fail("too late"))
      })))

    it.effect(`in ${where} aborts the signal of a promise when time is up`, () =>
      leavingNoFiber(Effect.gen(function*() {
        const begun = yield* Deferred.make<AbortSignal>()
        const fiber = yield* Effect.fork(region(within(Effect.promise((signal) => {
          Deferred.unsafeDone(begun, Effect.succeed(signal))
          return new Promise<never>(() => {})
        }))))
        const signal = yield* Deferred.await(begun)
        assert.isFalse(signal.aborted)
        yield* TestClock.adjust(limit)
        same(yield* Fiber.await(fiber), Exit.fail("too late"))
        assert.isTrue(signal.aborted)
      })))

    it.effect(`in ${where} passes on a result, a failure, a defect and an interruption`, () =>
      leavingNoFiber(Effect.gen(function*() {
        const of = <A, E>(effect: Effect.Effect<A, E>) => Effect.exit(region(within(effect)))
        same(yield* of(Effect.succeed(1)), Exit.succeed(1))
        same(yield* of(Effect.fail("no")), Exit.fail("no"))
        same(yield* of(Effect.die("bug")), Exit.die("bug"))
        assert.isTrue(Exit.isInterrupted(yield* of(Effect.interrupt)))
        // What sleeps ends by the same clock as the limit.
        const fiber = yield* Effect.fork(of(Effect.as(Effect.sleep("9 seconds"), 1)))
        yield* TestClock.adjust("9 seconds")
        same(yield* Fiber.join(fiber), Exit.succeed(1))
      })))

    it.live(`in ${where} holds by the real clock too`, () =>
      leavingNoFiber(Effect.gen(function*() {
        const short = timeLimit({ duration: Duration.millis(20), onTimeout: () => "too late" })
        same(yield* Effect.exit(region(short(Effect.never))), Exit.fail("too late"))
      })))

    it.scoped(`in ${where} gives the effect the services, the fiber references and the span of the caller`, () =>
      Effect.gen(function*() {
        class Name extends Context.Tag("Name")<Name, string>() {}
        const ref = yield* FiberRef.make("unset")
        const seen = yield* region(within(Effect.gen(function*() {
          const found = [yield* Name, yield* FiberRef.get(ref), (yield* Effect.currentSpan).name]
          const annotations = yield* Effect.logAnnotations
          yield* FiberRef.set(ref, "changed")
          return [...found, ...annotations]
        }))).pipe(
          Effect.zip(FiberRef.get(ref)),
          Effect.locally(ref, "set"),
          Effect.provideService(Name, "service"),
          Effect.withSpan("span"),
          Effect.annotateLogs("key", "value")
        )
        assertEqual(seen, [["service", "set", "span", ["key", "value"]], "changed"])
      }))
  }

  it.effect("does not let the interruption of the caller into an uninterruptible region", () =>
    leavingNoFiber(Effect.gen(function*() {
      const slow = yield* noting(Effect.as(Effect.sleep("4 seconds"), "done"))
      const caller = yield* noting(within(slow.effect))
      const fiber = yield* Effect.fork(Effect.uninterruptible(caller.effect))
      yield* slow.begun
      yield* Fiber.interruptFork(fiber)
      yield* TestClock.adjust("2 seconds")
      assert.isFalse(yield* slow.isOver)
      yield* TestClock.adjust("2 seconds")
      same(yield* slow.ended, Exit.succeed("done"))
      same(yield* caller.ended, Exit.succeed("done"))
      yield* Fiber.await(fiber)
    })))

  it.effect("still holds in an uninterruptible region after the caller was interrupted", () =>
    leavingNoFiber(Effect.gen(function*() {
      const slow = yield* noting(Effect.never)
      const caller = yield* noting(within(slow.effect))
      const fiber = yield* Effect.fork(Effect.uninterruptible(caller.effect))
      yield* slow.begun
      yield* Fiber.interruptFork(fiber)
      yield* TestClock.adjust(limit)
      same(yield* caller.ended, Exit.fail("too late"))
      yield* Fiber.await(fiber)
    })))

  it.effect("interrupts the effect at once when the caller is interrupted where it may be", () =>
    leavingNoFiber(Effect.gen(function*() {
      const slow = yield* noting(Effect.never)
      const fiber = yield* Effect.fork(within(slow.effect))
      yield* slow.begun
      const by = FiberId.runtime(499, 0)
      const exit = yield* Fiber.interruptAs(fiber, by)
      // The clock has not moved, and the caller waits until the effect has ended.
      assert.isTrue(yield* slow.isOver)
      assert.isTrue(Exit.isFailure(exit))
      if (Exit.isFailure(exit)) assert.include([...Cause.interruptors(exit.cause)], by)
    })))

  it.effect("interrupts the effect where an uninterruptible region is made interruptible again", () =>
    leavingNoFiber(Effect.gen(function*() {
      const slow = yield* noting(Effect.never)
      const fiber = yield* Effect.fork(Effect.uninterruptibleMask((restore) => restore(within(slow.effect))))
      yield* slow.begun
      yield* Fiber.interrupt(fiber)
      assert.isTrue(Exit.isInterrupted(yield* slow.ended))
    })))

  it.effect("does not begin for a caller that is interrupted already", () =>
    leavingNoFiber(Effect.gen(function*() {
      let isBegun = false
      const slow = Effect.zipRight(Effect.sync(() => isBegun = true), Effect.never)
      const fiber = yield* Effect.fork(
        Effect.uninterruptibleMask((restore) => Effect.zipRight(Effect.sleep("1 seconds"), restore(within(slow))))
      )
      yield* Effect.yieldNow()
      yield* Fiber.interruptFork(fiber)
      yield* TestClock.adjust("1 seconds")
      assert.isTrue(Exit.isInterrupted(yield* Fiber.await(fiber)))
      assert.isFalse(isBegun)
    })))

  it.effect("that is infinite limits nothing", () =>
    leavingNoFiber(Effect.gen(function*() {
      const unlimited = timeLimit({ duration: Duration.infinity, onTimeout: () => "too late" })
      const fiber = yield* Effect.fork(unlimited(Effect.as(Effect.sleep("365 days"), "done")))
      yield* TestClock.adjust("365 days")
      assert.strictEqual(yield* Fiber.join(fiber), "done")
      assert.isTrue(Chunk.isEmpty(yield* TestClock.sleeps()))
    })))

  it.effect("logs no error as unhandled", () =>
    Effect.gen(function*() {
      const lines: Array<unknown> = []
      const logger = Logger.replace(Logger.defaultLogger, Logger.make(({ message }) => lines.push(message)))
      yield* Effect.exit(Effect.uninterruptible(within(Effect.fail("no")))).pipe(
        Effect.zipRight(Effect.logDebug("seen")),
        Effect.provide(Layer.merge(logger, Logger.minimumLogLevel(LogLevel.All)))
      )
      assertEqual(lines, [["seen"]])
    }))

  it("is the only one in the source: no other module uses the limits of Effect, under any name", () => {
    const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"))
    const users = files.filter((name) =>
      /\b[A-Z]\w*\.timeout\w*|\bimport\s*\{[^}]*\btimeout(Fail|FailCause|Option|To)?\b/.test(
        readFileSync(join("src", name), "utf8")
      )
    )
    assert.isAtLeast(files.length, 100)
    assertEqual(users, [join("internal", "lib", "timeLimit.ts")])
  })
})

describe("a promise with a time limit", () => {
  const tryPromise = makeCancelledPromise(limit, () => new AbortController())

  /** A promise that a test settles, and the signal that it was started with. */
  const pending = () => {
    let settle = { resolve: (_: string) => {}, reject: (_: unknown) => {} }
    const signals: Array<AbortSignal> = []
    const effect = tryPromise<string, readonly [string, unknown]>({
      onTimeout: () => ["too late", signals[0]?.aborted],
      catch: (thrown, now) => [String(thrown), now],
      try: (signal) => {
        signals.push(signal)
        return new Promise<string>((resolve, reject) => {
          settle = { resolve, reject }
        })
      }
    })
    return {
      effect,
      signals,
      resolve: (value: string) => settle.resolve(value),
      reject: (e: unknown) => settle.reject(e)
    }
  }

  /** Runs a promise, and checks that no sleep of its timer is left 10 ms later, which would keep the process running. */
  const leavingNoSleep = <A, E, R>(self: Effect.Effect<A, E, R>) =>
    Effect.gen(function*() {
      const { clock, sleeps } = yield* countingSleeps
      const exit = yield* Effect.exit(Effect.withClock(self, clock))
      yield* Effect.repeatN(Effect.yieldNow(), 20)
      yield* TestClock.adjust("10 millis")
      yield* Effect.repeatN(Effect.yieldNow(), 20)
      assert.strictEqual(sleeps.pending, 0, "a sleep is left")
      return yield* exit
    })

  const begun = ({ signals }: { readonly signals: ReadonlyArray<AbortSignal> }) =>
    Effect.yieldNow().pipe(Effect.repeat({ until: () => signals.length > 0 }))

  for (const [where, region] of regions) {
    it.effect(`in ${where} fails with the error of the limit when time is up, and its signal is aborted`, () =>
      leavingNoFiber(Effect.gen(function*() {
        const slow = pending()
        const fiber = yield* Effect.fork(region(slow.effect))
        yield* begun(slow)
        yield* TestClock.adjust("9 seconds")
        assert.isNull(fiber.unsafePoll())
        assert.isFalse(slow.signals[0]?.aborted)
        yield* TestClock.adjust("1 seconds")
        assert.strictEqual(String((yield* Effect.flip(Fiber.join(fiber)))[0]), "too late")
        assert.isTrue(slow.signals[0]?.aborted)
        // What the promise does later has no effect.
        slow.reject("no")
        yield* Effect.yieldNow()
      })))

    it.effect(`in ${where} passes on a result, a rejection and a throw, and leaves no sleep`, () =>
      Effect.gen(function*() {
        yield* TestClock.adjust("7 seconds")
        const resolved = pending()
        const one = yield* Effect.fork(leavingNoSleep(region(resolved.effect)))
        yield* begun(resolved)
        resolved.resolve("done")
        same(yield* Fiber.await(one), Exit.succeed("done"))
        const rejected = pending()
        const two = yield* Effect.fork(leavingNoSleep(region(rejected.effect)))
        yield* begun(rejected)
        rejected.reject("no")
        // The second member is the time of the caller's clock.
        assertEqual(yield* Effect.flip(Fiber.join(two)), ["no", 7010])
        const thrown = tryPromise({
          onTimeout: () => "too late",
          catch: String,
          try: () => {
            throw "thrown"
          }
        })
        same(yield* Effect.exit(leavingNoSleep(region(thrown))), Exit.fail("thrown"))
        for (const { signals } of [resolved, rejected]) assert.isFalse(signals[0]?.aborted)
      }))
  }

  it.effect("aborts its signal and stops its timer when the caller is interrupted where it can be", () =>
    Effect.gen(function*() {
      const slow = pending()
      const interrupted = Effect.gen(function*() {
        const fiber = yield* Effect.fork(slow.effect)
        yield* begun(slow)
        yield* Fiber.interrupt(fiber)
      })
      yield* leavingNoSleep(interrupted)
      assert.isTrue(slow.signals[0]?.aborted)
    }))

  it.effect("does not let the interruption of the caller into an uninterruptible region, where the limit still holds", () =>
    leavingNoFiber(Effect.gen(function*() {
      const slow = pending()
      const caller = yield* noting(slow.effect)
      const fiber = yield* Effect.fork(Effect.uninterruptible(caller.effect))
      yield* begun(slow)
      yield* Fiber.interruptFork(fiber)
      yield* TestClock.adjust("9 seconds")
      assert.isFalse(slow.signals[0]?.aborted)
      yield* TestClock.adjust("1 seconds")
      assert.isTrue(Exit.isFailure(yield* caller.ended))
      assert.isTrue(slow.signals[0]?.aborted)
      yield* Fiber.await(fiber)
    })))

  it.effect("does not begin for a caller that is interrupted already", () =>
    leavingNoFiber(Effect.gen(function*() {
      const slow = pending()
      const fiber = yield* Effect.fork(
        Effect.uninterruptibleMask((restore) => Effect.zipRight(Effect.sleep("1 seconds"), restore(slow.effect)))
      )
      yield* Effect.yieldNow()
      yield* Fiber.interruptFork(fiber)
      yield* TestClock.adjust("1 seconds")
      assert.isTrue(Exit.isInterrupted(yield* Fiber.await(fiber)))
      assert.lengthOf(slow.signals, 0)
    })))

  it.effect("shares the sleep of its timer with the next promise of the same fiber, which has its own limit", () =>
    Effect.gen(function*() {
      const { clock, sleeps } = yield* countingSleeps
      const one = pending()
      const two = pending()
      const both = Effect.zipRight(one.effect, two.effect)
      const fiber = yield* Effect.fork(Effect.flip(Effect.withClock(both, clock)))
      yield* begun(one)
      yield* TestClock.adjust("6 seconds")
      one.resolve("done")
      yield* begun(two)
      yield* TestClock.adjust("10 millis")
      // One of them, which has ended, would have stopped the timer.
      assertEqual(sleeps, { started: 2, pending: 1 })
      yield* TestClock.adjust("4 seconds")
      assert.isNull(fiber.unsafePoll())
      yield* TestClock.adjust("5989 millis")
      assert.isNull(fiber.unsafePoll())
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* Fiber.join(fiber))[0], "too late")
    }))

  it.effect("has no timer if the limit is infinite", () =>
    Effect.gen(function*() {
      const unlimited = makeCancelledPromise(Duration.infinity, () => new AbortController())({
        onTimeout: () => "too late",
        catch: String,
        try: async () => "done"
      })
      assert.strictEqual(yield* unlimited, "done")
      assert.isTrue(Chunk.isEmpty(yield* TestClock.sleeps()))
    }))
})
