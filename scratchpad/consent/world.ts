/** Set-up of the identity service, and a user who consents. */
import { Effect, Redacted } from "effect"
import { Credential, IdentityControls, type IdentityError, IdentityService } from "effect-agentcore-identity"

const userId = "cognito+ada"
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
  (identity) => identity.getWorkloadAccessToken({ workloadName: "my-agent", userId })
)

/** Ada approves the consent, and the page at the return URL completes it. */
export const adaConsents = ({ sessionUri }: Pick<IdentityError.ConsentRequired, "sessionUri">) =>
  Effect.gen(function*() {
    const identity = yield* IdentityService.IdentityService
    const { approve } = yield* IdentityControls.IdentityControls
    yield* approve(sessionUri)
    yield* identity.completeResourceTokenAuth({ sessionUri, userIdentifier: Credential.userId(userId) })
  })
