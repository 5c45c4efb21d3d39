import { assert, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { AccessToken, IdentityControls, IdentityService, WorkloadAccessToken } from "effect-agentcore-identity"

/** The agent as it runs on AWS, not changed for the test. */
const agent = Effect.map(AccessToken.AccessToken, (token) => `called with ${Redacted.value(token).length} characters`)
  .pipe(
    AccessToken.provideAccessToken({
      providerName: "github",
      scopes: ["repo"],
      authFlow: "USER_FEDERATION",
      callbackUrl: "https://app.example/return"
    }),
    Effect.catchTag("ConsentRequired", () => Effect.succeed("consent is required")),
    Effect.provide(WorkloadAccessToken.layer({ workloadName: "my-agent", userId: "cognito+ada" }))
  )

it.effect("the agent requires consent if the user has not consented", () =>
  Effect.gen(function*() {
    const identity = yield* IdentityService.IdentityService
    const controls = yield* IdentityControls.IdentityControls
    yield* identity.createWorkloadIdentity({
      name: "my-agent",
      allowedResourceOauth2ReturnUrls: ["https://app.example/return"]
    })
    yield* identity.createOauth2CredentialProvider({
      name: "github",
      credentialProviderVendor: "GithubOauth2",
      oauth2ProviderConfigInput: { githubOauth2ProviderConfig: { clientId: "id", clientSecret: Redacted.make("s") } }
    })
    assert.strictEqual(yield* agent, "consent is required")
    assert.strictEqual((yield* controls.sessions)[0]?.status, "pending")
  }).pipe(Effect.provide(IdentityService.layerTest)))
