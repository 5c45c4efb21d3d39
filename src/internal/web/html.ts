/** Pages: an escaping template, and the HTML document with its security headers. */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as secureToken from "../lib/secureToken.js"
import { visible } from "../lib/text.js"
import { style } from "./style.js"

/** Markup that is already escaped. Only {@link html} makes it. */
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

const escape = (text: string) => visible(text).replace(/[&<>"'`]/g, (character) => entities[character] ?? "")

/**
 * A template that escapes its values, for text and for quoted attributes. `Html` and lists of it are inserted unchanged.
 * Invisible characters are shown as their escapes, so a hidden field cannot send them back.
 */
export const html = (parts: TemplateStringsArray, ...values: ReadonlyArray<Value>): Html => Html.of(parts, values)

/** The security headers of every response to a browser: no cache, no referrer, no frame. */
export const securityHeaders = {
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin"
} as const

/**
 * The targets that forms may have. Browsers apply `form-action` to every redirect that follows, so a form that finally leads
 * to an application needs `any`.
 */
export type FormAction = "none" | "self" | "any"

/**
 * The Content-Security-Policy of a page. With a nonce, it allows inline icons and the style that has the nonce; with
 * `hasScript` the script with the nonce, too. It allows no other script.
 */
export const contentSecurityPolicy = (formAction: FormAction, nonce?: string, hasScript = false): string =>
  [
    "default-src 'none'",
    ...(nonce === undefined ? [] : [`style-src 'nonce-${nonce}'`, "img-src data:"]),
    ...(nonce === undefined || !hasScript ? [] : [`script-src 'nonce-${nonce}'`]),
    "base-uri 'none'",
    "frame-ancestors 'none'",
    ...(formAction === "any" ? [] : [`form-action '${formAction}'`])
  ].join("; ")

/**
 * Answers with an HTML document. `refresh` is the number of seconds after which the browser reloads it. `script` is
 * JavaScript without `</`. The page must also be usable without it.
 */
export const respond = ({ content, formAction, headers, refresh, script, status, title }: {
  readonly title: string
  readonly content: Html
  readonly status: number
  readonly formAction: FormAction
  readonly refresh?: number | undefined
  readonly script?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
}): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  Effect.map(secureToken.token, (nonce) =>
    HttpServerResponse.text(
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
${content}${script === undefined ? undefined : html`\n<script nonce="${nonce}">${Html.of([script], [])}</script>`}
</body>
</html>
`.toString(),
      {
        status,
        contentType: "text/html; charset=utf-8",
        headers: {
          ...securityHeaders,
          ...headers,
          "content-security-policy": contentSecurityPolicy(formAction, nonce, script !== undefined)
        }
      }
    ))

/** The kind of a result. Each has a sign of its own, so that its color is not the only difference. */
export type Tone = "good" | "denied" | "bad"

/** A card with a title, a text, and anything more. */
export const resultCard = (tone: Tone, title: Value, text: Value, more?: Value): Html =>
  html`<section class="card notice ${tone}"><h1>${title}</h1><p>${text}</p>${more}</section>`

/** A card with a title and a text. */
export const card = (title: string, text: Value, isGood: boolean): Html =>
  resultCard(isGood ? "good" : "bad", title, text)

/** The length up to which a name in a table stays on one line. */
const maxUnbroken = 24

/** A name, id or URL from outside: isolated from the text around it, whatever its writing direction. */
export const name = (text: string | number): Html =>
  html`<bdi class="name${visible(String(text)).length > maxUnbroken ? " long" : ""}">${text}</bdi>`
