/** What a person reads at the start and the end of a consent. */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as secureToken from "../lib/secureToken.js"
import { document, html, securityHeaders, type Value } from "../web/html.js"

/** @internal */
export interface Notice {
  readonly status: number
  readonly title: string
  readonly text: Value
}

/**
 * Why a browser is not let through.
 *
 * @internal
 */
export class BindingPageError extends Data.TaggedError("BindingPageError")<Notice> {}

/** @internal */
export const page = ({ status, text, title }: Notice): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  Effect.map(secureToken.token, (nonce) => {
    const content = html`<main id="main" class="narrow"><section class="card notice ${
      status < 400 ? "good" : "bad"
    }"><h1>${title}</h1><p>${text}</p></section></main>`
    return HttpServerResponse.text(document({ title, nonce, content }), {
      status,
      contentType: "text/html; charset=utf-8",
      headers: {
        ...securityHeaders,
        ...(status === 405 ? { allow: "GET" } : {}),
        "content-security-policy":
          `default-src 'none'; style-src 'nonce-${nonce}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`
      }
    })
  })

const again = "Go back to the application and start again."

/** @internal */
export const notGet = new BindingPageError({ status: 405, title: "This page is only read", text: again })

/** @internal */
export const foreignHost = new BindingPageError({
  status: 403,
  title: "This page does not answer under that name",
  text: "The address is not that of the application."
})

/** @internal */
export const unreadable = new BindingPageError({
  status: 400,
  title: "This address is not complete",
  text: `Something in the address of this page is missing, there twice, too long, or not text. ${again}`
})

/** @internal */
export const unknown = new BindingPageError({
  status: 404,
  title: "This request is not known",
  text: `Nobody asked for this, or it was long ago. ${again}`
})

/** @internal */
export const expired = new BindingPageError({
  status: 410,
  title: "This request has expired",
  text: "This request has expired, start again: go back to the application and ask once more."
})

/** @internal */
export const consumed = new BindingPageError({
  status: 409,
  title: "This request was used already",
  text: `An answer counts once, and nothing was changed now. ${again}`
})

/** @internal */
export const signedOut = new BindingPageError({
  status: 401,
  title: "Please sign in first",
  text: "Sign in to the application in this browser, then load this page again."
})

/** @internal */
export const signedOutMeanwhile = new BindingPageError({
  status: 401,
  title: "Nobody is signed in any more",
  text: "Nothing was allowed. Sign in to the application in this browser, and start again."
})

/** @internal */
export const otherUser = new BindingPageError({
  status: 403,
  title: "This request belongs to somebody else",
  text: "You are signed in as another person than the one who asked. Nothing was allowed."
})

/** @internal */
export const otherBrowser = new BindingPageError({
  status: 403,
  title: "This request belongs to another browser",
  text: `It has to end in the browser in which it was started. Nothing was allowed. ${again}`
})

/** @internal */
export const stateMismatch = new BindingPageError({
  status: 400,
  title: "This answer belongs to another request",
  text: `It does not fit what was asked. Nothing was allowed. ${again}`
})

/** @internal */
export const unfinished = new BindingPageError({
  status: 403,
  title: "The request could not be finished",
  text: `AgentCore does not know it any more, or knows it as another person's. Nothing was allowed. ${again}`
})

/** @internal */
export const unreachable = new BindingPageError({
  status: 502,
  title: "The request could not be finished",
  text:
    "The identity service gave no answer that counts. Load this page again in a moment; if that does not help, go back " +
    "to the application and start again."
})

/** @internal */
export const unavailable = new BindingPageError({
  status: 503,
  title: "The request cannot be looked up",
  text: "What is remembered of it cannot be read at the moment. Load this page again in a while."
})

/** @internal */
export const done: Notice = {
  status: 200,
  title: "Access was allowed",
  text: "The agent goes on by itself. You can close this page."
}
