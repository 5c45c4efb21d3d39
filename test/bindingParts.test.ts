import { HttpApp, HttpServerResponse } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Either, Option, Redacted } from "effect"
import * as pages from "../src/internal/binding/pages.js"
import * as browser from "../src/internal/binding/readRequest.js"
import * as address from "../src/internal/binding/urls.js"
import { html } from "../src/internal/web/html.js"
import { assertEqual } from "./support/equality.js"
import { type Asked, asking } from "./support/webRequest.js"

describe("the URL of the application", () => {
  const https = { origin: "https://agent.example", host: "agent.example", isSecure: true }
  const http = { origin: "http://localhost:3000", host: "localhost:3000", isSecure: false }

  it("is an origin with https, or on loopback", () => {
    for (const place of [https, http, { origin: "https://a.b:8443", host: "a.b:8443", isSecure: true }]) {
      assertEqual(address.parseAppOrigin(place.origin), Either.right(place))
    }
    const none = "origin: expected the URL at which browsers reach the application, such as https://agent.example"
    const more = (origin: string) => `origin: expected only scheme, host and port, such as ${origin}`
    const wrong: ReadonlyArray<readonly [origin: string, message: string]> = [
      ["", none],
      ["agent.example", none],
      ["https://", none],
      ["https://agent.example/", more("https://agent.example")],
      ["https://agent.example/path", more("https://agent.example")],
      ["https://agent.example:443", more("https://agent.example")],
      ["https://AGENT.example", more("https://agent.example")],
      ["https://ada@agent.example", more("https://agent.example")],
      ["https://agent.example?a", more("https://agent.example")],
      ["https://agent.example#a", more("https://agent.example")],
      ["http://agent.example", "origin: expected https, or http on loopback: over http, others can read the cookies"],
      ["http://evillocalhost", "origin: expected https, or http on loopback: over http, others can read the cookies"]
    ]
    for (const [origin, message] of wrong) assertEqual(address.parseAppOrigin(origin), Either.left(message), origin)
  })

  it("has a host that matches with and without the default port", () => {
    const named: ReadonlyArray<readonly [name: string, place: typeof https, expected: boolean]> = [
      ["agent.example", https, true],
      ["agent.example:443", https, true],
      ["agent.example:80", https, false],
      ["agent.example:", https, false],
      ["agent.example.evil.example", https, false],
      ["evil.example", https, false],
      ["", https, false],
      ["localhost:3000", http, true],
      ["localhost", http, false],
      ["localhost:80", { ...http, host: "localhost" }, true],
      ["localhost:443", { ...http, host: "localhost" }, false]
    ]
    for (const [name, place, expected] of named) assert.strictEqual(address.matchesHost(place)(name), expected, name)
  })

  it("normalizes page paths as a browser does", () => {
    const { origin } = https
    for (const path of ["/", "/a", "/a/b.c", "/%C3%A4", "/a//b"]) assert.isTrue(address.isPageOf(origin, origin + path))
    const wrong = ["", "a", ".evil.example/a", "/a?b", "/a#b", "/a/../b", "/a b", "/ä", "/a\\b", "@evil.example/a"]
    for (const path of wrong) assert.isFalse(address.isPageOf(origin, origin + path), path)
    for (const url of ["http://agent.example/a", "https://evil.example/a", "/a", ` ${origin}/a`]) {
      assert.isFalse(address.isPageOf(origin, url), url)
    }
  })

  it("accepts a path or an http or https URL for the page after completion", () => {
    const done: ReadonlyArray<readonly [url: string, expected: Option.Option<string>]> = [
      ["/done", Option.some("https://agent.example/done")],
      ["", Option.some("https://agent.example/")],
      ["http://elsewhere.example/a?b#c", Option.some("http://elsewhere.example/a?b#c")],
      ["https://elsewhere.example", Option.some("https://elsewhere.example/")],
      ["javascript:alert(1)", Option.none()],
      ["data:text/html,x", Option.none()],
      ["ftp://elsewhere.example", Option.none()],
      ["https://", Option.none()]
    ]
    for (const [url, expected] of done) assertEqual(address.resolveDoneUrl(https.origin, url), expected, url)
  })
})

const url = (query: string) => `/page${query}`

const headers = { host: "agent.example" }

const visited = (asked: Asked) =>
  browser.readRequest((host) => host === "agent.example").pipe(asking({ headers, ...asked }))

/** The title of the error page, or the values of two parameters and the path. */
const read = (asked: Asked) =>
  Effect.map(
    Effect.either(visited(asked)),
    Either.match({
      onLeft: ({ title }) => title,
      onRight: ({ of, path }) => [path, Option.getOrNull(of("a")), Option.getOrNull(of("b"))]
    })
  )

const at = (query: string) => read({ url: `http://agent.example${url(query)}` })

describe("a request to a page", () => {
  const { title: unreadable } = pages.unreadable

  const readable: ReadonlyArray<readonly [query: string, a: string | null, b: string | null]> = [
    ["", null, null],
    ["?", null, null],
    ["?a=1&b=2", "1", "2"],
    ["?&a=1&&b=2&", "1", "2"],
    ["?a", "", null],
    ["?a=", "", null],
    ["?b=1=2?3", null, "1=2?3"],
    ["?a=x+y%2B%C3%A4&%62=z", "x y+ä", "z"]
  ]
  for (const [query, a, b] of readable) {
    it.effect(`reads '${query}'`, () =>
      Effect.gen(function*() {
        assertEqual(yield* at(query), ["/page", a, b])
      }))
  }

  for (const query of ["?a=1&a=1", "?a&a=", "?a=1&%61=2", "?a=%", "?%=1", "?a=%ff", "?%ff=a", "?x=%c0%af"]) {
    it.effect(`rejects '${query}'`, () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* at(query), unreadable)
      }))
  }

  it.effect("accepts a query of 16,384 characters, and rejects a longer one", () =>
    Effect.gen(function*() {
      // Many short parameters, so that no single parameter is too long.
      const long = Array.from({ length: 1000 }, (_, index) => `n${index}=0123456789`).join("&")
      assertEqual(yield* at(`?a=1&${"&".repeat(16_380 - long.length)}${long}`), ["/page", "1", null])
      assert.strictEqual(yield* at(`?a=1&${"&".repeat(16_381 - long.length)}${long}`), unreadable)
    }))

  it.effect("accepts a value of 4,096 characters in every encoding, and rejects a longer one", () =>
    Effect.gen(function*() {
      for (const [written, character] of [["x", "x"], ["%20", " "]] as const) {
        assertEqual(yield* at(`?a=${written.repeat(4096)}`), ["/page", character.repeat(4096), null])
        assert.strictEqual(yield* at(`?a=${written.repeat(4097)}`), unreadable)
      }
    }))

  it.effect("must be a GET request", () =>
    Effect.gen(function*() {
      for (const method of ["POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]) {
        assert.strictEqual(yield* read({ url: url("?a=1"), method }), pages.notGet.title, method)
      }
    }))

  it.effect("takes the host from its headers, or from its URL if these headers are missing", () =>
    Effect.gen(function*() {
      const ours = ["/page", "1", null]
      const full = (host: string) => `http://${host}/page?a=1`
      assertEqual(yield* read({ url: full("evil.example"), headers: { host: "AGENT.example" } }), ours)
      assertEqual(yield* read({ url: full("evil.example"), headers: { ":authority": "agent.example" } }), ours)
      assertEqual(yield* read({ url: full("agent.example"), headers: {} }), ours)
      const foreign = pages.foreignHost.title
      const other = { host: "evil.example", ":authority": "agent.example" }
      assert.strictEqual(yield* read({ url: full("agent.example"), headers: other }), foreign)
      assert.strictEqual(
        yield* read({ url: full("agent.example"), headers: { ":authority": "evil.example" } }),
        foreign
      )
      assert.strictEqual(yield* read({ url: full("evil.example"), headers: {} }), foreign)
      assert.strictEqual(yield* read({ url: full("agent.example"), headers: { host: "" } }), foreign)
    }))

  it.effect("provides its cookies", () =>
    Effect.gen(function*() {
      const { cookies } = yield* visited({ headers: { ...headers, cookie: "a=1; b=2" } })
      assertEqual({ ...cookies }, { a: "1", b: "2" })
    }))

  it.effect("fails if a required parameter is missing or empty", () =>
    Effect.gen(function*() {
      const { of } = yield* visited({ url: url("?a=1&b=") })
      assert.strictEqual(yield* browser.required(of, "a"), "1")
      for (const name of ["b", "c"]) {
        assert.strictEqual((yield* Effect.flip(browser.required(of, name))).title, unreadable)
      }
    }))
})

describe("the cookie of a consent", () => {
  const id = "0123456789abcdef0123"

  const lines = (response: HttpServerResponse.HttpServerResponse) =>
    Effect.promise(async () => {
      const answer = await HttpApp.toWebHandler(Effect.succeed(response))(new Request("http://localhost"))
      return answer.headers.getSetCookie()
    })

  const now = DateTime.unsafeMake(1_000_000)

  const remembered = (isSecure: boolean, seconds: number) =>
    lines(browser.setCookie(HttpServerResponse.empty(), {
      isSecure,
      id,
      verifier: Redacted.make("verifier"),
      now,
      until: DateTime.add(now, { seconds })
    }))

  it.effect("has fixed attributes over https and over http, while the consent is pending and on deletion", () =>
    Effect.gen(function*() {
      const secure = "__Host-agentcore-consent-0123456789abcdef"
      const plain = "agentcore-consent-0123456789abcdef"
      assertEqual(yield* remembered(true, 600), [
        `${secure}=verifier; Max-Age=600; Path=/; HttpOnly; Secure; SameSite=Lax`
      ])
      assertEqual(yield* remembered(false, 30), [`${plain}=verifier; Max-Age=30; Path=/; HttpOnly; SameSite=Lax`])
      assertEqual(yield* remembered(true, -1), [
        `${secure}=verifier; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax`
      ])
      const empty = HttpServerResponse.empty()
      assertEqual(yield* lines(browser.removeCookie(empty, true, id)), [
        `${secure}=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax`
      ])
      assertEqual(yield* lines(browser.removeCookie(empty, false, id)), [
        `${plain}=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax`
      ])
    }))

  it.effect("keeps the other cookies of the response", () =>
    Effect.gen(function*() {
      const answer = HttpServerResponse.unsafeSetCookie(HttpServerResponse.empty(), "other", "1")
      assert.lengthOf(yield* lines(browser.removeCookie(answer, true, id)), 2)
    }))
})

describe("every page of a consent", () => {
  const again = "Return to the application and start again."

  /** Each page by its name: its status, its title, and its instruction to the user. */
  const expected = {
    notGet: [405, "Method not allowed", `This page accepts GET only. ${again}`],
    foreignHost: [
      403,
      "Host not allowed",
      "The host of this address is not the host of the application."
    ],
    unreadable: [
      400,
      "Invalid link",
      `A parameter of this link is missing, repeated, too long or invalid. ${again}`
    ],
    unknown: [
      404,
      "Unknown request",
      `This link is unknown, or its request has expired and was removed. ${again}`
    ],
    expired: [
      410,
      "This request has expired",
      "Return to the application and request access again."
    ],
    consumed: [409, "This request was already used", `Each answer counts once. Nothing was changed. ${again}`],
    signedOut: [
      401,
      "Sign in first",
      "Sign in to the application in this browser, then load this page again."
    ],
    signedOutMeanwhile: [
      401,
      "You are no longer signed in",
      "Nothing was approved. Sign in to the application in this browser and start again."
    ],
    otherUser: [
      403,
      "This request belongs to another user",
      "You are signed in as a different user from the one who requested access. Nothing was approved."
    ],
    otherBrowser: [
      403,
      "This request belongs to another browser",
      `Finish the request in the browser in which you started it. Nothing was approved. ${again}`
    ],
    stateMismatch: [
      400,
      "This response belongs to another request",
      `This response does not match a request that was started here. Nothing was approved. ${again}`
    ],
    unfinished: [
      403,
      "The request could not be completed",
      `The request is unknown, or it belongs to another user. Nothing was approved. ${again}`
    ],
    unreachable: [
      502,
      "The request could not be completed",
      "The identity service did not answer. Load this page again in a moment. If it still fails, return to the " +
      "application and start again."
    ],
    unavailable: [
      503,
      "The request cannot be looked up",
      "The store of requests is not available. Load this page again later."
    ],
    done: [200, "The consent was approved", "You can close this page and return to the application."],
    agentContinues: [200, "The consent was approved, and the agent continues", "You can close this page."]
  } as const

  const all = Object.entries(pages).flatMap(([name, value]) =>
    typeof value === "object" && "status" in value ? [[name, value] as const] : []
  )

  it("is in the list of this test and has a unique title", () => {
    assertEqual(new Set(all.map(([name]) => name)), new Set(Object.keys(expected)))
    // The two failures of a completion share a title.
    assert.strictEqual(new Set(all.map(([, { title }]) => title)).size, all.length - 1)
  })

  for (const [name, notice] of all) {
    it.effect(`${name} has security headers, and no forms or scripts`, () =>
      Effect.gen(function*() {
        const handler = HttpApp.toWebHandler(pages.page(notice))
        const response = yield* Effect.promise(() => handler(new Request("http://localhost")))
        const body = yield* Effect.promise(() => response.text())
        const [, nonce = ""] = /<style nonce="([^"]*)">/.exec(body) ?? []
        assert.match(nonce, /^[\w-]{43}$/)
        const length = response.headers.get("content-length")
        assertEqual(Object.fromEntries(response.headers), {
          ...(length !== null && { "content-length": length }),
          "content-type": "text/html; charset=utf-8",
          "cache-control": "no-store",
          "referrer-policy": "no-referrer",
          "x-content-type-options": "nosniff",
          "x-frame-options": "DENY",
          "cross-origin-resource-policy": "same-origin",
          "cross-origin-opener-policy": "same-origin",
          ...(notice.status === 405 && { allow: "GET" }),
          "content-security-policy": `default-src 'none'; style-src 'nonce-${nonce}'; img-src data:; base-uri 'none'; `
            + "frame-ancestors 'none'; form-action 'none'"
        })
        const [status, title, text] = Object.entries(expected).find(([key]) => key === name)?.[1] ?? [0, "", ""]
        assert.strictEqual(response.status, status)
        assert.include(
          body,
          `<main id="main" class="narrow"><section class="card notice ${status < 400 ? "good" : "bad"}">`
        )
        assert.include(body, `<h1>${notice.title}</h1><p>${String(html`${notice.text}`)}</p></section></main>`)
        assert.strictEqual(notice.title, title)
        assert.strictEqual(notice.text, text)
      }))
  }
})
