/** The consent session that a page answers, and the error pages for a session that is not pending. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { type ConsentSession, IdentityControls } from "../../../IdentityControls.js"
import { PageError } from "../../web/forms.js"
import { requestExpired } from "../../web/messages.js"

const expired = new PageError(requestExpired)

const unknown = new PageError({
  status: 404,
  title: "Unknown request",
  text: "This URL is unknown, or its request has expired and was removed. Return to the application and start again."
})

const answered = new PageError({
  status: 409,
  title: "This request was already answered",
  text: "Each answer counts once. Nothing was changed. You can close this page."
})

/** The session with this URI, or its error page. */
const find = (uri: string): Effect.Effect<ConsentSession, PageError, IdentityControls> =>
  Effect.flatMap(IdentityControls, ({ sessions }) =>
    Effect.flatMap(sessions, (all) => {
      const session = new Map(all.map((session) => [Redacted.value(session.sessionUri), session])).get(uri)
      return session === undefined ? unknown : Effect.succeed(session)
    }))

/** The pending session with this URI. */
export const pendingSession = (uri: string): Effect.Effect<ConsentSession, PageError, IdentityControls> =>
  Effect.flatMap(
    find(uri),
    (session): Effect.Effect<ConsentSession, PageError> =>
      session.status === "pending" ? Effect.succeed(session) : session.status === "expired" ? expired : answered
  )

/** The error page for a session that was no longer pending when the answer arrived. */
export const explainNotPending = (uri: Redacted.Redacted): Effect.Effect<never, PageError, IdentityControls> =>
  Effect.zipRight(pendingSession(Redacted.value(uri)), answered)
