import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Redacted } from "effect"
import { Consent, IdentityControls, type IdentityError, IdentityService } from "effect-agentcore-identity"

const callbackUrl = "https://app.example/return"

it.effect("the agent receives its token as soon as the consent is completed", () =>
  Effect.gen(function*() {
    yield* IdentityControls.seed({
      workloadIdentities: [{ name: "my-agent", allowedResourceOauth2ReturnUrls: [callbackUrl] }],
      oauth2CredentialProviders: [{
        name: "github",
        credentialProviderVendor: "GithubOauth2",
        oauth2ProviderConfigInput: { githubOauth2ProviderConfig: { clientId: "id", clientSecret: "secret" } }
      }]
    })
    const identity = yield* IdentityService.IdentityService
    const workloadAccessToken = yield* identity.getWorkloadAccessToken({ workloadName: "my-agent", userId: "ada" })

    const required = yield* Deferred.make<IdentityError.ConsentRequired>()
    const agent = yield* Effect.fork(identity.getToken({
      providerName: "github",
      scopes: ["repo"],
      authFlow: "USER_FEDERATION",
      workloadAccessToken,
      callbackUrl,
      consent: Consent.wait({ onAuthUrl: (_, consent) => Deferred.succeed(required, consent) })
    }))
    yield* IdentityControls.consent(yield* Deferred.await(required))
    assert.isTrue(Redacted.isRedacted(yield* Fiber.join(agent)))
  }).pipe(Effect.provide(IdentityService.layerTest)))
