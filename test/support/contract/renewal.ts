import { assert } from "@effect/vitest"
import { Clock, Deferred, Effect, Fiber, Redacted, Ref, Schedule } from "effect"
import * as Consent from "../../../src/Consent.js"
import * as IdentityControls from "../../../src/IdentityControls.js"
import type * as IdentityError from "../../../src/IdentityError.js"
import * as WorkloadAccessToken from "../../../src/WorkloadAccessToken.js"
import { agent, asUser, jwt, workloadName } from "../agent.js"
import { unhurried } from "../clock.js"
import { assertEqual } from "../equality.js"
import { section } from "./section.js"

/** Number of calls of these operations. */
const count = (...operations: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const { journal } = yield* IdentityControls.IdentityControls
    return (yield* journal).filter(({ operation }) => operations.includes(operation)).length
  })

const mints = count("getWorkloadAccessTokenForUserId", "getWorkloadAccessTokenForJWT")

/** A JWT of one user that expires in five minutes. */
const fiveMinutes = Effect.map(
  Clock.currentTimeMillis,
  (now) => jwt({ iss: "https://issuer.example", sub: "ada", exp: Math.floor(now / 1000) + 300 })
)

/** A call that waits for consent with the token of this user, and the consent that it shows. */
const waiting = (userToken: Redacted.Redacted | Effect.Effect<Redacted.Redacted>) =>
  Effect.gen(function*() {
    const { identity } = yield* agent
    const shown = yield* Deferred.make<IdentityError.ConsentRequired>()
    const consent = Consent.wait({
      onAuthUrl: (_, consent) => Deferred.succeed(shown, consent),
      tokenPoller: Schedule.spaced("30 seconds")
    })
    const fiber = yield* Effect.fork(
      Effect.flatMap(
        WorkloadAccessToken.WorkloadAccessToken,
        (workloadAccessToken) => identity.getToken({ ...asUser, workloadAccessToken, consent })
      ).pipe(Effect.provide(WorkloadAccessToken.layer({ workloadName, userToken })))
    )
    return { fiber, shown: Deferred.await(shown) }
  })

const approveAndComplete = Effect.fn(function*({ sessionUri }: IdentityError.ConsentRequired) {
  const { approve, complete } = yield* IdentityControls.IdentityControls
  yield* approve(sessionUri)
  yield* complete(sessionUri)
}, unhurried)

/** Workload access tokens that expire while a program runs, on every layer. */
export const renewal = section("renewal", (test) => {
  test(
    "a program that runs for two hours receives its tokens and keys all the time",
    Effect.gen(function*() {
      const { identity } = yield* agent
      const before = yield* mints
      yield* Effect.gen(function*() {
        const workloadAccessToken = yield* WorkloadAccessToken.WorkloadAccessToken
        const turn = Effect.all([
          identity.getToken({ providerName: "github", scopes: [], authFlow: "M2M", workloadAccessToken }),
          identity.getApiKey({ providerName: "weather", workloadAccessToken })
        ], { concurrency: "unbounded" })
        yield* Effect.repeat(Effect.zipRight(turn, Effect.sleep("10 minutes")), { times: 12 })
      }).pipe(Effect.provide(WorkloadAccessToken.layer({ workloadName, userId: "grace" })))
      // A token lasts for one hour here.
      assert.strictEqual((yield* mints) - before, 3)
    })
  )

  test(
    "a wait of nine minutes continues its session with fresh JWTs that last for five",
    Effect.gen(function*() {
      const jwts = yield* Ref.make(0)
      const userToken = Effect.zipRight(Ref.update(jwts, (n) => n + 1), fiveMinutes)
      const { fiber, shown } = yield* waiting(userToken)
      const consent = yield* shown
      yield* Effect.sleep("9 minutes")
      yield* approveAndComplete(consent)
      assert.isNotEmpty(Redacted.value(yield* Fiber.join(fiber)))
      // At the start, and after four and eight minutes.
      assert.strictEqual(yield* Ref.get(jwts), 3)
      const { sessions } = yield* IdentityControls.IdentityControls
      assert.lengthOf(yield* sessions, 1)
    })
  )

  test(
    "a wait whose fixed JWT expires fails, and states what to do",
    Effect.gen(function*() {
      const { fiber, shown } = yield* waiting(yield* fiveMinutes)
      yield* shown
      const error = yield* Effect.flip(Fiber.join(fiber))
      assert.strictEqual(error._tag, "WorkloadAccessTokenUnavailable")
      assert.include(error.message, "Consent.suspend")
      assert.isAtMost(yield* Clock.currentTimeMillis, 330_000)
    })
  )

  test(
    "a wait whose fixed workload access token expires fails, and states what to do",
    Effect.gen(function*() {
      const { identity } = yield* agent
      const consent = Consent.wait({ onAuthUrl: () => Effect.void, tokenPoller: Schedule.spaced("30 seconds") })
      for (const give of [(token: Redacted.Redacted) => token, WorkloadAccessToken.fixed]) {
        const token = yield* identity.getWorkloadAccessToken({ workloadName, userToken: yield* fiveMinutes })
        const options = { ...asUser, forceAuthentication: true, workloadAccessToken: give(token) }
        const error = yield* Effect.flip(identity.getToken({ ...options, consent }))
        assertEqual([error._tag, error.message.includes("Consent.suspend")], ["WorkloadAccessTokenUnavailable", true])
      }
    })
  )
})
