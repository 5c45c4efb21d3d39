/**
 * Options of a token request in one form for the first request, its polls and a resumed call. If they differed, the service
 * would treat the poll as another request and require another consent.
 */
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Order from "effect/Order"
import * as Redacted from "effect/Redacted"
import type { Oauth2Flow } from "../../Credential.js"
import type { Request } from "../../IdentityApi.js"
import type { ConsentRequired } from "../../IdentityError.js"
import { CallbackUrl, type TokenOptions } from "../../TokenOptions.js"

/** @internal */
export type TokenRequest = Request<"getResourceOauth2Token">

/** @internal */
export type TokenRequestOptions = Pick<
  ConsentRequired,
  | "providerName"
  | "authFlow"
  | "scopes"
  | "resources"
  | "audiences"
  | "callbackUrl"
  | "customState"
  | "customParameters"
>

const redact = (value: string | Redacted.Redacted) => typeof value === "string" ? Redacted.make(value) : value

/** @internal */
export const ofOptions = (
  options: TokenOptions & { readonly authFlow: Oauth2Flow },
  context: Context.Context<never>
): TokenRequestOptions => ({
  providerName: options.providerName,
  authFlow: options.authFlow,
  scopes: options.scopes,
  resources: options.resources,
  audiences: options.audiences,
  callbackUrl: options.callbackUrl ??
    (options.authFlow === "USER_FEDERATION" ? Context.get(context, CallbackUrl) : undefined),
  customState: options.customState === undefined ? undefined : redact(options.customState),
  // `Record.map` would lose a member with the name `__proto__` before validation can reject it.
  customParameters: options.customParameters &&
    Object.fromEntries(Object.entries(options.customParameters).map(([name, value]) => [name, redact(value)]))
})

/** @internal */
export const request = (
  grant: TokenRequestOptions,
  workloadAccessToken: Redacted.Redacted,
  forceAuthentication?: boolean
): TokenRequest => ({
  workloadIdentityToken: workloadAccessToken,
  resourceCredentialProviderName: grant.providerName,
  scopes: grant.scopes,
  oauth2Flow: grant.authFlow,
  resources: grant.resources,
  audiences: grant.audiences,
  resourceOauth2ReturnUrl: grant.callbackUrl,
  customParameters: grant.customParameters,
  customState: grant.customState,
  forceAuthentication
})

const byName = Order.mapInput(Order.string, ([name]: readonly [name: string, value: unknown]) => name)

const none: ReadonlyArray<never> = []

const sorted = (given: ReadonlyArray<string> = none) =>
  given.length < 2 ? given : Arr.sort(new Set(given), Order.string)

const parametersOf = (given: TokenRequestOptions["customParameters"]) =>
  given === undefined
    ? none
    : Arr.sort(Object.entries(given), byName).map(([name, value]) => [name, Redacted.value(value)])

/**
 * Returns what a request asks for as JSON values: equal for options that request the same, in any order and with any duplicates.
 * `customState` is not part of it, since callers generate another value for each call. The values contain secrets.
 */
export const canonical = ({
  audiences,
  authFlow,
  callbackUrl,
  customParameters,
  providerName,
  resources,
  scopes
}: TokenRequestOptions): ReadonlyArray<unknown> => [
  providerName,
  authFlow,
  sorted(scopes),
  sorted(resources),
  sorted(audiences),
  callbackUrl,
  parametersOf(customParameters)
]
