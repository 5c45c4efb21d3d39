/** The tokens of people: granted by consent, kept in the vault, refreshed while the vendor allows it. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Equal from "effect/Equal"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { type AccessDenied, type ResourceNotFound, type Unauthorized, ValidationError } from "../../../IdentityError.js"
import { authorizationUrl, type Settings } from "../state/arns.js"
import * as assumptions from "../state/assumptions.js"
import type { Client, ProviderError } from "../state/issuer.js"
import { reported } from "../state/providerFailures.js"
import * as sessions from "../state/session.js"
import * as simulatedValues from "../state/simulatedValues.js"
import { type Grant, type GrantKey, type Oauth2Provider, type State, target, type User } from "../state/state.js"
import { type Result, result, type Store } from "../state/store.js"
import { client, party, type TokenReply, type TokenRequest } from "./clients.js"
import { grant, grantKey } from "./grants.js"

const operation = "GetResourceOauth2Token"

type Failure = ValidationError | AccessDenied | Unauthorized | ResourceNotFound

type Next =
  | { readonly _tag: "Reply"; readonly reply: TokenReply }
  | ({ readonly _tag: "Refresh" } & Refresh)

interface Refresh {
  readonly key: GrantKey
  readonly grant: Grant
  readonly refreshToken: Redacted.Redacted
  readonly client: Client
}

/** A request, and whom it concerns. */
interface UserTokenContext {
  readonly request: TokenRequest
  readonly workloadName: string
  readonly user: User
  readonly provider: Oauth2Provider
  readonly providerName: string
}

/**
 * A token from the vault, or a request for consent.
 *
 * @internal
 */
export const make = (store: Store) => {
  const decided = (
    request: TokenRequest,
    decision: (
      state: State,
      now: DateTime.Utc,
      asked: UserTokenContext,
      newUri: string
    ) => Either.Either<Result<Next>, Failure>
  ): Effect.Effect<TokenReply, Failure> =>
    Effect.gen(function*() {
      const id = yield* simulatedValues.base62(43)
      const next = yield* store.decide((state, now) =>
        Either.flatMap(
          asked(state, now, request),
          (asked) => decision(state, now, asked, `urn:ietf:params:oauth:request_uri:${id}`)
        )
      )
      return next._tag === "Reply" ? next.reply : yield* refresh(request, next)
    })

  const ask = (request: TokenRequest) =>
    decided(request, (state, now, asked, newUri) => decide(store, state, now, asked, newUri))

  /** The person is asked, and nothing is lost until they answer. */
  const requestConsent = (request: TokenRequest) =>
    decided(request, (state, now, asked, newUri) => consent(store.settings, state, now, asked, newUri))

  const refresh = (request: TokenRequest, { client, grant: old, key, refreshToken }: Refresh) => {
    const { provider } = client
    const asked = client.issuer.refresh(client, { target: old.target, refreshToken }).pipe(
      // Where the answer was lost, the same token is all there is to ask with: nobody has another.
      Effect.retry({ schedule: assumptions.refreshSchedule, while: isPassing }),
      reported(store, provider.name),
      Effect.tap((issued) =>
        store.change((state, now) =>
          isUnchanged(state, key, old)
            ? { ...state, grants: HashMap.set(state.grants, key, grant(old.target, issued, now, old.refresh)) }
            : state
        )
      )
    )
    // One for everybody: a vendor that rotates takes a token that comes twice for a stolen one.
    return store.flights.run(
      `refresh ${JSON.stringify([key.workloadName, key.user, key.providerName, Redacted.value(refreshToken)])}`,
      asked
    ).pipe(
      Effect.map(({ accessToken }): TokenReply => ({ accessToken })),
      Effect.catchTag("ProviderError", (refused): Effect.Effect<TokenReply, Failure> =>
        isFinal(refused)
          // Decided anew: either there is no grant any more, or somebody else has renewed it in the meantime.
          ? Effect.zipRight(drop(key, old), ask(request))
          : withStoredTokenOr(
            old,
            maybeRevoked(refused) ? requestConsent(request) : assumptions.retrievalFailed(operation)
          ))
    )
  }

  const drop = (key: GrantKey, grant: Grant) =>
    store.change((state) =>
      isUnchanged(state, key, grant) ? { ...state, grants: HashMap.remove(state.grants, key) } : state
    )

  return ask
}

const isPassing = ({ reason, status = 0 }: ProviderError) =>
  reason === "Unreachable" || reason === "Lost" || reason === "TimedOut" || status >= 500 || status === 429

/** The words for a refresh token that is good for nothing any more: RFC 6749's, GitHub's, HubSpot's and Slack's. */
const revocationErrors = new Set([
  "invalid_grant",
  "bad_refresh_token",
  "invalid_refresh_token",
  "token_revoked",
  "token_expired",
  "access_denied"
])

/** What is wrong with the client, or with the vendor, says nothing of the refresh token. */
const isFinal = (refused: ProviderError) =>
  refused.reason === "Refused" && !isPassing(refused) && revocationErrors.has((refused.error ?? "").toLowerCase())

/** What says nothing of the refresh token: a new consent would not help. */
const ofTheClient = new Set([
  "invalid_client",
  "unauthorized_client",
  "unsupported_grant_type",
  "invalid_scope",
  "invalid_target"
])

/** Whether the refusal may be of the refresh token, in words that nobody has told us. */
const maybeRevoked = (refused: ProviderError) =>
  refused.reason === "Refused" && !isPassing(refused) && !ofTheClient.has(refused.error ?? "")

/** A token that is nearly over is better than none. */
const withStoredTokenOr = (
  { accessToken, expiresAt }: Grant,
  otherwise: Effect.Effect<TokenReply, Failure>
): Effect.Effect<TokenReply, Failure> =>
  Effect.flatMap(
    DateTime.now,
    (now) => DateTime.lessThan(now, expiresAt) ? Effect.succeed({ accessToken }) : otherwise
  )

/** Whether the grant is unchanged: a change of client or issuer, or a deletion, ends it, and a new consent replaces it. */
const isUnchanged = (state: State, key: GrantKey, { accessToken, refresh }: Grant) =>
  Option.exists(
    HashMap.get(state.grants, key),
    (stored) => Equal.equals(stored.refresh?.token, refresh?.token) && Equal.equals(stored.accessToken, accessToken)
  )

const asked = (state: State, now: DateTime.Utc, request: TokenRequest): Either.Either<UserTokenContext, Failure> =>
  Either.gen(function*() {
    const { identity: { user, workloadName }, provider } = yield* party(operation, state, now, request)
    if (user === undefined) return yield* Either.left(assumptions.userMissing(operation))
    if (request.customState !== undefined && Redacted.value(request.customState).includes(":")) {
      return yield* Either.left(assumptions.colonInCustomState(operation))
    }
    return { request, workloadName, user, provider, providerName: provider.name }
  })

const decide = (
  store: Store,
  state: State,
  now: DateTime.Utc,
  asked: UserTokenContext,
  newUri: string
): Either.Either<Result<Next>, Failure> =>
  Either.gen(function*() {
    const { request } = asked
    const { settings } = store
    const key = grantKey(asked)
    if (request.forceAuthentication === true) {
      return yield* consent(settings, { ...state, grants: HashMap.remove(state.grants, key) }, now, asked, newUri)
    }
    if (request.sessionUri !== undefined) return yield* poll(settings, state, now, asked, request.sessionUri)
    const stored = Option.filter(
      HashMap.get(state.grants, key),
      (grant) => assumptions.covers(grant.target, target(request))
    )
    if (Option.isNone(stored)) return yield* consent(settings, state, now, asked, newUri)
    const grant = stored.value
    const refreshToken = usableRefreshToken(grant, now)
    const until = refreshToken === undefined ? grant.expiresAt : DateTime.min(grant.expiresAt, grant.freshUntil)
    if (DateTime.lessThan(now, until)) return replied({ accessToken: grant.accessToken }, state)
    if (refreshToken === undefined) {
      return yield* consent(settings, { ...state, grants: HashMap.remove(state.grants, key) }, now, asked, newUri)
    }
    const next: Next = {
      _tag: "Refresh",
      key,
      grant,
      refreshToken,
      client: yield* client(store, operation, state, asked.provider)
    }
    return result(next, state)
  })

const replied = (reply: TokenReply, state: State): Result<Next> => result({ _tag: "Reply", reply }, state)

const usableRefreshToken = ({ refresh }: Grant, now: DateTime.Utc): Redacted.Redacted | undefined =>
  refresh === undefined || (refresh.expiresAt !== undefined && DateTime.lessThanOrEqualTo(refresh.expiresAt, now))
    ? undefined
    : refresh.token

const givenReturnUrl = ({ resourceOauth2ReturnUrl }: TokenRequest): Either.Either<string, ValidationError> =>
  Either.fromNullable(resourceOauth2ReturnUrl, () =>
    new ValidationError({
      operation,
      message: "You must provide a ResourceOauth2ReturnUrl to proceed with this flow"
    }))

/** How the session of a poll stands, if it is this caller's. A poll never opens another session. */
const poll = (
  settings: Settings,
  state: State,
  now: DateTime.Utc,
  asked: UserTokenContext,
  uri: Redacted.Redacted
): Either.Either<Result<Next>, Failure> =>
  Either.gen(function*() {
    const url = yield* givenReturnUrl(asked.request)
    const session = yield* HashMap.get(state.sessions, Redacted.value(uri)).pipe(
      Option.filter((session) =>
        assumptions.answersPolls(session, now) && Equal.equals(grantKey(session), grantKey(asked))
      ),
      Either.fromOption(() => assumptions.sessionRefused(operation))
    )
    if (session.returnUrl !== url) return yield* Either.left(assumptions.otherReturnUrl(operation))
    if (session.status === "failed") return replied(assumptions.failedSession(uri), state)
    return replied(
      session.status === "completed"
        ? { accessToken: session.granted.accessToken }
        : inProgress(settings, session.uri),
      state
    )
  })

const consent = (
  settings: Settings,
  state: State,
  now: DateTime.Utc,
  { providerName, request, user, workloadName }: UserTokenContext,
  uri: string
): Either.Either<Result<Next>, Failure> =>
  Either.gen(function*() {
    const returnUrl = yield* givenReturnUrl(request)
    const registered = Option.exists(
      HashMap.get(state.workloads, workloadName),
      ({ returnUrls = [] }) => returnUrls.includes(returnUrl)
    )
    if (!registered) {
      const message = "You must register and use at least one ResourceOauth2ReturnUrl for this workload identity"
      return yield* Either.left(new ValidationError({ operation, message }))
    }
    return replied(
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
