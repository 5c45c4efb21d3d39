/** Set-up of the identity service, and the workload access token of a user. */
import { Effect } from "effect"
import { IdentityControls, IdentityService } from "effect-agentcore-identity"

const callbackUrl = "https://app.example/return"

/** Options of the token request of the agents. */
export const repository = {
  providerName: "github",
  scopes: ["repo"],
  authFlow: "USER_FEDERATION",
  callbackUrl
} as const

export const setUp = IdentityControls.seed({
  workloadIdentities: [{ name: "my-agent", allowedResourceOauth2ReturnUrls: [callbackUrl] }],
  oauth2CredentialProviders: [{
    name: "github",
    credentialProviderVendor: "GithubOauth2",
    oauth2ProviderConfigInput: { githubOauth2ProviderConfig: { clientId: "id", clientSecret: "secret" } }
  }]
})

export const asAda = Effect.flatMap(
  IdentityService.IdentityService,
  (identity) => identity.getWorkloadAccessToken({ workloadName: "my-agent", userId: "cognito+ada" })
)
