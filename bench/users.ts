/** A workload whose users must consent, and calls that wait. */
import { Deferred, Effect, type Fiber, Redacted, Schedule } from "effect"
import { Consent, type IdentityError, IdentityService } from "../src/index.js"

const workloadName = "agent"

export const callbackUrl = "https://app.example/return"

export const prepare = Effect.gen(function*() {
  const identity = yield* IdentityService.IdentityService
  yield* identity.createWorkloadIdentity({ name: workloadName, allowedResourceOauth2ReturnUrls: [callbackUrl] })
  yield* identity.createOauth2CredentialProvider({
    name: "github",
    credentialProviderVendor: "GithubOauth2",
    oauth2ProviderConfigInput: { githubOauth2ProviderConfig: { clientId: "id", clientSecret: Redacted.make("s") } }
  })
})

export interface Waiter {
  readonly userId: string
  readonly sessionUri: Redacted.Redacted
  /** Ends with the time at which the token was there. */
  readonly fiber: Fiber.Fiber<number, IdentityService.UserFailure>
}

// A server that is short of time may reset a connection before it has read anything.
const reliably = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.retry(effect, {
    times: 5,
    schedule: Schedule.spaced("200 millis"),
    while: (error) => error._tag === "TransportFailure"
  })

export const workloadAccessToken = (userId: string) =>
  Effect.flatMap(
    IdentityService.IdentityService,
    (identity) => identity.getWorkloadAccessToken({ workloadName, userId })
  )

/** Starts a call that waits for a user; ends when the URL was reported and the call sleeps. */
export const begin = (userId: string, workloadAccessToken: Redacted.Redacted) =>
  Effect.gen(function*() {
    const identity = yield* IdentityService.IdentityService
    const reported = yield* Deferred.make<Redacted.Redacted, IdentityService.UserFailure>()
    const fiber = yield* identity.getToken({
      providerName: "github",
      scopes: ["repo"],
      authFlow: "USER_FEDERATION",
      callbackUrl,
      workloadAccessToken,
      consent: Consent.wait({
        onAuthUrl: (_, { sessionUri }: IdentityError.ConsentRequired) => Deferred.succeed(reported, sessionUri)
      })
    }).pipe(
      Effect.tapError((error) => Deferred.fail(reported, error)),
      Effect.map(() => performance.now()),
      Effect.forkDaemon
    )
    return { userId, sessionUri: yield* Deferred.await(reported), fiber } satisfies Waiter
  }).pipe(reliably)

/** Starts a number of waiting calls, each for another user. */
export const beginAll = (prefix: string, count: number) =>
  Effect.forEach(
    Array.from({ length: count }, (_, i) => `${prefix}-${i}`),
    (userId) => Effect.flatMap(workloadAccessToken(userId), (token) => begin(userId, token)),
    { concurrency: 32 }
  )
