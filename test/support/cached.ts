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
