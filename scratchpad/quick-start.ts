import { Console, Effect, Redacted } from "effect"
import { AccessToken, IdentityService, WorkloadAccessToken } from "effect-agentcore-identity"

// The agent requires a token. Its type states the requirement.
const agent = AccessToken.AccessToken.pipe(
  Effect.tap((token) => Console.log(`calling the API with ${token}, of ${Redacted.value(token).length} characters`)),
  AccessToken.provideAccessToken({ providerName: "graph", scopes: [".default"], authFlow: "M2M" }),
  Effect.provide(WorkloadAccessToken.layer({ workloadName: "my-agent", userId: "cognito+ada" }))
)

// Set-up, which runs once.
const setUp = Effect.gen(function*() {
  const identity = yield* IdentityService.IdentityService
  const client = { clientId: "id", clientSecret: Redacted.make("secret"), tenantId: "my-tenant" }
  yield* identity.createWorkloadIdentity({ name: "my-agent" })
  yield* identity.createOauth2CredentialProvider({
    name: "graph",
    credentialProviderVendor: "MicrosoftOauth2",
    oauth2ProviderConfigInput: { microsoftOauth2ProviderConfig: client }
  })
})

Effect.runPromise(Effect.provide(Effect.zipRight(setUp, agent), IdentityService.layerTest)) // on AWS: AwsIdentity.layer()
