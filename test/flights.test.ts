import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Ref } from "effect"
import * as flights from "../src/internal/flights.js"
import { assertEqual } from "./support/equality.js"

/** A single flight whose effects wait for `gate`, and the number of those that have started. */
const flying = Effect.gen(function*() {
  const { join } = yield* flights.make<string, string>()
  const started = yield* Ref.make(0)
  const interrupted = yield* Ref.make(0)
  const effect = (gate: Deferred.Deferred<string, string>) =>
    Effect.zipRight(Ref.update(started, (n) => n + 1), Deferred.await(gate)).pipe(
      Effect.onInterrupt(() => Ref.update(interrupted, (n) => n + 1))
    )
  const gate = Deferred.make<string, string>()
  return { join, effect, gate, started: Ref.get(started), interrupted: Ref.get(interrupted) }
})

/** Lets every fiber run until it waits. */
const idle = Effect.repeatN(Effect.yieldNow(), 500)

describe("single flight", () => {
  it.effect("callers of one key share one run and its result, and callers of another key do not", () =>
    Effect.gen(function*() {
      const { effect, gate, join, started } = yield* flying
      const first = yield* gate
      const second = yield* gate
      const callers = yield* Effect.forEach([1, 2, 3], () => Effect.fork(join("a", effect(first))))
      const other = yield* Effect.fork(join("b", effect(second)))
      yield* idle
      assert.strictEqual(yield* started, 2)
      yield* Deferred.succeed(first, "one")
      yield* Deferred.fail(second, "two")
      for (const caller of callers) assert.strictEqual(yield* Fiber.join(caller), "one")
      assertEqual(yield* Effect.exit(Fiber.join(other)), Exit.fail("two"))
    }))

  it.effect("a caller that is interrupted ends at once, and the run goes on for the others", () =>
    Effect.gen(function*() {
      const { effect, gate, interrupted, join } = yield* flying
      const hanging = yield* gate
      const one = yield* Effect.fork(join("a", effect(hanging)))
      const other = yield* Effect.fork(join("a", effect(hanging)))
      yield* idle
      // The test itself would time out if the caller waited for the run.
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(one)))
      assert.strictEqual(yield* interrupted, 0)
      yield* Deferred.succeed(hanging, "done")
      assert.strictEqual(yield* Fiber.join(other), "done")
    }))

  it.effect("the run is interrupted with its last caller, and the next caller starts another", () =>
    Effect.gen(function*() {
      const { effect, gate, interrupted, join, started } = yield* flying
      const hanging = yield* gate
      const callers = yield* Effect.forEach([1, 2], () => Effect.fork(join("a", effect(hanging))))
      yield* idle
      yield* Effect.forEach(callers, Fiber.interrupt)
      assert.strictEqual(yield* interrupted, 1)
      const next = yield* gate
      const caller = yield* Effect.fork(join("a", effect(next)))
      yield* idle
      assert.strictEqual(yield* started, 2)
      yield* Deferred.succeed(next, "again")
      assert.strictEqual(yield* Fiber.join(caller), "again")
    }))

  it.effect("a caller after the end of a run starts another", () =>
    Effect.gen(function*() {
      const { effect, gate, join, started } = yield* flying
      const done = yield* gate
      yield* Deferred.succeed(done, "done")
      yield* join("a", effect(done))
      yield* join("a", effect(done))
      assert.strictEqual(yield* started, 2)
    }))

  /** One caller of a first run starts a second run before the other, which is slow, has left the first. */
  const overtaken = (leaves: (slow: Fiber.RuntimeFiber<string, string>) => Effect.Effect<unknown>) =>
    Effect.gen(function*() {
      const { effect, gate, join, started } = yield* flying
      const first = yield* gate
      const second = yield* gate
      const fast = yield* Effect.fork(Effect.zipRight(join("a", effect(first)), join("a", effect(second))))
      const slow = yield* join("a", effect(first)).pipe(Effect.withMaxOpsBeforeYield(8), Effect.fork)
      yield* idle
      yield* leaves(slow)
      yield* Deferred.succeed(first, "first")
      yield* Fiber.await(slow)
      yield* idle
      assert.strictEqual(yield* started, 2)
      // The second run is still the one of this key.
      const late = yield* Effect.fork(join("a", effect(yield* gate)))
      yield* idle
      assert.strictEqual(yield* started, 2)
      yield* Deferred.succeed(second, "second")
      assert.strictEqual(yield* Fiber.join(fast), "second")
      assert.strictEqual(yield* Fiber.join(late), "second")
    })

  it.effect("a slow caller of a run that has ended does not affect the next run of the key", () =>
    overtaken(() => Effect.void))

  it.effect("a slow caller that is interrupted as its run ends does not affect the next run of the key", () =>
    overtaken((slow) => Fiber.interruptFork(slow)))
})
