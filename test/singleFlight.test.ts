// @effect-diagnostics runEffectInsideEffect:off
import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, FiberId, Ref, TestClock } from "effect"
import * as singleFlight from "../src/internal/lib/singleFlight.js"
import { assertEqual } from "./support/equality.js"
import { atEachStep, makeHolding } from "./support/scheduler.js"

/** A single flight whose effects wait for `gate`, and the number of those that have started. */
const flyingWith = Effect.fnUntraced(function*(make: typeof singleFlight.make) {
  const { run } = yield* make<string, string>()
  const started = yield* Ref.make(0)
  const interrupted = yield* Ref.make(0)
  const effect = (gate: Deferred.Deferred<string, string>) =>
    Effect.zipRight(Ref.update(started, (n) => n + 1), Deferred.await(gate)).pipe(
      Effect.onInterrupt(() => Ref.update(interrupted, (n) => n + 1))
    )
  const gate = Deferred.make<string, string>()
  return { run, effect, gate, started: Ref.get(started), interrupted: Ref.get(interrupted) }
})

const flying = flyingWith(singleFlight.make)

/** Lets every fiber run until it waits. */
const idle = Effect.repeatN(Effect.yieldNow(), 500)

/** How something ended, whichever fiber interrupted it. */
const withoutFibers = <A, E>(exit: Exit.Exit<A, E>) =>
  Exit.match(exit, {
    onSuccess: (value): unknown => value,
    onFailure: (cause) => Cause.isInterruptedOnly(cause) ? "interrupted" : Cause.squash(cause)
  })

describe("single flight", () => {
  it.effect("callers of one key share one run and its result, and callers of another key do not", () =>
    Effect.gen(function*() {
      const { effect, gate, run, started } = yield* flying
      const first = yield* gate
      const second = yield* gate
      const callers = yield* Effect.forEach([1, 2, 3], () => Effect.fork(run("a", effect(first))))
      const other = yield* Effect.fork(run("b", effect(second)))
      yield* idle
      assert.strictEqual(yield* started, 2)
      yield* Deferred.succeed(first, "one")
      yield* Deferred.fail(second, "two")
      for (const caller of callers) assert.strictEqual(yield* Fiber.join(caller), "one")
      assertEqual(yield* Effect.exit(Fiber.join(other)), Exit.fail("two"))
    }))

  it.effect("a caller that is interrupted ends at once, and the run continues for the others", () =>
    Effect.gen(function*() {
      const { effect, gate, interrupted, run } = yield* flying
      const hanging = yield* gate
      const one = yield* Effect.fork(run("a", effect(hanging)))
      const other = yield* Effect.fork(run("a", effect(hanging)))
      yield* idle
      // The test itself would time out if the caller waited for the run.
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(one)))
      assert.strictEqual(yield* interrupted, 0)
      yield* Deferred.succeed(hanging, "done")
      assert.strictEqual(yield* Fiber.join(other), "done")
    }))

  it.effect("the run is interrupted with its last caller, and the next caller starts another", () =>
    Effect.gen(function*() {
      const { effect, gate, interrupted, run, started } = yield* flying
      const hanging = yield* gate
      const callers = yield* Effect.forEach([1, 2], () => Effect.fork(run("a", effect(hanging))))
      yield* idle
      yield* Effect.forEach(callers, Fiber.interrupt)
      assert.strictEqual(yield* interrupted, 1)
      const next = yield* gate
      const caller = yield* Effect.fork(run("a", effect(next)))
      yield* idle
      assert.strictEqual(yield* started, 2)
      yield* Deferred.succeed(next, "again")
      assert.strictEqual(yield* Fiber.join(caller), "again")
    }))

  for (
    const [name, end] of [
      ["succeeded", Exit.succeed("done")],
      ["failed", Exit.fail("failed")],
      ["died", Exit.die("defect")],
      ["was interrupted by itself", Exit.interrupt(FiberId.none)]
    ] as const
  ) {
    it.effect(`a run that ${name} ends so for its callers, and is over: the next caller starts another`, () =>
      Effect.gen(function*() {
        const { effect, gate, run, started } = yield* flying
        const first = yield* gate
        const callers = yield* Effect.forEach([1, 2], () => Effect.fork(run("a", effect(first))))
        yield* idle
        yield* Deferred.done(first, end)
        for (const caller of callers) assertEqual(withoutFibers(yield* Fiber.await(caller)), withoutFibers(end))
        const next = yield* gate
        yield* Deferred.succeed(next, "next")
        assert.strictEqual(yield* run("a", effect(next)), "next")
        assert.strictEqual(yield* started, 2)
      }))
  }

  it.effect("two callers share one run, wherever one of them is suspended on its way into it", () =>
    Effect.gen(function*() {
      const steps = yield* atEachStep((suspending) =>
        Effect.gen(function*() {
          const { effect, gate, interrupted, run, started } = yield* flying
          const first = yield* gate
          const call = run("a", effect(first))
          const slow = yield* Effect.fork(Effect.withScheduler(call, suspending()))
          const other = yield* Effect.fork(call)
          yield* idle
          assert.strictEqual(yield* started, 1)
          yield* Fiber.interrupt(other)
          assert.strictEqual(yield* interrupted, 0)
          yield* Deferred.succeed(first, "done")
          assert.strictEqual(yield* Fiber.join(slow), "done")
        })
      )
      assert.isAbove(steps, 20)
    }))

  it.effect("a caller that joins while the last one leaves gets a result, wherever that one is suspended", () =>
    Effect.gen(function*() {
      const steps = yield* atEachStep((suspending) =>
        Effect.gen(function*() {
          const { effect, gate, interrupted, run, started } = yield* flying
          const hanging = yield* gate
          const leaving = yield* Effect.fork(Effect.withScheduler(run("a", effect(hanging)), suspending()))
          yield* idle
          yield* Fiber.interruptAsFork(leaving, FiberId.none)
          const next = yield* Effect.fork(run("a", effect(hanging)))
          yield* idle
          yield* Deferred.succeed(hanging, "done")
          // Before the other has left it joins that run, afterwards it starts another.
          assert.strictEqual(yield* Fiber.join(next), "done")
          assert.strictEqual(yield* started, 1 + (yield* interrupted))
        })
      )
      assert.isAbove(steps, 20)
    }))

  it.effect("a caller that is interrupted anywhere leaves nothing behind: the next one starts another run", () =>
    Effect.gen(function*() {
      const steps = yield* atEachStep((suspending) =>
        Effect.gen(function*() {
          const { effect, gate, interrupted, run, started } = yield* flying
          const hanging = yield* gate
          const ready = yield* Deferred.make<Fiber.RuntimeFiber<string, string>>()
          const interrupt = () => {
            Effect.runSync(Effect.flatMap(Deferred.await(ready), Fiber.interruptAsFork(FiberId.none)))
          }
          const caller = yield* Deferred.await(ready).pipe(
            Effect.zipRight(Effect.withScheduler(run("a", effect(hanging)), suspending(interrupt))),
            Effect.fork
          )
          yield* Deferred.succeed(ready, caller)
          yield* idle
          yield* Fiber.interrupt(caller)
          // A run may be interrupted before its first step.
          assert.isAtLeast(yield* interrupted, yield* started)
          const next = yield* gate
          yield* Deferred.succeed(next, "next")
          assert.strictEqual(yield* run("a", effect(next)), "next")
        })
      )
      assert.isAbove(steps, 20)
    }))

  /** One caller of a run gets its result and starts the next run of the key, while the other is held. */
  const overtaken = (leaves: (slow: Fiber.RuntimeFiber<string, string>) => Effect.Effect<unknown>) =>
    Effect.gen(function*() {
      const { effect, gate, run, started } = yield* flying
      const first = yield* gate
      const second = yield* gate
      const { hold, release, scheduler } = makeHolding()
      const fast = yield* Effect.fork(Effect.zipRight(run("a", effect(first)), run("a", effect(second))))
      yield* idle
      const slow = yield* Effect.fork(Effect.withScheduler(run("a", effect(first)), scheduler))
      yield* idle
      hold()
      yield* leaves(slow)
      yield* Deferred.succeed(first, "first")
      yield* idle
      assert.strictEqual(yield* started, 2)
      release()
      const end = yield* Fiber.await(slow)
      // The second run is still the one of this key, and has one caller.
      const late = yield* Effect.fork(run("a", effect(yield* gate)))
      yield* idle
      assert.strictEqual(yield* started, 2)
      yield* Deferred.succeed(second, "second")
      assert.strictEqual(yield* Fiber.join(fast), "second")
      assert.strictEqual(yield* Fiber.join(late), "second")
      return end
    })

  it.effect("a slow caller of a run that has ended does not affect the next run of the key", () =>
    Effect.gen(function*() {
      assertEqual(yield* overtaken(() => Effect.void), Exit.succeed("first"))
    }))

  it.effect("a slow caller that is interrupted as its run ends does not affect the next run of the key", () =>
    Effect.gen(function*() {
      const end = yield* overtaken((slow) => Fiber.interruptFork(slow))
      assert.strictEqual(withoutFibers(end), "interrupted")
    }))
})

describe("a detached single flight", () => {
  it.effect("continues when its last caller is interrupted, and a later caller receives its result", () =>
    Effect.gen(function*() {
      const { effect, gate, interrupted, run, started } = yield* flyingWith(singleFlight.makeDetached)
      const hanging = yield* gate
      const callers = yield* Effect.forEach([1, 2], () => Effect.fork(run("a", effect(hanging))))
      yield* idle
      for (const caller of callers) assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(caller)))
      const later = yield* Effect.fork(run("a", effect(hanging)))
      yield* idle
      yield* Deferred.succeed(hanging, "done")
      assert.strictEqual(yield* Fiber.join(later), "done")
      assert.strictEqual(yield* started, 1)
      assert.strictEqual(yield* interrupted, 0)
    }))

  it.effect("is over when it ends without a caller: the next caller starts another run", () =>
    Effect.gen(function*() {
      const { effect, gate, run, started } = yield* flyingWith(singleFlight.makeDetached)
      const first = yield* gate
      const caller = yield* Effect.fork(run("a", effect(first)))
      yield* idle
      yield* Fiber.interrupt(caller)
      yield* Deferred.fail(first, "failed")
      yield* idle
      const next = yield* gate
      yield* Deferred.succeed(next, "next")
      assert.strictEqual(yield* run("a", effect(next)), "next")
      assert.strictEqual(yield* started, 2)
    }))

  it.effect("can be interrupted by a time limit of its own, in an uninterruptible caller too", () =>
    Effect.gen(function*() {
      const { interrupted, run, effect, gate } = yield* flyingWith(singleFlight.makeDetached)
      const limited = Effect.timeoutFail(effect(yield* gate), { duration: "1 second", onTimeout: () => "too late" })
      const caller = yield* Effect.fork(Effect.uninterruptible(Effect.flip(run("a", limited))))
      yield* idle
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(caller), "too late")
      assert.strictEqual(yield* interrupted, 1)
    }))
})
