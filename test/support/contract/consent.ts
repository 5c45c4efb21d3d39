import { assert } from "@effect/vitest"
import { DateTime, Effect, Redacted, Schema } from "effect"
import * as Credential from "../../../src/Credential.js"
import * as IdentityControls from "../../../src/IdentityControls.js"
import * as IdentityError from "../../../src/IdentityError.js"
import * as TokenOptions from "../../../src/TokenOptions.js"
import { agent, asUser, callbackUrl, jwt, workloadName } from "../agent.js"
import { assertEqual } from "../equality.js"
import { consents, required } from "../person.js"
import { section } from "./section.js"

/** What every way of reaching the service must do when a person has to consent. */
export const consent = section("consent", (test) => {
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
    "only the very user who started can finish, once, and a wrong try spoils nothing",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const { approve } = yield* IdentityControls.IdentityControls
      const { sessionUri } = yield* required(identity.getToken({ ...asUser, workloadAccessToken }))
      const complete = (userIdentifier: Credential.UserIdentifier) =>
        identity.completeResourceTokenAuth({ sessionUri, userIdentifier })
      const ada = Credential.userId("ada")
      const tooEarly = yield* Effect.flip(complete(ada))
      assert.strictEqual(tooEarly._tag, "AccessDenied")
      yield* approve(sessionUri)
      const mallory = yield* Effect.flip(complete(Credential.userId("mallory")))
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
          userIdentifier: Credential.userToken(token(jti))
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
        identity.completeResourceTokenAuth({ sessionUri, userIdentifier: Credential.userId("ada") })
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
