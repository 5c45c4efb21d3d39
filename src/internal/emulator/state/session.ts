/**
 * Consent sessions and all their transitions. The user approves a pending session or denies it. The application completes
 * an approved one; while the provider exchanges the code, the session is `completing`, so that it is completed once.
 */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Struct from "effect/Struct"
import { sessionLifetime } from "../../model/session.js"
import * as limits from "./limits.js"
import type { CustomParameters, Grant, State } from "./state.js"
import * as Table from "./table.js"
import { sessionOwner } from "./tables.js"
import type { Target } from "./target.js"
import { grantOwner, type User } from "./user.js"

/** The members that are set when the session is opened. */
interface Details {
  readonly uri: string
  readonly workloadName: string
  readonly user: User
  readonly providerName: string
  readonly target: Target
  readonly returnUrl: string
  readonly customState: Redacted.Redacted | undefined
  readonly customParameters: CustomParameters
}

interface Opened extends Details {
  /** Number of sessions opened before this one, which orders sessions by age. */
  readonly ordinal: number
  readonly createdAt: DateTime.Utc
  readonly expiresAt: DateTime.Utc
}

/** The authorization code with which a federated provider redirected the browser back. */
export interface Authorization {
  readonly code: Redacted.Redacted
  readonly codeVerifier: Redacted.Redacted
  /** Redirect URI of the authorization request, which the token request repeats (RFC 6749, section 4.1.3). */
  readonly redirectUri?: string | undefined
}

/** @internal */
export interface Pending extends Opened {
  readonly status: "pending"
  /** The user has seen its consent page, and may answer it. */
  readonly isShown?: true | undefined
}

/** @internal */
export interface Approved extends Opened {
  readonly status: "approved"
  /** `undefined` if the provider was simulated when the user approved. */
  readonly authorization: Authorization | undefined
}

/** @internal */
export interface Completing extends Omit<Approved, "status"> {
  readonly status: "completing"
}

/** @internal */
export interface Completed extends Opened {
  readonly status: "completed"
  /** The token that polls of this session return, even after the grant has changed. */
  readonly granted: Pick<Grant, "accessToken" | "expiresAt">
}

/** @internal */
export interface Failed extends Opened {
  readonly status: "failed"
}

/** @internal */
export type Session = Pending | Approved | Completing | Completed | Failed

/** @internal */
export const isPending = (session: Session): session is Pending => session.status === "pending"

/** @internal */
export const isApproved = (session: Session): session is Approved => session.status === "approved"

/** @internal */
export const isUnfinished = (session: Session): session is Pending | Approved =>
  isPending(session) || isApproved(session)

/** Tests for a session whose result polls report: a token or a failure. */
export const hasEnded = ({ status }: Session): boolean => status === "completed" || status === "failed"

/** Checks the lifetime. A poll exactly at the end of the ten minutes still finds the session. */
export const isExpired = ({ expiresAt }: Session, now: DateTime.Utc): boolean => DateTime.greaterThan(now, expiresAt)

/** Finds the session with this URI, unless it has expired. */
export const find = (state: State, now: DateTime.Utc, uri: Redacted.Redacted): Option.Option<Session> =>
  Option.filter(Table.get(state.sessions, Redacted.value(uri)), (session) => !isExpired(session, now))

const put = (state: State, session: Session): State => ({
  ...state,
  sessions: Table.set(state.sessions, session.uri, session)
})

/**
 * Opens a session. If there are too many pending ones, of the same user at the same provider or of all, one of the oldest
 * expires.
 */
export const open = (before: State, now: DateTime.Utc, details: Details): State => {
  const session: Pending = {
    ...details,
    ordinal: before.sessionsOpened,
    createdAt: now,
    expiresAt: DateTime.addDuration(now, sessionLifetime),
    status: "pending"
  }
  const time = Table.sortableTime(now)
  const owner = sessionOwner(grantOwner(details))
  const pruned = { ...before, sessions: Table.prune(before.sessions, now), sessionsOpened: before.sessionsOpened + 1 }
  const one = withRoom(pruned, now, limits.pendingSessionsOfGrant, "owner", owner, `${owner}\u0000${time}`)
  const all = withRoom(one, now, limits.pendingSessions, "pending", undefined, time)
  return put(all, session)
}

/**
 * Expires pending sessions in a part of an index until one more is within the limit: among the oldest, first those that were
 * not shown.
 */
const withRoom = (
  before: State,
  now: DateTime.Utc,
  limit: number,
  ...[index, within, from]: [index: "owner" | "pending", within: string | undefined, from: string]
): State => {
  const excess = Table.count(before.sessions, index, within, from) + 1 - limit
  if (excess <= 0) return before
  const shown: Array<Pending> = []
  const hidden: Array<Pending> = []
  for (const [, session] of Table.ascending(before.sessions, index, within, from)) {
    if (isPending(session)) (session.isShown === true ? shown : hidden).push(session)
    if (hidden.length === excess || shown.length + hidden.length >= excess + limits.pendingSessionsOfGrant) break
  }
  return [...hidden, ...shown].slice(0, excess).reduce((state, session) => expire(state, session, now), before)
}

/** Notes that the user has seen the consent page of the session. */
export const show = (state: State, session: Pending): State =>
  session.isShown === true ? state : put(state, { ...session, isShown: true })

/** @internal */
export const approve = (state: State, session: Pending, authorization?: Authorization): State =>
  put(state, { ...Struct.omit(session, "isShown"), status: "approved", authorization })

/** Fails a session that the user, or the provider in their place, refused to approve. */
export const deny = (state: State, session: Pending): State =>
  put(state, { ...Struct.omit(session, "isShown"), status: "failed" })

/** Claims the session for one completion: it cannot be claimed, denied or expired until `complete`, `fail` or `release`. */
export const claim = (state: State, session: Approved): readonly [Completing, State] => {
  const claimed: Completing = { ...session, status: "completing" }
  return [claimed, put(state, claimed)]
}

const released = (session: Completing): Approved => ({ ...session, status: "approved" })

/** Gives the claim back, so that the session can be completed again. */
export const release = (state: State, session: Completing): State => put(state, released(session))

/** Fails a session whose code the provider rejected. The code is dropped, since it cannot be used again. */
export const fail = (state: State, session: Completing): State =>
  put(state, { ...Struct.omit(session, "authorization"), status: "failed" })

/** @internal */
export const complete = (state: State, session: Completing, { accessToken, expiresAt }: Grant): State =>
  put(state, {
    ...Struct.omit(session, "authorization"),
    status: "completed",
    granted: { accessToken, expiresAt }
  })

/** @internal */
export const expire = (state: State, session: Pending | Approved, now: DateTime.Utc): State =>
  put(state, { ...session, expiresAt: DateTime.subtract(now, { millis: 1 }) })

/** Releases the claim of a process that has ended. */
export const withoutClaim = (session: Session): Session => session.status === "completing" ? released(session) : session
