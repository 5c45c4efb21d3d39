import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber } from "effect"
import * as oncePerKey from "../src/internal/lib/oncePerKey.js"
import { assertEqual } from "./support/equality.js"

/** Lets every fiber run until it waits. */
const idle = Effect.repeatN(Effect.yieldNow(), 100)

/** An effect that waits for a gate, and the callers that have run it. */
const setUp = Effect.gen(function*() {
  const once = oncePerKey.make<object, string>()
  const gate = yield* Deferred.make<void, string>()
  const ran: Array<string> = []
  const call = (key: object, name: string) =>
    Effect.fork(once(key, Effect.zipRight(Effect.sync(() => ran.push(name)), Deferred.await(gate))))
  return { once, gate, ran, call }
})

describe("an effect that runs once for each key", () => {
  it.effect("runs in the first call, and the others wait for its end", () =>
    Effect.gen(function*() {
      const { call, gate, once, ran } = yield* setUp
      const [key, other] = [{}, {}]
      const calls = [yield* call(key, "a"), yield* call(key, "b"), yield* call(other, "c")]
      yield* idle
      assertEqual(ran, ["a", "c"])
      assertEqual(calls.map((fiber) => fiber.unsafePoll()), [null, null, null])
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.joinAll(calls)
      yield* once(key, Effect.dieMessage("it ran twice"))
      assertEqual(ran, ["a", "c"])
    }))

  it.effect("fails every call with its failure or defect, also later ones", () =>
    Effect.gen(function*() {
      const { call, gate, once, ran } = yield* setUp
      const key = {}
      const calls = [yield* call(key, "a"), yield* call(key, "b")]
      yield* Deferred.fail(gate, "no")
      for (const fiber of calls) assertEqual(yield* Fiber.await(fiber), Exit.fail("no"))
      assertEqual(yield* Effect.exit(once(key, Effect.void)), Exit.fail("no"))
      assertEqual(ran, ["a"])
      const dying = {}
      assert.isTrue(Exit.isFailure(yield* Effect.exit(once(dying, Effect.die("defect")))))
      const again = yield* Effect.exit(once(dying, Effect.void))
      assertEqual(Exit.isFailure(again) ? Cause.squash(again.cause) : undefined, "defect")
    }))

  it.effect("fails every call with its failure, also if it has interrupted other parts of itself", () =>
    Effect.gen(function*() {
      const once = oncePerKey.make<object, string>()
      const key = {}
      let runs = 0
      const both = Effect.suspend(() => {
        runs++
        return Effect.zip(Effect.zipRight(Effect.yieldNow(), Effect.fail("no")), Effect.never, { concurrent: true })
      })
      const calls = yield* Effect.forEach([1, 2, 3], () => Effect.fork(once(key, both)))
      for (const fiber of calls) {
        const exit = yield* Fiber.await(fiber)
        assertEqual(Exit.isFailure(exit) ? [...Cause.failures(exit.cause)] : [], ["no"])
      }
      assert.strictEqual(runs, 1)
    }))

  it.effect("runs in the next call if the one that runs it is interrupted, and never in one that was interrupted before", () =>
    Effect.gen(function*() {
      const { call, gate, ran } = yield* setUp
      const key = {}
      const [first, second, third] = [yield* call(key, "a"), yield* call(key, "b"), yield* call(key, "c")]
      yield* idle
      yield* Fiber.interrupt(second)
      assertEqual(ran, ["a"])
      yield* Fiber.interrupt(first)
      yield* idle
      assertEqual(ran, ["a", "c"])
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(third)
    }))

  it.effect("runs again after all its calls were interrupted", () =>
    Effect.gen(function*() {
      const { call, once, ran } = yield* setUp
      const key = {}
      yield* Fiber.interrupt(yield* Effect.tap(call(key, "a"), idle))
      yield* once(key, Effect.sync(() => ran.push("b")))
      assertEqual(ran, ["a", "b"])
    }))
})
