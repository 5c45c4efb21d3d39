/**
 * An OAuth2 access token as a requirement of a program, and the combinators that discharge it.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import type * as Redacted from "effect/Redacted"
import type { WaitFailure } from "./Consent.js"
import type { ConsentDenied } from "./IdentityError.js"
import { IdentityService, type TokenFailure, type UserFailure } from "./IdentityService.js"
import { inject } from "./internal/lib/inject.js"
import type {
  AnyTokenOptions,
  ConsentTokenOptions,
  Inject,
  MachineTokenOptions,
  UserTokenOptions,
  WaitingTokenOptions,
  WithInto,
  WithTag
} from "./TokenOptions.js"
import { WorkloadAccessToken } from "./WorkloadAccessToken.js"

/**
 * The access token of a program that needs only one.
 *
 * @since 0.1.0
 * @category tags
 */
export class AccessToken extends Context.Tag("effect-agentcore-identity/AccessToken")<
  AccessToken,
  Redacted.Redacted
>() {}

/**
 * A tag for the token of one provider, so that a program can need several and the compiler tells them apart.
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
export const Tag = <const Id extends string>(id: Id) => <Self>(): Context.TagClass<Self, Id, Redacted.Redacted> =>
  Context.Tag(id)<Self, Redacted.Redacted>()

type Needs = IdentityService | WorkloadAccessToken

const token = <E, R>(
  options: AnyTokenOptions<E, R>
): Effect.Effect<Redacted.Redacted, UserFailure | E, Needs | R> =>
  Effect.gen(function*() {
    const identity = yield* IdentityService
    const workloadAccessToken = yield* WorkloadAccessToken
    if (options.onAuthUrl !== undefined) return yield* identity.getToken({ ...options, workloadAccessToken })
    return yield* options.consent === undefined
      ? identity.getToken({ ...options, workloadAccessToken })
      : identity.getToken({ ...options, workloadAccessToken })
  })

/**
 * Gives a program its access token: the requirement goes, and what asking for a token can fail with comes. The token is
 * asked for once each time the program runs, for the `WorkloadAccessToken` it runs with.
 *
 * A person who has to consent is a `ConsentRequired`, unless `consent` (`Consent.wait`, `Consent.suspend`), `onAuthUrl` or
 * the program's strategy says otherwise.
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
    options: MachineTokenOptions & WithTag<Id>
  ): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E | TokenFailure, Exclude<R, Id> | Needs>
  <Id = AccessToken>(
    options: UserTokenOptions & WithTag<Id>
  ): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E | UserFailure, Exclude<R, Id> | Needs>
  <E2, R2, Id = AccessToken>(
    options: ConsentTokenOptions<E2, R2> & WithTag<Id>
  ): <A, E, R>(
    self: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | TokenFailure | ConsentDenied | E2, Exclude<R, Id> | Needs | R2>
  <E2, R2, Id = AccessToken>(
    options: WaitingTokenOptions<E2, R2> & WithTag<Id>
  ): <A, E, R>(
    self: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | WaitFailure | E2, Exclude<R, Id> | Needs | R2>
  <A, E, R, Id = AccessToken>(
    self: Effect.Effect<A, E, R>,
    options: MachineTokenOptions & WithTag<Id>
  ): Effect.Effect<A, E | TokenFailure, Exclude<R, Id> | Needs>
  <A, E, R, Id = AccessToken>(
    self: Effect.Effect<A, E, R>,
    options: UserTokenOptions & WithTag<Id>
  ): Effect.Effect<A, E | UserFailure, Exclude<R, Id> | Needs>
  <A, E, R, E2, R2, Id = AccessToken>(
    self: Effect.Effect<A, E, R>,
    options: ConsentTokenOptions<E2, R2> & WithTag<Id>
  ): Effect.Effect<A, E | TokenFailure | ConsentDenied | E2, Exclude<R, Id> | Needs | R2>
  <A, E, R, E2, R2, Id = AccessToken>(
    self: Effect.Effect<A, E, R>,
    options: WaitingTokenOptions<E2, R2> & WithTag<Id>
  ): Effect.Effect<A, E | WaitFailure | E2, Exclude<R, Id> | Needs | R2>
} = dual(
  2,
  <A, E, R, E2, R2, Id>(
    self: Effect.Effect<A, E, R>,
    options: AnyTokenOptions<E2, R2> & WithTag<Id>
  ) =>
    options.tag === undefined
      ? Effect.provideServiceEffect(self, AccessToken, token(options))
      : Effect.provideServiceEffect(self, options.tag, token(options))
)

/**
 * Wraps a function so that the access token comes into one member of its argument, and its callers leave that out. A
 * function without the member, or a caller who passes it, does not compile.
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
): Inject<Into, TokenFailure, Needs>
export function requiresAccessToken<const Into extends string>(
  options: UserTokenOptions & WithInto<Into>
): Inject<Into, UserFailure, Needs>
export function requiresAccessToken<const Into extends string, E2, R2>(
  options: ConsentTokenOptions<E2, R2> & WithInto<Into>
): Inject<Into, TokenFailure | ConsentDenied | E2, Needs | R2>
export function requiresAccessToken<const Into extends string, E2, R2>(
  options: WaitingTokenOptions<E2, R2> & WithInto<Into>
): Inject<Into, WaitFailure | E2, Needs | R2>
export function requiresAccessToken<const Into extends string, E2, R2>(
  options: AnyTokenOptions<E2, R2> & WithInto<Into>
): Inject<Into, UserFailure | E2, Needs | R2> {
  return inject(options.into, token(options))
}
