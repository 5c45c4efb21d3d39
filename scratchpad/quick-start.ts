import { Console, Effect, Redacted } from "effect"
import { AccessToken, IdentityService, WorkloadAccessToken } from "effect-agentcore-identity"

// What your agent does: it needs a token, and says so in its type.
const agent = AccessToken.AccessToken.pipe(
  Effect.tap((token) => Console.log(`calling the API with ${token}, of ${Redacted.value(token).length} characters`)),
  AccessToken.provideAccessToken({ providerName: "graph", scopes: [".default"], authFlow: "M2M" }),
  Effect.provide(WorkloadAccessToken.layer({ workloadName: "my-agent", userId: "cognito+ada" }))
)

// What you do once, before it runs.
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
