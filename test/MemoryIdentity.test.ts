import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import { IdentityApi } from "../src/IdentityApi.js"
import { Throttled } from "../src/IdentityError.js"
import * as MemoryIdentity from "../src/MemoryIdentity.js"
import { assertEqual } from "./support/equality.js"

import { google, jwt, returnUrl, revealed, setUp, test, workloadName } from "./support/memory.js"

describe("MemoryIdentity", () => {
  it.effect("uses the given account, region and partition in its ARNs and URLs", () =>
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
    "a new layer starts empty",
    Effect.gen(function*() {
      const api = yield* IdentityApi
      assertEqual((yield* api.listWorkloadIdentities({})).workloadIdentities, [])
    })
  )

  it.effect("the callback URL of a provider depends only on its name", () =>
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
    "validates requests, including secrets, and names the invalid member",
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
    "rejects the configuration of another vendor, and names the expected member",
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
    "an update keeps the callback URL, even if a change of the client ends the grants",
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
    "lists pages in the order of names, and rejects a token of another list",
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
    "machine tokens are cached per set of scopes until they expire",
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
    "a workload access token ends when its JWT expires or its workload identity is deleted",
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
    "the key of an external secret is read when it is requested",
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
    "fails as often as injected, and keeps a journal without secrets",
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
    "a workload identity that is linked to a service gets no token",
    Effect.gen(function*() {
      const { api, controls } = yield* setUp
      yield* controls.linkToService(workloadName)
      const error = yield* Effect.flip(api.getWorkloadAccessToken({ workloadName }))
      assert.include(error.message, "linked to a service")
    })
  )

  test(
    "a token exchange requires a JWT and a provider that is configured for it",
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
    "issues payment tokens only for the vendor of the provider",
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
    "the vault stores a customer-managed key and returns it",
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
    "a portal has the status CREATING when it is created, and ACTIVE when it is read",
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
