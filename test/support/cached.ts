import { Effect, Layer, Redacted, TestClock } from "effect"
import * as IdentityApi from "../../src/IdentityApi.js"
import * as IdentityService from "../../src/IdentityService.js"
import * as TokenCache from "../../src/TokenCache.js"
import type { TokenReply, TokenRequest } from "./stub.js"

export type Answer = Effect.Effect<TokenReply, IdentityApi.Failure<"getResourceOauth2Token">>

/** The options of a request for a machine token. */
export const machine = {
  providerName: "github",
  scopes: ["a", "b"],
  authFlow: "M2M",
  workloadAccessToken: Redacted.make("workload")
} as const

/** The options of a request for a user's token. */
export const user = { ...machine, authFlow: "USER_FEDERATION", callbackUrl: "https://app.example/return" } as const

/** A cache without jitter over a service whose n-th token is `token-n`, or `answer`. */
export const cached = (
  options: TokenCache.Options = {},
  answer: (request: TokenRequest, index: number) => Answer | undefined = () => undefined
) =>
  Effect.gen(function*() {
    const requests: Array<TokenRequest> = []
    const mints: Array<string> = []
    const api = Layer.mock(IdentityApi.IdentityApi, {
      getResourceOauth2Token: (request) =>
        Effect.suspend(() => {
          const index = requests.push(request)
          return answer(request, index) ?? Effect.succeed({ accessToken: Redacted.make(`token-${index}`) })
        }),
      getResourceApiKey: ({ resourceCredentialProviderName }) =>
        Effect.sync(() => ({ apiKey: Redacted.make(`key-${resourceCredentialProviderName}-${mints.push("key")}`) })),
      getWorkloadAccessTokenForUserId: ({ userId }) =>
        Effect.sync(() => ({ workloadAccessToken: Redacted.make(`${userId}-${mints.push(userId)}`) })),
      getWorkloadAccessTokenForJWT: () =>
        Effect.sync(() => ({ workloadAccessToken: Redacted.make(`jwt-${mints.push("jwt")}`) })),
      completeResourceTokenAuth: () => Effect.succeed({}),
      deleteOauth2CredentialProvider: () => Effect.succeed({}),
      updateApiKeyCredentialProvider: () => Effect.dieMessage("lost"),
      deleteWorkloadIdentity: () => Effect.succeed({})
    })
    const context = yield* Layer.build(
      TokenCache.layer({ jitter: 0, ...options }).pipe(
        Layer.provide(IdentityService.layer),
        Layer.provide(api)
      )
    )
    const [identity, cache] = yield* Effect.provide(
      Effect.all([IdentityService.IdentityService, TokenCache.TokenCache]),
      context
    )
    return { identity, cache, requests, mints }
  })

export const minutes = (count: number) => TestClock.adjust(count * 60_000)

/** The text of a credential. */
export const text = <E, R>(self: Effect.Effect<Redacted.Redacted, E, R>) => Effect.map(self, Redacted.value)

/** The options of a cache that runs the contract. */
export const contractLifetimes: TokenCache.Options = { timeToLive: "5 minutes", workloadAccessTokens: "5 minutes" }

/** The tests of the contract that a cache with a lifetime of five minutes does not pass. */
export const contractExemptions = {
  "a transient failure is retried, except where a repetition could open a second session":
    "its last call receives the token of its first one from the cache",
  "an expired access token is refreshed until the vendor revokes the grant":
    "the token expires behind the back of the service",
  "a call after another one sends a request of its own": "the second call receives the token from the cache",
  "two tokens that were requested for one user belong to one grant, and other users, scopes and providers do not":
    "the second workload access token comes from the cache",
  "a workload identity that is deleted and created again has no workload access token, session, grant or machine token":
    "it is deleted through the port, behind the back of the service"
}
