import { assert, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { AccessToken, Consent, IdentityControls, IdentityService, WorkloadAccessToken } from "effect-agentcore-identity"

const callbackUrl = "https://app.example/return"

/** The agent as it runs on AWS, not changed for the test. */
const agent = Effect.map(AccessToken.AccessToken, (token) => `called with ${Redacted.value(token).length} characters`)
  .pipe(
    AccessToken.provideAccessToken({
      providerName: "github",
      scopes: ["repo"],
      authFlow: "USER_FEDERATION",
      callbackUrl
    }),
    Effect.catchTag("ConsentRequired", () => Effect.succeed("consent is required")),
    Effect.provide(WorkloadAccessToken.layer({ workloadName: "my-agent", userId: "cognito+ada" }))
  )

/** The service in memory, with a workload identity and a provider. */
const Test = IdentityControls.layerSeed({
  workloadIdentities: [{ name: "my-agent", allowedResourceOauth2ReturnUrls: [callbackUrl] }],
  oauth2CredentialProviders: [{
    name: "github",
    credentialProviderVendor: "GithubOauth2",
    oauth2ProviderConfigInput: { githubOauth2ProviderConfig: { clientId: "id", clientSecret: "secret" } }
  }]
}).pipe(Layer.provideMerge(IdentityService.layerTest))

it.effect("the agent requires consent if the user has not consented", () =>
  Effect.gen(function*() {
    assert.strictEqual(yield* agent, "consent is required")
  }).pipe(Effect.provide(Test)))

it.effect("the agent calls the API if the user consents", () =>
  Effect.gen(function*() {
    assert.match(yield* agent, /^called with/)
  }).pipe(Effect.provide(Consent.layer(IdentityControls.autoConsent).pipe(Layer.provideMerge(Test)))))
