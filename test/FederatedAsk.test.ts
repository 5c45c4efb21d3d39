import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Either, Fiber, Option, TestClock } from "effect"
import type { RequestListener } from "node:http"
import { createSecureContext } from "node:tls"
import type { AddressPolicy } from "../src/internal/oauth/addressPolicy.js"
import { type HttpRequest, maxBytes, send, type Transport } from "../src/internal/oauth/httpClient.js"
import { privateAuthority } from "./fixtures/privateAuthority.js"
import { answering, freePort, overTls } from "./support/answering.js"
import { server } from "./support/authorizationServer.js"
import { assertEqual } from "./support/equality.js"

const local: AddressPolicy = { hosts: ["127.0.0.1"], loopbackOrigins: [] }

const transport: Transport = { limit: Duration.seconds(10), secureContext: undefined }

const get = (url: string): HttpRequest => ({ url: new URL(url), method: "GET", headers: {}, body: undefined })

/** The result of a request to this listener. */
const answeredBy = (listener: RequestListener) =>
  Effect.flatMap(answering(listener), ({ origin }) => Effect.either(send(local, transport, get(origin))))

describe("a request", () => {
  it.scoped("has the given method, path, query, headers and body", () =>
    Effect.gen(function*() {
      const { origin, requests } = yield* server(() => ({ body: "héllo" }))
      const answer = yield* send(local, transport, {
        url: new URL(`${origin}/token?a=1`),
        method: "POST",
        headers: { "x-own": "one" },
        body: "grant_type=none"
      })
      assertEqual(answer, { status: 200, text: "héllo", freshness: undefined })
      const [request] = requests
      assert.strictEqual(request?.method, "POST")
      assert.strictEqual(request?.path, "/token?a=1")
      assert.strictEqual(request?.body, "grant_type=none")
      assert.strictEqual(request?.headers["x-own"], "one")
    }))

  it.scoped("identifies the library, requests no compression, and uses a separate connection", () =>
    Effect.gen(function*() {
      const { origin, requests } = yield* server()
      for (const _ of [1, 2]) yield* send(local, transport, get(origin))
      for (const { headers } of requests) {
        assert.strictEqual(headers["user-agent"], "effect-agentcore-identity")
        assert.strictEqual(headers["accept-encoding"], "identity")
        assert.strictEqual(headers.connection, "close")
      }
      assert.strictEqual(requests.length, 2)
    }))

  it.scoped("keeps those two headers if the caller supplies others", () =>
    Effect.gen(function*() {
      const { origin, requests } = yield* server()
      const headers = { "accept-encoding": "gzip", "user-agent": "another" }
      yield* send(local, transport, { ...get(origin), headers })
      assert.strictEqual(requests[0]?.headers["user-agent"], "effect-agentcore-identity")
      assert.strictEqual(requests[0]?.headers["accept-encoding"], "identity")
    }))

  it.scoped("trusts only the certificates of its transport", () =>
    Effect.gen(function*() {
      const origin = yield* overTls((_, response) => response.end("yes"), privateAuthority)
      const secureContext = createSecureContext({ ca: [privateAuthority.authority] })
      assert.strictEqual((yield* send(local, { ...transport, secureContext }, get(origin))).text, "yes")
      const untrusted = yield* Effect.flip(send(local, transport, get(origin)))
      assert.strictEqual(untrusted.reason, "Certificate")
    }))
})

describe("a response", () => {
  const statuses = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index)

  /** A server that responds with the status given in the path. */
  const byStatus = server(({ path }) => ({
    status: Number(path.slice(1)),
    headers: { location: "/200" },
    body: "text"
  }))

  it.scoped("with a status from 300 to 399 is Redirected, and its location receives no request", () =>
    Effect.gen(function*() {
      const { origin, requests } = yield* byStatus
      for (const status of statuses(300, 400)) {
        const error = yield* Effect.flip(send(local, transport, get(`${origin}/${status}`)))
        assertEqual(error, { reason: "Redirected", status })
      }
      assert.strictEqual(requests.length, 100)
    }))

  it.scoped("with any other status is returned unchanged", () =>
    Effect.gen(function*() {
      const { origin } = yield* byStatus
      for (const status of [200, 201, 299, 400, 401, 499, 500, 599]) {
        assertEqual(yield* send(local, transport, get(`${origin}/${status}`)), {
          status,
          text: "text",
          freshness: undefined
        })
      }
    }))

  it.scoped("is decoded as UTF-8, even if a character is split between chunks", () =>
    Effect.gen(function*() {
      const bytes = Buffer.from("é")
      const answer = yield* answeredBy((_, response) => {
        response.writeHead(200)
        response.write(bytes.subarray(0, 1), () => setImmediate(() => response.end(bytes.subarray(1))))
      })
      assertEqual(Either.map(answer, ({ text }) => text), Either.right("é"))
    }))

  it.scoped("of 1 MiB is read, and a response one byte longer is TooLarge", () =>
    Effect.gen(function*() {
      assert.strictEqual(maxBytes, 1_048_576)
      const { origin } = yield* server(({ path }) => ({ status: 418, body: "x".repeat(Number(path.slice(1))) }))
      const whole = yield* send(local, transport, get(`${origin}/${maxBytes}`))
      assert.strictEqual(whole.text.length, maxBytes)
      assertEqual(yield* Effect.flip(send(local, transport, get(`${origin}/${maxBytes + 1}`))), {
        reason: "TooLarge",
        status: 418
      })
    }))

  it.scoped("without an end is TooLarge as soon as it exceeds the limit, and its connection is closed", () =>
    Effect.gen(function*() {
      const closed = yield* Deferred.make<void>()
      const answer = yield* answeredBy((_, response) => {
        const more = () => response.write("x".repeat(65_536), () => response.destroyed || setImmediate(more))
        response.on("close", () => Deferred.unsafeDone(closed, Effect.void))
        response.writeHead(200)
        more()
      })
      assertEqual(answer, Either.left({ reason: "TooLarge", status: 200 }))
      yield* Deferred.await(closed)
    }))

  const lost: ReadonlyArray<readonly [what: string, listener: RequestListener]> = [
    ["whose connection ends before it", ({ socket }) => socket.destroy()],
    ["whose connection ends in its middle", (request, response) => {
      response.writeHead(200, { "content-length": "100" })
      response.write("{", () => request.socket.destroy())
    }],
    ["whose connection ends in the middle of a chunk", (request) => {
      const head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
      request.socket.end(`${head}5\r\nab`)
    }],
    ["that is not HTTP", ({ socket }) => socket.end("hello\r\n\r\n")],
    ["that switches to another protocol", (request) => {
      request.socket.end("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n")
    }]
  ]
  for (const [what, listener] of lost) {
    it.scoped(`${what} is Lost`, () =>
      Effect.gen(function*() {
        const answer = yield* answeredBy(listener)
        assert.strictEqual(Either.isLeft(answer) ? answer.left.reason : undefined, "Lost")
      }))
  }
})

it.scoped("a port without a server is Unreachable", () =>
  Effect.gen(function*() {
    const error = yield* Effect.flip(send(local, transport, get(`http://127.0.0.1:${yield* freePort}`)))
    assertEqual(error, { reason: "Unreachable", description: "ECONNREFUSED" })
  }))

it.scoped("a URL that is not allowed is Forbidden with a reason, and no request is sent", () =>
  Effect.gen(function*() {
    const { origin, requests } = yield* server()
    const error = yield* Effect.flip(send({ hosts: [], loopbackOrigins: [] }, transport, get(origin)))
    assert.strictEqual(error.reason, "Forbidden")
    assert.include(error.description, `${origin} is on loopback`)
    assert.strictEqual(requests.length, 0)
  }))

describe("the time limit", () => {
  /** A server that never ends its response; records received requests and whether the connection is closed. */
  const silent = (begins: boolean) =>
    Effect.gen(function*() {
      const asked = yield* Deferred.make<void>()
      const closed = yield* Deferred.make<void>()
      const { origin } = yield* answering((request, response) => {
        request.socket.on("close", () => Deferred.unsafeDone(closed, Effect.void))
        if (begins) response.writeHead(200).write("{")
        Deferred.unsafeDone(asked, Effect.void)
      })
      return { asked: Deferred.await(asked), closed: Deferred.await(closed), origin }
    })

  for (const [what, begins] of [["does not begin", false], ["does not end", true]] as const) {
    it.scoped(`applies to the whole response: one that ${what} is TimedOut, and its connection is closed`, () =>
      Effect.gen(function*() {
        const { asked, closed, origin } = yield* silent(begins)
        const fiber = yield* Effect.fork(Effect.flip(send(local, transport, get(origin))))
        yield* asked
        yield* TestClock.adjust("9999 millis")
        assert.isTrue(Option.isNone(yield* Fiber.poll(fiber)))
        yield* TestClock.adjust("1 millis")
        assertEqual(yield* Fiber.join(fiber), { reason: "TimedOut", description: "no response within 10s" })
        yield* closed
      }))
  }

  it.scoped("does not delay an interruption, which closes the connection", () =>
    Effect.gen(function*() {
      const { asked, closed, origin } = yield* silent(false)
      const fiber = yield* Effect.fork(send(local, transport, get(origin)))
      yield* asked
      yield* Fiber.interrupt(fiber)
      yield* closed
    }))
})
