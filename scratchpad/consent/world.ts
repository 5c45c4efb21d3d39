/** Set-up of the identity service, and the workload access token of a user. */
import { Effect, Redacted } from "effect"
import { IdentityService } from "effect-agentcore-identity"

const callbackUrl = "https://app.example/return"

/** Options of the token request of the agents. */
export const repository = {
  providerName: "github",
  scopes: ["repo"],
  authFlow: "USER_FEDERATION",
  callbackUrl
} as const

export const setUp = Effect.gen(function*() {
  const identity = yield* IdentityService.IdentityService
  yield* identity.createWorkloadIdentity({ name: "my-agent", allowedResourceOauth2ReturnUrls: [callbackUrl] })
  yield* identity.createOauth2CredentialProvider({
    name: "github",
    credentialProviderVendor: "GithubOauth2",
    oauth2ProviderConfigInput: { githubOauth2ProviderConfig: { clientId: "id", clientSecret: Redacted.make("secret") } }
  })
})

export const asAda = Effect.flatMap(
  IdentityService.IdentityService,
  (identity) => identity.getWorkloadAccessToken({ workloadName: "my-agent", userId: "cognito+ada" })
)
