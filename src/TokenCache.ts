/**
 * Cache of access tokens, API keys and workload access tokens, in front of `IdentityService`. It is off unless its layer is
 * provided.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type * as Stream from "effect/Stream"
import type { UserIdentifier } from "./Credential.js"
import { IdentityService } from "./IdentityService.js"
import * as cache from "./internal/cache/cache.js"
import * as cachedService from "./internal/cache/cachedService.js"
import * as lifetimes from "./internal/cache/lifetimes.js"
import { problemsOf } from "./internal/lib/durationOption.js"
import { identityOf, userNameOf } from "./internal/service/grantKey.js"
import * as superseded from "./internal/service/superseded.js"
import { workloadTokenOf } from "./internal/service/workloadToken.js"
import type { AnyTokenOptions, WithWorkloadAccessToken } from "./TokenOptions.js"
import type { MintFailure } from "./WorkloadAccessToken.js"

/**
 * Settings of a cache, all optional.
 *
 * The service states no lifetimes. A credential that is a JWT with `exp` is kept until `skew` before that time. Other credentials
 * are kept for the time of their provider. A credential with neither is not kept. If both are known, the earlier end counts.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** How long access tokens and API keys are kept, if `providers` does not have their provider; by default not at all. */
  readonly timeToLive?: Duration.DurationInput | undefined
  /** How long the credentials of a provider are kept, by the name of the provider. */
  readonly providers?: { readonly [providerName: string]: Duration.DurationInput } | undefined
  /** How long workload access tokens are kept. By default only those that were requested with a JWT are, until the JWT ends. */
  readonly workloadAccessTokens?: Duration.DurationInput | undefined
  /** How long before the `exp` of a JWT it is no longer used; defaults to 1 minute. */
  readonly skew?: Duration.DurationInput | undefined
  /** Fraction by which a lifetime is shortened at most, at random; 0 to 1, defaults to 0.1. */
  readonly jitter?: number | undefined
  /** Last fraction of a lifetime in which a use refreshes the credential in the background; 0 to 1, defaults to 0.2. */
  readonly refresh?: number | undefined
  /** Limit of entries; defaults to 10,000. The entry that was not used for the longest time goes first. */
  readonly maxEntries?: number | undefined
  /** Limit of bytes, estimated from the texts; defaults to 16 MiB. */
  readonly maxBytes?: number | undefined
}

/**
 * What an invalidation removes: the entries that match all members; without members all entries.
 *
 * @since 0.1.0
 * @category models
 */
export interface Selection {
  /** Entries of this credential provider. */
  readonly providerName?: string | undefined
  /**
   * Entries of this user, at any workload, if this program requested their workload access tokens. For other tokens use
   * `workloadAccessToken`.
   */
  readonly user?: UserIdentifier | undefined
  /** Entries of the caller with this workload access token. */
  readonly workloadAccessToken?: WithWorkloadAccessToken["workloadAccessToken"] | undefined
}

/**
 * Counters since the layer was built, and what is kept now. Bytes are estimated.
 *
 * @since 0.1.0
 * @category models
 */
export interface Stats {
  readonly hits: number
  readonly misses: number
  readonly entries: number
  readonly bytes: number
}

/**
 * Controls of the cache of an `IdentityService`.
 *
 * @since 0.1.0
 * @category tags
 */
export class TokenCache extends Context.Tag("effect-agentcore-identity/TokenCache")<
  TokenCache,
  {
    /** Removes entries. Results of requests that are in progress for them are not kept either. */
    readonly invalidate: (selection: Selection) => Effect.Effect<void, MintFailure>
    /** Removes the token that `getToken` with these options returns. */
    readonly invalidateGrant: (
      options: AnyTokenOptions & WithWorkloadAccessToken
    ) => Effect.Effect<void, MintFailure>
    readonly stats: Effect.Effect<Stats>
  }
>() {}

/**
 * The store that processes share cannot be used now.
 *
 * @since 0.1.0
 * @category errors
 */
export class StoreUnavailable extends Data.TaggedError("StoreUnavailable")<{ readonly reason: string }> {}

/**
 * A token in a store that processes share. Times are milliseconds since the epoch; `refreshAt` may be `Infinity`.
 *
 * @since 0.1.0
 * @category models
 */
export interface StoredToken {
  readonly credential: Redacted.Redacted
  readonly expiresAt: number
  readonly refreshAt: number
}

/**
 * Where a token is stored. An invalidation changes tags, the first of which belongs to the key alone. Keys and tags contain the ids of
 * users.
 *
 * @since 0.1.0
 * @category models
 */
export interface StoreAddress {
  readonly key: string
  readonly tags: ReadonlyArray<string>
}

/**
 * The result of a search: a token, a lease to request it, or neither because another process has the lease. `generation` identifies
 * the state of the tags.
 *
 * @since 0.1.0
 * @category models
 */
export type StoreResult =
  | { readonly _tag: "Found"; readonly token: StoredToken; readonly id: string; readonly generation: string }
  | { readonly _tag: "Leased"; readonly lease: string; readonly generation: string }
  | { readonly _tag: "Busy"; readonly generation: string }

/**
 * The generations before and after a change of tags.
 *
 * @since 0.1.0
 * @category models
 */
export interface StoreChange {
  readonly before: string
  readonly after: string
}

/**
 * A store that several processes share, such as `Redis.layerTokenStore`. It keeps the tokens secret, also from those who can read it.
 * Each method is atomic. A method that cannot be used now fails soon, and the cache then works without it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Store {
  /** Finds a token of the current generation whose id is not `except`, otherwise takes the lease if no process has it. */
  readonly find: (address: StoreAddress, except?: string) => Effect.Effect<StoreResult, StoreUnavailable>
  /** Stores a token, unless its tags have changed, and ends the lease. Returns the id of the token. */
  readonly put: (
    address: StoreAddress,
    entry: { readonly token: StoredToken; readonly generation: string; readonly lease: string | undefined }
  ) => Effect.Effect<Option.Option<string>, StoreUnavailable>
  /** Keeps a lease until this effect is interrupted. Ends when the lease cannot be kept, at the latest after `maxLease`. */
  readonly keep: (key: string, lease: string) => Effect.Effect<void>
  /** How long a lease is kept at most, and how long a call waits for other processes at most. */
  readonly maxLease: Duration.Duration
  /** Ends a lease. */
  readonly release: (key: string, lease: string) => Effect.Effect<void>
  /** Waits until a lease for this key may have ended. */
  readonly released: (key: string) => Effect.Effect<void>
  /** Returns the current generation. */
  readonly generation: (address: StoreAddress) => Effect.Effect<string, StoreUnavailable>
  /** Changes the first tag, reports `message`, and returns the generations before and after. If it cannot do so now, it does later. */
  readonly change: (
    address: StoreAddress,
    message: string
  ) => Effect.Effect<StoreChange, StoreUnavailable>
  /** Changes the first tag if the token has this id, and reports `message`. */
  readonly removeFound: (address: StoreAddress, id: string, message: string) => Effect.Effect<void>
  /** Changes these tags and reports `message` to the other processes. If it cannot be used now, it does so later. */
  readonly invalidate: (tags: ReadonlyArray<string>, message: string) => Effect.Effect<void>
  /** The messages of other processes. */
  readonly invalidations: Stream.Stream<string>
  /** Identifies the current subscription to the messages; `undefined` while messages may be missed. */
  readonly subscription: () => number | undefined
}

/**
 * Store that the caches of several processes share; defaults to `undefined`, the memory of each process. Provide it to
 * {@link layer}.
 *
 * @since 0.1.0
 * @category tags
 */
export class SharedStore extends Context.Reference<SharedStore>()("effect-agentcore-identity/TokenCache/SharedStore", {
  defaultValue: (): Store | undefined => undefined
}) {}

const fraction = (name: string, value: number) =>
  value >= 0 && value <= 1 ? [] : [`${name} must be 0 to 1, got ${value}`]

const positive = (name: string, value: number) => value >= 1 ? [] : [`${name} must be 1 or more, got ${value}`]

const validate = ({ jitter = 0, maxBytes = 1, maxEntries = 1, refresh = 0, ...durations }: Options) => [
  ...problemsOf("timeToLive", durations.timeToLive),
  ...Object.entries(durations.providers ?? {}).flatMap(([name, life]) => problemsOf(`providers.${name}`, life)),
  ...problemsOf("workloadAccessTokens", durations.workloadAccessTokens),
  ...problemsOf("skew", durations.skew),
  ...fraction("jitter", jitter),
  ...fraction("refresh", refresh),
  ...positive("maxEntries", maxEntries),
  ...positive("maxBytes", maxBytes)
]

const identityOfCaller = (workloadAccessToken: Selection["workloadAccessToken"]) =>
  workloadAccessToken === undefined
    ? Effect.succeed(undefined)
    : Effect.map(workloadTokenOf({ workloadAccessToken }), (token) => identityOf({ workloadAccessToken }, token))

/**
 * Provides `IdentityService` with a cache in front of the one that it requires, and the controls of the cache.
 *
 * Kept are the results of `getToken`, `getApiKey` and `getWorkloadAccessToken`, for the same workload, user and request, in any
 * order of its scopes. Failures are not kept. A credential that is used in the last part of its life is refreshed in the
 * background, without a prompt for the user.
 *
 * A denied consent removes the tokens of the user at the provider. `forceAuthentication` and `reauthenticate` replace the token.
 * `completeResourceTokenAuth` removes those of the user, a change or removal of a provider or workload those of the resource. What
 * happens elsewhere, such as a grant that is withdrawn at the provider, is not noticed before the end of the entry: call
 * `reauthenticate` with a token that a resource has rejected.
 *
 * With a {@link SharedStore} the memory is the first level. One process requests a token, and the others wait for it, at most the
 * `maxLease` of the store; the same holds for a refresh. Invalidations reach all processes, at the latest after 10 seconds. While the
 * store is not available, each process works on its own, and keeps a token for at most 1 minute.
 *
 * An invalid option is a defect when the layer is built.
 *
 * @example
 * ```ts
 * import { Layer } from "effect"
 * import { IdentityService, TokenCache } from "effect-agentcore-identity"
 *
 * export const Cached = TokenCache.layer({ timeToLive: "5 minutes", providers: { github: "1 hour" } }).pipe(
 *   Layer.provide(IdentityService.layerTest)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options = {}): Layer.Layer<IdentityService | TokenCache, never, IdentityService> =>
  Layer.scopedContext(Effect.gen(function*() {
    const [problem] = validate(options)
    if (problem !== undefined) return yield* Effect.dieMessage(`TokenCache.layer: ${problem}`)
    const service = yield* IdentityService
    const settings = lifetimes.decode(options)
    const { maxBytes = 16 * 1024 * 1024, maxEntries = 10_000 } = options
    const kept = yield* cache.make(settings, { maxBytes, maxEntries }, superseded.of(service), yield* SharedStore)

    return Context.make(IdentityService, cachedService.make(service, kept, settings)).pipe(
      Context.add(TokenCache, {
        invalidate: ({ providerName, user, workloadAccessToken }) =>
          Effect.flatMap(identityOfCaller(workloadAccessToken), (identity) => {
            const named = user === undefined ? Option.some(undefined) : userNameOf(user)
            // The entries of a user without a name are not known.
            return Option.isNone(named) ? Effect.void : kept.remove({ providerName, identity, user: named.value })
          }),
        invalidateGrant: (grant) => Effect.flatMap(cachedService.grantOf(grant), ({ key }) => kept.remove({ key })),
        stats: kept.stats
      })
    )
  }))
