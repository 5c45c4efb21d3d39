/** The consent session that a page answers: its approval and completion, and the error pages if it cannot be answered. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import {
  type ConsentSession,
  IdentityControls,
  type NotSimulated,
  type ProviderRefused
} from "../../../IdentityControls.js"
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

const notApproved = new PageError({
  status: 409,
  title: "This request was not approved",
  text: "A session can be completed only after its approval. Nothing was changed."
})

/** The session with this URI, or its error page. */
const find = (uri: string): Effect.Effect<ConsentSession, PageError, IdentityControls> =>
  Effect.flatMap(
    IdentityControls,
    ({ findSession }) =>
      Effect.flatMap(findSession(Redacted.make(uri)), Option.match({ onNone: () => unknown, onSome: Effect.succeed }))
  )

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

const notSimulated = ({ providerName }: NotSimulated) =>
  new PageError({
    status: 409,
    title: "The provider is federated",
    text:
      `The users of provider '${providerName}' answer on its own pages. Open the authorization URL of the request, or ` +
      "press Simulate at the provider on the dashboard and request consent again. Nothing was changed."
  })

const incomplete = ({ message }: ProviderRefused) =>
  new PageError({
    status: 502,
    title: "The session could not be completed",
    text:
      `The token request failed: ${message}. No token was stored. If the dashboard still lists the session as approved, ` +
      "it can be completed again; otherwise request consent again."
  })

/** Approves a session of a simulated provider. Returns its return URL. */
export const approve = (uri: Redacted.Redacted): Effect.Effect<Redacted.Redacted, PageError, IdentityControls> =>
  Effect.flatMap(IdentityControls, (controls) =>
    Effect.catchTags(controls.approve(uri), {
      SessionNotPending: () => explainNotPending(uri),
      NotSimulated: notSimulated
    }))

/** Completes an approved session as the user who started it, instead of the page at its return URL. */
export const complete = (uri: Redacted.Redacted): Effect.Effect<void, PageError, IdentityControls> =>
  Effect.flatMap(IdentityControls, (controls) =>
    Effect.catchTags(controls.complete(uri), {
      SessionNotApproved: () => Effect.zipRight(pendingSession(Redacted.value(uri)), notApproved),
      ProviderRefused: incomplete
    }))

/** The text after a completion. With the default strategy the agent does not continue by itself. */
export const completedText =
  "The session is completed, and the token is stored for its user. The application repeats or " +
  "continues its request."
