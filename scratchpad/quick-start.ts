import { Console, Effect, Redacted } from "effect"
import { AccessToken, IdentityService, WorkloadAccessToken } from "effect-agentcore-identity"

// What your agent does: it needs a token, and says so in its type.
const agent = Effect.gen(function*() {
  const token = yield* AccessToken.AccessToken
  yield* Console.log(`calling the API with ${token}, of ${Redacted.value(token).length} characters`)
})

const program = Effect.gen(function*() {
  const identity = yield* IdentityService.IdentityService
  yield* identity.createWorkloadIdentity({ name: "my-agent" })
  yield* identity.createOauth2CredentialProvider({
    name: "github",
    credentialProviderVendor: "GithubOauth2",
    oauth2ProviderConfigInput: { githubOauth2ProviderConfig: { clientId: "id", clientSecret: Redacted.make("secret") } }
  })
  yield* agent.pipe(
    AccessToken.provideAccessToken({ providerName: "github", scopes: ["repo"], authFlow: "M2M" }),
    Effect.provide(WorkloadAccessToken.layer({ workloadName: "my-agent", userId: "cognito+ada" }))
  )
})

Effect.runPromise(Effect.provide(program, IdentityService.layerTest)) // on AWS: AwsIdentity.layer()
