/**
 * OAuth 2.0 access tokens as requirements of a program, and the combinators that provide them.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import type * as Redacted from "effect/Redacted"
import type { Strategy } from "./Consent.js"
import { type ContextWith, type FailureWith, IdentityService, type TokenFailure } from "./IdentityService.js"
import { inject } from "./internal/lib/inject.js"
import type { Inject, MachineTokenOptions, UserTokenOptions, WithInto, WithTag } from "./TokenOptions.js"
import { WorkloadAccessToken } from "./WorkloadAccessToken.js"

/**
 * Class of a tag for an access token. `credential` distinguishes it from the tags of other credentials.
 *
 * @since 0.1.0
 * @category models
 */
export interface TagClass<Self, Id extends string> extends Context.TagClass<Self, Id, Redacted.Redacted> {
  readonly credential: "AccessToken"
}

/**
 * Makes a tag for the token of one provider, so that a program can require several tokens.
 *
 * @example
 * ```ts
 * import { AccessToken } from "effect-agentcore-identity"
 *
 * export class GitHub extends AccessToken.Tag("my-agent/GitHub")<GitHub>() {}
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const Tag = <const Id extends string>(id: Id) => <Self>(): TagClass<Self, Id> =>
  Object.assign(Context.Tag(id)<Self, Redacted.Redacted>(), { credential: "AccessToken" } as const)

/**
 * Access token of a program that needs only one.
 *
 * @since 0.1.0
 * @category tags
 */
export class AccessToken extends Tag("effect-agentcore-identity/AccessToken")<AccessToken>() {}

type Requirements = IdentityService | WorkloadAccessToken

type AnyStrategy = Strategy<unknown, unknown> | undefined

const token = <S extends AnyStrategy>(
  options: UserTokenOptions<S>
): Effect.Effect<Redacted.Redacted, FailureWith<S>, Requirements | ContextWith<S>> =>
  Effect.gen(function*() {
    const identity = yield* IdentityService
    const workloadAccessToken = yield* WorkloadAccessToken
    return yield* identity.getToken<S>({ ...options, workloadAccessToken })
  })

/**
 * Provides an access token to a program: removes the requirement, and adds the errors of the request. The token is requested
 * once each time the program runs, with the `WorkloadAccessToken` it runs with.
 *
 * If a user has to consent, the program fails with `ConsentRequired`, unless `consent` (`Consent.wait`, `Consent.suspend`) or
 * the strategy of the program (`Consent.layer`) handles it in another way.
 *
 * @example
 * ```ts
 * import { Effect, Redacted } from "effect"
 * import { AccessToken } from "effect-agentcore-identity"
 *
 * export const program = Effect.gen(function*() {
 *   const token = yield* AccessToken.AccessToken
 *   return Redacted.value(token).length
 * }).pipe(
 *   AccessToken.provideAccessToken({ providerName: "github", scopes: ["repo"], authFlow: "USER_FEDERATION" }),
 *   Effect.catchTag("ConsentRequired", (consent) => Effect.succeed(consent.authorizationUrl))
 * )
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const provideAccessToken: {
  <Id = AccessToken>(
    options: MachineTokenOptions & WithTag<Id, "AccessToken">
  ): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E | TokenFailure, Exclude<R, Id> | Requirements>
  <S extends AnyStrategy = undefined, Id = AccessToken>(
    options: UserTokenOptions<S> & WithTag<Id, "AccessToken">
  ): <A, E, R>(
    self: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | FailureWith<S>, Exclude<R, Id> | Requirements | ContextWith<S>>
  <A, E, R, Id = AccessToken>(
    self: Effect.Effect<A, E, R>,
    options: MachineTokenOptions & WithTag<Id, "AccessToken">
  ): Effect.Effect<A, E | TokenFailure, Exclude<R, Id> | Requirements>
  <A, E, R, S extends AnyStrategy = undefined, Id = AccessToken>(
    self: Effect.Effect<A, E, R>,
    options: UserTokenOptions<S> & WithTag<Id, "AccessToken">
  ): Effect.Effect<A, E | FailureWith<S>, Exclude<R, Id> | Requirements | ContextWith<S>>
} = dual(
  2,
  <A, E, R, S extends AnyStrategy, Id>(
    self: Effect.Effect<A, E, R>,
    options: UserTokenOptions<S> & WithTag<Id, "AccessToken">
  ) =>
    options.tag === undefined
      ? Effect.provideServiceEffect(self, AccessToken, token(options))
      : Effect.provideServiceEffect(self, options.tag, token(options))
)

/**
 * Wraps a function: one member of its argument is filled with the access token. Callers do not pass it. A function without
 * the member, or a caller that passes it, does not compile.
 *
 * @example
 * ```ts
 * import { Effect, Redacted } from "effect"
 * import { AccessToken } from "effect-agentcore-identity"
 *
 * const sendMail = AccessToken.requiresAccessToken({
 *   into: "accessToken",
 *   providerName: "microsoft",
 *   scopes: ["https://graph.microsoft.com/.default"],
 *   authFlow: "M2M"
 * })((args: { readonly to: string; readonly accessToken: Redacted.Redacted }) => Effect.succeed(`sent to ${args.to}`))
 *
 * export const program = sendMail({ to: "ada@example.com" })
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export function requiresAccessToken<const Into extends string>(
  options: MachineTokenOptions & WithInto<Into>
): Inject<Into, TokenFailure, Requirements>
export function requiresAccessToken<const Into extends string, S extends AnyStrategy = undefined>(
  options: UserTokenOptions<S> & WithInto<Into>
): Inject<Into, FailureWith<S>, Requirements | ContextWith<S>>
export function requiresAccessToken<const Into extends string, S extends AnyStrategy>(
  options: UserTokenOptions<S> & WithInto<Into>
): Inject<Into, FailureWith<S>, Requirements | ContextWith<S>> {
  return inject(options.into, token(options))
}
