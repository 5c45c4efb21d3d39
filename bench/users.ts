/** A workload whose users have to be asked, and users who wait. */
import { Deferred, Effect, type Fiber, Redacted, Schedule } from "effect"
import { Consent, type IdentityError, IdentityService } from "../src/index.js"

const workloadName = "agent"

const callbackUrl = "https://app.example/return"

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

/** Starts a user who waits; ends when they have been told the URL, and sleep. */
export const begin = (userId: string, workloadAccessToken: Redacted.Redacted) =>
  Effect.gen(function*() {
    const identity = yield* IdentityService.IdentityService
    const told = yield* Deferred.make<Redacted.Redacted, IdentityService.UserFailure>()
    const fiber = yield* identity.getToken({
      providerName: "github",
      scopes: ["repo"],
      authFlow: "USER_FEDERATION",
      callbackUrl,
      workloadAccessToken,
      consent: Consent.wait({
        onAuthUrl: (_, { sessionUri }: IdentityError.ConsentRequired) => Deferred.succeed(told, sessionUri)
      })
    }).pipe(
      Effect.tapError((error) => Deferred.fail(told, error)),
      Effect.map(() => performance.now()),
      Effect.forkDaemon
    )
    return { userId, sessionUri: yield* Deferred.await(told), fiber } satisfies Waiter
  }).pipe(reliably)

/** So many users who wait, all with different names. */
export const beginAll = (prefix: string, count: number) =>
  Effect.forEach(
    Array.from({ length: count }, (_, i) => `${prefix}-${i}`),
    (userId) => Effect.flatMap(workloadAccessToken(userId), (token) => begin(userId, token)),
    { concurrency: 32 }
  )
