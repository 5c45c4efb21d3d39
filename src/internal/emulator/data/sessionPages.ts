/** The consent sessions as the test controls show them: all, one, or the newest ones that match a filter. */
import type * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type {
  ConsentSession,
  SessionCounts,
  SessionFilter,
  SessionsPage,
  SessionsPageRequest
} from "../../../IdentityControls.js"
import * as sessions from "../state/session.js"
import type { State } from "../state/state.js"
import * as Table from "../state/table.js"
import { userKey } from "../state/user.js"

const toView = (session: sessions.Session, now: DateTime.Utc): ConsentSession => ({
  id: session.ordinal + 1,
  sessionUri: Redacted.make(session.uri),
  status: sessions.isUnfinished(session) && sessions.isExpired(session, now)
    ? "expired"
    : session.status === "completing"
    ? "approved"
    : session.status,
  workloadName: session.workloadName,
  user: userKey(session.user),
  providerName: session.providerName,
  scopes: session.target.scopes,
  createdAt: session.createdAt,
  expiresAt: session.expiresAt
})

/** All sessions, oldest first. */
export const all = ({ sessions }: State, now: DateTime.Utc): ReadonlyArray<ConsentSession> =>
  Array.from(Table.ascending(sessions, "age"), ([, session]) => toView(session, now))

/** @internal */
export const find = ({ sessions }: State, now: DateTime.Utc, uri: Redacted.Redacted): Option.Option<ConsentSession> =>
  Option.map(Table.get(sessions, Redacted.value(uri)), (session) => toView(session, now))

/** @internal */
export const counts = ({ sessions }: State, now: DateTime.Utc): SessionCounts => {
  const pending = Table.count(sessions, "pending", undefined, Table.sortableTime(now))
  return { pending, finished: Table.size(sessions) - pending }
}

/** The rows while they match. */
const takeWhile = function*<A>(
  entries: Iterable<readonly [key: string, row: A]>,
  matches: (row: A) => boolean = () => true
): Generator<A, undefined> {
  for (const [, row] of entries) {
    if (!matches(row)) return
    yield row
  }
}

/** Two lists of sessions, which are sorted from new to old, as one. */
const merged = function*(
  one: Iterator<sessions.Session>,
  other: Iterator<sessions.Session>
): Generator<sessions.Session, undefined> {
  let a = one.next()
  let b = other.next()
  while (a.done !== true || b.done !== true) {
    if (a.done !== true && (b.done === true || a.value.ordinal > b.value.ordinal)) {
      yield a.value
      a = one.next()
    } else if (b.done !== true) {
      yield b.value
      b = other.next()
    }
  }
}

/** Sessions from new to old, among which are all that match the filter: from the index that has the fewest others. */
const candidates = (
  { sessions: table }: State,
  now: DateTime.Utc,
  { id, providerName, statuses, user, workloadName }: SessionFilter,
  before: string | undefined
): Iterable<sessions.Session> => {
  if (id !== undefined) return takeWhile(Table.descending(table, "age", Table.sortable(id - 1)))
  const within = (index: "workload" | "provider" | "user", name: string) =>
    takeWhile(Table.descending(table, index, name, before === undefined ? undefined : `${name}\u0000${before}`))
  if (user !== undefined) return within("user", JSON.stringify(user))
  if (workloadName !== undefined) return within("workload", workloadName)
  if (providerName !== undefined) return within("provider", providerName)
  // The first page of a status does not read the sessions of the other statuses. Open ones expire in the order of their age.
  if (before === undefined && statuses !== undefined) {
    if (statuses.every((status) => status === "pending")) {
      return takeWhile(Table.descending(table, "pending"), (session) => !sessions.isExpired(session, now))
    }
    if (!statuses.includes("pending")) {
      return merged(
        takeWhile(Table.descending(table, "finished")),
        takeWhile(Table.descending(table, "pending", undefined, Table.sortableTime(now)))
      )
    }
  }
  return takeWhile(Table.descending(table, "age", undefined, before))
}

const matches = (session: ConsentSession, { id, providerName, statuses, user, workloadName }: SessionFilter) =>
  (id === undefined || id === session.id) &&
  (statuses === undefined || statuses.includes(session.status)) &&
  (user === undefined || user === session.user) &&
  (workloadName === undefined || workloadName === session.workloadName) &&
  (providerName === undefined || providerName === session.providerName)

/** The newest sessions that match, after those of the previous page. */
export const page = (
  state: State,
  now: DateTime.Utc,
  { after, limit, skip = 0, ...filter }: SessionsPageRequest
): SessionsPage => {
  const before = after === undefined ? undefined : Table.sortable(after - 1)
  const hasFilter = Object.values(filter).some((value) => value !== undefined)
  // Without a filter, the sessions that are left out are not read.
  const isCounted = !hasFilter && before === undefined
  const found: Array<ConsentSession> = []
  let left = isCounted ? 0 : skip
  const all = isCounted
    ? takeWhile(Table.descendingAfter(state.sessions, "age", skip))
    : candidates(state, now, filter, before)
  for (const session of all) {
    const view = toView(session, now)
    if (!matches(view, filter)) continue
    if (left > 0) {
      left--
      continue
    }
    if (found.length >= limit) return { sessions: found, next: found.at(-1)?.id }
    found.push(view)
  }
  return { sessions: found, next: undefined }
}
