/** The frame of the local server's pages: header, main part and footer. */
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import type { PageError } from "../../web/forms.js"
import { card, type Html, html, respond, type Value } from "../../web/html.js"

/** @internal */
export interface Page {
  readonly title: string
  readonly body: Html
  /** 200 by default. */
  readonly status?: number
  /** The number of seconds after which the browser reloads the page. */
  readonly refresh?: number | undefined
  /** More text for the footer. */
  readonly foot?: Html
  readonly isWide?: boolean
  /** For a page whose form finally redirects to an application. */
  readonly allowsExternalRedirect?: boolean
}

/** @internal */
export const page = (
  { allowsExternalRedirect = false, body, foot, isWide = false, refresh, status = 200, title }: Page
): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  const width = isWide ? "wide" : "narrow"
  return respond({
    title,
    status,
    refresh,
    formAction: allowsExternalRedirect ? "any" : "self",
    content: html`<a class="skip" href="#main">Skip to the content</a>
<header class="bar"><div class="${width}"><a class="brand" href="/"><span class="mark" aria-hidden="true"></span>AgentCore Identity</a><span class="where">local</span></div></header>
<main id="main" class="${width}">${body}</main>
<footer class="${width}">Local server for development. Simulated providers issue test tokens; federated providers issue real tokens.${foot}</footer>`
  })
}

/** A page with one message. */
export const notice = (options: {
  readonly title: string
  readonly status: number
  readonly text: Value
  /** `bad` by default. */
  readonly tone?: "bad" | "good"
}): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  page({ ...options, body: card(options.title, options.text, options.tone === "good") })

/** @internal */
export const orNotice = <R>(
  self: Effect.Effect<HttpServerResponse.HttpServerResponse, PageError, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, R> => Effect.catchTag(self, "PageError", notice)
