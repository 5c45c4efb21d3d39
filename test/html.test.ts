import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { notice, type Page, page } from "../src/internal/server/pages/frame.js"
import { copyable, copyableLink } from "../src/internal/web/copyable.js"
import { contentSecurityPolicy, html, name } from "../src/internal/web/html.js"
import { style } from "../src/internal/web/style.js"
import { assertEqual } from "./support/equality.js"

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

  for (const tone of [undefined, "bad", "good", "denied"] as const) {
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

it("a Content-Security-Policy allows a script only with a nonce, and only for a page that has one", () => {
  assert.notInclude(contentSecurityPolicy("self", "n"), "script-src")
  assert.notInclude(contentSecurityPolicy("self", undefined, true), "script-src")
  assert.include(contentSecurityPolicy("self", "n", true), "; script-src 'nonce-n';")
})

it.effect("a page has a script with the nonce of its style only if it has values to copy", () =>
  Effect.gen(function*() {
    assert.notInclude((yield* markup(page({ title: "t", body: html`b` }))).text, "<script")
    const { text } = yield* markup(page({ title: "t", body: html`b`, hasCopyButtons: true }))
    assert.match(text, /<script nonce="[\w-]{43}">/)
    assert.include(text, `<p class="unseen" role="status" aria-live="polite" id="copied"></p></main>`)
  }))

describe("a value to copy", () => {
  const button = (label: string) =>
    `<button type="button" class="small" data-copy="${label}" aria-label="Copy: ${label}" hidden>Copy</button>`

  it("is a text, and a button that is hidden until its script runs", () => {
    assert.strictEqual(
      String(copyable("Callback URL", "https://a.example/?a=1&b=2")),
      `<div class="copyable"><code class="url">https://a.example/?a=1&amp;b=2</code>${button("Callback URL")}</div>`
    )
  })

  it("is a link if it is a URL to open", () => {
    for (const url of ["https://a.example/", "http://localhost:1/", "myapp://return"]) {
      assert.strictEqual(
        String(copyableLink("Return URL", url)),
        `<div class="copyable"><a class="url" href="${url}">${url}</a>${button("Return URL")}</div>`
      )
    }
  })

  it("is no link if its scheme runs or embeds content", () => {
    for (
      const url of ["javascript:alert(1)", "JavaScript:x", "data:text/html,x", "vbscript:x", "blob:x", "file:///x"]
    ) {
      assert.notInclude(String(copyableLink("Return URL", url)), "<a", url)
    }
  })
})

/** The colors of the style sheet in both color schemes. */
const palettes = (() => {
  const [light, dark] = [...style.matchAll(/:root \{([^}]*)\}/g)].map(([, body = ""]) =>
    Object.fromEntries(
      [...body.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, token = "", color = ""]) => [token, color])
    )
  )
  return { light, dark: { ...light, ...dark } }
})()

/** Relative luminance (WCAG 2.2). */
const luminance = (color: string) =>
  [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16) / 255)
    .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, index) => sum + c * ([0.2126, 0.7152, 0.0722][index] ?? 0), 0)

const contrast = (a: string, b: string) => {
  const both = [luminance(a), luminance(b)]
  return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05)
}

describe("the colors of the pages", () => {
  const texts = [
    ...["ink", "soft", "accent", "good", "bad", "wait"].flatMap((token) => [[token, "card"], [token, "ground"]]),
    ...["ink", "soft"].map((token) => [token, "chip"]),
    ["accent-ink", "accent"]
  ]
  /** The borders of controls and results, and the outline of the focus. */
  const edges = [["edge", "card"], ["edge", "ground"], ["edge", "chip"], ["accent", "card"], ["accent", "chip"]]

  for (const scheme of ["light", "dark"] as const) {
    const colorOf = (token = "") => palettes[scheme]?.[token] ?? assert.fail(`no color ${token}`)

    it(`give text a contrast of at least 4.5 and controls one of at least 3, in the ${scheme} scheme`, () => {
      const low = (pairs: ReadonlyArray<ReadonlyArray<string>>, least: number) =>
        pairs.filter(([a, b]) => contrast(colorOf(a), colorOf(b)) < least)
      assertEqual(low(texts, 4.5), [])
      assertEqual(low(edges, 3), [])
    })
  }

  it("are named: no rule uses a color without a token, and every control has the border of controls", () => {
    const rules = style.slice(style.indexOf("*, *::before"))
    assert.notMatch(rules, /#[0-9a-f]{3,8}\b|rgb|hsl/)
    for (const selector of ["button", "button.small", "input, select"]) {
      const [, body = ""] = new RegExp(`^${selector.replace(".", "\\.")} \\{([^}]*)\\}`, "m").exec(style) ?? []
      assert.match(body, /border(?:-color)?: (?:1px solid )?var\(--edge\)/, selector)
    }
  })
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

  it("shows invisible, bidirectional and control characters as their escapes", () => {
    const hidden =
      "\u0000\n\t\u007F\u00A0\u00AD\u115F\u200B\u200D\u200E\u202E\u2028\u2066\u2800\u3164\uFE0F\uFEFF\u{E0041}\uD800"
    const shown = [...hidden].map((character) => `\\u{${character.codePointAt(0)?.toString(16).toUpperCase()}}`)
    assert.strictEqual(
      String(html`<b title="${hidden}">${hidden}</b>`),
      `<b title="${shown.join("")}">${shown.join("")}</b>`
    )
    assert.strictEqual(String(html`${"Ádá Łovelace 山田 علي 👍"}`), "Ádá Łovelace 山田 علي 👍")
  })

  it("isolates a name from the text around it", () => {
    assert.strictEqual(String(name("a<b\u202Ec")), "<bdi class=\"name\">a&lt;b\\u{202E}c</bdi>")
  })

  it("marks a name of more than 24 shown characters, which may wrap in a table", () => {
    assert.include(String(name("x".repeat(24))), "class=\"name\"")
    assert.include(String(name("x".repeat(25))), "class=\"name long\"")
    assert.include(String(name("x".repeat(20) + "\u202E")), "class=\"name long\"")
  })
})
