import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { notice, type Page, page } from "../src/internal/server/pages/frame.js"
import { contentSecurityPolicy, html } from "../src/internal/web/html.js"

/** The markup of a page, without its style and its nonce. */
const markup = (made: ReturnType<typeof page>) =>
  Effect.map(made, ({ body, status }) => {
    assert.strictEqual(body._tag, "Uint8Array")
    const text = body._tag === "Uint8Array" ? new TextDecoder().decode(body.body) : ""
    const [, style = ""] = /<style nonce="[\w-]{43}">([^<]+)<\/style>/.exec(text) ?? []
    assert.isAbove(style.length, 100)
    return { status, text: text.replace(/<style.*<\/style>/s, "<style>") }
  })

const frame = (title: string, width: string, refresh: string, body: string, foot: string) =>
  `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${refresh}
<title>${title}</title>
<link rel="icon" href="data:,">
<style>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="bar"><div class="${width}"><a class="brand" href="/"><span class="mark" aria-hidden="true"></span>AgentCore Identity</a><span class="where">local</span></div></header>
<main id="main" class="${width}">${body}</main>
<footer class="${width}">Local server for development. Simulated providers issue test tokens; federated providers issue real tokens.${foot}</footer>
</body>
</html>
`

describe("a page of the local server", () => {
  const made: ReadonlyArray<readonly [what: string, page: Page, status: number, text: string]> = [
    [
      "a narrow one",
      { title: "A & b", body: html`<p>${"<x>"}</p>` },
      200,
      frame("A &amp; b", "narrow", "", "<p>&lt;x&gt;</p>", "")
    ],
    [
      "a wide one that loads itself again",
      { title: "t", body: html`b`, status: 404, refresh: 5, foot: html` <i>f</i>`, isWide: true },
      404,
      frame("t", "wide", "<meta http-equiv=\"refresh\" content=\"5\">", "b", " <i>f</i>")
    ]
  ]
  for (const [what, options, status, text] of made) {
    it.effect(`is this markup: ${what}`, () =>
      Effect.gen(function*() {
        const found = yield* markup(page(options))
        assert.strictEqual(found.status, status)
        assert.strictEqual(found.text, text)
      }))
  }

  for (const tone of [undefined, "bad", "good"] as const) {
    it.effect(`says one thing, in the tone ${tone ?? "bad, unless another is given"}`, () =>
      Effect.gen(function*() {
        const found = yield* markup(notice({ title: "T", status: 418, text: "a<b", ...(tone && { tone }) }))
        assert.strictEqual(found.status, 418)
        assert.include(
          found.text,
          `<section class="card notice ${tone ?? "bad"}"><h1>T</h1><p>a&lt;b</p></section>`
        )
      }))
  }
})

it.effect("the footer does not claim that all tokens are simulated", () =>
  Effect.gen(function*() {
    const { text } = yield* markup(page({ title: "t", body: html`b` }))
    assert.notInclude(text, "no token is real")
    assert.include(text, "Simulated providers issue test tokens; federated providers issue real tokens.")
  }))

it("a Content-Security-Policy allows forms by its argument, and style only with a nonce", () => {
  const rest = "base-uri 'none'; frame-ancestors 'none'"
  assert.strictEqual(contentSecurityPolicy("none"), `default-src 'none'; ${rest}; form-action 'none'`)
  assert.strictEqual(
    contentSecurityPolicy("self", "n"),
    `default-src 'none'; style-src 'nonce-n'; img-src data:; ${rest}; form-action 'self'`
  )
  assert.strictEqual(contentSecurityPolicy("any"), `default-src 'none'; ${rest}`)
})

describe("a template", () => {
  it("escapes each special character of a value", () => {
    assert.strictEqual(String(html`${"&<>\"'`x&"}`), "&amp;&lt;&gt;&quot;&#39;&#96;x&amp;")
  })

  it("inserts numbers, lists and markup unchanged, and nothing for undefined", () => {
    const inner = html`<i>${1}</i>`
    assert.strictEqual(
      String(html`a${inner}b${[inner, "<", [2, undefined]]}c${undefined}d`),
      "a<i>1</i>b<i>1</i>&lt;2cd"
    )
    assert.strictEqual(String(html``), "")
  })
})
