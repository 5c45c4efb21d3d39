import { Console, Effect, Redacted, Schedule } from "effect"
import { Consent, Credential, IdentityControls, IdentityService } from "effect-agentcore-identity"

/** Polls quickly at first, then slower, with jitter, for at most two minutes. */
const eager = Schedule.exponential("100 millis", 1.5).pipe(Schedule.jittered, Schedule.upTo("2 minutes"))

const callbackUrl = "https://app.example/return"
const userId = "cognito+ada"

const program = Effect.gen(function*() {
  const identity = yield* IdentityService.IdentityService
  const controls = yield* IdentityControls.IdentityControls
  yield* identity.createWorkloadIdentity({ name: "my-agent", allowedResourceOauth2ReturnUrls: [callbackUrl] })
  yield* identity.createOauth2CredentialProvider({
    name: "github",
    credentialProviderVendor: "GithubOauth2",
    oauth2ProviderConfigInput: { githubOauth2ProviderConfig: { clientId: "id", clientSecret: Redacted.make("secret") } }
  })
  const token = yield* identity.getToken({
    workloadAccessToken: yield* identity.getWorkloadAccessToken({ workloadName: "my-agent", userId }),
    providerName: "github",
    scopes: ["repo"],
    authFlow: "USER_FEDERATION",
    callbackUrl,
    consent: Consent.wait({
      tokenPoller: eager,
      onAuthUrl: (_, { sessionUri }) =>
        Effect.delay(controls.approve(sessionUri), "1 second").pipe(
          Effect.zipRight(
            identity.completeResourceTokenAuth({ sessionUri, userIdentifier: Credential.userId(userId) })
          ),
          Effect.forkDaemon
        )
    })
  })
  yield* Console.log(`consented: ${token}`)
})

Effect.runPromise(Effect.provide(program, IdentityService.layerTest))
