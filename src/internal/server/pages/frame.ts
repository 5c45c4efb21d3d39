/** The frame of the local server's pages: header, main part and footer. */
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import { copyScript, copyStatus } from "../../web/copyable.js"
import type { PageError } from "../../web/forms.js"
import { type Html, html, respond, resultCard, type Tone, type Value } from "../../web/html.js"

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
  /** For a page with values to copy. */
  readonly hasCopyButtons?: boolean
}

/** @internal */
export const page = (
  { allowsExternalRedirect = false, body, foot, hasCopyButtons = false, isWide = false, refresh, status = 200, title }:
    Page
): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  const width = isWide ? "wide" : "narrow"
  return respond({
    title,
    status,
    refresh,
    script: hasCopyButtons ? copyScript : undefined,
    formAction: allowsExternalRedirect ? "any" : "self",
    content: html`<a class="skip" href="#main">Skip to the content</a>
<header class="bar"><div class="${width}"><a class="brand" href="/"><span class="mark" aria-hidden="true"></span>AgentCore Identity</a><span class="where">local</span></div></header>
<main id="main" class="${width}">${body}${hasCopyButtons ? copyStatus : undefined}</main>
<footer class="${width}">Local server for development. Simulated providers issue test tokens; federated providers issue real tokens.${foot}</footer>`
  })
}

/** A page with one message. */
export interface Notice {
  readonly title: string
  readonly status: number
  readonly text: Value
  /** What follows the text, such as a link. */
  readonly more?: Value
  /** `bad` by default. */
  readonly tone?: Tone
  readonly hasCopyButtons?: boolean
}

/** @internal */
export const notice = (
  { hasCopyButtons = false, more, status, text, title, tone = "bad" }: Notice
): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  page({ title, status, hasCopyButtons, body: resultCard(tone, title, text, more) })

/** Answers a `PageError` with its page. `more` follows the text of each. */
export const orNotice = <R>(
  self: Effect.Effect<HttpServerResponse.HttpServerResponse, PageError, R>,
  more?: Value
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, R> =>
  Effect.catchTag(self, "PageError", ({ status, text, title }) => notice({ status, text, title, more }))

/** The link from a result to the dashboard. `isPaused` keeps its refresh off. */
export const toDashboard = (isPaused = false): Html =>
  html`<p><a href="${isPaused ? "/?still" : "/"}">Open the dashboard</a></p>`
