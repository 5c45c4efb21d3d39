/**
 * Pages without JavaScript: a template that escapes whatever is put into it, and the frame around every page.
 */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as secureToken from "../lib/secureToken.js"
import { style } from "./style.js"

/**
 * Markup that needs no escaping any more. Only `html` makes it.
 *
 * @internal
 */
export class Html {
  readonly #markup: string
  private constructor(markup: string) {
    this.#markup = markup
  }
  static of(parts: ReadonlyArray<string>, values: ReadonlyArray<Value>): Html {
    return new Html(parts.map((part, index) => index === 0 ? part : `${rendered(values[index - 1])}${part}`).join(""))
  }
  toString(): string {
    return this.#markup
  }
}

/** @internal */
export type Value = Html | string | number | undefined | ReadonlyArray<Value>

const isList = (value: Value): value is ReadonlyArray<Value> => Array.isArray(value)

const rendered = (value: Value): string =>
  value === undefined
    ? ""
    : value instanceof Html
    ? value.toString()
    : isList(value)
    ? value.map(rendered).join("")
    : escape(String(value))

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "\"": "&quot;",
  "'": "&#39;",
  "`": "&#96;"
}

const escape = (text: string) => text.replace(/[&<>"'`]/g, (character) => entities[character] ?? "")

/**
 * Values are escaped, for text and for attributes in quotes alike; `Html` and lists of it go in as they are.
 *
 * @internal
 */
export const html = (parts: TemplateStringsArray, ...values: ReadonlyArray<Value>): Html => Html.of(parts, values)

/** @internal */
export interface Page {
  readonly title: string
  readonly body: Html
  /** 200 unless given. */
  readonly status?: number
  /** After how many seconds the page loads itself again. */
  readonly refresh?: number | undefined
  /** What else is said below. */
  readonly foot?: Html
  /** A dashboard needs the room. */
  readonly isWide?: boolean
  /**
   * Forms lead elsewhere in the end: browsers hold `form-action` against every redirect that follows, and consent ends
   * at a page of the application.
   */
  readonly allowsExternalRedirect?: boolean
}

/**
 * What every answer to a browser says: keep no copy, tell nobody where this was, and be nobody's frame.
 *
 * @internal
 */
export const securityHeaders = {
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin"
} as const

/**
 * The frame of every page. Its style is allowed by `nonce` alone.
 *
 * @internal
 */
export const document = ({ content, nonce, refresh, title }: {
  readonly title: string
  readonly nonce: string
  readonly content: Html
  readonly refresh?: number | undefined
}): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${refresh === undefined ? undefined : html`<meta http-equiv="refresh" content="${refresh}">`}
<title>${title}</title>
<link rel="icon" href="data:,">
<style nonce="${nonce}">${Html.of([style], [])}</style>
</head>
<body>
${content}
</body>
</html>
`.toString()

/** @internal */
export const page = (options: Page): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  const { body, foot, isWide = false, allowsExternalRedirect = false, refresh, status = 200, title } = options
  return Effect.map(secureToken.token, (nonce) => {
    const policy = [
      "default-src 'none'",
      `style-src 'nonce-${nonce}'`,
      "img-src data:",
      "base-uri 'none'",
      "frame-ancestors 'none'",
      ...(allowsExternalRedirect ? [] : ["form-action 'self'"])
    ]
    const content = html`<a class="skip" href="#main">Skip to the content</a>
<header class="bar"><div class="${
      isWide ? "wide" : "narrow"
    }"><a class="brand" href="/"><span class="mark" aria-hidden="true"></span>AgentCore Identity</a><span class="where">local</span></div></header>
<main id="main" class="${isWide ? "wide" : "narrow"}">${body}</main>
<footer class="${
      isWide ? "wide" : "narrow"
    }">Simulated on this machine. No vendor is asked, and no token is real.${foot}</footer>`
    return HttpServerResponse.text(document({ title, nonce, refresh, content }), {
      status,
      contentType: "text/html; charset=utf-8",
      headers: { ...securityHeaders, "content-security-policy": policy.join("; ") }
    })
  })
}

/**
 * A page that says one thing.
 *
 * @internal
 */
export const notice = (options: {
  readonly title: string
  readonly status: number
  readonly text: Value
  readonly tone?: "bad" | "good"
}): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  page({
    title: options.title,
    status: options.status,
    body: html`<section class="card notice ${
      options.tone ?? "bad"
    }"><h1>${options.title}</h1><p>${options.text}</p></section>`
  })
