/** Which request for consent somebody means: the one of a URI, of an id, or the only one that waits and fits. */
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
  message: "No request for consent fits: /_local/state lists all of them"
})

const several = (sessions: ReadonlyArray<ConsentSession>) =>
  new ApiError({
    status: 409,
    error: "SeveralSessions",
    message: `Several requests for consent fit, name one of them as session: ${sessions.map(({ id }) => id).join(", ")}`
  })

/**
 * The URI of the session that is meant. By an id it may be one that waits for nothing any more, which whoever acts on it
 * will say; by names it is one of `status`, and the only one of them that fits.
 *
 * @internal
 */
export const find = (
  { providerName, session: id, sessionUri, user, workloadName }: Selector,
  status: ReadonlyArray<ConsentSession["status"]>
): Effect.Effect<Redacted.Redacted, ApiError, IdentityControls> =>
  Effect.gen(function*() {
    const names = [user, providerName, workloadName].filter((name) => name !== undefined)
    const ways = [id, sessionUri, names[0]].filter((way) => way !== undefined)
    if (ways.length !== 1) {
      return yield* invalid({
        name: "session",
        message: ways.length === 0
          ? `One of these members is required: ${selectors.join(", ")}`
          : "Members session, sessionUri and the names exclude each other"
      })
    }
    if (sessionUri !== undefined) return sessionUri
    const all = yield* (yield* IdentityControls).sessions
    const found = id === undefined
      ? all.filter((session) =>
        status.includes(session.status) &&
        (user === undefined || user === session.user) &&
        (providerName === undefined || providerName === session.providerName) &&
        (workloadName === undefined || workloadName === session.workloadName)
      )
      : all.filter((session) => session.id === id)
    const [first, second] = found
    if (first === undefined) return yield* none
    return second === undefined ? first.sessionUri : yield* several(found)
  })
