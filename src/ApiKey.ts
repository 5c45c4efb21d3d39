/**
 * API keys as requirements of a program, and the combinators that provide them.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import type * as Redacted from "effect/Redacted"
import type { Failure } from "./IdentityApi.js"
import { IdentityService } from "./IdentityService.js"
import { inject } from "./internal/lib/inject.js"
import type { Inject, WithInto, WithTag } from "./TokenOptions.js"
import { type MintFailure, WorkloadAccessToken } from "./WorkloadAccessToken.js"

/**
 * Class of a tag for an API key. `credential` distinguishes it from the tags of other credentials.
 *
 * @since 0.1.0
 * @category models
 */
export interface TagClass<Self, Id extends string> extends Context.TagClass<Self, Id, Redacted.Redacted> {
  readonly credential: "ApiKey"
}

/**
 * Makes a tag for the key of one provider, so that a program can require several keys.
 *
 * @example
 * ```ts
 * import { ApiKey } from "effect-agentcore-identity"
 *
 * export class Weather extends ApiKey.Tag("my-agent/Weather")<Weather>() {}
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const Tag = <const Id extends string>(id: Id) => <Self>(): TagClass<Self, Id> =>
  Object.assign(Context.Tag(id)<Self, Redacted.Redacted>(), { credential: "ApiKey" } as const)

/**
 * API key of a program that needs only one.
 *
 * @since 0.1.0
 * @category tags
 */
export class ApiKey extends Tag("effect-agentcore-identity/ApiKey")<ApiKey>() {}

/**
 * Options of a request for an API key.
 *
 * @since 0.1.0
 * @category models
 */
export interface ApiKeyOptions {
  /** The credential provider, by name. */
  readonly providerName: string
}

type Requirements = IdentityService | WorkloadAccessToken

type KeyFailure = Failure<"getResourceApiKey"> | MintFailure

const key = ({ providerName }: ApiKeyOptions): Effect.Effect<Redacted.Redacted, KeyFailure, Requirements> =>
  Effect.gen(function*() {
    const identity = yield* IdentityService
    const workloadAccessToken = yield* WorkloadAccessToken
    return yield* identity.getApiKey({ providerName, workloadAccessToken })
  })

/**
 * Provides an API key to a program: removes the requirement, and adds the errors of the request. The key is requested once each
 * time the program runs.
 *
 * @example
 * ```ts
 * import { Effect, Redacted } from "effect"
 * import { ApiKey } from "effect-agentcore-identity"
 *
 * export const program = Effect.map(ApiKey.ApiKey, (key) => Redacted.value(key).length).pipe(
 *   ApiKey.provideApiKey({ providerName: "weather" })
 * )
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const provideApiKey: {
  <Id = ApiKey>(
    options: ApiKeyOptions & WithTag<Id, "ApiKey">
  ): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E | KeyFailure, Exclude<R, Id> | Requirements>
  <A, E, R, Id = ApiKey>(
    self: Effect.Effect<A, E, R>,
    options: ApiKeyOptions & WithTag<Id, "ApiKey">
  ): Effect.Effect<A, E | KeyFailure, Exclude<R, Id> | Requirements>
} = dual(
  2,
  <A, E, R, Id>(self: Effect.Effect<A, E, R>, options: ApiKeyOptions & WithTag<Id, "ApiKey">) =>
    options.tag === undefined
      ? Effect.provideServiceEffect(self, ApiKey, key(options))
      : Effect.provideServiceEffect(self, options.tag, key(options))
)

/**
 * Wraps a function so that one member of its argument is the API key, which its callers leave out. A function without the
 * member, or a caller that passes it, does not compile.
 *
 * @example
 * ```ts
 * import { Effect, Redacted } from "effect"
 * import { ApiKey } from "effect-agentcore-identity"
 *
 * const forecast = ApiKey.requiresApiKey({ into: "apiKey", providerName: "weather" })(
 *   (args: { readonly city: string; readonly apiKey: Redacted.Redacted }) => Effect.succeed(`rain in ${args.city}`)
 * )
 *
 * export const program = forecast({ city: "Zürich" })
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const requiresApiKey = <const Into extends string>(
  options: ApiKeyOptions & WithInto<Into>
): Inject<Into, KeyFailure, Requirements> => inject(options.into, key(options))
