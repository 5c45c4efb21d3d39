/** The HTTP response to a request for the result of a suspended call. */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import type { HandleRejected } from "../../IdentityError.js"
import { isIdentityError, isTransient } from "../../IdentityError.js"
import type { ResumePollFailure } from "../../TokenOptions.js"
import { acceptsHtml } from "../web/acceptsHtml.js"
import { card, html, respond, securityHeaders } from "../web/html.js"

/** @internal */
export interface Answer {
  readonly httpStatus: number
  /** The member `status` of the JSON form. */
  readonly status: "pending" | "denied" | "expired" | "used" | "invalid" | "rejected" | "unavailable"
  readonly title: string
  readonly text: string
}

const startAgain = "Return to the application and start again."

const pending: Answer = {
  httpStatus: 202,
  status: "pending",
  title: "Waiting for the consent",
  text: "The consent is not complete yet. This page loads itself again."
}

const denied: Answer = {
  httpStatus: 403,
  status: "denied",
  title: "The consent was denied",
  text: `The application receives no access. ${startAgain}`
}

const rejected: Answer = {
  httpStatus: 403,
  status: "rejected",
  title: "The request was rejected",
  text: `The request belongs to another user, or it has ended. ${startAgain}`
}

const unavailable: Answer = {
  httpStatus: 503,
  status: "unavailable",
  title: "The request cannot be looked up",
  text: "The identity service did not answer. This page loads itself again."
}

const expired: Answer = {
  httpStatus: 410,
  status: "expired",
  title: "This request has expired",
  text: startAgain
}

const handles: { readonly [reason in HandleRejected["reason"]]: Answer } = {
  Expired: expired,
  Replayed: {
    httpStatus: 410,
    status: "used",
    title: "This request was already used",
    text: "The application has received its access."
  },
  Malformed: { httpStatus: 400, status: "invalid", title: "Invalid request", text: startAgain },
  Changed: { httpStatus: 400, status: "invalid", title: "Invalid request", text: startAgain },
  Foreign: { httpStatus: 400, status: "invalid", title: "Invalid request", text: startAgain }
}

/** Classifies a failure. Failures of the service other than those of the session may end by themselves. */
export const answerOf = (error: ResumePollFailure): Answer => {
  switch (error._tag) {
    case "ConsentPending":
      return pending
    case "ConsentDenied":
      return denied
    case "HandleRejected":
      return handles[error.reason]
    case "AccessDenied":
    case "ResourceNotFound":
    case "ValidationError":
      return rejected
    default:
      return unavailable
  }
}

/** Failures that the operator should see. The message is omitted, since it may contain the session. */
const isUnexpected = (error: ResumePollFailure) =>
  error._tag === "LedgerFailure" || (isIdentityError(error) && !isTransient(error) && answerOf(error) === unavailable)

/** Responds to a failure: JSON, or a page for a browser. */
export const respondTo = (
  error: ResumePollFailure,
  seconds: number
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, HttpServerRequest.HttpServerRequest> =>
  Effect.gen(function*() {
    const request = yield* HttpServerRequest.HttpServerRequest
    const { httpStatus, status, text, title } = answerOf(error)
    if (isUnexpected(error)) {
      yield* Effect.annotateLogs(Effect.logWarning("A suspended call could not be resumed"), "error", error._tag)
    }
    const isRepeatable = status === "pending" || status === "unavailable"
    const headers = { vary: "accept", ...(isRepeatable && { "retry-after": String(seconds) }) }
    if (!acceptsHtml(request)) {
      const providerName = "providerName" in error ? error.providerName : undefined
      return HttpServerResponse.unsafeJson({ status, providerName }, {
        status: httpStatus,
        headers: { ...securityHeaders, ...headers }
      })
    }
    return yield* respond({
      title,
      status: httpStatus,
      content: html`<main id="main" class="narrow">${card(title, text, httpStatus < 400)}</main>`,
      formAction: "none",
      ...(isRepeatable && { refresh: seconds }),
      headers
    })
  })
