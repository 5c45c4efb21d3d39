import { assert } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as Credential from "../../../src/Credential.js"
import * as IdentityControls from "../../../src/IdentityControls.js"
import * as IdentityError from "../../../src/IdentityError.js"
import { agent, asUser, jwt, workloadName } from "../agent.js"
import { assertEqual, assertNotEqual } from "../equality.js"
import { section } from "./section.js"

/** Requests for credentials on every layer. */
export const credentials = section("credentials", (test) => {
  test(
    "a machine token needs no consent, and the same token is returned until it expires",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const ask = identity.getToken({
        workloadAccessToken,
        providerName: "github",
        scopes: ["a", "b"],
        authFlow: "M2M"
      })
      const first = yield* ask
      assert.isNotEmpty(Redacted.value(first))
      assertEqual(yield* ask, first)
      const other = yield* identity.getToken({
        workloadAccessToken,
        providerName: "github",
        scopes: ["c"],
        authFlow: "M2M"
      })
      assertNotEqual(Redacted.value(other), Redacted.value(first))
      yield* Effect.sleep("61 minutes")
      const later = yield* identity.getWorkloadAccessToken({ workloadName, userId: "ada" })
      const renewed = yield* identity.getToken({
        workloadAccessToken: later,
        providerName: "github",
        scopes: ["a", "b"],
        authFlow: "M2M"
      })
      assert.notStrictEqual(Redacted.value(renewed), Redacted.value(first))
    })
  )

  test(
    "the stored API key is returned, and the new one after an update",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const ask = identity.getApiKey({ workloadAccessToken, providerName: "weather" })
      assert.strictEqual(Redacted.value(yield* ask), "weather-key")
      yield* identity.updateApiKeyCredentialProvider({ name: "weather", apiKey: Redacted.make("new-key") })
      assert.strictEqual(Redacted.value(yield* ask), "new-key")
    })
  )

  test(
    "an EXTERNAL API key is read from the secret of the caller",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const controls = yield* IdentityControls.IdentityControls
      yield* identity.createApiKeyCredentialProvider({
        name: "external",
        apiKeySecretSource: "EXTERNAL",
        apiKeySecretConfig: { secretId: "my-secret", jsonKey: "key" }
      })
      const ask = identity.getApiKey({ workloadAccessToken, providerName: "external" })
      assert.strictEqual((yield* Effect.flip(ask))._tag, "ValidationError")
      yield* controls.setSecret("my-secret", Redacted.make(JSON.stringify({ key: "external-key" })))
      assert.strictEqual(Redacted.value(yield* ask), "external-key")
    })
  )

  test(
    "a payment token is of the vendor of the provider, with a wallet token on request",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const request = {
        requestMethod: "POST",
        requestPath: "/platform/v2/evm",
        includeWalletAuthToken: true
      } as const
      const token = yield* identity.getPaymentToken({
        workloadAccessToken,
        providerName: "coinbase",
        request: { coinbaseCdpTokenRequest: request }
      })
      assert.isTrue(
        "coinbaseCdpTokenResponse" in token && token.coinbaseCdpTokenResponse.walletAuthToken !== undefined
      )
      const error = yield* Effect.flip(identity.getPaymentToken({
        workloadAccessToken,
        providerName: "coinbase",
        request: { stripePrivyTokenRequest: { requestPath: "/v1/wallets", requestBody: Redacted.make("{}") } }
      }))
      assert.strictEqual(error._tag, "ValidationError")
    })
  )

  test(
    "an on-behalf-of token requires a workload access token that was requested with a JWT",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const ask = (workloadAccessToken: Redacted.Redacted, providerName: string) =>
        identity.getToken({
          workloadAccessToken,
          providerName,
          scopes: ["read"],
          authFlow: "ON_BEHALF_OF_TOKEN_EXCHANGE"
        })
      assert.strictEqual((yield* Effect.flip(ask(workloadAccessToken, "exchange")))._tag, "ValidationError")
      const userToken = jwt({ iss: "https://issuer.example", sub: "ada", exp: 86_400 })
      const withJwt = yield* identity.getWorkloadAccessToken({ workloadName, userToken })
      assert.isNotEmpty(Redacted.value(yield* ask(withJwt, "exchange")))
      assert.strictEqual((yield* Effect.flip(ask(withJwt, "github")))._tag, "ValidationError")
    })
  )

  test(
    "userToken takes precedence over userId, and a JWT without a user is rejected",
    Effect.gen(function*() {
      const { identity } = yield* agent
      const userToken = jwt({ iss: "https://issuer.example", sub: "ada" })
      const token = yield* identity.getWorkloadAccessToken({ workloadName, userId: "somebody", userToken })
      const controls = yield* IdentityControls.IdentityControls
      yield* Effect.flip(identity.getToken({ ...asUser, workloadAccessToken: token }))
      const sessions = yield* controls.sessions
      assert.strictEqual(sessions[0]?.user, "jwt:https://issuer.example|ada")
      const error = yield* Effect.flip(identity.getWorkloadAccessToken({ workloadName, userToken: jwt({}) }))
      assert.strictEqual(error._tag, "Unauthorized")
    })
  )

  test(
    "an invalid workload access token is rejected",
    Effect.gen(function*() {
      const { identity } = yield* agent
      const workloadAccessToken = Redacted.make("made-up")
      const error = yield* Effect.flip(identity.getApiKey({ workloadAccessToken, providerName: "weather" }))
      assert.include(["AccessDenied", "Unauthorized"], error._tag)
    })
  )

  test(
    "an unknown provider fails with ResourceNotFound",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const token = yield* Effect.flip(identity.getToken({ ...asUser, workloadAccessToken, providerName: "nobody" }))
      const key = yield* Effect.flip(identity.getApiKey({ workloadAccessToken, providerName: "nobody" }))
      assertEqual([token._tag, key._tag], ["ResourceNotFound", "ResourceNotFound"])
    })
  )

  test(
    "invalid input is reported before the request is sent, with the names of the options",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const controls = yield* IdentityControls.IdentityControls
      const before = (yield* controls.journal).length
      const names = (error: { readonly _tag: string }) =>
        error instanceof IdentityError.ValidationError ? error.fieldList?.map(({ name }) => name) : error._tag
      const machine = { workloadAccessToken, scopes: [], authFlow: "M2M" } as const
      const badName = yield* Effect.flip(identity.getToken({ ...machine, providerName: "not a name" }))
      assertEqual(names(badName), ["providerName"])
      assert.include(badName.message, "'providerName'")
      const tooLong = yield* Effect.flip(identity.createWorkloadIdentity({ name: "x".repeat(256) }))
      assertEqual(names(tooLong), ["name"])
      const noUser = yield* Effect.flip(identity.getWorkloadAccessToken({ workloadName, userId: "" }))
      assertEqual(names(noUser), ["userId"])
      const scope = yield* Effect.flip(identity.getToken({ ...machine, providerName: "github", scopes: ["a", ""] }))
      assertEqual(names(scope), ["scopes[1]"])
      const url = yield* Effect.flip(identity.addReturnUrl({ name: workloadName, url: "not a url" }))
      assertEqual(names(url), ["url"])
      const flow = yield* Effect.flip(
        // @ts-expect-error an unknown flow
        identity.getToken({ ...machine, providerName: "github", authFlow: "IMPLICIT" })
      )
      assertEqual(names(flow), ["authFlow"])
      const both = yield* Effect.flip(identity.completeResourceTokenAuth({
        sessionUri: "urn:ietf:params:oauth:request_uri:abc",
        userIdentifier: {
          ...Credential.userId("ada"),
          ...Credential.userToken(Redacted.make("a.b.c"))
        }
      }))
      assertEqual(names(both), ["userIdentifier"])
      const refused = (yield* controls.journal).slice(before).filter(({ operation }) =>
        operation !== "getWorkloadIdentity"
      )
      assert.isTrue(refused.every(({ outcome }) => outcome === "ValidationError"))
    })
  )

  test(
    "at most 100 invalid fields are reported, and a long name is truncated",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const machine = { workloadAccessToken, providerName: "github", authFlow: "M2M" } as const
      const fieldsOf = (error: { readonly _tag: string }) =>
        error instanceof IdentityError.ValidationError ? error.fieldList?.map(({ name }) => name) : error._tag
      const scopes = Array.from({ length: 101 }, () => "")
      const many = yield* Effect.flip(identity.getToken({ ...machine, scopes }))
      assertEqual(fieldsOf(many), scopes.slice(1).map((_, index) => `scopes[${index}]`))
      assert.match(many.message, /^101 validation errors detected: .*; and more$/)
      const customParameters = { ["!".repeat(2000)]: "value" }
      const long = yield* Effect.flip(identity.getToken({ ...machine, scopes: [], customParameters }))
      assertEqual(fieldsOf(long), [`${`customParameters.${"!".repeat(2000)}`.slice(0, 1024)}…`])
    })
  )

  test(
    "a transient failure is retried, except where a repetition could open a second session",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const controls = yield* IdentityControls.IdentityControls
      const operation = "GetResourceOauth2Token"
      const broken = new IdentityError.InternalServerError({ operation, message: "broken" })
      const throttled = new IdentityError.Throttled({ operation, message: "slow down" })
      const machine = { workloadAccessToken, providerName: "github", scopes: [], authFlow: "M2M" } as const
      yield* controls.failNext("getResourceOauth2Token", broken, 2)
      yield* identity.getToken(machine)
      yield* controls.failNext("getResourceOauth2Token", broken)
      const error = yield* Effect.flip(identity.getToken({ ...asUser, workloadAccessToken }))
      assert.strictEqual(error._tag, "InternalServerError")
      assert.strictEqual((yield* controls.sessions).length, 0)
      yield* controls.failNext("getResourceOauth2Token", throttled)
      const consent = yield* Effect.flip(identity.getToken({ ...asUser, workloadAccessToken }))
      assert.strictEqual(consent._tag, "ConsentRequired")
      const lost = new IdentityError.InternalServerError({ operation: "CreateWorkloadIdentity", message: "broken" })
      yield* controls.failNext("createWorkloadIdentity", lost)
      assert.strictEqual((yield* Effect.flip(identity.createWorkloadIdentity()))._tag, "InternalServerError")
      yield* controls.failNext("getResourceOauth2Token", throttled, 100)
      assert.strictEqual((yield* Effect.flip(identity.getToken(machine)))._tag, "Throttled")
    })
  )
})
