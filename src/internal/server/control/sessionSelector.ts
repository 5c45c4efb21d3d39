/** Selects one consent session: by URI, by id, or by names if exactly one matches. */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { type ConsentSession, IdentityControls } from "../../../IdentityControls.js"
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

const none = new ApiError({
  status: 404,
  error: "SessionNotFound",
  message: "No session matches. `GET /_local/state` lists all sessions."
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
 * The URI of the selected session. A session that is selected by id or URI may have any status, and the control reports
 * it. Names select only sessions with one of the statuses in `status`.
 */
export const find = (
  { providerName, session: id, sessionUri, user, workloadName }: Selector,
  status: ReadonlyArray<ConsentSession["status"]>
): Effect.Effect<Redacted.Redacted, ApiError, IdentityControls> =>
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
    if (sessionUri !== undefined) return sessionUri
    const { next, sessions: found } = yield* (yield* IdentityControls).sessionsPage(
      id === undefined
        ? { limit: maxReported, statuses: status, user, providerName, workloadName }
        : { limit: 1, id }
    )
    const [first, second] = found
    if (first === undefined) return yield* none
    return second === undefined ? first.sessionUri : yield* several(found, next !== undefined)
  })
