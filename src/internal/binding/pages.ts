/** The pages that a person reads at the start and the end of a consent. */
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type { LedgerFailure } from "../../IdentityError.js"
import { card, html, respond, type Value } from "../web/html.js"
import { requestExpired } from "../web/messages.js"
import { redactRequest } from "../web/redactRequest.js"

/** @internal */
export interface Message {
  readonly status: number
  readonly title: string
  readonly text: Value
}

/** The error page that answers a request. */
export class BindingPageError extends Data.TaggedError("BindingPageError")<Message> {}

/** @internal */
export const page = ({ status, text, title }: Message): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  respond({
    title,
    status,
    content: html`<main id="main" class="narrow">${card(title, text, status < 400)}</main>`,
    formAction: "none",
    ...(status === 405 && { headers: { allow: "GET" } })
  })

const startAgain = "Return to the application and start again."

/** @internal */
export const notGet = new BindingPageError({
  status: 405,
  title: "Method not allowed",
  text: `This page accepts GET only. ${startAgain}`
})

/** @internal */
export const foreignHost = new BindingPageError({
  status: 403,
  title: "Host not allowed",
  text: "The host of this address is not the host of the application."
})

/** @internal */
export const unreadable = new BindingPageError({
  status: 400,
  title: "Invalid link",
  text: `A parameter of this link is missing, repeated, too long or invalid. ${startAgain}`
})

/** @internal */
export const unknown = new BindingPageError({
  status: 404,
  title: "Unknown request",
  text: `This link is unknown, or its request has expired and was removed. ${startAgain}`
})

/** @internal */
export const expired = new BindingPageError(requestExpired)

/** @internal */
export const consumed = new BindingPageError({
  status: 409,
  title: "This request was already used",
  text: `Each answer counts once. Nothing was changed. ${startAgain}`
})

/** @internal */
export const signedOut = new BindingPageError({
  status: 401,
  title: "Sign in first",
  text: "Sign in to the application in this browser, then load this page again."
})

/** @internal */
export const signedOutMeanwhile = new BindingPageError({
  status: 401,
  title: "You are no longer signed in",
  text: "Nothing was approved. Sign in to the application in this browser and start again."
})

/** @internal */
export const otherUser = new BindingPageError({
  status: 403,
  title: "This request belongs to another user",
  text: "You are signed in as a different user from the one who requested access. Nothing was approved."
})

/** @internal */
export const otherBrowser = new BindingPageError({
  status: 403,
  title: "This request belongs to another browser",
  text: `Finish the request in the browser in which you started it. Nothing was approved. ${startAgain}`
})

/** @internal */
export const stateMismatch = new BindingPageError({
  status: 400,
  title: "This response belongs to another request",
  text: `This response does not match a request that was started here. Nothing was approved. ${startAgain}`
})

/** @internal */
export const unfinished = new BindingPageError({
  status: 403,
  title: "The request could not be completed",
  text: `The request is unknown, or it belongs to another user. Nothing was approved. ${startAgain}`
})

/** @internal */
export const unreachable = new BindingPageError({
  status: 502,
  title: "The request could not be completed",
  text: "The identity service did not answer. Load this page again in a moment. If it still fails, return to the " +
    "application and start again."
})

/** @internal */
export const unavailable = new BindingPageError({
  status: 503,
  title: "The request cannot be looked up",
  text: "The store of requests is not available. Load this page again later."
})

/** The user returns to the application: a call whose strategy is `Consent.fail` has ended. */
export const done: Message = {
  status: 200,
  title: "The consent was approved",
  text: "You can close this page and return to the application."
}

/** For a consent that was registered with `agentContinues`. */
export const agentContinues: Message = {
  status: 200,
  title: "The consent was approved, and the agent continues",
  text: "You can close this page."
}

/** Responds with a page to an error. A failure of the ledger is logged in detail, and reported without details. */
export const withErrorPages = <R>(
  app: Effect.Effect<HttpServerResponse.HttpServerResponse, BindingPageError | LedgerFailure, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, R> =>
  app.pipe(
    Effect.catchTag("LedgerFailure", (failure) =>
      Effect.zipRight(Effect.logError("The consent ledger is not available", failure), unavailable)),
    Effect.catchTag("BindingPageError", page),
    redactRequest
  )
