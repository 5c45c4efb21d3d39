import { HttpApp, HttpServerResponse } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Option } from "effect"
import { orNotice } from "../src/internal/server/pages/frame.js"
import * as form from "../src/internal/web/forms.js"
import { RefusedToken } from "../src/internal/web/oneTimeTokens.js"
import * as publicUrl from "../src/internal/web/publicUrl.js"
import { assertEqual } from "./support/equality.js"
import { type Asked, asking, webRequest } from "./support/webRequest.js"

/** The result, or the error page. */
const outcome = <A, R>(self: Effect.Effect<A, form.PageError, R>) =>
  Effect.map(Effect.either(self), Either.mapLeft(({ status, text, title }) => ({ status, title, text })))

const refused = (status: number, title: string, text: string) => Either.left({ status, title, text })

const at = (url: string) => <A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.provideService(self, publicUrl.PublicAddress, Option.some(Either.getOrThrow(publicUrl.parse(url))))

describe("the parameters of a URL or a form", () => {
  const read = (query: string) =>
    outcome(
      Effect.map(form.once(new URLSearchParams(query), "a", "b"), (of) => [of("a"), of("b")])
    )

  it.effect("appear at most once, and an empty parameter counts as missing", () =>
    Effect.gen(function*() {
      assertEqual(yield* read("a=1&b=2"), Either.right([Option.some("1"), Option.some("2")]))
      assertEqual(yield* read("b=2&c=3&c=4"), Either.right([Option.none(), Option.some("2")]))
      assertEqual(yield* read("a=&b=2"), Either.right([Option.none(), Option.some("2")]))
    }))

  for (const name of ["a", "b"]) {
    it.effect(`are rejected if ${name} is repeated or longer than 8,192 characters`, () =>
      Effect.gen(function*() {
        const broken = (what: string) => refused(400, "Invalid link", `The parameter ${name} is ${what}.`)
        assertEqual(yield* read(`${name}=1&${name}=1`), broken("repeated. Pass it once"))
        assertEqual(yield* read(`${name}=&${name}=`), broken("repeated. Pass it once"))
        assertEqual(yield* read(`${name}=${"x".repeat(8193)}`), broken("longer than 8192 characters"))
        assert.isTrue(Either.isRight(yield* read(`${name}=${"x".repeat(8192)}`)))
      }))
  }

  it.effect("are reported by name if they are missing", () =>
    Effect.gen(function*() {
      const of = yield* form.once(new URLSearchParams("a=1&b="), "a", "b")
      assertEqual(yield* outcome(form.required(of, "a")), Either.right("1"))
      assertEqual(
        yield* outcome(form.required(of, "b")),
        refused(400, "Invalid link", "The parameter b is missing.")
      )
    }))

  it.effect("start after the first question mark", () =>
    Effect.gen(function*() {
      for (const [url, expected] of [["/x?a=1?b=2", "a=1%3Fb%3D2"], ["/x", ""], ["/x?", ""], ["/?a", "a="]] as const) {
        assert.strictEqual(String(yield* form.query.pipe(asking({ url }))), expected, url)
      }
    }))
})

const mediaTypes: ReadonlyArray<readonly [contentType: string | undefined, expected: string]> = [
  [undefined, ""],
  ["", ""],
  ["Application/JSON", "application/json"],
  [" text/plain ; charset=utf-8", "text/plain"],
  ["text/plain;a;b", "text/plain"]
]

it("a media type is read without its parameters, in lower case", () => {
  for (const [contentType, expected] of mediaTypes) {
    const request = webRequest(contentType === undefined ? {} : { headers: { "content-type": contentType } })
    assert.strictEqual(form.mediaType(request), expected)
  }
})

describe("the check for requests of another site", () => {
  const here = { host: "localhost:4599" }

  const asked: ReadonlyArray<readonly [headers: Readonly<Record<string, string>>, isForeign: boolean]> = [
    [here, false],
    [{}, false],
    [{ ...here, "sec-fetch-site": "same-origin" }, false],
    [{ ...here, "sec-fetch-site": "same-origin", origin: "https://evil.example" }, false],
    [{ ...here, "sec-fetch-site": "same-site" }, true],
    [{ ...here, "sec-fetch-site": "cross-site" }, true],
    [{ ...here, "sec-fetch-site": "none" }, true],
    [{ ...here, "sec-fetch-site": "" }, true],
    [{ ...here, origin: "http://localhost:4599" }, false],
    [{ host: "LOCALHOST:4599", origin: "http://localhost:4599" }, false],
    [{ ...here, origin: "https://localhost:4599" }, false],
    [{ ...here, origin: "http://localhost" }, true],
    [{ ...here, origin: "http://evil.example" }, true],
    [{ ...here, origin: "http://localhost:4599.evil.example" }, true],
    [{ ...here, origin: "null" }, true],
    [{ ...here, origin: "" }, true],
    [{ origin: "http://localhost:4599" }, true]
  ]
  for (const [headers, isForeign] of asked) {
    it.effect(`${isForeign ? "rejects" : "accepts"} ${JSON.stringify(headers)}`, () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* form.isForeign(webRequest({ headers })), isForeign)
      }))
  }

  it.effect("accepts the additional allowed origin", () =>
    Effect.gen(function*() {
      assert.isFalse(yield* form.isForeign(webRequest({ headers: { ...here, origin: "null" } }), "null"))
      assert.isTrue(yield* form.isForeign(webRequest({ headers: { ...here, origin: "nul" } }), "null"))
      const cross = { ...here, origin: "null", "sec-fetch-site": "cross-site" }
      assert.isTrue(yield* form.isForeign(webRequest({ headers: cross }), "null"))
    }))

  const publicly: ReadonlyArray<readonly [host: string, origin: string, isForeign: boolean]> = [
    ["dev.example", "https://dev.example", false],
    ["dev.example:443", "https://dev.example", false],
    // The public URL has only one scheme.
    ["dev.example", "http://dev.example", true],
    ["dev.example", "https://dev.example:8443", true],
    // A TLS-terminating proxy may change the Host header.
    ["localhost:4599", "https://dev.example", false],
    ["localhost:4599", "http://localhost:4599", false],
    ["localhost:4599", "https://evil.example", true]
  ]
  for (const [host, origin, isForeign] of publicly) {
    it.effect(`${isForeign ? "rejects" : "accepts"} ${origin} at ${host} with a public URL`, () =>
      Effect.gen(function*() {
        const answer = form.isForeign(webRequest({ headers: { host, origin } })).pipe(at("https://dev.example"))
        assert.strictEqual(yield* answer, isForeign)
      }))
  }
})

describe("a form", () => {
  const good = {
    method: "POST",
    headers: { host: "localhost", "content-type": "application/x-www-form-urlencoded" },
    body: "a=1&b=%C3%A4"
  }

  const read = (asked: Asked) => form.form.pipe(Effect.map(String), outcome, asking(asked))

  const having = (headers: Readonly<Record<string, string>>, body = good.body) => ({
    ...good,
    body,
    headers: { ...good.headers, ...headers }
  })

  const tooLarge = refused(413, "Form too large", "The form is larger than 64 KiB, or it cannot be read.")

  it.effect("is accepted from a page of the server, which sends no Origin header or null", () =>
    Effect.gen(function*() {
      for (const headers of [{}, { origin: "null" }, { origin: "http://localhost" }, { "content-length": "12" }]) {
        assertEqual(yield* read(having(headers)), Either.right("a=1&b=%C3%A4"))
      }
    }))

  it.effect("is rejected from another site", () =>
    Effect.gen(function*() {
      assertEqual(
        yield* read(having({ origin: "https://evil.example" })),
        refused(403, "Forbidden", "This form was sent from another site. Open the page again and answer there.")
      )
    }))

  it.effect("is rejected in another media type", () =>
    Effect.gen(function*() {
      for (const type of ["application/json", "text/plain", "multipart/form-data", ""]) {
        assertEqual(
          yield* read(having({ "content-type": type })),
          refused(
            415,
            "Unsupported media type",
            "The content type must be application/x-www-form-urlencoded."
          ),
          type
        )
      }
      assertEqual(
        yield* read(having({ "content-type": "application/x-www-form-urlencoded; charset=utf-8" })),
        Either.right("a=1&b=%C3%A4")
      )
    }))

  it.effect("is rejected if its content-length is above 64 KiB", () =>
    Effect.gen(function*() {
      assertEqual(yield* read(having({ "content-length": "65537" })), tooLarge)
      assert.isTrue(Either.isRight(yield* read(having({ "content-length": "65536" }))))
    }))
})

const secureName = "__Host-agentcore-identity-browser"
const plainName = "agentcore-identity-browser"

describe("the cookie of a browser", () => {
  const token = "A_-".repeat(14) + "z"

  /** The whole `Set-Cookie` line. */
  const set = (asked: Asked, value = token) =>
    Effect.flatMap(
      form.remember(HttpServerResponse.empty(), value).pipe(asking(asked)),
      (response) =>
        Effect.promise(async () => {
          const answer = await HttpApp.toWebHandler(Effect.succeed(response))(new Request("http://localhost"))
          return answer.headers.getSetCookie()
        })
    )

  const read = (cookie: string, host = "localhost") => form.browser.pipe(asking({ headers: { host, cookie } }))

  it.effect("has fixed attributes over http and over https", () =>
    Effect.gen(function*() {
      const plain = [`${plainName}=${token}; Path=/; HttpOnly; SameSite=Lax`]
      const secure = [`${secureName}=${token}; Path=/; HttpOnly; Secure; SameSite=Lax`]
      const dev = { headers: { host: "dev.example" } }
      assertEqual(yield* set({ headers: { host: "localhost" } }), plain)
      assertEqual(yield* set(dev), plain)
      assertEqual(yield* set(dev).pipe(at("https://dev.example")), secure)
      assertEqual(yield* set({ headers: { host: "DEV.example:443" } }).pipe(at("https://dev.example")), secure)
      assertEqual(yield* set(dev).pipe(at("http://dev.example")), plain)
      assertEqual(yield* set({ headers: { host: "dev.example:8443" } }).pipe(at("https://dev.example:8443")), secure)
      assertEqual(yield* set({ headers: { host: "localhost" } }).pipe(at("https://dev.example")), plain)
      assertEqual(yield* set({}).pipe(at("https://dev.example")), plain)
    }))

  it.effect("is Secure at an https URL with a port, also where the proxy drops the port from the Host header", () =>
    Effect.gen(function*() {
      for (const host of ["dev.example", "DEV.example"]) {
        const [cookie = ""] = yield* set({ headers: { host } }).pipe(at("https://dev.example:8443"))
        assert.strictEqual(cookie, `${secureName}=${token}; Path=/; HttpOnly; Secure; SameSite=Lax`)
      }
      const [other = ""] = yield* set({ headers: { host: "dev.example:9" } }).pipe(at("https://dev.example:8443"))
      assert.notInclude(other, "Secure")
    }))

  it.effect("identifies only the browser that sends it back", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* read(`${plainName}=${token}`), token)
      assert.strictEqual(
        yield* read(`${plainName}=other; ${secureName}=${token}`, "dev.example").pipe(at("https://dev.example")),
        token
      )
      const strange = [
        "",
        `${plainName}=`,
        `${plainName}=${token}x`,
        `${plainName}=${token.slice(1)}`,
        `${plainName}=${token.slice(1)}!`,
        `other=${token}`,
        `${secureName}=${token}`
      ]
      const fresh = yield* Effect.forEach(strange, (cookie) => read(cookie))
      assert.notInclude(fresh, token)
      for (const one of fresh) assert.match(one, /^[\w-]{43}$/)
      assert.strictEqual(new Set(fresh).size, strange.length)
    }))
})

describe("a redirect", () => {
  it("has the status 303, security headers and an encoded location", () => {
    const { headers, status } = form.seeOther("https://app.example/dänk you?a=\u0001é✓&b=%20#~")
    assert.strictEqual(status, 303)
    assertEqual(Object.fromEntries(Object.entries(headers)), {
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "cross-origin-resource-policy": "same-origin",
      "cross-origin-opener-policy": "same-origin",
      location: "https://app.example/d%C3%A4nk%20you?a=%01%C3%A9%E2%9C%93&b=%20#~"
    })
  })
})

describe("a rejected one-time token", () => {
  const again = "Open the page again in this browser and answer there. Cookies must be allowed."

  for (const what of ["form", "answer"] as const) {
    const pages: Readonly<Record<RefusedToken["reason"], readonly [number, string, string]>> = {
      unknown: [403, `Unknown ${what}`, again],
      foreign: [403, `This ${what} belongs to another browser`, again],
      used: [409, `This ${what} was already sent`, "Each answer counts once. Nothing was changed."],
      expired: [410, "This request has expired", "Return to the application and request access again."]
    }
    for (const reason of ["unknown", "foreign", "used", "expired"] as const) {
      it(`is explained on a page: ${what} ${reason}`, () => {
        const { status, text, title } = form.refusedTokenPage(what)(new RefusedToken({ reason }))
        assertEqual<readonly [number, string, unknown]>([status, title, text], pages[reason])
      })
    }
  }
})

it.effect("the response to a page error has its status, title and text", () =>
  Effect.gen(function*() {
    const response = yield* orNotice(new form.PageError({ status: 418, title: "No <tea>", text: "a & b" }))
    assert.strictEqual(response.status, 418)
    assert.strictEqual(response.body._tag, "Uint8Array")
    if (response.body._tag !== "Uint8Array") return
    const text = new TextDecoder().decode(response.body.body)
    assert.include(text, "<section class=\"card notice bad\"><h1>No &lt;tea&gt;</h1><p>a &amp; b</p></section>")
  }))
