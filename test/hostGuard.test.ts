import { HttpApp, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Random } from "effect"
import * as guard from "../src/internal/server/api/hostGuard.js"
import { assertEqual } from "./support/equality.js"
import { type Asked, asking, webRequest } from "./support/webRequest.js"

/** Answers with the path that reached it. */
const echo = Effect.map(HttpServerRequest.HttpServerRequest, ({ url }) => HttpServerResponse.text(`reached ${url}`))

/** The whole answer as a client gets it. */
const answered = (
  app: HttpApp.Default,
  request: Asked
): Effect.Effect<{ readonly status: number; readonly text: string; readonly headers: Headers }> =>
  Effect.promise(async () => {
    const asked = webRequest(request)
    const handler = HttpApp.toWebHandler(Effect.provideService(app, HttpServerRequest.HttpServerRequest, asked))
    const response = await handler(new Request("http://localhost"))
    return { status: response.status, text: await response.text(), headers: response.headers }
  })

const outcome = (options: guard.Options | undefined, request: Asked) =>
  Effect.map(answered(guard.make(options)(echo), request), ({ status, text }) => [status, text] as const)

const named = (host: string | undefined, hosts?: ReadonlyArray<string>) =>
  outcome({ hosts }, host === undefined ? {} : { headers: { host } })

const reached = [200, "reached /"] as const

const foreign = [
  403,
  "The Host header of this request is not allowed: start the server with --allowed-host and that name, or in a program "
  + "with the option allowedHosts"
] as const

describe("the guard", () => {
  const own = ["localhost", "127.0.0.1", "[::1]"]
  const given = ["Identity.test", "2001:DB8:0::1", "[2001:db8::2]", "fe80::1%eth0", "other.test:8080", "A|B"]
  const byGiven = [
    "identity.test",
    "IDENTITY.TEST:1",
    "[2001:db8::1]",
    "[2001:DB8:0:0:0:0:0:1]:9",
    "[2001:db8::2]:80",
    "[fe80::1]",
    "other.test",
    "other.test:8080",
    "other.test:1",
    "a|b"
  ]

  for (const host of [...own, ...own.map((name) => `${name}:65535`), "LOCALHOST", "[0:0:0:0:0:0:0:1]", "127.1"]) {
    it.effect(`accepts a request for ${host}`, () =>
      Effect.gen(function*() {
        assertEqual(yield* named(host), reached)
        assertEqual(yield* named(host, given), reached)
      }))
  }

  for (const host of byGiven) {
    it.effect(`accepts a request for ${host} only where its name was given`, () =>
      Effect.gen(function*() {
        assertEqual(yield* named(host, given), reached)
        assertEqual(yield* named(host), foreign)
      }))
  }

  const wrong = [
    undefined,
    "",
    " ",
    "evil.example",
    "evillocalhost",
    "localhost.evil.example",
    "localhost.evil.example:80",
    "127.0.0.1.evil.example",
    "127.0.0.2",
    "::1",
    "[::2]",
    "[::1",
    "::1]",
    "x[::1]",
    "[::1]x",
    "[localhost]",
    "localhost:80:80",
    "localhost:",
    "localhost:123456",
    "localhost:port",
    "localhost@evil.example",
    "evil.example@localhost",
    "evil.example/localhost",
    "localhost/x",
    "localhost?x",
    "localhost#x",
    "localhost\\x",
    "loc%61lhost",
    "local host",
    "c|d",
    "localhost, localhost"
  ]
  for (const host of wrong) {
    it.effect(`rejects a request for ${JSON.stringify(host)}`, () =>
      Effect.gen(function*() {
        assertEqual(yield* named(host, given), foreign)
      }))
  }

  const raw: ReadonlyArray<readonly [title: string, rawHeaders: unknown, accepted: boolean]> = [
    ["one Host header", ["Host", "localhost", "Accept", "x"], true],
    ["no list of headers", undefined, true],
    ["something else than a list", "Host", true],
    ["what only looks like a list", { length: 4, 0: "Host", 2: "Host" }, true],
    ["two Host headers", ["Host", "localhost", "Host", "localhost"], false],
    ["two Host headers in another case", ["host", "localhost", "Accept", "x", "HOST", "evil.example"], false],
    ["three Host headers", ["Host", "a", "Host", "b", "Host", "c"], false],
    ["headers whose value is Host", ["Host", "host", "Accept", "host"], true],
    ["other headers twice", ["Host", "localhost", "Date", "a", "Date", "b"], true],
    ["names that are no text", [5, "a", 5, "b", "Host", "localhost"], true],
    ["names that are lists of four", [[..."host"], "a", [..."host"], "b", "Host", "localhost"], true]
  ]
  for (const [title, rawHeaders, accepted] of raw) {
    it.effect(`${accepted ? "accepts" : "rejects"} a request with ${title}`, () =>
      Effect.gen(function*() {
        assertEqual(
          yield* outcome({}, { headers: { host: "localhost" }, rawHeaders }),
          accepted ? reached : [400, "The Host header is repeated: send it once"]
        )
      }))
  }

  const strange = [400, "The request target is invalid: it must be a path, or an http URL with a path"] as const

  const targets: ReadonlyArray<readonly [target: string, expected: readonly [number, string]]> = [
    ["/a?b=c", [200, "reached /a?b=c"]],
    ["http://localhost:9/a?b=c", [200, "reached /a?b=c"]],
    ["HTTP://LOCALHOST/a#b", [200, "reached /a"]],
    ["http://localhost", [200, "reached /"]],
    ["http://localhost?b", [200, "reached /?b"]],
    ["http://identity.test/a", [200, "reached /a"]],
    ["http://evil.example/a", foreign],
    ["http://localhost@evil.example/a", foreign],
    ["//localhost/a", strange],
    ["http://localhost//a", strange],
    ["https://localhost/a", strange],
    ["xhttp://localhost/a", strange],
    ["*", strange]
  ]
  for (const [target, expected] of targets) {
    it.effect(`answers the target ${target} with ${expected[0]}`, () =>
      Effect.gen(function*() {
        const request = webRequest({ headers: { host: "localhost" } }).modify({ url: target })
        const app = Effect.provideService(
          guard.make({ hosts: ["identity.test"] })(echo),
          HttpServerRequest.HttpServerRequest,
          request
        )
        const response = yield* Effect.promise(() => HttpApp.toWebHandler(app)(new Request("http://localhost")))
        assertEqual<readonly [number, string]>(
          [response.status, yield* Effect.promise(() => response.text())],
          expected
        )
      }))
  }

  const headers = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY"
  }

  const headersOf = (app: HttpApp.Default, options?: guard.Options, host = "localhost") =>
    Effect.map(
      answered(guard.make(options)(app), { headers: { host } }),
      ({ headers: found }) => Object.fromEntries(Object.keys(headers).map((name) => [name, found.get(name)]))
    )

  it.effect("adds security headers to every response, including its own", () =>
    Effect.gen(function*() {
      assertEqual(yield* headersOf(echo), headers)
      assertEqual(yield* headersOf(echo, {}, "evil.example"), headers)
    }))

  it.effect("keeps each header that the response already has", () =>
    Effect.gen(function*() {
      for (const name of Object.keys(headers)) {
        const app = Effect.succeed(HttpServerResponse.text("", { headers: { [name]: "of the answer" } }))
        assertEqual(yield* headersOf(app), { ...headers, [name]: "of the answer" }, name)
      }
    }))
})

describe("a request id", () => {
  const idOf = (
    identify: typeof guard.withRequestIds,
    status: number,
    headers: Readonly<Record<string, string>> = {}
  ) =>
    Effect.map(
      identify(HttpServerResponse.text("", { status, headers })),
      (response) => response.headers["x-amzn-requestid"]
    ).pipe(Effect.withRandom(Random.fixed([1, 2, 3, 0xffffffff])), asking())

  const made = "00000001-0000-4002-a000-0003ffffffff"

  it.effect("is a UUID from Random, unless the response already has an id", () =>
    Effect.gen(function*() {
      for (const status of [200, 299, 300, 400, 500]) {
        assert.strictEqual(yield* idOf(guard.withRequestIds, status), made)
        assert.strictEqual(yield* idOf(guard.withRequestIds, status, { "x-amzn-requestid": "r-1" }), "r-1")
      }
    }))

  it.effect("is added to successful responses only by withSuccessRequestIds", () =>
    Effect.gen(function*() {
      for (const status of [200, 204, 299]) {
        assert.strictEqual(yield* idOf(guard.withSuccessRequestIds, status), made)
        assert.strictEqual(yield* idOf(guard.withSuccessRequestIds, status, { "x-amzn-requestid": "r-1" }), "r-1")
      }
      for (const status of [300, 303, 400, 500]) {
        assert.isUndefined(yield* idOf(guard.withSuccessRequestIds, status))
        assert.strictEqual(yield* idOf(guard.withSuccessRequestIds, status, { "x-amzn-requestid": "r-1" }), "r-1")
      }
    }))
})
