/** Bytes that no HTTP/1.1 client sends: other protocols, ambiguous messages, and connections that stay open. */
import { NodeHttpServer } from "@effect/platform-node"
import * as HttpServer from "@effect/platform/HttpServer"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { once } from "node:events"
import { createServer } from "node:http"
import * as net from "node:net"
import { afterAll, beforeAll } from "vitest"
import * as IdentityServer from "../src/IdentityServer.js"
import * as MemoryIdentity from "../src/MemoryIdentity.js"
import * as Cli from "./support/cli.js"
import { assertEqual } from "./support/equality.js"
import { authorization } from "./support/raw.js"

const create = (...headers: ReadonlyArray<string>) => [
  "POST /identities/CreateWorkloadIdentity HTTP/1.1",
  "Host: localhost",
  `Authorization: ${authorization}`,
  ...headers
]

const get = (...headers: ReadonlyArray<string>) => ["GET /_local/state HTTP/1.1", "Host: localhost", ...headers]

const message = (head: ReadonlyArray<string>, body = "") => `${head.join("\r\n")}\r\n\r\n${body}`

const close = "Connection: close"

const json = (name: string) => JSON.stringify({ name })

/** The server of `makeLocal`, with the listeners that the documentation of `make` recommends. */
const serving = Effect.gen(function*() {
  const server = createServer()
  yield* Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections()))
  const context = yield* Layer.build(
    Layer.unwrapEffect(Effect.map(IdentityServer.makeLocal(), (app) => HttpServer.serve(app))).pipe(
      Layer.provide(MemoryIdentity.layerApi()),
      Layer.provideMerge(NodeHttpServer.layer(() => server, { port: 0, host: "127.0.0.1" }))
    )
  )
  server.removeAllListeners("upgrade")
  return Number(new URL(yield* Effect.provide(HttpServer.addressFormattedWith(Effect.succeed), context)).port)
})

/** Waits until the connection is closed, also by an error. */
const closed = (socket: net.Socket) => new Promise<void>((resolve) => socket.once("close", () => resolve()))

/** Sends these bytes. Returns everything that the server sends until it closes the connection. */
const exchange = (port: number, bytes: string) =>
  Effect.promise(async () => {
    const socket = net.connect(port, "127.0.0.1")
    let received = ""
    socket.on("data", (chunk) => received += chunk.toString("latin1"))
    // The server may close the connection before it has read everything.
    socket.on("error", () => undefined)
    socket.write(bytes, "latin1")
    await closed(socket)
    return received
  })

const statuses = (received: string) =>
  [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))

const names = (port: number) =>
  Effect.map(exchange(port, message(get(close))), (received) => {
    const state: { readonly workloads: ReadonlyArray<string> } = JSON.parse(received.split("\r\n\r\n")[1] ?? "")
    return state.workloads
  })

/** A second request, which must not be answered if the first is ambiguous. */
const smuggled = message(create(close, `Content-Length: ${json("smuggled").length}`), json("smuggled"))

const rejected: ReadonlyArray<readonly [title: string, bytes: string, status: number]> = [
  ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0", 400],
  ["the method of that preface", "PRI * HTTP/1.1\r\nHost: localhost\r\n\r\n", 400],
  ["a TLS handshake", `\u0016\u0003\u0001\u0002\0\u0001\0\u0001\u00fc\u0003\u0003${"\0".repeat(64)}`, 400],
  ["HTTP/1.2", message(["GET /_local/state HTTP/1.2", "Host: localhost"]), 400],
  ["HTTP/3.0", message(["GET /_local/state HTTP/3.0", "Host: localhost"]), 400],
  ["HTTP/0.9, which has no Host header", "GET /_local/state\r\n\r\n", 403],
  [
    "a Content-Length and a Transfer-Encoding",
    message(create("Content-Length: 4", "Transfer-Encoding: chunked"), "0\r\n\r\n"),
    400
  ],
  ["two different lengths", message(create("Content-Length: 4", "Content-Length: 5"), "{}  "), 400],
  ["two equal lengths", message(create("Content-Length: 13", "Content-Length: 13"), json("twice")), 400],
  ["a list of lengths", message(create("Content-Length: 13, 13"), json("twice")), 400],
  ["a length with a sign", message(create("Content-Length: +13"), json("plus")), 400],
  ["a hexadecimal length", message(create("Content-Length: 0xd"), json("hex")), 400],
  ["a length of 20 digits", message(create(`Content-Length: ${"9".repeat(20)}`), json("long")), 400],
  ["an unknown transfer encoding", message(create("Transfer-Encoding: xchunked"), "0\r\n\r\n"), 400],
  ["a transfer encoding after chunked", message(create("Transfer-Encoding: chunked, identity"), "0\r\n\r\n"), 400],
  ["a space before a colon", message(create("Content-Length : 13"), json("space")), 400],
  ["a folded header", message(create("X: a", " b", "Content-Length: 13"), json("folded")), 400],
  ["a folded Host header", message(["GET /_local/state HTTP/1.1", "Host: localhost", " .evil.example"]), 400],
  ["line feeds alone", "GET /_local/state HTTP/1.1\nHost: localhost\n\n", 400],
  ["carriage returns alone", "GET /_local/state HTTP/1.1\rHost: localhost\r\r", 400],
  ["chunks that end with line feeds", message(create("Transfer-Encoding: chunked"), `d\n${json("chunk")}\n0\n\n`), 400],
  ["a chunk of more than 64 bits", message(create("Transfer-Encoding: chunked"), `${"f".repeat(17)}\r\n{}`), 400],
  [
    "a chunk with an extension of 20,000 characters",
    message(create("Transfer-Encoding: chunked"), `d;${"a".repeat(20_000)}\r\n`),
    413
  ],
  ["a NUL in a header", message(get("X: a\0b")), 400],
  ["headers of 20,000 characters", message(get(`X: ${"a".repeat(20_000)}`)), 431],
  [
    "more headers than Node keeps, and another Host behind them",
    message([...get(...Array<string>(2100).fill("a:")), "Host: evil.example", close]),
    431
  ]
]

describe("the local server", () => {
  for (const [title, bytes, status] of rejected) {
    it.scoped(`answers ${title} with ${status}, closes the connection, and ignores what follows`, () =>
      Effect.gen(function*() {
        const port = yield* serving
        assertEqual(statuses(yield* exchange(port, bytes + smuggled)), [status])
        assertEqual(yield* names(port), [])
      }))
  }

  it.scoped("rejects a request without a Host header, and one with an unknown expectation", () =>
    Effect.gen(function*() {
      const port = yield* serving
      assertEqual(statuses(yield* exchange(port, message(["GET /_local/state HTTP/1.1"]))), [400])
      const expecting = message(create(close, "Expect: 200-ok", "Content-Length: 13"), json("expect"))
      assertEqual(statuses(yield* exchange(port, expecting)).slice(0, 1), [417])
      assertEqual(yield* names(port), [])
    }))

  it.scoped("closes the connection of a client that requests a tunnel", () =>
    Effect.gen(function*() {
      const port = yield* serving
      assert.strictEqual(
        yield* exchange(port, `CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n${smuggled}`),
        ""
      )
      assertEqual(yield* names(port), [])
    }))

  it.scoped("answers in HTTP/1.1 to an upgrade to HTTP/2 or to a WebSocket", () =>
    Effect.gen(function*() {
      const port = yield* serving
      for (const protocol of ["h2c", "websocket", "h2c, websocket", "TLS/1.3"]) {
        const received = yield* exchange(
          port,
          message(
            get(
              "Connection: close, Upgrade, HTTP2-Settings",
              `Upgrade: ${protocol}`,
              "HTTP2-Settings: AAMAAABkAAQAAP__"
            )
          )
        )
        assertEqual(statuses(received), [200], protocol)
      }
    }))

  it.scoped("answers requests that follow each other without a pause in their order", () =>
    Effect.gen(function*() {
      const port = yield* serving
      const requests = [json("first"), json("x"), json("third")].map((body) =>
        message(create(`Content-Length: ${body.length}`), body)
      )
      const received = yield* exchange(port, requests.join("") + message(get("Content-Length: 5", close), "GET /"))
      assertEqual(statuses(received), [201, 400, 201, 200])
      assertEqual(yield* names(port), ["first", "third"])
    }))

  it.scoped("ignores trailers, which come after the headers were checked", () =>
    Effect.gen(function*() {
      const port = yield* serving
      const body = json("trailer")
      const chunks = `${
        body.length.toString(16)
      };a=b\r\n${body}\r\n0\r\nHost: evil.example\r\nX-Amzn-Trailer: a\r\n\r\n`
      const received = yield* exchange(
        port,
        message(create("Trailer: Host, X-Amzn-Trailer", "Transfer-Encoding: chunked", close), chunks)
      )
      assertEqual(statuses(received), [201])
    }))

  it.scoped("asks for the body of a client that waits for 100 Continue", () =>
    Effect.gen(function*() {
      const port = yield* serving
      const body = json("expected")
      const socket = net.connect(port, "127.0.0.1")
      let received = ""
      yield* Effect.promise(async () => {
        socket.write(message(create(close, "Expect: 100-continue", `Content-Length: ${body.length}`)))
        socket.on("data", (chunk) => {
          received += chunk.toString("latin1")
          if (received.endsWith("100 Continue\r\n\r\n")) socket.write(body)
        })
        await closed(socket)
      })
      assertEqual(statuses(received), [100, 201])
    }))

  for (
    const [title, bytes] of [
      ["a body with a length", message(create("Content-Length: 13"), "{\"na")],
      ["a chunked body", message(create("Transfer-Encoding: chunked"), "d\r\n{\"na")],
      ["headers", "GET /_local/state HTTP/1.1\r\nHost: loc"]
    ] as const
  ) {
    it.scoped(`survives a client that ends in the middle of ${title}`, () =>
      Effect.gen(function*() {
        const port = yield* serving
        const received = yield* Effect.promise(async () => {
          const socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true })
          let received = ""
          socket.on("data", (chunk) => received += chunk.toString("latin1"))
          socket.on("end", () => socket.end())
          socket.end(bytes)
          await closed(socket)
          return received
        })
        assertEqual(statuses(received), [400])
        assertEqual(yield* names(port), [])
      }))
  }
})

/** Beginnings of requests that are never completed. */
const incomplete = [
  "",
  "GET /_local/state HTTP/1.1\r\nHost: loc",
  message(create("Content-Length: 100"), "{"),
  message(create("Transfer-Encoding: chunked"), "5\r\n{"),
  message(
    ["POST /_local/approve HTTP/1.1", "Host: localhost", "Content-Type: application/json", "Content-Length: 9"],
    "{"
  ),
  message(get())
]

describe("agentcore-identity serve", { timeout: 60_000 }, () => {
  let cli: Awaited<ReturnType<typeof Cli.bundle>>

  beforeAll(async () => {
    cli = await Cli.bundle()
  }, 60_000)
  afterAll(() => cli.remove())

  it.scoped("answers behind 300 connections that stay open, and closes all of them when it ends", () =>
    Effect.gen(function*() {
      const started = cli.start(["serve", "--port", "0"])
      yield* Effect.addFinalizer(() => Effect.sync(() => started.kill("SIGKILL")))
      const port = Number(yield* Effect.promise(() => started.find("stdout", /listens on http:\S+:(\d+)\n/)))
      const open = yield* Effect.forEach(
        Array.from({ length: 300 }, (_, index) => index),
        (index) =>
          Effect.acquireRelease(
            Effect.promise(async () => {
              const socket = net.connect(port, "127.0.0.1")
              await once(socket, "connect")
              socket.on("error", () => undefined).resume()
              socket.write(incomplete[index % incomplete.length] ?? "")
              return { socket, ended: closed(socket) }
            }),
            ({ socket }) => Effect.sync(() => socket.destroy())
          )
      )
      assertEqual(statuses(yield* exchange(port, message(get(close)))), [200])
      started.kill("SIGTERM")
      const { code } = yield* Effect.promise(() => started.ended)
      assert.strictEqual(code, 0)
      yield* Effect.forEach(open, ({ ended }) => Effect.promise(() => ended))
    }))
})
