/**
 * Every answer that AWS has not given: what is open, and what the local service does. All guesses live here, so that one
 * look shows them, and one edit corrects them.
 */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as HashSet from "effect/HashSet"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import { AccessDenied, Unauthorized, ValidationError } from "../../../IdentityError.js"
import { digest } from "../../lib/digest.js"
import { parseUrl } from "../../lib/url.js"
import { fieldError } from "../../model/validation.js"
import { clientIdOf, serverOf } from "./endpoints.js"
import type { Session } from "./session.js"
import type { Oauth2Provider, OperationName, State, Target } from "./state.js"

/**
 * The lifetime of a workload access token is not stated anywhere; one hour. It never outlives the JWT it was made from.
 *
 * @internal
 */
export const workloadTokenLifetime = Duration.hours(1)

/**
 * Vendors decide how long their access tokens live; the simulated ones live for an hour.
 *
 * @internal
 */
export const accessTokenLifetime = Duration.hours(1)

/**
 * Vendors decide how long their refresh tokens live; the simulated ones live for about as long as the guide's example.
 *
 * @internal
 */
export const refreshTokenLifetime = Duration.days(30)

/**
 * How long AWS keeps a person's token whose lifetime the vendor does not tell is not stated: a year, or until somebody
 * forces another (in seconds). A machine's token of that kind is asked for each time.
 *
 * @internal
 */
export const untoldLifetime = 365 * 24 * 60 * 60

/**
 * Whether `forceAuthentication` replaces a stored machine token is not stated. Here it does, so that a resource that refuses
 * one can be given another.
 *
 * @internal
 */
export const usesStoredMachineToken = ({ forceAuthentication = false }: {
  readonly forceAuthentication?: boolean | undefined
}): boolean => !forceAuthentication

/**
 * How long before its end AWS refreshes a token is not stated: a minute, or a tenth of a shorter life than ten (in
 * seconds).
 *
 * @internal
 */
export const refreshAhead = (lifetime: number): number => Math.min(60, lifetime / 10)

/**
 * Whether AWS asks a vendor again that could not be reached is not stated: two more times.
 *
 * @internal
 */
export const refreshSchedule: Schedule.Schedule<unknown> = Schedule.exponential("200 millis").pipe(
  Schedule.jittered,
  Schedule.intersect(Schedule.recurs(2))
)

/**
 * The id in AWS's callback URLs is opaque; here it follows from the provider's ARN (a UUID of version 8), so that a
 * redirect URI that was registered at a vendor is good at the next start as well.
 *
 * @internal
 */
export const callbackId = (providerArn: string): Effect.Effect<string> =>
  Effect.map(digest(Redacted.make(providerArn)), (digits) =>
    [
      digits.slice(0, 8),
      digits.slice(8, 12),
      `8${digits.slice(13, 16)}`,
      `a${digits.slice(17, 20)}`,
      digits.slice(20, 32)
    ].join("-"))

/**
 * Which issuer AWS takes for a vendor whose endpoints are given without it is not stated: their origin.
 *
 * @internal
 */
export const untoldIssuer = (authorizationEndpoint: string): string =>
  Option.match(parseUrl(authorizationEndpoint), {
    onNone: () => authorizationEndpoint,
    onSome: ({ origin }) => origin
  })

/**
 * How long AWS remembers a session that is over is unknown; here it is forgotten an hour later.
 *
 * @internal
 */
export const sessionRetention = Duration.hours(1)

/**
 * How long a signed payment request is good for is up to the vendor; five minutes.
 *
 * @internal
 */
export const paymentRequestLifetime = Duration.minutes(5)

/**
 * Which exception a duplicate workload identity gives is not established, and no conflict is modelled for it.
 *
 * @internal
 */
export const workloadExists = (operation: OperationName, name: string): ValidationError =>
  new ValidationError({ operation, message: `Workload identity '${name}' already exists` })

/**
 * No quota error is modelled for workload identities.
 *
 * @internal
 */
export const tooManyWorkloads = (operation: OperationName, message: string): ValidationError =>
  new ValidationError({ operation, message })

/**
 * Whether an update without the list of return URLs keeps or clears it is not stated; it keeps it.
 *
 * @internal
 */
export const updatedReturnUrls = (
  stored: ReadonlyArray<string> | undefined,
  given: ReadonlyArray<string> | undefined
): ReadonlyArray<string> | undefined => given ?? stored

/**
 * What an unknown, expired or orphaned workload access token gives is not stated: the caller is not known.
 *
 * @internal
 */
export const workloadTokenRefused = (operation: OperationName): Unauthorized =>
  new Unauthorized({ operation, message: "Invalid or expired workload access token" })

/**
 * What a JWT that is none, has expired, or is not signed as it should be gives is not stated.
 *
 * @internal
 */
export const userTokenRefused = (operation: OperationName, why: string): Unauthorized =>
  new Unauthorized({ operation, message: `Invalid user token: ${why}` })

/**
 * AWS accepts discovery URLs of RFC 8414 since November 2026. The published model still has the pattern
 * `.+/\.well-known/(openid-configuration|oauth-authorization-server)`. A third party quotes the beginning of a new one,
 * `^[^\s?#]+/\.well-known/(openid-configuration|oaut…`, and its end is not known: either name is accepted, with or
 * without a path behind it.
 *
 * @internal
 */
export { pattern as discoveryUrlPattern } from "../../model/discoveryUrl.js"

/**
 * AWS has `allowedClients` (`client_id`) beside `allowedAudience` (`aud`) for the JWTs of users; how they combine is not
 * established. A token with `aud` has to be for an accepted audience. A token without `aud`, such as an access token of
 * Cognito, has to have an accepted `client_id`. So an id token, whose `aud` is the client, is not accepted as one of its
 * client. Gives the claim that is wrong.
 *
 * @internal
 */
export const wrongRecipient = (
  claims: { readonly [name: string]: unknown },
  { audiences, clients }: { readonly audiences: ReadonlyArray<string>; readonly clients: ReadonlyArray<string> }
): "aud" | "client_id" | undefined => {
  if (claims["aud"] !== undefined) {
    const named: ReadonlyArray<unknown> = Array.isArray(claims["aud"]) ? claims["aud"] : [claims["aud"]]
    return audiences.some((audience) => named.includes(audience)) ? undefined : "aud"
  }
  if (clients.length === 0) return "aud"
  return clients.some((client) => client === claims["client_id"]) ? undefined : "client_id"
}

/**
 * How long the claims of a user's JWT may be is not stated. They are read before anything is verified, and kept: `iss` and
 * `sub` have at most 2,048 characters, as the model's URLs do. OpenID Connect allows 255 for `sub`.
 *
 * @internal
 */
export const maxClaimLength = 2048

/** @internal */
export const longClaim = (name: "iss" | "sub"): string =>
  `its claim ${name} is longer than ${maxClaimLength} characters`

/**
 * The documentation gives the text, not the exception.
 *
 * @internal
 */
export const linkedToService = (operation: OperationName): AccessDenied =>
  new AccessDenied({
    operation,
    message: "WorkloadIdentity is linked to a service and cannot retrieve an access token by the caller"
  })

/**
 * What a federated token without a user gives is not stated.
 *
 * @internal
 */
export const userMissing = (operation: OperationName): ValidationError =>
  fieldError(operation, {
    name: "workloadIdentityToken",
    message: "Member must be a workload access token of a user for the flow USER_FEDERATION"
  })

/**
 * What a token exchange without a JWT behind it gives is not stated.
 *
 * @internal
 */
export const userTokenMissing = (operation: OperationName): ValidationError =>
  fieldError(operation, {
    name: "workloadIdentityToken",
    message: "Member must be a workload access token made from a JWT for the flow ON_BEHALF_OF_TOKEN_EXCHANGE"
  })

/**
 * What a token exchange with a provider that is not configured for it gives is not stated.
 *
 * @internal
 */
export const exchangeNotConfigured = (operation: OperationName): ValidationError =>
  fieldError(operation, {
    name: "resourceCredentialProviderName",
    message: "Member must be a provider with onBehalfOfTokenExchangeConfig, or one of the vendor MicrosoftOauth2"
  })

/**
 * The actor token that AWS signs cannot be had here.
 *
 * @internal
 */
export const noTokenService = (operation: OperationName): ValidationError =>
  new ValidationError({
    operation,
    message: "The local service has no AWS STS: actorTokenContent AWS_IAM_ID_TOKEN_JWT is not available"
  })

/**
 * Whether scopes, resources and audiences are part of the vault's key is not established: a grant answers for fewer
 * scopes, but only for the very resources and audiences it was given for.
 *
 * @internal
 */
export const covers = (granted: Target, wanted: Target): boolean =>
  HashSet.isSubset(wanted.scopes, granted.scopes) &&
  HashSet.size(granted.resources) === HashSet.size(wanted.resources) &&
  HashSet.isSubset(wanted.resources, granted.resources) &&
  HashSet.size(granted.audiences) === HashSet.size(wanted.audiences) &&
  HashSet.isSubset(wanted.audiences, granted.audiences)

/**
 * A colon in `customState` was seen to fail with an error about another member; the text is the one that was seen.
 *
 * @internal
 */
export const colonInCustomState = (operation: OperationName): ValidationError =>
  fieldError(operation, {
    name: "requestUri",
    message: "Member must satisfy regular expression pattern: urn:ietf:params:oauth:request_uri:[a-zA-Z0-9-._~]+"
  })

/**
 * AWS was seen to say this of expired sessions and of other people's; a second completion, one before the browser came
 * back, one whose session was deleted while the vendor was asked, and a poll of the session of another user are not established,
 * and get the same.
 *
 * @internal
 */
export const sessionRefused = (operation: OperationName): AccessDenied =>
  new AccessDenied({ operation, message: "Invalid or expired session" })

/**
 * How long a completed session answers the polls of whoever waited for it is not stated: as long as the access token
 * that it was completed with lasts, so that a consent in the last second is not lost; otherwise until the session is over.
 *
 * @internal
 */
export const answersPolls = (session: Session, now: DateTime.Utc): boolean =>
  DateTime.lessThanOrEqualTo(now, session.expiresAt) ||
  (session.status === "completed" && DateTime.lessThan(now, session.granted.expiresAt))

/**
 * What a poll with another return URL than the session's gives is not stated.
 *
 * @internal
 */
export const otherReturnUrl = (operation: OperationName): ValidationError =>
  fieldError(operation, {
    name: "resourceOauth2ReturnUrl",
    message: "Member must be the return URL with which the session began"
  })

/**
 * AWS was seen to say this of a vendor's failure in general. That a secret of the caller's own is missing shows only
 * when it is needed; in which words is not stated.
 *
 * @internal
 */
export const retrievalFailed = (operation: OperationName): ValidationError =>
  new ValidationError({ operation, message: "Failed to retrieve token" })

/**
 * What a request for another vendor's payment token gives is not stated.
 *
 * @internal
 */
export const otherPaymentVendor = (operation: OperationName, expected: string): ValidationError =>
  fieldError(operation, { name: "paymentTokenRequest", message: `Member must have exactly one of: [${expected}]` })

/**
 * What an update of an OAuth2 provider does to its grants is not established. A grant, a session and a cached machine
 * token belong to a client at an authorization server. They end when the vendor, the client id, or the place of the
 * authorization server (discovery URL, issuer, authorization or token endpoint) changes. They survive every other
 * update: the same values, a new secret, another way to authenticate the client or to reach the server, and settings of
 * the token exchange.
 *
 * @internal
 */
export const afterUpdate = (state: State, before: Oauth2Provider, after: Oauth2Provider | undefined): State =>
  after !== undefined && clientKey(before) === clientKey(after) ? state : withoutTokens(state, before.name)

/**
 * The client of a provider and where it is registered.
 *
 * @internal
 */
export const clientKey = ({ config, vendor }: Oauth2Provider): string =>
  JSON.stringify([vendor, clientIdOf(config), serverOf(config)])

/**
 * The state without the grants, sessions and cached machine tokens of a provider: after its deletion, after a change of
 * its issuer, and after an update that makes it another client.
 *
 * @internal
 */
export const withoutTokens = (state: State, provider: string): State => {
  const others = ({ providerName }: { readonly providerName: string }) => providerName !== provider
  return {
    ...state,
    sessions: HashMap.filter(state.sessions, others),
    grants: HashMap.filter(state.grants, (_, key) => others(key)),
    machineTokens: HashMap.filter(state.machineTokens, others)
  }
}

/**
 * When `sessionStatus` is `FAILED`, and what stands beside it, is not established: the session, without the URL.
 *
 * @internal
 */
export const failedSession = <Uri>(
  sessionUri: Uri
): { readonly sessionUri: Uri; readonly sessionStatus: "FAILED" } => ({
  sessionUri,
  sessionStatus: "FAILED"
})

/**
 * How long a portal takes is not stated: creation and update answer with what they began, reads find it finished.
 *
 * @internal
 */
export const portalStatus = { create: "CREATING", update: "UPDATING", read: "ACTIVE" } as const
