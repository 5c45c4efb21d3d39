import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Duration, Effect, Exit, Fiber, Ref, TestClock } from "effect"
import * as loadOnUse from "../src/internal/aws/loadOnUse.js"
import { assertContains, assertEqual } from "./support/equality.js"

const limit = Duration.seconds(10)

/** A value that waits for `gate`, and the number of attempts to make it. */
const gated = Effect.gen(function*() {
  const gate = yield* Deferred.make<string>()
  const attempts = yield* Ref.make(0)
  const value = yield* loadOnUse.make(
    Effect.zipRight(Ref.update(attempts, (count) => count + 1), Deferred.await(gate)),
    limit
  )
  return { gate, attempts: Ref.get(attempts), use: value("GetTokenVault") }
})

describe("a value that is made at its first use", () => {
  it.scoped("is not made before", () =>
    Effect.gen(function*() {
      const { attempts } = yield* gated
      yield* Effect.yieldNow()
      assert.strictEqual(yield* attempts, 0)
    }))

  it.scoped("is made once for concurrent first uses, and kept", () =>
    Effect.gen(function*() {
      const { attempts, gate, use } = yield* gated
      const fibers = yield* Effect.forEach(Array.from({ length: 20 }), () => Effect.fork(use))
      yield* Effect.yieldNow()
      yield* Deferred.succeed(gate, "client")
      assertEqual(yield* Fiber.join(Fiber.all(fibers)), Array.from({ length: 20 }, () => "client"))
      assert.strictEqual(yield* use, "client")
      assert.strictEqual(yield* attempts, 1)
    }))

  it.scoped("is made for the others when the first caller is interrupted, which ends at once", () =>
    Effect.gen(function*() {
      const { attempts, gate, use } = yield* gated
      const first = yield* Effect.fork(use)
      const second = yield* Effect.fork(use)
      yield* Effect.yieldNow()
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(first)))
      yield* Deferred.succeed(gate, "client")
      assert.strictEqual(yield* Fiber.join(second), "client")
      assert.strictEqual(yield* attempts, 1)
    }))

  it.scoped("is made again after an attempt that failed", () =>
    Effect.gen(function*() {
      const { attempts, gate, use } = yield* gated
      yield* Deferred.die(gate, new Error("no such file"))
      const failed = yield* Effect.exit(use)
      assert.isTrue(Exit.isFailure(failed) && Cause.isDie(failed.cause))
      yield* Effect.exit(use)
      assert.strictEqual(yield* attempts, 2)
    }))

  for (
    const [region, within] of [["", Effect.interruptible], [
      " that cannot be interrupted",
      Effect.uninterruptible
    ]] as const
  ) {
    it.scoped(`fails with a time-out after the time limit in a region${region}, and serves later uses`, () =>
      Effect.gen(function*() {
        const { attempts, gate, use } = yield* gated
        const late = yield* Effect.fork(within(Effect.flip(use)))
        yield* TestClock.adjust("9 seconds")
        assert.isNull(late.unsafePoll())
        yield* TestClock.adjust("1 second")
        assertContains(yield* Fiber.join(late), {
          _tag: "TransportFailure",
          operation: "GetTokenVault",
          reason: "Timeout",
          message: "nothing was sent: the client was not loaded within 10s. Try again"
        })
        yield* Deferred.succeed(gate, "client")
        assert.strictEqual(yield* use, "client")
        assert.strictEqual(yield* attempts, 1)
      }))
  }
})
