import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as exchange from "../src/internal/aws/exchange.js"
import { maxBody, ReplyRefused } from "../src/internal/aws/reply.js"
import * as Operation from "../src/Operation.js"
import { assertEqual } from "./support/equality.js"

const operation = Operation.make({
  name: "GetThing",
  plane: "data",
  path: "/things",
  request: Schema.Struct({}),
  reply: Schema.Struct({ name: Schema.optional(Schema.String) }),
  errors: []
})

type Middleware = Parameters<exchange.Command["middlewareStack"]["add"]>[0]

const identity = { accessKeyId: "accessKeyId", secretAccessKey: "secretAccessKey" }

const identified = { __smithy_context: { selectedHttpAuthScheme: { identity } } }

/** An exchange, the middleware that it adds to a command, and the options for its position. */
const watched = (): exchange.Exchange & { readonly middleware: Middleware; readonly place: unknown } => {
  const added: Array<readonly [Middleware, unknown]> = []
  const made = exchange.of(operation)()
  const command = {
    input: {},
    middlewareStack: { add: (...one: readonly [Middleware, unknown]) => void added.push(one) }
  }
  assert.strictEqual(made.watch(command), command)
  const [one, ...more] = added
  if (one === undefined || more.length > 0) return assert.fail("expected one middleware")
  const [middleware, place] = one
  return { ...made, middleware, place }
}

/** The result of the middleware for this response, or the error that it throws. */
const passed = (response: unknown) =>
  Effect.promise(async () => {
    const { middleware } = watched()
    const result = { response }
    const send = middleware(async () => result, {})
    try {
      assert.strictEqual(await send({ input: {}, request: {} }), result)
      return result.response
    } catch (refused) {
      return refused instanceof ReplyRefused ? refused.kind : refused
    }
  })

const headers = { "X-Amzn-RequestId": "r" }

const responded = (body: unknown, statusCode = 200) => passed({ statusCode, headers, body })

const bytes = (text: string) => new TextEncoder().encode(text)

async function* parts(...all: ReadonlyArray<unknown>) {
  yield* all
}

describe("an exchange", () => {
  it("adds the last middleware before the request handler", () => {
    assertEqual(watched().place, {
      step: "deserialize",
      priority: "low",
      name: "effectAgentCoreIdentityMiddleware"
    })
  })

  it.effect("records the stage and the credentials of a call", () =>
    Effect.promise(async () => {
      const request = { headers: { authorization: "Bearer token-of-the-call" } }
      const call = watched()
      assertEqual([call.stage(), call.credentials()], ["Unobserved", []])
      call.middleware(async () => ({ response: undefined }), {})
      assertEqual([call.stage(), call.credentials()], ["Unidentified", []])
      const send = call.middleware(async () => ({ response: undefined }), identified)
      assertEqual([call.stage(), call.credentials()], ["Unsent", ["accessKeyId", "secretAccessKey"]])
      await send({ input: {}, request })
      assertEqual([call.stage(), call.credentials()], [
        "Sent",
        ["Bearer token-of-the-call", "token-of-the-call", "accessKeyId", "secretAccessKey"]
      ])
      assert.strictEqual(watched().stage(), "Unobserved")
    }))

  it.effect("passes on every kind of body as bytes", () =>
    Effect.gen(function*() {
      const text = `{"name":"ä"}`
      const bodies: Readonly<Record<string, unknown>> = {
        bytes: bytes(text),
        text,
        "a stream of Node": parts(bytes(`{"name":`), bytes(`"ä"}`)),
        "a stream of texts": parts(`{"name":`, `"ä"}`),
        "a web stream": new Response(text).body,
        "a Blob": new Blob([text])
      }
      for (const [kind, body] of Object.entries(bodies)) {
        assertEqual<unknown>(yield* responded(body), { statusCode: 200, headers, body: bytes(text) }, kind)
      }
      for (const body of [undefined, null, "", new Uint8Array(), parts()]) {
        assertEqual<unknown>(yield* responded(body), { statusCode: 200, headers, body: new Uint8Array() })
      }
    }))

  it.effect("reads a web stream that cannot be iterated, and cancels its reader", () =>
    Effect.gen(function*() {
      for (const [count, expected] of [[2, 2], [9, 9]] as const) {
        let read = 0
        let cancelled = 0
        const body = {
          getReader: () => ({
            read: async () => read++ < count ? { done: false, value: bytes(" ".repeat(1024 * 1024)) } : { done: true },
            cancel: async () => cancelled++
          })
        }
        const result = yield* responded(body, 400)
        // 9 MiB exceed the limit; reading stops.
        assertEqual<unknown>(result, {
          statusCode: 400,
          headers,
          body: count === 2 ? bytes(" ".repeat(2 * 1024 * 1024)) : new Uint8Array()
        })
        assert.strictEqual(cancelled, 1)
        assert.isAtLeast(read, expected)
      }
    }))

  it.effect("passes a body or response of an unknown kind to the SDK unchanged", () =>
    Effect.gen(function*() {
      for (const body of [5, {}, { getReader: true }, { stream: true }, { [Symbol.asyncIterator]: true }]) {
        assertEqual<unknown>(yield* responded(body), { statusCode: 200, headers, body })
      }
      for (
        const response of [undefined, {}, { statusCode: "200", headers, body: "x" }, { statusCode: 200, body: "x" }]
      ) {
        assert.strictEqual(yield* passed(response), response)
      }
      const odd = { statusCode: 200, headers: 5, body: "x" }
      assert.strictEqual(yield* passed(odd), odd)
    }))

  it.effect("rejects only a success response that is not a reply", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* responded("<html>"), "NotJson")
      assert.strictEqual(yield* responded("<html>", 299), "NotJson")
      assertEqual<unknown>(yield* responded("<html>", 300), { statusCode: 300, headers, body: bytes("<html>") })
      assert.strictEqual(yield* passed({ statusCode: 200, headers: {}, body: "{}" }), "NotAws")
      const length = { ...headers, "Content-Length": 3 }
      assert.strictEqual(yield* passed({ statusCode: 200, headers: length, body: "{}" }), "Truncated")
    }))

  it.effect("reads 8 MiB, and rejects one byte more", () =>
    Effect.gen(function*() {
      const name = `{"name":"${"x".repeat(maxBody - 11)}"}`
      const split = (text: string) => parts(text.slice(0, 100), text.slice(100))
      assertEqual<unknown>(yield* responded(split(name)), { statusCode: 200, headers, body: bytes(name) })
      assert.strictEqual(yield* responded(split(`${name} `)), "TooLarge")
      assertEqual<unknown>(yield* responded(split(`${name} `), 500), {
        statusCode: 500,
        headers,
        body: new Uint8Array()
      })
    }))

  it.effect("rethrows the error of the request handler", () =>
    Effect.promise(async () => {
      const { middleware, stage } = watched()
      const lost = new Error("lost")
      const send = middleware(() => Promise.reject(lost), {})
      const caught: unknown = await send({ input: {}, request: {} }).catch((thrown: unknown) => thrown)
      assert.strictEqual(caught, lost)
      assert.strictEqual(stage(), "Sent")
    }))
})
