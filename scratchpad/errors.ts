import { Console, Effect, Redacted } from "effect"
import { AccessToken, Diagnosis, IdentityService, WorkloadAccessToken } from "effect-agentcore-identity"

const turn = Effect.as(AccessToken.AccessToken, "the agent has its token")

/** Handles each error of a request for a user token by its tag. A missing tag would not compile. */
const handled = turn.pipe(
  AccessToken.provideAccessToken({ providerName: "github", scopes: ["repo"], authFlow: "USER_FEDERATION" }),
  Effect.catchTags({
    ConsentRequired: ({ authorizationUrl, expiresAt }) =>
      Effect.succeed(`please open ${Redacted.value(authorizationUrl)} before ${expiresAt}`),
    ConsentDenied: () => Effect.succeed("you denied the consent, so I cannot read your repositories"),
    ConsentTimedOut: () => Effect.succeed("the consent was not completed in time: ask me again"),
    Throttled: () => Effect.succeed("busy: try again in a minute"),
    ResourceNotFound: ({ message }) => Effect.succeed(`not set up yet: ${message}`),
    ValidationError: (error) => Effect.succeed(Diagnosis.explain(error)),
    AccessDenied: (error) => Effect.succeed(Diagnosis.explain(error)),
    Unauthorized: (error) => Effect.succeed(Diagnosis.explain(error)),
    InternalServerError: () => Effect.succeed("AWS has a problem"),
    TransportFailure: ({ reason }) => Effect.succeed(`AWS cannot be reached: ${reason}`),
    UndecodableReply: ({ path }) => Effect.succeed(`unexpected reply of AWS at ${path}`),
    UnknownServiceError: ({ code }) => Effect.succeed(`unexpected error of AWS: ${code}`),
    WorkloadAccessTokenUnavailable: ({ message }) => Effect.succeed(message)
  })
) satisfies Effect.Effect<string, never, IdentityService.IdentityService | WorkloadAccessToken.WorkloadAccessToken>

const program = Effect.gen(function*() {
  const identity = yield* IdentityService.IdentityService
  yield* identity.createWorkloadIdentity({ name: "my-agent" })
  const asAda = WorkloadAccessToken.layer({ workloadName: "my-agent", userId: "cognito+ada" })
  yield* Console.log(yield* Effect.provide(handled, asAda))
})

Effect.runPromise(Effect.provide(program, IdentityService.layerTest))
