/** Requests for consent: how they are opened, asked after, and completed. */
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { UserIdentifier } from "../../../Credential.js"
import type { Method } from "../../../IdentityApi.js"
import type { AccessDenied, ValidationError } from "../../../IdentityError.js"
import { sessionLifetime } from "../../model/session.js"
import { findOauth2Provider } from "../control/oauth2Providers.js"
import * as choices from "../state/assumptions.js"
import type { IssuedToken, ProviderError } from "../state/issuer.js"
import { reported } from "../state/providerFailures.js"
import type { Session, State, User } from "../state/state.js"
import { type Result, result, type Store, sweep } from "../state/store.js"
import { client } from "./clients.js"
import { grant, grantKey } from "./grants.js"

/**
 * A poll at the very end of the ten minutes still finds the session.
 *
 * @internal
 */
export const isExpired = (session: Session, now: DateTime.Utc): boolean => DateTime.greaterThan(now, session.expiresAt)

/** @internal */
export const open = (
  state: State,
  now: DateTime.Utc,
  session: Omit<Session, "ordinal" | "createdAt" | "expiresAt" | "status" | "authorization" | "granted">
): State => {
  const remembered = sweep(
    state.sessions,
    ({ expiresAt }) => DateTime.lessThanOrEqualTo(now, DateTime.addDuration(expiresAt, choices.sessionRetention))
  )
  return {
    ...state,
    sessions: HashMap.set(remembered, session.uri, {
      ...session,
      ordinal: state.sessionsOpened,
      createdAt: now,
      expiresAt: DateTime.addDuration(now, sessionLifetime),
      status: "pending",
      authorization: undefined,
      granted: undefined
    }),
    sessionsOpened: state.sessionsOpened + 1
  }
}

/** @internal */
export const setStatus = (state: State, session: Session, status: Session["status"]): State => ({
  ...state,
  sessions: HashMap.set(state.sessions, session.uri, { ...session, status })
})

/**
 * The session of this URI, unless it is over.
 *
 * @internal
 */
export const live = (state: State, now: DateTime.Utc, uri: Redacted.Redacted): Option.Option<Session> =>
  Option.filter(HashMap.get(state.sessions, Redacted.value(uri)), (session) => !isExpired(session, now))

/** The very id, or the very JWT: a fresh one for the same person is another. */
const isSameUser = (user: User, identifier: UserIdentifier): boolean =>
  user.kind === "userId"
    ? "userId" in identifier && identifier.userId === user.userId
    : "userToken" in identifier && Redacted.value(identifier.userToken) === Redacted.value(user.token)

const operation = "CompleteResourceTokenAuth"

/**
 * Claims the session, asks the vendor, and stores the grant. Whoever comes second finds the session claimed; if the
 * vendor is never heard, because the call was interrupted, the claim is given back. But what a real vendor was sent is
 * spent, so that its answer is awaited even if nobody waits for this one.
 *
 * @internal
 */
export const complete = (core: Store): Method<"completeResourceTokenAuth"> => ({ sessionUri, userIdentifier }) => {
  const claim = core.decide((state, now) =>
    Either.gen(function*() {
      const session = yield* live(state, now, sessionUri).pipe(
        Option.filter(({ status, user }) => status === "approved" && isSameUser(user, userIdentifier)),
        Either.fromOption(() => choices.sessionRefused(operation))
      )
      const provider = yield* findOauth2Provider(operation, state, session.providerName)
      const claimed = { session, client: yield* client(core, operation, state, provider) }
      return result(claimed, setStatus(state, session, "completing"))
    })
  )
  return Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(claim, ({ client, session }) => {
      const ask = client.issuer.user(client, session).pipe(reported(core, session.providerName))
      const settle = (asked: Effect.Effect<IssuedToken, ProviderError>) =>
        Effect.flatMap(Effect.exit(asked), (exit) =>
          Effect.flatMap(
            core.decide((state, now) => Either.right(settled(state, now, session, exit))),
            (isKept): Effect.Effect<IssuedToken, AccessDenied | ValidationError> =>
              Exit.isSuccess(exit) && !isKept
                ? choices.sessionRefused(operation)
                : Effect.mapError(exit, () => choices.retrievalFailed(operation))
          ))
      return (session.authorization === undefined
        ? settle(restore(ask))
        : Effect.flatMap(Effect.forkDaemon(settle(Effect.interruptible(ask))), (fiber) => restore(Fiber.join(fiber))))
        .pipe(Effect.as({}))
    })
  )
}

/**
 * The state after the vendor's answer, and whether the session is still there. A deletion of the workload identity or the
 * provider deletes the session too, and then nothing is stored.
 */
const settled = (
  state: State,
  now: DateTime.Utc,
  session: Session,
  exit: Exit.Exit<IssuedToken, ProviderError>
): Result<boolean> =>
  HashMap.has(state.sessions, session.uri)
    ? result(
      true,
      Exit.match(exit, {
        onSuccess: (issued) => {
          const granted = grant(session.target, issued, now)
          return {
            ...setStatus(state, { ...session, granted, authorization: undefined }, "completed"),
            grants: HashMap.set(state.grants, grantKey(session), granted)
          }
        },
        onFailure: (cause) => setStatus(state, session, isAnswered(cause) ? "failed" : "approved")
      })
    )
    : result(false, state)

/** A code that was never sent may be sent again. */
const unsent: ReadonlyArray<ProviderError["reason"]> = ["Unreachable", "Certificate", "Forbidden", "Misconfigured"]

const isAnswered = (cause: Cause.Cause<ProviderError>) =>
  Cause.isDie(cause) ||
  Option.exists(Cause.failureOption(cause), ({ reason, step }) => step === "token" && !unsent.includes(reason))
