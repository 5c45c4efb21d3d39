/**
 * Assumptions: behaviour that AWS does not document, and what the emulator does instead. All of them are in this file, so
 * that they can be reviewed and corrected in one place.
 */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import { AccessDenied, Unauthorized, ValidationError } from "../../../IdentityError.js"
import { digest } from "../../lib/digest.js"
import { parseUrl } from "../../lib/url.js"
import { fieldError } from "../../model/validation.js"
import { clientIdOf, serverUrlsOf } from "./endpoints.js"
import type { Session } from "./session.js"
import type { Oauth2Provider, OperationName, State } from "./state.js"
import * as Table from "./table.js"
import { isSame, isSubset, type Target } from "./target.js"

/**
 * AWS does not state the lifetime of a workload access token. Here it is one hour, but it ends no later than the JWT it was
 * made from.
 */
export const workloadTokenLifetime = Duration.hours(1)

/** Vendors decide the lifetime of their access tokens. Simulated ones last one hour. */
export const accessTokenLifetime = Duration.hours(1)

/**
 * Vendors decide the lifetime of their refresh tokens. Simulated ones last 30 days, about as long as the example in AWS's
 * guide.
 */
export const refreshTokenLifetime = Duration.days(30)

/**
 * AWS does not state how long it stores a user's token whose lifetime the vendor does not state. Here, in seconds: one year,
 * or until `forceAuthentication` replaces it. A machine token without a stated lifetime is requested each time.
 */
export const unstatedTokenLifetime = 365 * 24 * 60 * 60

/**
 * AWS does not state if `forceAuthentication` replaces a stored machine token. Here it does, so that a token that a resource
 * rejects can be replaced.
 */
export const usesStoredMachineToken = ({ forceAuthentication = false }: {
  readonly forceAuthentication?: boolean | undefined
}): boolean => !forceAuthentication

/**
 * AWS does not state how long before its expiry it refreshes a token. Here, in seconds: one minute, or a tenth of a lifetime
 * shorter than ten minutes.
 */
export const refreshAhead = (lifetime: number): number => Math.min(60, lifetime / 10)

/** AWS does not state if it retries a refresh when the vendor cannot be reached. Here it retries twice. */
export const refreshSchedule: Schedule.Schedule<unknown> = Schedule.exponential("200 millis").pipe(
  Schedule.jittered,
  Schedule.intersect(Schedule.recurs(2))
)

/**
 * The id in AWS's callback URLs is opaque. Here it is a UUID of version 8 made from the provider's ARN, so that a redirect
 * URI that is registered at a vendor stays valid after a restart.
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
 * AWS does not state the issuer of a vendor whose endpoints are given without one. Here it is the origin of the
 * authorization endpoint.
 */
export const issuerOfEndpoint = (authorizationEndpoint: string): string =>
  Option.match(parseUrl(authorizationEndpoint), {
    onNone: () => authorizationEndpoint,
    onSome: ({ origin }) => origin
  })

/** AWS does not state how long it keeps an expired session. Here it is removed one hour after its expiry. */
export const sessionRetention = Duration.hours(1)

/** The vendor decides how long a signed payment request is valid. Here: five minutes. */
export const paymentRequestLifetime = Duration.minutes(5)

/** The exception for a duplicate workload identity is not established: the model has no conflict for it. */
export const workloadExists = (operation: OperationName, name: string): ValidationError =>
  new ValidationError({ operation, message: `Workload identity '${name}' already exists` })

/** The model has no quota error for workload identities. */
export const tooManyWorkloads = (operation: OperationName, message: string): ValidationError =>
  new ValidationError({ operation, message })

/** AWS does not state if an update without return URLs keeps or clears them. Here it keeps them. */
export const updatedReturnUrls = (
  stored: ReadonlyArray<string> | undefined,
  given: ReadonlyArray<string> | undefined
): ReadonlyArray<string> | undefined => given ?? stored

/**
 * AWS does not state the exception for an unknown, expired or orphaned workload access token. Here it is `Unauthorized`.
 */
export const workloadTokenRefused = (operation: OperationName): Unauthorized =>
  new Unauthorized({ operation, message: "Invalid or expired workload access token" })

/** AWS does not state the exception for a user JWT that is malformed, has expired, or has an invalid signature. */
export const userTokenRefused = (operation: OperationName, reason: string): Unauthorized =>
  new Unauthorized({ operation, message: `Invalid user token: ${reason}` })

/**
 * AWS accepts discovery URLs of RFC 8414 since November 2026. The published model still has the pattern
 * `.+/\.well-known/(openid-configuration|oauth-authorization-server)`. A third party quotes the beginning of a new one,
 * `^[^\s?#]+/\.well-known/(openid-configuration|oaut…`; its end is not known. Here both names are accepted, with or
 * without a path after them.
 */
export { pattern as discoveryUrlPattern } from "../../model/discoveryUrl.js"

/**
 * AWS has `allowedClients` (`client_id`) and `allowedAudience` (`aud`) for user JWTs; how they combine is not established.
 * Here a token with `aud` must be for an accepted audience. A token without `aud`, such as an access token of Cognito, must
 * have an accepted `client_id`. So an id token, whose `aud` is the client, is not accepted because of its `client_id`.
 * Returns the wrong claim.
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
 * AWS does not state the largest length of the claims of a user's JWT. They are read before the JWT is verified, and stored.
 * Here `iss` and `sub` have at most 2,048 characters, like the URLs of the model. OpenID Connect allows 255 for `sub`.
 */
export const maxClaimLength = 2048

/** @internal */
export const claimTooLong = (name: "iss" | "sub"): string =>
  `its claim ${name} is longer than ${maxClaimLength} characters`

/** AWS documents the message, not the exception. */
export const linkedToService = (operation: OperationName): AccessDenied =>
  new AccessDenied({
    operation,
    message: "WorkloadIdentity is linked to a service and cannot retrieve an access token by the caller"
  })

/** AWS does not state the exception for a user-federation request whose workload access token has no user. */
export const userMissing = (operation: OperationName): ValidationError =>
  fieldError(operation, {
    name: "workloadIdentityToken",
    message: "Member must be a workload access token of a user for the flow USER_FEDERATION"
  })

/** AWS does not state the exception for a token exchange whose workload access token was not made from a JWT. */
export const userTokenMissing = (operation: OperationName): ValidationError =>
  fieldError(operation, {
    name: "workloadIdentityToken",
    message: "Member must be a workload access token made from a JWT for the flow ON_BEHALF_OF_TOKEN_EXCHANGE"
  })

/** AWS does not state the exception for a token exchange with a provider that is not configured for it. */
export const exchangeNotConfigured = (operation: OperationName): ValidationError =>
  fieldError(operation, {
    name: "resourceCredentialProviderName",
    message: "Member must be a provider with onBehalfOfTokenExchangeConfig, or one of the vendor MicrosoftOauth2"
  })

/** The actor token that AWS STS signs does not exist here. */
export const actorTokenUnavailable = (operation: OperationName): ValidationError =>
  new ValidationError({
    operation,
    message: "The local service has no AWS STS: actorTokenContent AWS_IAM_ID_TOKEN_JWT is not available"
  })

/**
 * It is not established if scopes, resources and audiences are part of the vault's key. Here a grant covers a subset of its
 * scopes, and only exactly its resources and audiences.
 */
export const covers = (granted: Target, wanted: Target): boolean =>
  isSubset(wanted.scopes, granted.scopes) &&
  isSame(wanted.resources, granted.resources) &&
  isSame(wanted.audiences, granted.audiences)

/** Observed: a colon in `customState` fails with this error, which names another member. */
export const colonInCustomState = (operation: OperationName): ValidationError =>
  fieldError(operation, {
    name: "requestUri",
    message: "Member must satisfy regular expression pattern: urn:ietf:params:oauth:request_uri:[a-zA-Z0-9-._~]+"
  })

/**
 * Observed: AWS gives this error when a session that has expired, or of another user, is completed. Not established, and the
 * same here: a second completion, a completion before the browser returned, a session deleted during the token request, and
 * a poll of a session that has expired or is unknown.
 */
export const sessionRefused = (operation: OperationName): AccessDenied =>
  new AccessDenied({ operation, message: "Invalid or expired session" })

/**
 * The reply of AWS to a poll with a workload access token of another user is not established. Here it differs from that to a
 * poll of an expired session, so that a program can distinguish them.
 */
export const sessionOfOtherUser = (operation: OperationName): AccessDenied =>
  new AccessDenied({ operation, message: "The session belongs to another user or workload identity" })

/**
 * AWS does not state how long polls of a completed session return its token. Here: until the access token of its completion
 * expires, so that a consent in the last second is not lost. Other sessions can be polled until they expire.
 */
export const acceptsPolls = (session: Session, now: DateTime.Utc): boolean =>
  DateTime.lessThanOrEqualTo(now, session.expiresAt) ||
  (session.status === "completed" && DateTime.lessThan(now, session.granted.expiresAt))

/** AWS does not state the exception for a poll with another return URL than that of the session. */
export const returnUrlMismatch = (operation: OperationName): ValidationError =>
  fieldError(operation, {
    name: "resourceOauth2ReturnUrl",
    message: "Member must be the return URL with which the session began"
  })

/**
 * Observed: AWS gives this error for failures of the vendor in general. A missing EXTERNAL secret is reported only when the
 * secret is needed; AWS does not state its error, and here it is this one.
 */
export const retrievalFailed = (operation: OperationName): ValidationError =>
  new ValidationError({ operation, message: "Failed to retrieve token" })

/** AWS does not state the exception for a payment token request that belongs to another vendor. */
export const paymentVendorMismatch = (operation: OperationName, expected: string): ValidationError =>
  fieldError(operation, { name: "paymentTokenRequest", message: `Member must have exactly one of: [${expected}]` })

/**
 * The effect of an update or a deletion of an OAuth2 provider on its grants is not established. Here a grant, a session and a
 * cached machine token belong to a client at an authorization server. They end when the vendor, the client id, or the
 * location of the authorization server (discovery URL, issuer, authorization or token endpoint) changes, and when the
 * provider is deleted. They survive every other update: the same values, a new secret, another client authentication
 * method, another route to the server, and settings of the token exchange.
 */
export const afterUpdate = (state: State, before: Oauth2Provider, after: Oauth2Provider | undefined): State =>
  after !== undefined && clientKey(before) === clientKey(after) ? state : withoutTokens(state, before.name)

/** Identifies the client of a provider and its authorization server. */
export const clientKey = ({ config, vendor }: Oauth2Provider): string =>
  JSON.stringify([vendor, clientIdOf(config), serverUrlsOf(config)])

/**
 * Removes the grants, sessions and cached machine tokens of a provider: after its deletion, after a change of its issuer,
 * and after an update that makes it another client.
 */
export const withoutTokens = (state: State, provider: string): State => ({
  ...state,
  sessions: Table.removeAll(state.sessions, "provider", provider),
  grants: Table.removeAll(state.grants, "provider", provider),
  machineTokens: Table.removeAll(state.machineTokens, "provider", provider)
})

/**
 * It is not established when `sessionStatus` is `FAILED`, and which members come with it. Here: the session URI, without the
 * authorization URL.
 */
export const failedSession = <Uri>(
  sessionUri: Uri
): { readonly sessionUri: Uri; readonly sessionStatus: "FAILED" } => ({
  sessionUri,
  sessionStatus: "FAILED"
})

/**
 * AWS does not state how long the creation of a portal takes. Here creation and update reply with the status in progress, and
 * every read finds the portal ready.
 */
export const portalStatus = { create: "CREATING", update: "UPDATING", read: "ACTIVE" } as const
