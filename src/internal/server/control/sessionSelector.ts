/** Selects one consent session: by URI, by id, or by names if exactly one matches. */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import {
  type ConsentSession,
  IdentityControls,
  type SessionNotApproved,
  type SessionNotPending
} from "../../../IdentityControls.js"
import { integer, secret, text } from "../../model/smithy.js"
import { ApiError, invalid } from "./json.js"

const name = Schema.optional(text({ min: 1, max: 2048 }))

/** @internal */
export const Selector = Schema.Struct({
  session: Schema.optional(integer(1, Number.MAX_SAFE_INTEGER)),
  sessionUri: Schema.optional(secret({ min: 1, max: 2048 })),
  user: name,
  providerName: name,
  workloadName: name
})

/** @internal */
export interface Selector extends Schema.Schema.Type<typeof Selector> {}

const selectors = ["session", "sessionUri", "user", "providerName", "workloadName"] as const

/** The name of the error if no session is selected. */
export const notFound = "SessionNotFound"

const none = new ApiError({
  status: 404,
  error: notFound,
  message: "No session matches. `GET /_local/state` lists all sessions."
})

const unknownUri = new ApiError({
  status: 404,
  error: notFound,
  message:
    "No session has this sessionUri: pass the decoded session_id of a return URL, or the decoded request_uri of an " +
    "authorization URL. `GET /_local/sessions` lists the URIs of all sessions."
})

/** Sessions that an error lists. */
const maxReported = 20

const several = (sessions: ReadonlyArray<ConsentSession>, hasMore: boolean) =>
  new ApiError({
    status: 409,
    error: "SeveralSessions",
    message: `Several sessions match: pass the id of one as session: ${
      Arr.reverse(sessions).map(({ id }) => id).join(", ")
    }${hasMore ? ", and older ones" : ""}`
  })

/**
 * The selected session. A session that is selected by id or URI may have any status, and the control reports it. Names select
 * only sessions with one of the statuses in `status`.
 */
export const find = (
  { providerName, session: id, sessionUri, user, workloadName }: Selector,
  status: ReadonlyArray<ConsentSession["status"]>
): Effect.Effect<ConsentSession, ApiError, IdentityControls> =>
  Effect.gen(function*() {
    const names = [user, providerName, workloadName].filter((name) => name !== undefined)
    const selections = [id, sessionUri, names[0]].filter((selection) => selection !== undefined)
    if (selections.length !== 1) {
      return yield* invalid({
        name: "session",
        message: selections.length === 0
          ? `One of these members is required: ${selectors.join(", ")}`
          : "Pass only one of: session, sessionUri, or names (user, providerName, workloadName)"
      })
    }
    const controls = yield* IdentityControls
    if (sessionUri !== undefined) {
      return yield* Effect.flatMap(
        controls.findSession(sessionUri),
        Option.match({ onNone: () => unknownUri, onSome: Effect.succeed })
      )
    }
    const { next, sessions: found } = yield* controls.sessionsPage(
      id === undefined
        ? { limit: maxReported, statuses: status, user, providerName, workloadName }
        : { limit: 1, id }
    )
    const [first, second] = found
    if (first === undefined) return yield* none
    return second === undefined ? first : yield* several(found, next !== undefined)
  })

const remedies: { readonly [Status in ConsentSession["status"]]: string } = {
  pending: "approve it first",
  approved: "complete it at its return URL, or with `complete`: true at /_local/approve",
  completed: "its token is stored, and the next request of the agent returns it",
  failed: "request the token again",
  expired: "request the token again"
}

/**
 * Replaces the failures of a control, which speak of a URI, by one with the id of the session, its status and what to do. It
 * reads the status once more, since another request may have changed it.
 */
export const explaining =
  ({ id, sessionUri, status: before }: ConsentSession, expected: string) =>
  <A, E extends { readonly _tag: string }, R>(
    effect: Effect.Effect<A, E | SessionNotPending | SessionNotApproved, R>
  ) =>
    Effect.catchIf(
      effect,
      isConflict,
      ({ _tag }) =>
        Effect.flatMap(
          Effect.flatMap(IdentityControls, ({ findSession }) => findSession(sessionUri)),
          (found) => {
            const status = Option.match(found, { onNone: () => before, onSome: ({ status }) => status })
            return new ApiError({
              status: 409,
              error: _tag,
              message: status === expected
                ? `session ${id} is being completed by another request: wait for its end`
                : `session ${id} is ${status}, not ${expected}: ${remedies[status]}`
            })
          }
        )
    )

const isConflict = (error: { readonly _tag: string }): error is SessionNotPending | SessionNotApproved =>
  error._tag === "SessionNotPending" || error._tag === "SessionNotApproved"
