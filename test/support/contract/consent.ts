import { assert } from "@effect/vitest"
import { DateTime, Effect, Redacted, Schema } from "effect"
import * as Credential from "../../../src/Credential.js"
import * as IdentityControls from "../../../src/IdentityControls.js"
import * as IdentityError from "../../../src/IdentityError.js"
import * as TokenOptions from "../../../src/TokenOptions.js"
import { agent, asUser, callbackUrl, jwt, workloadName } from "../agent.js"
import { consents, required } from "../consenting.js"
import { assertEqual } from "../equality.js"
import { section } from "./section.js"

/** Consent and its completion on every layer. */
export const consent = section("consent", (test) => {
  test(
    "ConsentRequired contains everything that is needed to show the consent and to repeat the request",
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
    "a user who has consented receives the token at once, and other users, scopes and identifiers need consent",
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
    "only the user who started can complete a session, once, and a rejected completion does not change it",
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
    "a consent by JWT is completed with the same JWT, and not with another JWT of the same user",
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
    "a session expires after ten minutes",
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
    "forceAuthentication discards the stored token and requires consent again",
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
    "an expired access token is refreshed until the vendor revokes the grant",
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
    "a return URL is required and must match a registered one exactly",
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
    "the deletion of a provider deletes its grants",
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
