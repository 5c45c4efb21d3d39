import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import { IdentityApi } from "../src/IdentityApi.js"
import { IdentityControls } from "../src/IdentityControls.js"
import { Throttled } from "../src/IdentityError.js"
import * as MemoryIdentity from "../src/MemoryIdentity.js"
import { assertEqual } from "./support/equality.js"

const workloadName = "my-agent"
const returnUrl = "https://app.example.com/done?lang=en"
const google = {
  name: "google",
  credentialProviderVendor: "GoogleOauth2",
  oauth2ProviderConfigInput: {
    googleOauth2ProviderConfig: { clientId: "id", clientSecret: Redacted.make("very-secret") }
  }
} as const

const setUp = Effect.gen(function*() {
  const api = yield* IdentityApi
  const controls = yield* IdentityControls
  yield* api.createWorkloadIdentity({ name: workloadName, allowedResourceOauth2ReturnUrls: [returnUrl] })
  const provider = yield* api.createOauth2CredentialProvider(google)
  const mint = (userId: string) =>
    Effect.map(
      api.getWorkloadAccessTokenForUserId({ workloadName, userId }),
      ({ workloadAccessToken }) => workloadAccessToken
    )
  const request = (workloadIdentityToken: Redacted.Redacted) => ({
    workloadIdentityToken,
    resourceCredentialProviderName: "google",
    scopes: ["a", "b"],
    oauth2Flow: "USER_FEDERATION" as const,
    resourceOauth2ReturnUrl: returnUrl
  })
  const begin = Effect.fnUntraced(function*(userId: string) {
    const asked = request(yield* mint(userId))
    const { sessionUri } = yield* api.getResourceOauth2Token(asked)
    assert.isDefined(sessionUri)
    return { asked, sessionUri: sessionUri ?? Redacted.make("") }
  })
  const consent = Effect.fnUntraced(function*(userId: string) {
    const { asked, sessionUri } = yield* begin(userId)
    yield* controls.approve(sessionUri)
    yield* api.completeResourceTokenAuth({ sessionUri, userIdentifier: { userId } })
    return { asked, sessionUri }
  })
  return { api, controls, provider, mint, request, begin, consent }
})

/** `Redacted`s look all alike to an assertion. */
const revealed = ({ accessToken }: { readonly accessToken?: Redacted.Redacted | undefined }) => {
  assert.isDefined(accessToken)
  return accessToken && Redacted.value(accessToken)
}

const jwt = (claims: object) =>
  Redacted.make(`e30.${Encoding.encodeBase64Url(JSON.stringify(claims))}.${Encoding.encodeBase64Url("signature")}`)

const test = <E>(name: string, body: Effect.Effect<void, E, IdentityApi | IdentityControls>) =>
  it.effect(name, () => Effect.provide(body, MemoryIdentity.layerApi()))

describe("MemoryIdentity", () => {
  it.effect("claims to be in the given account, region and partition", () =>
    Effect.gen(function*() {
      const { api } = yield* MemoryIdentity.make({
        accountId: "111122223333",
        region: "cn-north-1",
        endpoint: "http://localhost:9/"
      })
      const { workloadIdentityArn } = yield* api.createWorkloadIdentity({ name: workloadName })
      const provider = yield* api.createOauth2CredentialProvider(google)
      assert.strictEqual(
        workloadIdentityArn,
        "arn:aws-cn:bedrock-agentcore:cn-north-1:111122223333:workload-identity-directory/default/workload-identity/my-agent"
      )
      assert.match(provider.callbackUrl ?? "", /^http:\/\/localhost:9\/identities\/oauth2\/callback\/[-0-9a-f]{36}$/)
      assert.match(
        provider.clientSecretArn.secretArn,
        /^arn:aws-cn:secretsmanager:cn-north-1:111122223333:secret:bedrock-agentcore-identity!default\/oauth2\/google-\w{6}$/
      )
      assert.notInclude(JSON.stringify(provider), "very-secret")
    }))

  test(
    "a new layer remembers nothing",
    Effect.gen(function*() {
      const api = yield* IdentityApi
      assertEqual((yield* api.listWorkloadIdentities({})).workloadIdentities, [])
    })
  )

  it.effect("gives a provider of the same name the same callback URL each time, and each provider another", () =>
    Effect.gen(function*() {
      const callbackUrls = Effect.forEach(
        ["google", "another"],
        (name) => Effect.flatMap(IdentityApi, (api) => api.createOauth2CredentialProvider({ ...google, name }))
      ).pipe(
        Effect.map((all) => all.map(({ callbackUrl }) => callbackUrl)),
        Effect.provide(MemoryIdentity.layerApi())
      )
      const [one, another] = yield* callbackUrls
      assertEqual(yield* callbackUrls, [one, another])
      assert.notStrictEqual(one, another)
    }))

  test(
    "checks what it is sent, secrets too, and says which member is wrong",
    Effect.gen(function*() {
      const { api } = yield* setUp
      const error = yield* Effect.flip(
        api.createApiKeyCredentialProvider({ name: "key", apiKey: Redacted.make("x".repeat(65537)) })
      )
      assert.strictEqual(error._tag, "ValidationError")
      assert.include(error.message, "apiKey")
    })
  )

  test(
    "refuses a configuration of another vendor, and names the right one",
    Effect.gen(function*() {
      const { api } = yield* setUp
      const error = yield* Effect.flip(
        api.createOauth2CredentialProvider({ ...google, name: "github", credentialProviderVendor: "GithubOauth2" })
      )
      assert.strictEqual(error._tag, "ValidationError")
      assert.include(error.message, "githubOauth2ProviderConfig")
    })
  )

  test(
    "keeps the callback URL when a provider is updated, also where another client ends its grants",
    Effect.gen(function*() {
      const { api, consent, provider } = yield* setUp
      const { asked } = yield* consent("alice")
      const config = { clientId: "another", clientSecret: Redacted.make("very-secret") }
      for (const googleOauth2ProviderConfig of [google.oauth2ProviderConfigInput.googleOauth2ProviderConfig, config]) {
        const updated = yield* api.updateOauth2CredentialProvider({
          ...google,
          oauth2ProviderConfigInput: { googleOauth2ProviderConfig }
        })
        assert.strictEqual(updated.callbackUrl, provider.callbackUrl)
      }
      assert.strictEqual((yield* api.getResourceOauth2Token(asked)).sessionStatus, "IN_PROGRESS")
    })
  )

  test(
    "pages by name, and takes no token of another list",
    Effect.gen(function*() {
      const { api } = yield* setUp
      yield* api.createWorkloadIdentity({ name: "another" })
      yield* api.createApiKeyCredentialProvider({ name: "a", apiKey: Redacted.make("k") })
      const first = yield* api.listWorkloadIdentities({ maxResults: 1 })
      assertEqual(first.workloadIdentities.map(({ name }) => name), ["another"])
      const second = yield* api.listWorkloadIdentities({ maxResults: 1, nextToken: first.nextToken })
      assertEqual(second.workloadIdentities.map(({ name }) => name), [workloadName])
      assert.isUndefined(second.nextToken)
      for (const nextToken of [first.nextToken, "made-up", ""]) {
        const error = yield* Effect.flip(api.listApiKeyCredentialProviders({ nextToken }))
        assert.strictEqual(error._tag, "ValidationError")
        assert.include(error.message, "nextToken")
      }
    })
  )

  test(
    "a person consents, the application completes, and the poll finds the token",
    Effect.gen(function*() {
      const { api, begin, controls } = yield* setUp
      const { asked, sessionUri } = yield* begin("alice")
      const poll = api.getResourceOauth2Token({ ...asked, sessionUri })
      assert.strictEqual((yield* poll).sessionStatus, "IN_PROGRESS")
      const returned = new URL(Redacted.value(yield* controls.approve(sessionUri)))
      assert.strictEqual(returned.searchParams.get("session_id"), Redacted.value(sessionUri))
      assert.strictEqual(returned.searchParams.get("lang"), "en")
      assert.strictEqual((yield* poll).sessionStatus, "IN_PROGRESS")
      yield* api.completeResourceTokenAuth({ sessionUri, userIdentifier: { userId: "alice" } })
      const granted = revealed(yield* poll)
      assert.strictEqual(revealed(yield* api.getResourceOauth2Token({ ...asked, scopes: ["b"] })), granted)
    })
  )

  test(
    "returns to a custom scheme with session and state",
    Effect.gen(function*() {
      const { api, controls, mint, request } = yield* setUp
      yield* api.updateWorkloadIdentity({ name: workloadName, allowedResourceOauth2ReturnUrls: ["myapp:cb#top"] })
      const asked = { ...request(yield* mint("alice")), resourceOauth2ReturnUrl: "myapp:cb#top" }
      const { sessionUri = Redacted.make("") } = yield* api.getResourceOauth2Token({
        ...asked,
        customState: Redacted.make("a b&c")
      })
      const returned = Redacted.value(yield* controls.approve(sessionUri))
      assert.match(returned, /^myapp:cb\?session_id=urn%3Aietf%3A[^&]+&state=a\+b%26c#top$/)
      const colon = yield* Effect.flip(api.getResourceOauth2Token({ ...asked, customState: Redacted.make("a:b") }))
      assert.include(colon.message, "Value at 'requestUri' failed to satisfy constraint")
    })
  )

  test(
    "only the very user completes, only once, and a stranger's try spoils nothing",
    Effect.gen(function*() {
      const { api, begin, controls } = yield* setUp
      const { sessionUri } = yield* begin("alice")
      const complete = (userId: string) => api.completeResourceTokenAuth({ sessionUri, userIdentifier: { userId } })
      assert.strictEqual((yield* Effect.flip(complete("alice"))).message, "Invalid or expired session")
      yield* controls.approve(sessionUri)
      assert.strictEqual((yield* Effect.flip(complete("mallory")))._tag, "AccessDenied")
      const racing = yield* Effect.all([complete("alice"), complete("alice")].map((one) => Effect.either(one)), {
        concurrency: "unbounded"
      })
      assert.strictEqual(racing.filter(Either.isRight).length, 1)
      assert.strictEqual((yield* Effect.flip(complete("alice")))._tag, "AccessDenied")
    })
  )

  test(
    "a user named by a JWT completes with the very same JWT",
    Effect.gen(function*() {
      const { api, controls, request } = yield* setUp
      const [userToken, fresh] = [
        jwt({ iss: "https://idp", sub: "alice" }),
        jwt({ iss: "https://idp", sub: "alice", n: 1 })
      ]
      const { workloadAccessToken } = yield* api.getWorkloadAccessTokenForJWT({ workloadName, userToken })
      const { sessionUri = Redacted.make("") } = yield* api.getResourceOauth2Token(request(workloadAccessToken))
      yield* controls.approve(sessionUri)
      const refused = yield* Effect.flip(
        api.completeResourceTokenAuth({ sessionUri, userIdentifier: { userToken: fresh } })
      )
      assert.strictEqual(refused._tag, "AccessDenied")
      yield* api.completeResourceTokenAuth({ sessionUri, userIdentifier: { userToken } })
      assert.strictEqual((yield* controls.sessions)[0]?.user, "jwt:https://idp|alice")
    })
  )

  test(
    "a session lives for ten minutes, the last moment included",
    Effect.gen(function*() {
      const { api, begin, controls } = yield* setUp
      const { asked, sessionUri } = yield* begin("alice")
      const poll = api.getResourceOauth2Token({ ...asked, sessionUri })
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual((yield* poll).sessionStatus, "IN_PROGRESS")
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* Effect.flip(poll)).message, "Invalid or expired session")
      assert.strictEqual((yield* Effect.flip(controls.approve(sessionUri)))._tag, "SessionNotPending")
      assert.strictEqual((yield* controls.sessions)[0]?.status, "expired")
    })
  )

  test(
    "a refusal ends the session",
    Effect.gen(function*() {
      const { api, begin, controls } = yield* setUp
      const { asked, sessionUri } = yield* begin("alice")
      yield* controls.deny(sessionUri)
      const reply = yield* api.getResourceOauth2Token({ ...asked, sessionUri })
      assert.strictEqual(reply.sessionStatus, "FAILED")
      assert.isUndefined(reply.authorizationUrl)
    })
  )

  test(
    "what has expired is refreshed, until the vendor revokes it",
    Effect.gen(function*() {
      const { api, consent, controls } = yield* setUp
      const { asked } = yield* consent("alice")
      const before = revealed(yield* api.getResourceOauth2Token(asked))
      assert.strictEqual(yield* controls.expireTokens({ user: "userId:bob" }), 0)
      assert.strictEqual(yield* controls.expireTokens({ user: "userId:alice" }), 1)
      const after = revealed(yield* api.getResourceOauth2Token(asked))
      assert.notStrictEqual(after, before)
      assert.strictEqual(yield* controls.revoke(), 1)
      assert.strictEqual(revealed(yield* api.getResourceOauth2Token(asked)), after)
      yield* controls.expireTokens()
      assert.strictEqual((yield* api.getResourceOauth2Token(asked)).sessionStatus, "IN_PROGRESS")
    })
  )

  test(
    "forced authentication drops the grant and asks again",
    Effect.gen(function*() {
      const { api, consent } = yield* setUp
      const { asked, sessionUri } = yield* consent("alice")
      const forced = yield* api.getResourceOauth2Token({ ...asked, sessionUri, forceAuthentication: true })
      assert.strictEqual(forced.sessionStatus, "IN_PROGRESS")
      assert.strictEqual((yield* api.getResourceOauth2Token(asked)).sessionStatus, "IN_PROGRESS")
    })
  )

  test(
    "machine tokens are kept per set of scopes until they expire",
    Effect.gen(function*() {
      const { api, mint, request } = yield* setUp
      const asked = { ...request(yield* mint("alice")), oauth2Flow: "M2M" as const }
      const first = revealed(yield* api.getResourceOauth2Token(asked))
      const reordered = { ...asked, workloadIdentityToken: yield* mint("bob"), scopes: ["b", "a", "b"] }
      assert.strictEqual(revealed(yield* api.getResourceOauth2Token(reordered)), first)
      assert.notStrictEqual(revealed(yield* api.getResourceOauth2Token({ ...asked, scopes: ["a"] })), first)
      yield* TestClock.adjust("1 hours")
      const again = { ...asked, workloadIdentityToken: yield* mint("alice") }
      assert.notStrictEqual(revealed(yield* api.getResourceOauth2Token(again)), first)
    })
  )

  test(
    "a workload access token ends with its JWT, and with its identity",
    Effect.gen(function*() {
      const { api, mint, request } = yield* setUp
      const exp = 60
      const userToken = jwt({ iss: "https://idp", sub: "alice", exp })
      const { workloadAccessToken } = yield* api.getWorkloadAccessTokenForJWT({ workloadName, userToken })
      const other = yield* mint("alice")
      yield* api.getResourceOauth2Token(request(workloadAccessToken))
      yield* TestClock.adjust("1 minutes")
      const expired = yield* Effect.flip(api.getResourceOauth2Token(request(workloadAccessToken)))
      assert.strictEqual(expired._tag, "Unauthorized")
      const late = yield* Effect.flip(api.getWorkloadAccessTokenForJWT({ workloadName, userToken }))
      assert.strictEqual(late._tag, "Unauthorized")
      assert.notInclude(late.message, Redacted.value(userToken))
      yield* api.deleteWorkloadIdentity({ name: workloadName })
      yield* api.createWorkloadIdentity({ name: workloadName, allowedResourceOauth2ReturnUrls: [returnUrl] })
      assert.strictEqual((yield* Effect.flip(api.getResourceOauth2Token(request(other))))._tag, "Unauthorized")
    })
  )

  test(
    "the key of an external secret is read when it is asked for",
    Effect.gen(function*() {
      const { api, controls, mint } = yield* setUp
      const provider = yield* api.createApiKeyCredentialProvider({
        name: "mine",
        apiKeySecretSource: "EXTERNAL",
        apiKeySecretConfig: { secretId: "my/secret", jsonKey: "key" }
      })
      assert.strictEqual(provider.apiKeySecretJsonKey, "key")
      const asked = { workloadIdentityToken: yield* mint("alice"), resourceCredentialProviderName: "mine" }
      assert.strictEqual((yield* Effect.flip(api.getResourceApiKey(asked)))._tag, "ValidationError")
      yield* controls.setSecret("my/secret", Redacted.make(`{"key":"sk-1"}`))
      assert.strictEqual(Redacted.value((yield* api.getResourceApiKey(asked)).apiKey), "sk-1")
    })
  )

  test(
    "fails as often as it was told to, and keeps a journal without secrets",
    Effect.gen(function*() {
      const { api, controls } = yield* setUp
      const error = new Throttled({ operation: "GetTokenVault", message: "slow down" })
      yield* controls.failNext("getTokenVault", error, 2)
      assert.strictEqual(yield* Effect.flip(api.getTokenVault({})), error)
      assert.strictEqual(yield* Effect.flip(api.getTokenVault({})), error)
      yield* api.getTokenVault({})
      const journal = yield* controls.journal
      assertEqual(journal.map(({ operation, outcome }) => [operation, outcome]), [
        ["createWorkloadIdentity", "ok"],
        ["createOauth2CredentialProvider", "ok"],
        ["getTokenVault", "Throttled"],
        ["getTokenVault", "Throttled"],
        ["getTokenVault", "ok"]
      ])
      assert.notInclude(JSON.stringify(journal), "very-secret")
    })
  )

  test(
    "an identity that a service owns gets no token",
    Effect.gen(function*() {
      const { api, controls } = yield* setUp
      yield* controls.linkToService(workloadName)
      const error = yield* Effect.flip(api.getWorkloadAccessToken({ workloadName }))
      assert.include(error.message, "linked to a service")
    })
  )

  test(
    "a token is exchanged only for a JWT, and only by a provider that is meant for it",
    Effect.gen(function*() {
      const { api, mint, request } = yield* setUp
      yield* api.createOauth2CredentialProvider({
        name: "microsoft",
        credentialProviderVendor: "MicrosoftOauth2",
        oauth2ProviderConfigInput: {
          microsoftOauth2ProviderConfig: { clientId: "id", clientSecret: Redacted.make("s"), tenantId: "contoso" }
        }
      })
      const userToken = jwt({ iss: "https://idp", sub: "alice" })
      const { workloadAccessToken } = yield* api.getWorkloadAccessTokenForJWT({ workloadName, userToken })
      const exchange = (token: Redacted.Redacted, resourceCredentialProviderName: string) =>
        api.getResourceOauth2Token({
          ...request(token),
          resourceCredentialProviderName,
          oauth2Flow: "ON_BEHALF_OF_TOKEN_EXCHANGE"
        })
      revealed(yield* exchange(workloadAccessToken, "microsoft"))
      assert.strictEqual((yield* Effect.flip(exchange(workloadAccessToken, "google")))._tag, "ValidationError")
      assert.strictEqual((yield* Effect.flip(exchange(yield* mint("alice"), "microsoft")))._tag, "ValidationError")
    })
  )

  test(
    "signs for the vendor of the payment provider, and for no other",
    Effect.gen(function*() {
      const { api, mint } = yield* setUp
      yield* api.createPaymentCredentialProvider({
        name: "coinbase",
        credentialProviderVendor: "CoinbaseCDP",
        providerConfigurationInput: {
          coinbaseCdpConfiguration: { apiKeyId: "id", apiKeySecret: Redacted.make("c2VjcmV0") }
        },
        tags: { team: "payments" }
      })
      assertEqual((yield* api.getPaymentCredentialProvider({ name: "coinbase" })).tags, { team: "payments" })
      const asked = { workloadIdentityToken: yield* mint("alice"), resourceCredentialProviderName: "coinbase" }
      const { paymentTokenResponse } = yield* api.getResourcePaymentToken({
        ...asked,
        paymentTokenRequest: {
          coinbaseCdpTokenRequest: { requestMethod: "GET", requestPath: "/v2/x", includeWalletAuthToken: true }
        }
      })
      assert.isTrue(
        "coinbaseCdpTokenResponse" in paymentTokenResponse &&
          paymentTokenResponse.coinbaseCdpTokenResponse.walletAuthToken === undefined
      )
      const error = yield* Effect.flip(api.getResourcePaymentToken({
        ...asked,
        paymentTokenRequest: {
          stripePrivyTokenRequest: { requestPath: "/v1/x", requestBody: Redacted.make("{}") }
        }
      }))
      assert.include(error.message, "coinbaseCdpTokenRequest")
    })
  )

  test(
    "the vault takes a key of the customer's, and gives it back",
    Effect.gen(function*() {
      const { api } = yield* setUp
      const kmsKeyArn = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
      const missing = yield* Effect.flip(api.setTokenVaultCMK({ kmsConfiguration: { keyType: "CustomerManagedKey" } }))
      assert.include(missing.message, "kmsKeyArn")
      yield* api.setTokenVaultCMK({ kmsConfiguration: { keyType: "CustomerManagedKey", kmsKeyArn } })
      assert.strictEqual((yield* api.getTokenVault({})).kmsConfiguration.kmsKeyArn, kmsKeyArn)
      yield* api.setTokenVaultCMK({ kmsConfiguration: { keyType: "ServiceManagedKey" } })
      assert.isUndefined((yield* api.getTokenVault({})).kmsConfiguration.kmsKeyArn)
      assert.strictEqual((yield* Effect.flip(api.getTokenVault({ tokenVaultId: "mine" })))._tag, "ResourceNotFound")
    })
  )

  test(
    "a portal is being created when it is accepted, and active when it is read",
    Effect.gen(function*() {
      const { api, provider } = yield* setUp
      const request = {
        name: "portal",
        executionRoleArn: "arn:aws:iam::123456789012:role/portal",
        idpConfig: { credentialProviderArn: provider.credentialProviderArn, scopes: ["openid"] },
        sources: [{ identifier: "gateway-0123456789", type: "agentcore-gateway" as const }]
      }
      const { consentPortalId, status } = yield* api.createConsentPortal(request)
      assert.match(consentPortalId, /^portal-[A-Za-z0-9]{10}$/)
      assert.strictEqual(status, "CREATING")
      const read = yield* api.getConsentPortal({ consentPortalIdentifier: consentPortalId })
      assert.strictEqual(read.status, "ACTIVE")
      assert.strictEqual((yield* Effect.flip(api.createConsentPortal(request)))._tag, "Conflict")
      assert.strictEqual((yield* api.listConsentPortals({})).consentPortals.length, 1)
    })
  )
})
