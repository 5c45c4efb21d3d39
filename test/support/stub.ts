import { Effect, Layer, Redacted, Ref } from "effect"
import * as IdentityApi from "../../src/IdentityApi.js"
import * as IdentityError from "../../src/IdentityError.js"
import * as IdentityService from "../../src/IdentityService.js"

export type TokenRequest = IdentityApi.Request<"getResourceOauth2Token">

export type TokenReply = IdentityApi.Reply<"getResourceOauth2Token">

type Answer = Effect.Effect<TokenReply, IdentityApi.Failure<"getResourceOauth2Token">>

export const sessionUri = Redacted.make("urn:ietf:params:oauth:request_uri:session")

/** What AWS answers while a user has not consented. */
export const inProgress: TokenReply = {
  authorizationUrl: Redacted.make("https://idp.example/authorize"),
  sessionUri,
  sessionStatus: "IN_PROGRESS"
}

export const token = (text: string): TokenReply => ({ accessToken: Redacted.make(text) })

export const throttled = new IdentityError.Throttled({ operation: "GetResourceOauth2Token", message: "slow down" })

/**
 * The service over a port that answers token requests as a function of the request and of the number of requests before it,
 * and completes every session; and the requests so far.
 */
export const answering = (answer: (request: TokenRequest, index: number) => Answer) =>
  Effect.gen(function*() {
    const asked = yield* Ref.make<ReadonlyArray<TokenRequest>>([])
    const api = Layer.mock(IdentityApi.IdentityApi, {
      getResourceOauth2Token: (request) =>
        Effect.flatMap(
          Ref.getAndUpdate(asked, (all) => [...all, request]),
          (before) => answer(request, before.length)
        ),
      completeResourceTokenAuth: () => Effect.succeed({})
    })
    const identity = yield* Effect.provide(IdentityService.make, api)
    return { identity, requests: Ref.get(asked) }
  })

/** The options of a request for a user's token. */
export const user = {
  providerName: "github",
  scopes: ["repo"],
  authFlow: "USER_FEDERATION",
  callbackUrl: "https://app.example/return",
  workloadAccessToken: Redacted.make("workload-access-token")
} as const
