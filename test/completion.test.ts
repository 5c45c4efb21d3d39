// @effect-diagnostics anyUnknownInErrorContext:off
import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, Logger, LogLevel, type Scope, TestClock } from "effect"
import type { ProviderFailure } from "../src/IdentityControls.js"
import { ProviderError } from "../src/internal/emulator/state/issuer.js"
import { assertContains, assertEqual } from "./support/equality.js"
import { type Arrival } from "./support/issuer.js"
import * as stub from "./support/issuer.js"

type World = Effect.Effect.Success<ReturnType<typeof stub.world>>

const quiet = Logger.withMinimumLogLevel(LogLevel.None)

const both = (name: string, body: (world: World, hasBrowser: boolean) => Effect.Effect<void, unknown, Scope.Scope>) => {
  for (const hasBrowser of [false, true]) {
    it.scoped(`${name} (${hasBrowser ? "with an authorization code" : "without a code"})`, () =>
      Effect.flatMap(stub.world({ hasBrowser }), (world) => body(world, hasBrowser)).pipe(quiet))
  }
}

const issue = (arrival: Arrival, accessToken = "ada-1") =>
  Deferred.succeed(arrival.answer, stub.token(accessToken, { refreshToken: "refresh-1" }))

const statuses = ({ controls }: Pick<World, "controls">) =>
  Effect.map(controls.sessions, (all) => all.map(({ status }) => status))

/** Lets fibers run until all of them wait. */
const idle = Effect.yieldNow().pipe(Effect.repeatN(50))

describe("while a session is completed", () => {
  both("a second completion is rejected, and a poll is in progress", (world) =>
    Effect.gen(function*() {
      const { complete, poll } = yield* world.approved("ada")
      const first = yield* Effect.fork(complete)
      const arrival = yield* world.arrival
      assert.strictEqual((yield* Effect.flip(complete))._tag, "AccessDenied")
      assert.strictEqual(stub.shown(yield* poll), "IN_PROGRESS")
      assertEqual(yield* statuses(world), ["approved"])
      assert.strictEqual(yield* world.waiting, 0)
      assert.isTrue(arrival.isInterruptible)
      yield* issue(arrival)
      assertEqual(yield* Fiber.join(first), {})
      assertEqual(yield* statuses(world), ["completed"])
      assert.strictEqual(stub.shown(yield* poll), "ada-1")
      assert.strictEqual(stub.shown(yield* world.ask("ada")), "ada-1")
      assert.strictEqual((yield* Effect.flip(complete))._tag, "AccessDenied")
    }))

  both("it cannot be denied, approved or expired", (world) =>
    Effect.gen(function*() {
      const { complete, sessionUri } = yield* world.approved("ada")
      const first = yield* Effect.fork(complete)
      const arrival = yield* world.arrival
      const { controls } = world
      for (const change of [controls.deny(sessionUri), controls.expireSession(sessionUri)]) {
        assert.strictEqual((yield* Effect.flip(change))._tag, "SessionNotPending")
      }
      yield* issue(arrival)
      yield* Fiber.join(first)
    }))

  both("its lifetime may end: the issued token is stored", (world) =>
    Effect.gen(function*() {
      const { complete, poll } = yield* world.approved("ada")
      const first = yield* Effect.fork(complete)
      const arrival = yield* world.arrival
      yield* TestClock.adjust("11 minutes")
      yield* issue(arrival)
      yield* Fiber.join(first)
      assert.strictEqual(stub.shown(yield* poll), "ada-1")
    }))

  const deletions = {
    "the provider": ({ api }: World) =>
      Effect.zipRight(
        api.deleteOauth2CredentialProvider({ name: stub.providerName }),
        api.createOauth2CredentialProvider(stub.provider("secret"))
      ),
    "the workload identity": ({ api }: World) =>
      Effect.zipRight(
        api.deleteWorkloadIdentity({ name: stub.workloadName }),
        api.createWorkloadIdentity({
          name: stub.workloadName,
          allowedResourceOauth2ReturnUrls: [stub.returnUrl]
        })
      )
  }

  for (const [what, deleted] of Object.entries(deletions)) {
    both(
      `${what} may be deleted and created again: no grant and no session remains, and the completion is rejected`,
      (world) =>
        Effect.gen(function*() {
          const { complete, poll } = yield* world.approved("ada")
          const first = yield* Effect.fork(Effect.flip(complete))
          const arrival = yield* world.arrival
          yield* deleted(world)
          yield* issue(arrival)
          assertContains(yield* Fiber.join(first), { _tag: "AccessDenied", message: "Invalid or expired session" })
          assertEqual(yield* world.controls.grants, [])
          assertEqual(yield* world.controls.sessions, [])
          assert.strictEqual((yield* Effect.flip(poll))._tag, "AccessDenied")
          assert.strictEqual(stub.shown(yield* world.ask("ada")), "IN_PROGRESS")
        })
    )
  }

  both("a failure of the vendor is reported even if the session was deleted", (world) =>
    Effect.gen(function*() {
      const { complete } = yield* world.approved("ada")
      const first = yield* Effect.fork(Effect.flip(complete))
      const { answer } = yield* world.arrival
      yield* world.api.deleteWorkloadIdentity({ name: stub.workloadName })
      yield* Deferred.fail(answer, new ProviderError({ step: "token", reason: "Refused" }))
      assert.strictEqual((yield* Fiber.join(first)).message, "Failed to retrieve token")
      assertEqual(yield* world.controls.sessions, [])
    }))

  both("the completion can be interrupted", (world, hasBrowser) =>
    Effect.gen(function*() {
      const { complete } = yield* world.approved("ada")
      const first = yield* Effect.fork(complete)
      const arrival = yield* world.arrival
      yield* Fiber.interrupt(first)
      if (hasBrowser) {
        // A code can be used once, so its exchange continues.
        assert.strictEqual((yield* Effect.flip(complete))._tag, "AccessDenied")
        yield* issue(arrival)
        yield* idle
        assert.strictEqual(stub.shown(yield* world.ask("ada")), "ada-1")
        assertEqual(yield* statuses(world), ["completed"])
        return
      }
      // Nothing was sent to the vendor, so the session can be completed again.
      const second = yield* Effect.fork(complete)
      yield* issue(yield* world.arrival, "ada-2")
      yield* Fiber.join(second)
      assert.strictEqual(stub.shown(yield* world.ask("ada")), "ada-2")
    }))

  both("a defect of the issuer fails the session", (world) =>
    Effect.gen(function*() {
      const { complete, poll } = yield* world.approved("ada")
      const first = yield* Effect.fork(complete)
      yield* Deferred.die((yield* world.arrival).answer, "broken")
      const exit = yield* Fiber.await(first)
      assert.isTrue(Exit.isFailure(exit) && Cause.isDie(exit.cause))
      assertEqual(yield* statuses(world), ["failed"])
      assert.strictEqual(stub.shown(yield* poll), "FAILED")
      assert.strictEqual((yield* Effect.flip(complete))._tag, "AccessDenied")
      assertEqual(yield* world.controls.grants, [])
    }))

  /** Every reason, and if the code may have been redeemed. */
  const reasons: { readonly [Reason in ProviderFailure["reason"]]: boolean } = {
    Refused: true,
    Lost: true,
    TimedOut: true,
    Redirected: true,
    TooLarge: true,
    Malformed: true,
    Unreachable: false,
    Certificate: false,
    Forbidden: false,
    Misconfigured: false
  }

  for (const [reason, isSpent] of Object.entries(reasons)) {
    for (const step of ["token", "discovery"] as const) {
      const isFinal = isSpent && step === "token"
      both(
        `a ${step} request that is ${reason} ${isFinal ? "fails the session" : "leaves the session to be completed"}`,
        (world) =>
          Effect.gen(function*() {
            const { complete, poll } = yield* world.approved("ada")
            const first = yield* Effect.fork(Effect.flip(complete))
            yield* Deferred.fail(
              (yield* world.arrival).answer,
              new ProviderError({ step, reason: reason as ProviderFailure["reason"], error: "the_error" })
            )
            assertContains(yield* Fiber.join(first), { _tag: "ValidationError", message: "Failed to retrieve token" })
            assertContains((yield* world.controls.providerFailures)[0], {
              providerName: stub.providerName,
              step,
              reason,
              error: "the_error"
            })
            assert.strictEqual(stub.shown(yield* poll), isFinal ? "FAILED" : "IN_PROGRESS")
            if (isFinal) {
              assert.strictEqual((yield* Effect.flip(complete))._tag, "AccessDenied")
              return
            }
            const second = yield* Effect.fork(complete)
            yield* issue(yield* world.arrival)
            yield* Fiber.join(second)
            assert.strictEqual(stub.shown(yield* poll), "ada-1")
          })
      )
    }
  }
})
