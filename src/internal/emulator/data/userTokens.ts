/** User tokens: granted by consent, stored in the vault, and refreshed while the vendor allows it. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Equal from "effect/Equal"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { type AccessDenied, type ResourceNotFound, type Unauthorized, ValidationError } from "../../../IdentityError.js"
import { authorizationUrl, type Settings } from "../state/arns.js"
import * as assumptions from "../state/assumptions.js"
import type { Client, ProviderError } from "../state/issuer.js"
import { reported } from "../state/providerFailures.js"
import * as sessions from "../state/session.js"
import * as simulatedValues from "../state/simulatedValues.js"
import type { Grant, Oauth2Provider, State } from "../state/state.js"
import { type Result, result, type Store } from "../state/store.js"
import * as Table from "../state/table.js"
import { target } from "../state/target.js"
import { grantKey, grantOwner, type User } from "../state/user.js"
import { clientOf, findCaller, type TokenReply, type TokenRequest } from "./clients.js"
import { grant } from "./grants.js"

const operation = "GetResourceOauth2Token"

type Failure = ValidationError | AccessDenied | Unauthorized | ResourceNotFound

type Next = { readonly _tag: "Reply"; readonly reply: TokenReply } | Refresh

interface Refresh {
  readonly _tag: "Refresh"
  readonly grant: Grant
  readonly refreshToken: Redacted.Redacted
  readonly client: Client
}

/** A request, with its user and provider. */
interface UserTokenContext {
  readonly request: TokenRequest
  readonly workloadName: string
  readonly user: User
  readonly provider: Oauth2Provider
  readonly providerName: string
}

type Decision = (
  state: State,
  now: DateTime.Utc,
  context: UserTokenContext,
  newUri: string
) => Either.Either<Result<Next>, Failure>

/** Returns a token from the vault, or requests consent. */
export const make = (store: Store) => {
  const run = (request: TokenRequest, decision: Decision): Effect.Effect<TokenReply, Failure> =>
    Effect.gen(function*() {
      const id = yield* simulatedValues.base62(43)
      const next = yield* store.decide((state, now) =>
        Either.flatMap(
          contextOf(state, now, request),
          (context) => decision(state, now, context, `urn:ietf:params:oauth:request_uri:${id}`)
        )
      )
      return next._tag === "Reply" ? next.reply : yield* refresh(request, next)
    })

  const userToken = (request: TokenRequest) => run(request, decide(store))

  /** Requests consent without removing the grant, which stays usable until the user answers. */
  const requestConsent = (request: TokenRequest) => run(request, openSession(store.settings))

  const refresh = (request: TokenRequest, { client, grant: old, refreshToken }: Refresh) => {
    const key = grantKey(old)
    const refreshed = client.issuer.refresh(client, { target: old.target, refreshToken }).pipe(
      // If the response was lost, only the same refresh token can be sent again: there is no other.
      Effect.retry({ schedule: assumptions.refreshSchedule, while: isTransient }),
      reported(store, client.provider.name),
      Effect.tap((issued) =>
        store.change((state, now) =>
          isUnchanged(state, old)
            ? { ...state, grants: Table.set(state.grants, key, grant(old, old.target, issued, now, old.refresh)) }
            : state
        )
      )
    )
    // One request for all callers: a vendor that rotates refresh tokens treats a second use as theft.
    return store.singleFlight.run(
      `refresh ${JSON.stringify([key, Redacted.value(refreshToken)])}`,
      refreshed
    ).pipe(
      Effect.map(({ accessToken }): TokenReply => ({ accessToken })),
      Effect.catchTag("ProviderError", (error): Effect.Effect<TokenReply, Failure> =>
        isRevoked(error)
          // Decides again: the grant is gone, or another call has refreshed it in the meantime.
          ? Effect.zipRight(removeGrant(old), userToken(request))
          : withStoredTokenOr(
            old,
            maybeRevoked(error) ? requestConsent(request) : assumptions.retrievalFailed(operation)
          ))
    )
  }

  const removeGrant = (grant: Grant) =>
    store.change((state) =>
      isUnchanged(state, grant) ? { ...state, grants: Table.remove(state.grants, grantKey(grant)) } : state
    )

  return userToken
}

const isTransient = ({ reason, status = 0 }: ProviderError) =>
  reason === "Unreachable" || reason === "Lost" || reason === "TimedOut" || status >= 500 || status === 429

/** Error codes for a refresh token that is no longer valid: those of RFC 6749, GitHub, HubSpot and Slack. */
const revocationErrors = new Set([
  "invalid_grant",
  "bad_refresh_token",
  "invalid_refresh_token",
  "token_revoked",
  "token_expired",
  "access_denied"
])

/** A failure of the client or of the vendor does not mean that the refresh token is invalid. */
const isRevoked = (error: ProviderError) =>
  error.reason === "Refused" && !isTransient(error) && revocationErrors.has((error.error ?? "").toLowerCase())

/** Error codes about the client or the request: a new consent would not help. */
const clientErrors = new Set([
  "invalid_client",
  "unauthorized_client",
  "unsupported_grant_type",
  "invalid_scope",
  "invalid_target"
])

/** Checks for a rejection with an unknown error code, which may mean that the refresh token is invalid. */
const maybeRevoked = (error: ProviderError) =>
  error.reason === "Refused" && !isTransient(error) && !clientErrors.has(error.error ?? "")

/** Returns the stored token if it has not expired: a token about to expire is better than none. */
const withStoredTokenOr = (
  { accessToken, expiresAt }: Grant,
  otherwise: Effect.Effect<TokenReply, Failure>
): Effect.Effect<TokenReply, Failure> =>
  Effect.flatMap(
    DateTime.now,
    (now) => DateTime.lessThan(now, expiresAt) ? Effect.succeed({ accessToken }) : otherwise
  )

/**
 * Checks that the grant is unchanged. A change of client or issuer, or a deletion, removes it, and a new consent replaces
 * it.
 */
const isUnchanged = (state: State, grant: Grant) =>
  Option.exists(
    Table.get(state.grants, grantKey(grant)),
    ({ accessToken, refresh }) =>
      Equal.equals(refresh?.token, grant.refresh?.token) && Equal.equals(accessToken, grant.accessToken)
  )

const contextOf = (state: State, now: DateTime.Utc, request: TokenRequest): Either.Either<UserTokenContext, Failure> =>
  Either.gen(function*() {
    const { identity: { user, workloadName }, provider } = yield* findCaller(operation, state, now, request)
    if (user === undefined) return yield* Either.left(assumptions.userMissing(operation))
    if (request.customState !== undefined && Redacted.value(request.customState).includes(":")) {
      return yield* Either.left(assumptions.colonInCustomState(operation))
    }
    return { request, workloadName, user, provider, providerName: provider.name }
  })

const decide = (store: Store): Decision => (state, now, context, newUri) =>
  Either.gen(function*() {
    const { request } = context
    const { settings } = store
    const key = grantKey(grantOwner(context))
    const requestConsent = (state: State) => openSession(settings)(state, now, context, newUri)
    // Removed only where the answer needs it, since it takes longer than the rest of the decision.
    const withoutGrant = () => ({ ...state, grants: Table.remove(state.grants, key) })
    if (request.forceAuthentication === true) return yield* requestConsent(withoutGrant())
    if (request.sessionUri !== undefined) return yield* poll(settings, state, now, context, request.sessionUri)
    const stored = Option.filter(
      Table.get(state.grants, key),
      (grant) => assumptions.covers(grant.target, target(request))
    )
    if (Option.isNone(stored)) return yield* requestConsent(state)
    const grant = stored.value
    const refreshToken = usableRefreshToken(grant, now)
    const until = refreshToken === undefined ? grant.expiresAt : DateTime.min(grant.expiresAt, grant.refreshAt)
    if (DateTime.lessThan(now, until)) return replyWith({ accessToken: grant.accessToken }, state)
    if (refreshToken === undefined) return yield* requestConsent(withoutGrant())
    const next: Next = {
      _tag: "Refresh",
      grant,
      refreshToken,
      client: yield* clientOf(store, operation, state, context.provider)
    }
    return result(next, state)
  })

const replyWith = (reply: TokenReply, state: State): Result<Next> => result({ _tag: "Reply", reply }, state)

const usableRefreshToken = ({ refresh }: Grant, now: DateTime.Utc): Redacted.Redacted | undefined =>
  refresh === undefined || (refresh.expiresAt !== undefined && DateTime.lessThanOrEqualTo(refresh.expiresAt, now))
    ? undefined
    : refresh.token

const requireReturnUrl = ({ resourceOauth2ReturnUrl }: TokenRequest): Either.Either<string, ValidationError> =>
  Either.fromNullable(resourceOauth2ReturnUrl, () =>
    new ValidationError({
      operation,
      message: "You must provide a ResourceOauth2ReturnUrl to proceed with this flow"
    }))

/** Replies with the result of the session, if it belongs to the caller. A poll never opens another session. */
const poll = (
  settings: Settings,
  state: State,
  now: DateTime.Utc,
  context: UserTokenContext,
  uri: Redacted.Redacted
): Either.Either<Result<Next>, Failure> =>
  Either.gen(function*() {
    const url = yield* requireReturnUrl(context.request)
    const session = yield* Table.get(state.sessions, Redacted.value(uri)).pipe(
      Option.filter((session) => assumptions.acceptsPolls(session, now)),
      Either.fromOption(() => assumptions.sessionRefused(operation))
    )
    if (grantKey(grantOwner(session)) !== grantKey(grantOwner(context))) {
      return yield* Either.left(assumptions.sessionOfOtherUser(operation))
    }
    if (session.returnUrl !== url) return yield* Either.left(assumptions.returnUrlMismatch(operation))
    if (session.status === "failed") return replyWith(assumptions.failedSession(uri), state)
    return replyWith(
      session.status === "completed"
        ? { accessToken: session.granted.accessToken }
        : inProgress(settings, session.uri),
      state
    )
  })

const openSession =
  (settings: Settings): Decision => (state, now, { providerName, request, user, workloadName }, uri) =>
    Either.gen(function*() {
      const returnUrl = yield* requireReturnUrl(request)
      const isRegistered = Option.exists(
        Table.get(state.workloads, workloadName),
        ({ returnUrls = [] }) => returnUrls.includes(returnUrl)
      )
      if (!isRegistered) {
        const message = "You must register and use at least one ResourceOauth2ReturnUrl for this workload identity"
        return yield* Either.left(new ValidationError({ operation, message }))
      }
      return replyWith(
        inProgress(settings, uri),
        sessions.open(state, now, {
          uri,
          workloadName,
          user,
          providerName,
          target: target(request),
          returnUrl,
          customState: request.customState,
          customParameters: request.customParameters
        })
      )
    })

const inProgress = (settings: Settings, uri: string): TokenReply => ({
  authorizationUrl: Redacted.make(authorizationUrl(settings, uri)),
  sessionUri: Redacted.make(uri),
  sessionStatus: "IN_PROGRESS"
})
