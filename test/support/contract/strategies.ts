import { assert } from "@effect/vitest"
import { Data, Deferred, Effect, Fiber, Redacted, Ref, Schedule } from "effect"
import * as Consent from "../../../src/Consent.js"
import * as ConsentSignal from "../../../src/ConsentSignal.js"
import * as Credential from "../../../src/Credential.js"
import * as IdentityControls from "../../../src/IdentityControls.js"
import * as IdentityError from "../../../src/IdentityError.js"
import * as IdentityService from "../../../src/IdentityService.js"
import * as TokenPoller from "../../../src/TokenPoller.js"
import { agent, asUser, workloadName } from "../agent.js"
import { unhurried } from "../clock.js"
import { consents, required, untilCompleted } from "../consenting.js"
import { assertEqual, assertNotEqual } from "../equality.js"
import { section } from "./section.js"

class Unreachable extends Data.TaggedError("Unreachable")<{}> {}

/** Number of token requests. */
const calls = Effect.gen(function*() {
  const { journal } = yield* IdentityControls.IdentityControls
  return (yield* journal).filter(({ operation }) => operation === "getResourceOauth2Token")
})

/** Strategies of calls that need consent, on every layer. */
export const strategies = section("strategies", (test) => {
  test(
    "a call fails with ConsentRequired under Consent.fail, and without a strategy",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const consent = yield* required(
        identity.getToken({ ...asUser, workloadAccessToken, consent: Consent.fail })
      )
      assert.strictEqual(consent.authFlow, "USER_FEDERATION")
      assert.isUndefined(consent.handle)
    })
  )

  test(
    "a call waits under its own Consent.wait, and under that of the program",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const told = yield* Ref.make(0)
      const waits = Consent.wait({
        onAuthUrl: (url, consent) => {
          assertEqual(url, consent.authorizationUrl)
          return Effect.zipRight(Ref.update(told, (n) => n + 1), Effect.orDie(consents(consent)))
        }
      })
      yield* identity.getToken({ ...asUser, workloadAccessToken, consent: waits })
      yield* identity.getToken({ ...asUser, workloadAccessToken, forceAuthentication: true }).pipe(
        Effect.provide(Consent.layer(waits))
      )
      assert.strictEqual(yield* Ref.get(told), 2)
      yield* required(
        identity.getToken({ ...asUser, workloadAccessToken, forceAuthentication: true, consent: Consent.fail }).pipe(
          Effect.provide(Consent.layer(waits))
        )
      )
    })
  )

  test(
    "a failure of onAuthUrl ends the call",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const error = yield* Effect.flip(identity.getToken({
        ...asUser,
        workloadAccessToken,
        consent: Consent.wait({ onAuthUrl: () => new Unreachable() })
      }))
      assert.strictEqual(error._tag, "Unreachable")
    })
  )

  test(
    "a waiting call receives the token when the consent is completed, before the next poll",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      yield* identity.getToken({
        ...asUser,
        workloadAccessToken,
        consent: untilCompleted((consent) => Effect.forkDaemon(Effect.delay(consents(consent), "2 seconds")))
      })
      assert.strictEqual((yield* calls).length, 2)
    })
  )

  test(
    "a waiting call receives the token at once when the consent is completed during onAuthUrl",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      // Neither polls before the session expires, and the clock does not advance: only the completion can wake them.
      const pollers = [Schedule.spaced("1 hour"), TokenPoller.completionOnly]
      for (const poller of pollers) {
        const consent = Consent.wait({ onAuthUrl: (_, consent) => consents(consent), tokenPoller: poller })
        const options = { ...asUser, workloadAccessToken, forceAuthentication: true, consent }
        assert.isNotEmpty(Redacted.value(yield* unhurried(identity.getToken(options))))
      }
    })
  )

  test(
    "a rejected completion wakes no call",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const { approve } = yield* IdentityControls.IdentityControls
      const told = yield* Deferred.make<IdentityError.ConsentRequired>()
      const waiting = yield* Effect.fork(identity.getToken({
        ...asUser,
        workloadAccessToken,
        consent: untilCompleted((consent) => Deferred.succeed(told, consent))
      }))
      const { sessionUri } = yield* Deferred.await(told)
      yield* approve(sessionUri)
      const complete = (userId: string) =>
        identity.completeResourceTokenAuth({ sessionUri, userIdentifier: Credential.userId(userId) })
      assert.strictEqual((yield* Effect.flip(complete("mallory")))._tag, "AccessDenied")
      yield* Effect.sleep("10 seconds")
      assert.lengthOf(yield* calls, 1)
      yield* complete("ada")
      assert.isNotEmpty(Redacted.value(yield* Fiber.join(waiting)))
    })
  )

  test(
    "a poll that fails after the completion is repeated by the schedule",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const { failNext } = yield* IdentityControls.IdentityControls
      const throttled = new IdentityError.Throttled({ operation: "GetResourceOauth2Token", message: "slow down" })
      const token = yield* identity.getToken({
        ...asUser,
        workloadAccessToken,
        consent: Consent.wait({
          onAuthUrl: (_, consent) =>
            failNext("getResourceOauth2Token", throttled).pipe(
              Effect.zipRight(consents(consent)),
              Effect.delay("2 seconds"),
              Effect.forkDaemon
            )
        })
      })
      assert.isNotEmpty(Redacted.value(token))
    })
  )

  test(
    "a ConsentSignal reports the completion to another service of the same program",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const other = yield* IdentityService.make
      const completes = (consent: IdentityError.ConsentRequired) =>
        Effect.provideService(consents(consent), IdentityService.IdentityService, other)
      // The clock does not advance: a fiber of its own publishes the signal, with a time limit that must not fire.
      const consent = untilCompleted((consent) => Effect.fork(completes(consent)))
      const token = yield* unhurried(identity.getToken({ ...asUser, workloadAccessToken, consent }))
      assert.isNotEmpty(Redacted.value(token))
    }).pipe(Effect.provide(ConsentSignal.layerMemory))
  )

  test(
    "reauthenticate requires consent only if the service returns the rejected token",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const { expireTokens } = yield* IdentityControls.IdentityControls
      yield* consents(yield* required(identity.getToken({ ...asUser, workloadAccessToken })))
      const refused = yield* identity.getToken({ ...asUser, workloadAccessToken })
      const again = identity.reauthenticate({ ...asUser, workloadAccessToken, refused })
      yield* expireTokens()
      const fresh = yield* again
      assert.notStrictEqual(Redacted.value(fresh), Redacted.value(refused))
      yield* required(identity.reauthenticate({ ...asUser, workloadAccessToken, refused: fresh }))
    })
  )

  test(
    "reauthenticate replaces a stored machine token",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const machine = { workloadAccessToken, providerName: "github", scopes: ["repo"], authFlow: "M2M" } as const
      const refused = yield* identity.getToken(machine)
      assertEqual(yield* identity.getToken(machine), refused)
      const fresh = yield* identity.reauthenticate({ ...machine, refused })
      assertNotEqual(fresh, refused)
      assertEqual(yield* identity.getToken(machine), fresh)
    })
  )

  test(
    "two users who reauthenticate concurrently with the same rejected token receive their own tokens",
    Effect.gen(function*() {
      const { identity } = yield* agent
      const users = ["ada", "grace"]
      const all = yield* Effect.forEach(users, (userId) =>
        Effect.gen(function*() {
          const workloadAccessToken = yield* identity.getWorkloadAccessToken({ workloadName, userId })
          const options = { ...asUser, workloadAccessToken }
          yield* consents(yield* required(identity.getToken(options)), userId)
          return { options, token: yield* identity.getToken(options) }
        }))
      const results = yield* Effect.forEach(
        all,
        ({ options }) => identity.reauthenticate({ ...options, refused: Redacted.make("refused") }),
        { concurrency: "unbounded" }
      )
      assertEqual(results, all.map(({ token }) => token))
      assertNotEqual(results[0], results[1])
    })
  )

  test(
    "concurrent reauthentications require one consent, and all receive its token",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const { sessions } = yield* IdentityControls.IdentityControls
      yield* consents(yield* required(identity.getToken({ ...asUser, workloadAccessToken })))
      const refused = yield* identity.getToken({ ...asUser, workloadAccessToken })
      const asked = yield* Deferred.make<IdentityError.ConsentRequired>()
      const again = identity.reauthenticate({
        ...asUser,
        workloadAccessToken,
        refused,
        consent: Consent.wait({ onAuthUrl: (_, consent) => Deferred.succeed(asked, consent) })
      })
      const many = yield* Effect.fork(
        Effect.forEach(Array.from({ length: 100 }), () => again, { concurrency: "unbounded" })
      )
      const consent = yield* Deferred.await(asked)
      const late = yield* Effect.fork(again)
      yield* Effect.sleep("1 second")
      yield* consents(consent)
      const tokens = [...(yield* Fiber.join(many)), yield* Fiber.join(late)]
      assert.strictEqual(new Set(tokens.map(Redacted.value)).size, 1)
      assert.notStrictEqual(Redacted.value(yield* Effect.fromNullable(tokens[0])), Redacted.value(refused))
      assert.strictEqual((yield* sessions).length, 2)
      assert.strictEqual(
        (yield* calls).filter(({ request }) =>
          typeof request === "object" && request !== null && "forceAuthentication" in request &&
          request.forceAuthentication === true
        ).length,
        1
      )
    })
  )

  test(
    "if the first of several reauthentications is interrupted, the others receive the token",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      yield* consents(yield* required(identity.getToken({ ...asUser, workloadAccessToken })))
      const refused = yield* identity.getToken({ ...asUser, workloadAccessToken })
      const again = identity.reauthenticate({ ...asUser, workloadAccessToken, refused })
      const first = yield* Effect.fork(again)
      const second = yield* Effect.fork(Effect.flip(again))
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(first)
      assert.strictEqual((yield* Fiber.join(second))._tag, "ConsentRequired")
    })
  )
})
