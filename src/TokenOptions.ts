/**
 * Options of a token request, and the default return URL of an invocation.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import type * as Schedule from "effect/Schedule"
import type { Strategy, WaitFailure } from "./Consent.js"
import type { ConsentLedger } from "./ConsentLedger.js"
import type { ConsentSeal } from "./ConsentSeal.js"
import type { Oauth2Flow } from "./Credential.js"
import type { ConsentPending, ConsentTimedOut, HandleRejected, LedgerFailure } from "./IdentityError.js"
import type { MintFailure, Source } from "./WorkloadAccessToken.js"

/**
 * Default return URL of an invocation, for calls without `callbackUrl`; defaults to `undefined`. The local tools of AgentCore
 * send it in the header `OAuth2CallbackUrl`.
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
  /** Scopes of the token, as the provider names them; may be empty. */
  readonly scopes: ReadonlyArray<string>
  /** RFC 8707 resource indicators. */
  readonly resources?: ReadonlyArray<string> | undefined
  /** Intended recipients, for providers that select the target by audience. */
  readonly audiences?: ReadonlyArray<string> | undefined
  /**
   * Additional parameters of the authorization request, or of the token request of an on-behalf-of exchange, for example
   * `{ access_type: "offline" }` for Google.
   */
  readonly customParameters?: { readonly [name: string]: string | Redacted.Redacted } | undefined
  /**
   * Return URL of the browser of the user: one of the registered return URLs of the workload identity. Defaults to the
   * `CallbackUrl` of the invocation.
   */
  readonly callbackUrl?: string | undefined
  /** Requires consent again and discards the stored tokens, including the refresh token; defaults to `false`. */
  readonly forceAuthentication?: boolean | undefined
  /** Value of `state` at the return URL, which must compare it: an unguessable value without `:` (base64url). */
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
 * Options of any token.
 *
 * @since 0.1.0
 * @category models
 */
export interface AnyTokenOptions<E = never, R = never> extends TokenOptions {
  readonly authFlow: Oauth2Flow
  readonly consent?: Strategy<E, R> | undefined
}

/**
 * Workload access token of a call, or a source of it (`WorkloadAccessToken`).
 *
 * @since 0.1.0
 * @category models
 */
export interface WithWorkloadAccessToken {
  readonly workloadAccessToken: Redacted.Redacted | Source
}

/**
 * Tag that a credential is provided as: by default `AccessToken` or `ApiKey`, or a tag that `Tag` of the same module made.
 *
 * @since 0.1.0
 * @category models
 */
export interface WithTag<Id, Credential extends string> {
  readonly tag?: Context.Tag<Id, Redacted.Redacted> & { readonly credential: Credential }
}

/**
 * Name of the member of an argument that receives the credential.
 *
 * @since 0.1.0
 * @category models
 */
export interface WithInto<Into extends string> {
  readonly into: Into
}

/**
 * Argument of a function with a credential in its member `Into`.
 *
 * @since 0.1.0
 * @category models
 */
export type Injected<Into extends string> = { readonly [K in Into]: Redacted.Redacted }

/**
 * The same argument without that member, which a caller cannot pass.
 *
 * @since 0.1.0
 * @category models
 */
export type Without<Args, Into extends string> = Args extends unknown
  ? Omit<Args, Into> & { readonly [K in Into]?: never }
  : never

/**
 * Wraps a function of a record with a credential as a function of the record without it.
 *
 * @since 0.1.0
 * @category models
 */
export type Inject<Into extends string, E2, R2> = <Args extends Injected<Into>, A, E, R>(
  f: (args: Args) => Effect.Effect<A, E, R>
) => (args: Without<Args, Into>) => Effect.Effect<A, E | E2, R | R2>

/**
 * The errors of `resume`.
 *
 * @since 0.1.0
 * @category errors
 */
export type ResumeFailure = WaitFailure | MintFailure | HandleRejected | LedgerFailure

/**
 * The errors of `resume` with `wait: false`.
 *
 * @since 0.1.0
 * @category errors
 */
export type ResumePollFailure = Exclude<ResumeFailure, ConsentTimedOut> | ConsentPending

/**
 * Options of `resume` that waits.
 *
 * @since 0.1.0
 * @category models
 */
export interface ResumeOptions {
  readonly wait?: true | undefined
  /** Schedule of the polls; by default the program's `TokenPoller`. */
  readonly tokenPoller?: Schedule.Schedule<unknown> | undefined
}

/**
 * Resumes a call that `Consent.suspend` suspended: exactly that request, with a workload access token of the same user. A handle
 * returns one token; `HandleRejected` states why it returns none. A handle that has returned no token can be used again.
 *
 * By default the call polls at once and then waits until the session ends. With `wait: false` it sends one poll and fails with
 * `ConsentPending` if the user has not answered.
 *
 * @since 0.1.0
 * @category models
 */
export interface Resume {
  (
    handle: Redacted.Redacted,
    options: ResumeOptions & WithWorkloadAccessToken
  ): Effect.Effect<Redacted.Redacted, ResumeFailure, ConsentSeal | ConsentLedger>
  (
    handle: Redacted.Redacted,
    options: { readonly wait: false } & WithWorkloadAccessToken
  ): Effect.Effect<Redacted.Redacted, ResumePollFailure, ConsentSeal | ConsentLedger>
}
