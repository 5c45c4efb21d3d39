import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Redacted } from "effect"
import { Consent, Credential, IdentityControls, type IdentityError, IdentityService } from "effect-agentcore-identity"

const callbackUrl = "https://app.example/return"

it.effect("the agent receives its token as soon as the consent is completed", () =>
  Effect.gen(function*() {
    const identity = yield* IdentityService.IdentityService
    const controls = yield* IdentityControls.IdentityControls
    yield* identity.createWorkloadIdentity({ name: "my-agent", allowedResourceOauth2ReturnUrls: [callbackUrl] })
    yield* identity.createOauth2CredentialProvider({
      name: "github",
      credentialProviderVendor: "GithubOauth2",
      oauth2ProviderConfigInput: { githubOauth2ProviderConfig: { clientId: "id", clientSecret: Redacted.make("s") } }
    })
    const workloadAccessToken = yield* identity.getWorkloadAccessToken({ workloadName: "my-agent", userId: "ada" })

    const required = yield* Deferred.make<IdentityError.ConsentRequired>()
    const onAuthUrl = (_: Redacted.Redacted, consent: IdentityError.ConsentRequired) =>
      Deferred.succeed(required, consent)
    const agent = yield* Effect.fork(identity.getToken({
      providerName: "github",
      scopes: ["repo"],
      authFlow: "USER_FEDERATION",
      workloadAccessToken,
      callbackUrl,
      customState: "c3RhdGU",
      consent: Consent.wait({ onAuthUrl })
    }))
    const { sessionUri } = yield* Deferred.await(required)
    const returned = new URL(Redacted.value(yield* controls.approve(sessionUri))).searchParams
    assert.strictEqual(returned.get("state"), "c3RhdGU")
    const userIdentifier = Credential.userId("ada")
    yield* identity.completeResourceTokenAuth({ sessionUri: returned.get("session_id") ?? "", userIdentifier })
    assert.isTrue(Redacted.isRedacted(yield* Fiber.join(agent)))
  }).pipe(Effect.provide(IdentityService.layerTest)))
