/** Processes that share tokens in Redis: each has a service, a cache and a connection of its own. */
import { Effect, Layer, Redacted } from "effect"
import * as IdentityApi from "../../src/IdentityApi.js"
import * as IdentityService from "../../src/IdentityService.js"
import * as Redis from "../../src/Redis.js"
import * as TokenCache from "../../src/TokenCache.js"
import type { MachineTokenOptions, WithWorkloadAccessToken } from "../../src/TokenOptions.js"
import { type Answer, machine } from "./cached.js"
import { connection, prefix, seal, shared } from "./redis.js"

/** The server of the test file. */
export const running = shared()

/** Counts the requests of all instances. The n-th token is `token-n`, or `answer`. */
export const service = (answer: (index: number) => Answer | undefined = () => undefined) => {
  const requests: Array<string> = []
  let mints = 0
  const api = Layer.mock(IdentityApi.IdentityApi, {
    getResourceOauth2Token: ({ resourceCredentialProviderName }) =>
      Effect.suspend(() => {
        const index = requests.push(resourceCredentialProviderName)
        return answer(index) ?? Effect.succeed({ accessToken: Redacted.make(`token-${index}`) })
      }),
    getWorkloadAccessTokenForUserId: ({ userId, workloadName }) =>
      Effect.sync(() => ({ workloadAccessToken: Redacted.make(`${workloadName}-${userId}-${++mints}`) })),
    completeResourceTokenAuth: () => Effect.succeed({}),
    deleteOauth2CredentialProvider: () => Effect.succeed({}),
    deleteWorkloadIdentity: () => Effect.succeed({})
  })
  return { api, requests, mints: () => mints }
}

/** A loaded machine does not reply within the default time limit of the store, `{}`. */
export interface InstanceOptions extends TokenCache.Options {
  readonly url?: string
  readonly store?: Parameters<typeof Redis.layerTokenStore>[0]
}

/** One process: a service, a cache and a connection of its own. */
export const instance = (
  { api }: ReturnType<typeof service>,
  at: string,
  { store = { timeLimit: "2 seconds" }, url = running().url, ...options }: InstanceOptions = {}
) =>
  Layer.build(
    TokenCache.layer({ timeToLive: "5 minutes", jitter: 0, ...options }).pipe(
      Layer.provide(IdentityService.layer),
      Layer.provide(api),
      Layer.provide(Redis.layerTokenStore(store)),
      Layer.provide(connection(url, { prefix: at })),
      Layer.provide(seal)
    )
  ).pipe(Effect.flatMap((context) =>
    Effect.provide(
      Effect.map(Effect.all([IdentityService.IdentityService, TokenCache.TokenCache]), ([identity, cache]) => ({
        identity,
        cache,
        get: (options: MachineTokenOptions & WithWorkloadAccessToken = machine) =>
          Effect.map(identity.getToken(options), Redacted.value)
      })),
      context
    )
  ))

export const pair = (own: ReturnType<typeof service>, options?: InstanceOptions) => {
  const at = prefix()
  return Effect.all([instance(own, at, options), instance(own, at, options)])
}
