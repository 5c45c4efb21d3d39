/**
 * Options of a token request, and the default return URL of an invocation.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import type { Strategy } from "./Consent.js"
import type { Oauth2Flow } from "./Credential.js"
import type { Source } from "./WorkloadAccessToken.js"

/**
 * The default return URL of an invocation, for calls that give no `callbackUrl`; `undefined` unless provided. AgentCore's
 * local tools send it in the header `OAuth2CallbackUrl`.
 *
 * @since 0.1.0
 * @category tags
 */
export class CallbackUrl
  extends Context.Reference<CallbackUrl>()("effect-agentcore-identity/TokenOptions/CallbackUrl", {
    defaultValue: (): string | undefined => undefined
  })
{}

/**
 * Provides the default return URL.
 *
 * @example
 * ```ts
 * import { TokenOptions } from "effect-agentcore-identity"
 *
 * export const ReturnUrl = TokenOptions.layerCallbackUrl("https://agent.example/oauth2/return")
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerCallbackUrl = (url: string | undefined): Layer.Layer<CallbackUrl> => Layer.succeed(CallbackUrl, url)

/**
 * Options of every flow. The last three concern flows in which a user consents.
 *
 * @since 0.1.0
 * @category models
 */
export interface TokenOptions {
  /** The credential provider, by name. */
  readonly providerName: string
  /** What the token should allow, in the provider's own words; may be empty. */
  readonly scopes: ReadonlyArray<string>
  /** RFC 8707 resource indicators. */
  readonly resources?: ReadonlyArray<string> | undefined
  /** Intended recipients, for providers that choose the target by audience. */
  readonly audiences?: ReadonlyArray<string> | undefined
  /**
   * More parameters for the authorization request, or for the token request of an on-behalf-of exchange, such as
   * `{ access_type: "offline" }` for Google.
   */
  readonly customParameters?: { readonly [name: string]: string | Redacted.Redacted } | undefined
  /**
   * Where the person's browser goes afterwards: one of the workload identity's registered return URLs. Without it, the
   * `CallbackUrl` of the invocation.
   */
  readonly callbackUrl?: string | undefined
  /** Asks the person again and forgets what is stored, refresh token included; default `false`. */
  readonly forceAuthentication?: boolean | undefined
  /** Comes back to the return URL as `state`: an unguessable value without `:` (base64url), to be compared there. */
  readonly customState?: string | Redacted.Redacted | undefined
}

/**
 * Options of a token for which no user consents: a token of the workload itself (`M2M`), or one that is exchanged for the
 * JWT of the user who called the agent (`ON_BEHALF_OF_TOKEN_EXCHANGE`).
 *
 * @since 0.1.0
 * @category models
 */
export interface MachineTokenOptions extends TokenOptions {
  readonly authFlow: Exclude<Oauth2Flow, "USER_FEDERATION">
  readonly consent?: undefined
}

/**
 * Options of a token for which a user may have to consent. `consent` is `Consent.fail`, `Consent.wait(…)`,
 * `Consent.suspend`, a strategy of `Consent.make`, or one of several that is chosen at run time; without it, the strategy of
 * the program (`Consent.layer`) applies, which is `Consent.fail` unless provided.
 *
 * @since 0.1.0
 * @category models
 */
export interface UserTokenOptions<S extends Strategy<unknown, unknown> | undefined = undefined> extends TokenOptions {
  readonly authFlow: [S] extends [undefined] ? Oauth2Flow : "USER_FEDERATION"
  readonly consent?: S
}

/**
 * The options of any token.
 *
 * @since 0.1.0
 * @category models
 */
export interface AnyTokenOptions<E = never, R = never> extends TokenOptions {
  readonly authFlow: Oauth2Flow
  readonly consent?: Strategy<E, R> | undefined
}

/**
 * The workload access token of a call, or a source of it (`WorkloadAccessToken`).
 *
 * @since 0.1.0
 * @category models
 */
export interface WithWorkloadAccessToken {
  readonly workloadAccessToken: Redacted.Redacted | Source
}

/**
 * The requirement that a credential provides: the tag `AccessToken`, or `ApiKey`, by default, or one of the same module's
 * `Tag`.
 *
 * @since 0.1.0
 * @category models
 */
export interface WithTag<Id, Credential extends string> {
  readonly tag?: Context.Tag<Id, Redacted.Redacted> & { readonly credential: Credential }
}

/**
 * Which member of a function's argument a credential goes into.
 *
 * @since 0.1.0
 * @category models
 */
export interface WithInto<Into extends string> {
  readonly into: Into
}

/**
 * The argument of a function that wants a credential in its member `Into`.
 *
 * @since 0.1.0
 * @category models
 */
export type Injected<Into extends string> = { readonly [K in Into]: Redacted.Redacted }

/**
 * The same argument without that member, which its caller may not pass.
 *
 * @since 0.1.0
 * @category models
 */
export type Without<Args, Into extends string> = Args extends unknown
  ? Omit<Args, Into> & { readonly [K in Into]?: never }
  : never

/**
 * A function of a record with a credential in it, made into one of the record without.
 *
 * @since 0.1.0
 * @category models
 */
export type Inject<Into extends string, E2, R2> = <Args extends Injected<Into>, A, E, R>(
  f: (args: Args) => Effect.Effect<A, E, R>
) => (args: Without<Args, Into>) => Effect.Effect<A, E | E2, R | R2>
