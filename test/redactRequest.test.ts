import { HttpMiddleware, HttpServerResponse } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FiberRef, Tracer } from "effect"
import { redactRequest, withoutToken } from "../src/internal/web/redactRequest.js"
import { assertEqual } from "./support/equality.js"

const done = Effect.succeed(HttpServerResponse.text("done"))

/** The attributes of a span of the server, and of one of the application in it, after `app` has run in the inner one. */
const attributesAfter = (
  app: Effect.Effect<HttpServerResponse.HttpServerResponse>,
  attributes: Readonly<Record<string, unknown>>
) =>
  Effect.gen(function*() {
    const outer = yield* Effect.makeSpan("server", { attributes, root: true })
    const inner = yield* Effect.makeSpan("application", { attributes, parent: outer })
    assert.strictEqual((yield* Effect.withParentSpan(app, inner)).status, 200)
    return [outer, inner].map((span) => Object.fromEntries(span.attributes))
  })

/** Under an external span, which has no attributes. */
const external = Tracer.externalSpan({ spanId: "s", traceId: "t" })

describe("a page whose URL contains secrets", () => {
  const other = { "http.request.method": "GET" }

  const cases: ReadonlyArray<readonly [title: string, before: object, after: object]> = [
    ["with a query", {
      "url.full": "https://a.example/b?state=x&more\n=y",
      "url.query": "state=x",
      "url.path": "/b"
    }, { "url.full": "https://a.example/b?<redacted>", "url.query": "<redacted>", "url.path": "/b" }],
    ["with two question marks", { "url.full": "/b?a?b" }, { "url.full": "/b?<redacted>" }],
    ["without a query", { "url.full": "https://a.example/b" }, { "url.full": "https://a.example/b" }],
    ["with an address that is no text", { "url.full": 5, "url.query": undefined }, {
      "url.full": 5,
      "url.query": "<redacted>"
    }],
    ["without an address", {}, {}]
  ]
  for (const [title, before, after] of cases) {
    it.effect(`leaves no query in any span around it: ${title}`, () =>
      Effect.gen(function*() {
        const expected = { ...other, ...after }
        assertEqual(yield* attributesAfter(redactRequest(done), { ...other, ...before }), [expected, expected])
      }))
  }

  it.effect("is served without a span, and with a span of another process", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* redactRequest(done)).status, 200)
      assert.strictEqual((yield* Effect.withParentSpan(redactRequest(done), external)).status, 200)
    }))

  it.effect("is not in the request log", () =>
    Effect.gen(function*() {
      const isDisabled = (app: typeof done) =>
        Effect.zipRight(app, FiberRef.get(HttpMiddleware.loggerDisabled)).pipe(Effect.locally(
          HttpMiddleware.loggerDisabled,
          false
        ))
      assert.isFalse(yield* isDisabled(done))
      assert.isTrue(yield* isDisabled(redactRequest(done)))
    }))
})

describe("a request that is signed with temporary credentials", () => {
  const header = "http.request.header.x-amz-security-token"

  it.effect("leaves its session token in no span around it", () =>
    Effect.gen(function*() {
      const other = { "url.full": "/a?b", "http.request.header.host": "localhost" }
      const expected = { ...other, [header]: "<redacted>" }
      assertEqual(yield* attributesAfter(withoutToken(done), { ...other, [header]: "token" }), [expected, expected])
      assertEqual(yield* attributesAfter(withoutToken(done), other), [other, other])
    }))

  it.effect("is served without a span, and with a span of another process", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* withoutToken(done)).status, 200)
      assert.strictEqual((yield* Effect.withParentSpan(withoutToken(done), external)).status, 200)
    }))
})
