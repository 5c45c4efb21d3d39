import { Effect, Redacted } from "effect"
import * as IdentityService from "../../src/IdentityService.js"

export const workloadName = "my-agent"

export const callbackUrl = "https://app.example/return"

export const discoveryUrl = "https://issuer.example/.well-known/openid-configuration"

/** The setup of a new agent: a workload identity, a provider of each kind, and a signed-in user. */
export const agent = Effect.gen(function*() {
  const identity = yield* IdentityService.IdentityService
  yield* identity.createWorkloadIdentity({ name: workloadName, allowedResourceOauth2ReturnUrls: [callbackUrl] })
  yield* identity.createOauth2CredentialProvider({
    name: "github",
    credentialProviderVendor: "GithubOauth2",
    oauth2ProviderConfigInput: {
      githubOauth2ProviderConfig: { clientId: "client", clientSecret: Redacted.make("client-secret") }
    }
  })
  yield* identity.createOauth2CredentialProvider({
    name: "exchange",
    credentialProviderVendor: "CustomOauth2",
    oauth2ProviderConfigInput: {
      customOauth2ProviderConfig: {
        clientId: "client",
        clientSecret: Redacted.make("client-secret"),
        oauthDiscovery: { discoveryUrl },
        onBehalfOfTokenExchangeConfig: { grantType: "JWT_AUTHORIZATION_GRANT" }
      }
    }
  })
  yield* identity.createApiKeyCredentialProvider({ name: "weather", apiKey: Redacted.make("weather-key") })
  yield* identity.createPaymentCredentialProvider({
    name: "coinbase",
    credentialProviderVendor: "CoinbaseCDP",
    providerConfigurationInput: {
      coinbaseCdpConfiguration: {
        apiKeyId: "key",
        apiKeySecret: Redacted.make("key-secret"),
        walletSecret: Redacted.make("wallet-secret")
      }
    }
  })
  const workloadAccessToken = yield* identity.getWorkloadAccessToken({ workloadName, userId: "ada" })
  return { identity, workloadAccessToken }
})

const base64Url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url")

/** A JWT with a signature that is not verified. */
export const jwt = (claims: Record<string, unknown>) =>
  Redacted.make(`${base64Url({ alg: "none" })}.${base64Url(claims)}.c2lnbmF0dXJl`)

/** The usual `getToken` request of tests. */
export const asUser = { providerName: "github", scopes: ["repo"], authFlow: "USER_FEDERATION", callbackUrl } as const
