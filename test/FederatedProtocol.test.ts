/** Servers that do not speak HTTP/1.1, and responses that violate it, raw as an attacker writes them. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Either } from "effect"
import * as http2 from "node:http2"
import * as net from "node:net"
import * as tls from "node:tls"
import { send } from "../src/internal/oauth/httpClient.js"
import { privateAuthority } from "./fixtures/privateAuthority.js"
import { assertEqual } from "./support/equality.js"

const { authority, cert, key } = privateAuthority

/** Listens until the test ends. Returns the port. */
const listening = (server: net.Server) =>
  Effect.acquireRelease(
    Effect.async<number>((resume) => {
      // Connections fail as the test intends.
      for (const event of ["error", "sessionError", "tlsClientError"]) server.on(event, () => undefined)
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0))
      })
    }),
    () => Effect.sync(() => server.close())
  )

const request = (url: string) =>
  Effect.either(send(
    { hosts: ["127.0.0.1"], loopbackOrigins: [] },
    { limit: Duration.infinity, secureContext: tls.createSecureContext({ ca: authority }) },
    { url: new URL(url), method: "GET", headers: {}, body: undefined }
  ))

/** A server that answers each connection with these bytes. */
const answering = (bytes: string) => (socket: net.Socket) => {
  socket.on("error", () => undefined)
  socket.once("data", () => socket.end(bytes, "latin1"))
}

const onlyHttp2 = "enable HTTP/1.1 at the server, or in front of it; HTTP/2 alone is not supported"

const frames = "\u0000\u0000\u0000\u0004\u0000\u0000\u0000\u0000\u0000"

describe("an authorization server", () => {
  it.scoped("that offers HTTP/2 only, over TLS, is Unreachable, and the description names HTTP/1.1", () =>
    Effect.gen(function*() {
      const servers = [
        http2.createSecureServer({ key, cert, allowHTTP1: false }, (_, response) => response.end("{}")),
        tls.createServer({ key, cert, ALPNProtocols: ["h2"] }, answering(frames)),
        tls.createServer({ key, cert, ALPNProtocols: ["h2"], maxVersion: "TLSv1.2" }, answering(frames))
      ]
      for (const server of servers) {
        assertEqual(
          yield* request(`https://127.0.0.1:${yield* listening(server)}/`),
          Either.left({ reason: "Unreachable", description: `the server does not offer HTTP/1.1: ${onlyHttp2}` })
        )
      }
    }))

  it.scoped("that offers HTTP/2 and HTTP/1.1 is asked over HTTP/1.1", () =>
    Effect.gen(function*() {
      const server = http2.createSecureServer(
        { key, cert, allowHTTP1: true },
        (request, response) => response.end(request.httpVersion)
      )
      const answer = yield* request(`https://127.0.0.1:${yield* listening(server)}/`)
      assert.strictEqual(Either.getOrThrow(answer).text, "1.1")
    }))

  it.scoped("that answers HTTP/2 without TLS is Lost, and the description names HTTP/1.1", () =>
    Effect.gen(function*() {
      const servers = [
        http2.createServer((_, response) => response.end("{}")),
        net.createServer(answering(frames)),
        net.createServer(answering("SSH-2.0-Server\r\n"))
      ]
      for (const server of servers) {
        assertEqual(
          yield* request(`http://127.0.0.1:${yield* listening(server)}/`),
          Either.left({
            reason: "Lost",
            description: `the response is not HTTP/1.1 (HPE_INVALID_CONSTANT): ${onlyHttp2}`
          })
        )
      }
    }))

  it.scoped("that does not use TLS at an https URL is Unreachable, with the remedy", () =>
    Effect.gen(function*() {
      const server = net.createServer(answering("HTTP/1.1 400 Bad Request\r\n\r\n"))
      assertEqual(
        yield* request(`https://127.0.0.1:${yield* listening(server)}/`),
        Either.left({
          reason: "Unreachable",
          description: "the server does not use TLS at this port: use its https port"
        })
      )
    }))

  const violations: ReadonlyArray<readonly [title: string, bytes: string]> = [
    [
      "a length and a transfer encoding",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ],
    ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}}"],
    ["a folded header", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\n{}"],
    ["line feeds alone", "HTTP/1.1 200 OK\nContent-Length: 2\n\n{}"]
  ]
  for (const [title, bytes] of violations) {
    it.scoped(`whose response has ${title} is Lost`, () =>
      Effect.gen(function*() {
        const answer = yield* request(`http://127.0.0.1:${yield* listening(net.createServer(answering(bytes)))}/`)
        const { description, reason } = Either.getOrThrow(Either.flip(answer))
        assert.strictEqual(reason, "Lost")
        assert.match(String(description), /^the response violates HTTP\/1\.1 \(HPE_[A-Z_]+\)$/)
      }))
  }

  it.scoped("whose headers are too large is Lost, with the limit", () =>
    Effect.gen(function*() {
      const server = net.createServer(answering(`HTTP/1.1 200 OK\r\nX: ${"a".repeat(20_000)}\r\n\r\n`))
      assertEqual(
        yield* request(`http://127.0.0.1:${yield* listening(server)}/`),
        Either.left({
          reason: "Lost",
          description: "the headers of the response are larger than 16 KiB (HPE_HEADER_OVERFLOW)"
        })
      )
    }))

  const accepted: ReadonlyArray<readonly [title: string, bytes: string]> = [
    [
      "informational responses before it",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    ],
    [
      "a second response behind it",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"
    ],
    [
      "trailers",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nCache-Control: max-age=9\r\n\r\n"
    ]
  ]
  for (const [title, bytes] of accepted) {
    it.scoped(`whose response has ${title} is read as that response only`, () =>
      Effect.gen(function*() {
        const answer = yield* request(`http://127.0.0.1:${yield* listening(net.createServer(answering(bytes)))}/`)
        assertEqual(answer, Either.right({ status: 200, text: "{}", freshness: undefined }))
      }))
  }

  it.scoped("that switches protocols, or sends only informational responses, is Lost", () =>
    Effect.gen(function*() {
      const all = [
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(1000)
      ]
      for (const bytes of all) {
        const answer = yield* request(`http://127.0.0.1:${yield* listening(net.createServer(answering(bytes)))}/`)
        assert.strictEqual(Either.getOrThrow(Either.flip(answer)).reason, "Lost")
      }
    }))
})
