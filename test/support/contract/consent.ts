import { assert } from "@effect/vitest"
import { Cause, Data, DateTime, Deferred, Effect, Fiber, Redacted, Ref, Schedule, Schema } from "effect"
import * as Consent from "../../../src/Consent.js"
import * as Credential from "../../../src/Credential.js"
import * as IdentityControls from "../../../src/IdentityControls.js"
import * as IdentityError from "../../../src/IdentityError.js"
import * as TokenOptions from "../../../src/TokenOptions.js"
import * as TokenPoller from "../../../src/TokenPoller.js"
import { agent, asUser, callbackUrl, jwt, workloadName } from "../agent.js"
import { assertEqual } from "../equality.js"
import { consents, required } from "../person.js"
import { section } from "./section.js"

class Unreachable extends Data.TaggedError("Unreachable")<{}> {}

/** What every way of reaching the service must do when a person has to consent. */
export const consent = section("consent", (test, extent) => {
  test(
    "asks for consent with everything needed to show it, and to ask again",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const error = yield* required(identity.getToken({
        ...asUser,
        workloadAccessToken,
        resources: ["https://api.example"],
        customState: "c3RhdGU",
        customParameters: { access_type: "offline" }
      }))
      const url = new URL(Redacted.value(error.authorizationUrl))
      assert.strictEqual(url.searchParams.get("request_uri"), Redacted.value(error.sessionUri))
      assert.strictEqual(error.providerName, "github")
      assertEqual(error.scopes, ["repo"])
      assertEqual(error.resources, ["https://api.example"])
      assert.strictEqual(error.callbackUrl, callbackUrl)
      assertEqual(error.customParameters, { access_type: Redacted.make("offline") })
      const minutes = DateTime.distance(yield* DateTime.now, error.expiresAt) / 60_000
      assert.isTrue(minutes > 9.9 && minutes <= 10)
      const sent = yield* Schema.encode(Schema.parseJson(IdentityError.ConsentRequired))(error)
      const elsewhere = yield* Schema.decode(Schema.parseJson(IdentityError.ConsentRequired))(sent)
      assert.strictEqual(yield* Schema.encode(Schema.parseJson(IdentityError.ConsentRequired))(elsewhere), sent)
      const returned = yield* consents(error)
      assert.strictEqual(returned.origin + returned.pathname, callbackUrl)
      assert.strictEqual(returned.searchParams.get("state"), "c3RhdGU")
    })
  )

  test(
    "gives the token at once when the person has consented before, and to nobody else",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const ask = identity.getToken({ ...asUser, workloadAccessToken })
      yield* consents(yield* required(ask))
      const token = yield* ask
      assert.isNotEmpty(Redacted.value(token))
      assertEqual(yield* ask, token)
      const grace = yield* identity.getWorkloadAccessToken({ workloadName, userId: "grace" })
      yield* required(identity.getToken({ ...asUser, workloadAccessToken: grace }))
      const sameAsJwt = yield* identity.getWorkloadAccessToken({
        workloadName,
        userToken: jwt({ iss: "https://issuer.example", sub: "ada" })
      })
      yield* required(identity.getToken({ ...asUser, workloadAccessToken: sameAsJwt }))
      yield* required(identity.getToken({ ...asUser, workloadAccessToken, scopes: ["repo", "admin"] }))
    })
  )

  test(
    "waits until the person has consented, and tells the URL once",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const told = yield* Ref.make(0)
      const token = yield* identity.getToken({
        ...asUser,
        workloadAccessToken,
        forceAuthentication: true,
        consent: Consent.wait({
          onAuthUrl: (url, consent) =>
            Effect.gen(function*() {
              yield* Ref.update(told, (n) => n + 1)
              assertEqual(url, consent.authorizationUrl)
              yield* Effect.forkDaemon(Effect.delay(consents(consent), "12 seconds"))
            })
        })
      })
      assert.isNotEmpty(Redacted.value(token))
      assert.strictEqual(yield* Ref.get(told), 1)
      const { sessions } = yield* IdentityControls.IdentityControls
      assert.strictEqual((yield* sessions).length, 1)
    })
  )

  test(
    "does not announce anything when the token is there",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      yield* consents(yield* required(identity.getToken({ ...asUser, workloadAccessToken })))
      yield* identity.getToken({
        ...asUser,
        workloadAccessToken,
        consent: Consent.wait({ onAuthUrl: () => Effect.dieMessage("the person was asked again") })
      })
    })
  )

  test(
    "a refusal ends the wait at once, and a later request opens a new session",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const { deny } = yield* IdentityControls.IdentityControls
      const error = yield* Effect.flip(identity.getToken({
        ...asUser,
        workloadAccessToken,
        consent: Consent.wait({ onAuthUrl: (_, consent) => deny(consent.sessionUri) })
      }))
      assert.strictEqual(error._tag, "ConsentDenied")
      assert.strictEqual(yield* Effect.map(DateTime.now, DateTime.toEpochMillis), 5000)
      yield* required(identity.getToken({ ...asUser, workloadAccessToken }))
    })
  )

  test(
    "ten minutes without an answer are a time-out",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      // The default makes 120 polls.
      const eachMinute = Schedule.spaced("1 minute").pipe(Schedule.upTo("10 minutes"))
      const tokenPoller = extent === "whole" ? undefined : eachMinute
      const error = yield* Effect.flip(
        identity.getToken({
          ...asUser,
          workloadAccessToken,
          consent: Consent.wait({ onAuthUrl: () => Effect.void, tokenPoller })
        })
      )
      assert.strictEqual(error._tag, "ConsentTimedOut")
      assert.strictEqual(yield* Effect.map(DateTime.now, DateTime.toEpochMillis), 600_000)
    })
  )

  test(
    "a schedule that outlasts the session ends with it, after a last poll",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const error = yield* Effect.flip(identity.getToken({
        ...asUser,
        workloadAccessToken,
        consent: Consent.wait({ onAuthUrl: () => Effect.void, tokenPoller: Schedule.spaced("4 minutes") })
      }))
      assert.strictEqual(error._tag, "ConsentTimedOut")
      assert.strictEqual(yield* Effect.map(DateTime.now, DateTime.toEpochMillis), 600_000)
    })
  )

  test(
    "two who wait for the same person get what each waited for, and no poll opens a session",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const { sessions } = yield* IdentityControls.IdentityControls
      const wait = (scope: string) =>
        identity.getToken({
          ...asUser,
          workloadAccessToken,
          scopes: [scope],
          consent: Consent.wait({ onAuthUrl: (_, consent) => consents(consent) })
        })
      const tokens = yield* Effect.all([wait("repo"), wait("mail")], { concurrency: "unbounded" })
      assert.strictEqual(new Set(tokens.map(Redacted.value)).size, 2)
      assert.strictEqual((yield* sessions).length, 2)
    })
  )

  test(
    "a consent in the last seconds is not lost on whoever waits",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const token = yield* identity.getToken({
        ...asUser,
        workloadAccessToken,
        consent: Consent.wait({
          onAuthUrl: (_, consent) => Effect.forkDaemon(Effect.delay(consents(consent), "598 seconds")),
          tokenPoller: Schedule.spaced("85 seconds")
        })
      })
      assert.isNotEmpty(Redacted.value(token))
    })
  )

  test(
    "a wait without an end of its own ends with the session, whatever the service says",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const { failNext } = yield* IdentityControls.IdentityControls
      const throttled = new IdentityError.Throttled({ operation: "GetResourceOauth2Token", message: "slow down" })
      const error = yield* Effect.flip(identity.getToken({
        ...asUser,
        workloadAccessToken,
        consent: Consent.wait({
          onAuthUrl: () => failNext("getResourceOauth2Token", throttled, 1000),
          tokenPoller: Schedule.spaced("55 seconds")
        })
      }))
      assert.strictEqual(error._tag, "ConsentTimedOut")
      assert.strictEqual(yield* Effect.map(DateTime.now, DateTime.toEpochMillis), 600_000)
    })
  )

  test(
    "faults that pass do not end the wait, and one that lasts ends in a time-out",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const { failNext } = yield* IdentityControls.IdentityControls
      const operation = "GetResourceOauth2Token"
      const throttled = new IdentityError.Throttled({ operation, message: "slow down" })
      const broken = new IdentityError.InternalServerError({ operation, message: "broken" })
      yield* identity.getToken({
        ...asUser,
        workloadAccessToken,
        consent: Consent.wait({
          onAuthUrl: (_, consent) =>
            failNext("getResourceOauth2Token", throttled, 2).pipe(
              Effect.zipRight(failNext("getResourceOauth2Token", broken)),
              Effect.zipRight(consents(consent))
            )
        })
      })
      const error = yield* Effect.flip(identity.getToken({
        ...asUser,
        workloadAccessToken,
        forceAuthentication: true,
        consent: Consent.wait({
          onAuthUrl: () => failNext("getResourceOauth2Token", throttled, 1000),
          tokenPoller: Schedule.spaced("1 minute")
        })
      }))
      assert.strictEqual(error._tag, "ConsentTimedOut")
    })
  )

  test(
    "a failure of the announcement ends the call with it",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const error = yield* Effect.flip(
        identity.getToken({
          ...asUser,
          workloadAccessToken,
          consent: Consent.wait({ onAuthUrl: () => new Unreachable() })
        })
      )
      assert.strictEqual(error._tag, "Unreachable")
    })
  )

  test(
    "the program's schedule is used, and a call's own instead of it",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const wait = (tokenPoller?: Schedule.Schedule<unknown>) =>
        Effect.flip(
          identity.getToken({
            ...asUser,
            workloadAccessToken,
            consent: Consent.wait({ onAuthUrl: () => Effect.void, tokenPoller })
          })
        )
      const inOneMinute = TokenPoller.layer(
        Schedule.spaced("20 seconds").pipe(Schedule.upTo("1 minute"))
      )
      assert.strictEqual((yield* Effect.provide(wait(), inOneMinute))._tag, "ConsentTimedOut")
      assert.strictEqual(yield* Effect.map(DateTime.now, DateTime.toEpochMillis), 60_000)
      const own = wait(Schedule.spaced("20 seconds").pipe(Schedule.upTo("3 minutes")))
      assert.strictEqual((yield* Effect.provide(own, inOneMinute))._tag, "ConsentTimedOut")
      assert.strictEqual(yield* Effect.map(DateTime.now, DateTime.toEpochMillis), 240_000)
    })
  )

  test(
    "a strategy may obtain the token another way, and poll by itself",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const request = { ...asUser, workloadAccessToken, forceAuthentication: true }
      const elsewhere = Consent.make(() => Effect.succeed(Redacted.make("from elsewhere")))
      assertEqual(yield* identity.getToken({ ...request, consent: elsewhere }), Redacted.make("from elsewhere"))
      const polling = Consent.make((consent, { poll }) =>
        Effect.gen(function*() {
          assert.strictEqual((yield* Effect.flip(poll))._tag, "ConsentPending")
          yield* Effect.orDie(consents(consent))
          return yield* poll
        })
      )
      assert.isNotEmpty(Redacted.value(yield* identity.getToken({ ...request, consent: polling })))
    })
  )

  test(
    "interruption ends the wait, and a second try succeeds",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const told = yield* Deferred.make<IdentityError.ConsentRequired>()
      const fiber = yield* Effect.fork(identity.getToken({
        ...asUser,
        workloadAccessToken,
        consent: Consent.wait({ onAuthUrl: (_, consent) => Deferred.succeed(told, consent) })
      }))
      const asked = yield* Deferred.await(told)
      const exit = yield* Fiber.interrupt(fiber)
      assert.isTrue(exit._tag === "Failure" && Cause.isInterruptedOnly(exit.cause))
      yield* consents(asked)
      yield* identity.getToken({ ...asUser, workloadAccessToken })
    })
  )

  test(
    "only the very user who started can finish, once, and a wrong try spoils nothing",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const { approve } = yield* IdentityControls.IdentityControls
      const { sessionUri } = yield* required(identity.getToken({ ...asUser, workloadAccessToken }))
      const complete = (userIdentifier: Credential.UserIdentifier) =>
        identity.completeResourceTokenAuth({ sessionUri, userIdentifier })
      const ada = Credential.UserIdIdentifier("ada")
      const tooEarly = yield* Effect.flip(complete(ada))
      assert.strictEqual(tooEarly._tag, "AccessDenied")
      yield* approve(sessionUri)
      const mallory = yield* Effect.flip(complete(Credential.UserIdIdentifier("mallory")))
      assert.strictEqual(mallory._tag, "AccessDenied")
      assert.include(mallory.message, "Invalid or expired session")
      const attempts = yield* Effect.all([1, 2, 3].map(() => Effect.either(complete(ada))), {
        concurrency: "unbounded"
      })
      assert.strictEqual(attempts.filter((attempt) => attempt._tag === "Right").length, 1)
      assert.strictEqual((yield* Effect.flip(complete(ada)))._tag, "AccessDenied")
      yield* identity.getToken({ ...asUser, workloadAccessToken })
    })
  )

  test(
    "a consent by JWT is finished with that JWT, and not with a fresh one of the same person",
    Effect.gen(function*() {
      const { identity } = yield* agent
      const { approve } = yield* IdentityControls.IdentityControls
      const token = (jti: string) => jwt({ iss: "https://issuer.example", sub: "ada", jti })
      const workloadAccessToken = yield* identity.getWorkloadAccessToken({ workloadName, userToken: token("1") })
      const { sessionUri } = yield* required(identity.getToken({ ...asUser, workloadAccessToken }))
      yield* approve(sessionUri)
      const complete = (jti: string) =>
        identity.completeResourceTokenAuth({
          sessionUri,
          userIdentifier: Credential.UserTokenIdentifier(token(jti))
        })
      assert.strictEqual((yield* Effect.flip(complete("2")))._tag, "AccessDenied")
      yield* complete("1")
      yield* identity.getToken({ ...asUser, workloadAccessToken })
    })
  )

  test(
    "a session is over after ten minutes",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const { approve } = yield* IdentityControls.IdentityControls
      const { sessionUri } = yield* required(identity.getToken({ ...asUser, workloadAccessToken }))
      yield* approve(sessionUri)
      yield* Effect.sleep("601 seconds")
      const error = yield* Effect.flip(
        identity.completeResourceTokenAuth({ sessionUri, userIdentifier: Credential.UserIdIdentifier("ada") })
      )
      assert.strictEqual(error._tag, "AccessDenied")
      assert.strictEqual((yield* Effect.flip(approve(sessionUri)))._tag, "SessionNotPending")
    })
  )

  test(
    "forced authentication forgets what is stored and asks again",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const ask = identity.getToken({ ...asUser, workloadAccessToken })
      yield* consents(yield* required(ask))
      yield* ask
      yield* required(identity.getToken({ ...asUser, workloadAccessToken, forceAuthentication: true }))
      yield* required(ask)
    })
  )

  test(
    "an access token that is over is refreshed, until the vendor refuses",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const { expireTokens, revoke } = yield* IdentityControls.IdentityControls
      const ask = identity.getToken({ ...asUser, workloadAccessToken })
      yield* consents(yield* required(ask))
      const first = yield* ask
      assert.strictEqual(yield* expireTokens({ providerName: "github" }), 1)
      const second = yield* ask
      assert.notStrictEqual(Redacted.value(second), Redacted.value(first))
      assert.strictEqual(yield* revoke({ user: "userId:ada" }), 1)
      assertEqual(yield* ask, second)
      yield* expireTokens()
      yield* required(ask)
    })
  )

  test(
    "a return URL has to be given and registered, to the letter",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const ask = (callbackUrl: string | undefined) =>
        identity.getToken({ ...asUser, workloadAccessToken, callbackUrl })
      assert.include((yield* Effect.flip(ask(undefined))).message, "You must provide a ResourceOauth2ReturnUrl")
      const slash = yield* Effect.flip(ask(`${callbackUrl}/`))
      assert.include(slash.message, "You must register and use at least one ResourceOauth2ReturnUrl")
      yield* required(Effect.provide(ask(undefined), TokenOptions.layerCallbackUrl(callbackUrl)))
      yield* identity.addReturnUrl({ name: workloadName, url: `${callbackUrl}/` })
      yield* required(ask(`${callbackUrl}/`))
    })
  )

  test(
    "a deleted provider takes its grants with it",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const ask = identity.getToken({ ...asUser, workloadAccessToken })
      yield* consents(yield* required(ask))
      yield* ask
      yield* identity.deleteOauth2CredentialProvider({ name: "github" })
      assert.strictEqual((yield* Effect.flip(ask))._tag, "ResourceNotFound")
    })
  )
})
