import { Sha256 } from "@aws-crypto/sha256-js"
import * as HttpServer from "@effect/platform/HttpServer"
import { assert, it } from "@effect/vitest"
import { SignatureV4 } from "@smithy/signature-v4"
import { Array as Arr, Clock, DateTime, Effect, Layer, Redacted, TestClock } from "effect"
import * as net from "node:net"
import * as IdentityServer from "../src/IdentityServer.js"
import * as MemoryIdentity from "../src/MemoryIdentity.js"
import { assertEqual } from "./support/equality.js"
import { authorization, send } from "./support/raw.js"
import { origin, Port } from "./support/server.js"

const serving = (options?: IdentityServer.Options) =>
  Layer.unwrapEffect(Effect.map(IdentityServer.makeLocal(options), (app) => HttpServer.serve(app))).pipe(
    Layer.provide(MemoryIdentity.layerApi()),
    Layer.provideMerge(Port)
  )

/** The response to exactly these lines. If the last line is JSON, it is the body. */
const say = (...lines: ReadonlyArray<string>) =>
  Effect.flatMap(origin, (url) =>
    Effect.async<{ readonly status: number; readonly text: string }>((resume) => {
      let text = ""
      const socket = net.connect(Number(new URL(url).port), "127.0.0.1")
      socket.on("data", (chunk) => text += String(chunk))
      socket.on("close", () => resume(Effect.succeed({ status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]), text })))
      const [head, body] = Arr.partition(lines, (line) => line.startsWith("{"))
      socket.write([...head, "Connection: close", "", ...body, ...(body.length > 0 ? [] : [""])].join("\r\n"))
    }))

it.layer(serving({ allowedHosts: ["::ffff:127.0.0.1", "2001:DB8:0::1", "Identity.test", "other.test:8080"] }))(
  "the local server",
  (it) => {
    it.effect("accepts the configured names in every spelling", () =>
      Effect.gen(function*() {
        const hosts = ["[::ffff:127.0.0.1]", "[::FFFF:7f00:1]:9", "[2001:db8::1]", "[2001:db8:0:0:0:0:0:1]:80"]
        for (const host of [...hosts, "IDENTITY.test:1", "other.test", "[0:0:0:0:0:0:0:1]"]) {
          assert.strictEqual((yield* say("GET /_local/state HTTP/1.1", `Host: ${host}`)).status, 200, host)
        }
        for (const host of ["[::ffff:127.0.0.2]", "[2001:db8::2]", "[:::]", "[", "evil.test/localhost", "@localhost"]) {
          assert.strictEqual((yield* say("GET /_local/state HTTP/1.1", `Host: ${host}`)).status, 403, host)
        }
      }))

    it.effect("rejects a request with two Host headers", () =>
      Effect.gen(function*() {
        const twice = yield* say("GET /_local/state HTTP/1.1", "Host: localhost", "host: evil.example")
        assert.strictEqual(twice.status, 400)
        assert.notInclude(twice.text, "clock")
      }))

    it.effect("responds to a target in absolute form as to its path", () =>
      Effect.gen(function*() {
        const body = "{\"name\":\"absolute\"}"
        const create = (target: string, host: string) =>
          say(
            `POST ${target} HTTP/1.1`,
            `Host: ${host}`,
            `Authorization: ${authorization}`,
            `Content-Length: ${body.length}`,
            body
          )
        const path = "/identities/CreateWorkloadIdentity"
        const created = yield* create(`http://127.0.0.1:4599${path}`, "127.0.0.1:4599")
        assert.strictEqual(created.status, 201, created.text)
        assert.strictEqual((yield* create(`http://evil.example${path}`, "localhost")).status, 403)
        assert.strictEqual((yield* create(`http://localhost${path}`, "evil.example")).status, 403)
        const page = yield* say("GET http://localhost?still HTTP/1.1", "Host: localhost")
        assert.include(page.text, "Refresh is paused.")
      }))

    it.effect("responds to HEAD as to GET, without the body", () =>
      Effect.gen(function*() {
        const url = yield* origin
        const ask = (method: string, path: string) =>
          Effect.map(send(url, { method, path }), ({ headers, status, text }) => ({
            status,
            type: headers.get("content-type"),
            text
          }))
        for (const path of ["/", "/_local/state", "/_local/journal", "/_local/sessions", "/_local/nothing"]) {
          const got = yield* ask("GET", path)
          assertEqual(yield* ask("HEAD", path), { ...got, text: "" }, path)
          assert.strictEqual(got.status, path === "/_local/nothing" ? 404 : 200)
        }
      }))

    it.effect("rejects targets that are similar to its paths", () =>
      Effect.gen(function*() {
        const statusOf = (target: string) =>
          Effect.map(say(`GET ${target} HTTP/1.1`, "Host: localhost"), ({ status }) => status)
        assert.strictEqual(yield* statusOf("http://evil.example?x=/_local/state"), 403)
        assert.strictEqual(yield* statusOf("//_local/state"), 400)
        assert.strictEqual(yield* statusOf("http://localhost//_local/state"), 400)
        assert.strictEqual(yield* statusOf("ftp://localhost/_local/state"), 400)
        assert.strictEqual(yield* statusOf("http://localhost/_local/state"), 200)
      }))
  }
)

const credentials = { accessKeyId: "AKIDLOCAL", secretAccessKey: "local-secret" }

it.layer(
  serving({ requireSignature: { ...credentials, secretAccessKey: Redacted.make(credentials.secretAccessKey) } })
)("a server whose clock was moved", (it) => {
  it.effect("checks signatures against the real time, not the shifted time", () =>
    Effect.gen(function*() {
      const url = yield* origin
      const path = "/identities/CreateWorkloadIdentity"
      const signedAt = (name: string, millis: number) =>
        Effect.gen(function*() {
          const signer = new SignatureV4({ service: "bedrock-agentcore", region: "x", sha256: Sha256, credentials })
          const { host } = new URL(url)
          const body = JSON.stringify({ name })
          const request = { method: "POST", protocol: "http:", hostname: "127.0.0.1", path, query: {}, body }
          const { headers } = yield* Effect.promise(() =>
            signer.sign({ ...request, headers: { host } }, {
              signingDate: DateTime.toDate(DateTime.unsafeMake(millis))
            })
          )
          const { host: _, ...sent } = headers
          return (yield* send(url, { method: "POST", path, body, headers: sent })).status
        })
      yield* TestClock.setTime(Date.UTC(2026, 10, 22, 12))
      const moving = {
        method: "POST",
        path: "/_local/clock",
        headers: { "content-type": "application/json" },
        body: "{\"moveSeconds\":600}"
      }
      assert.strictEqual((yield* send(url, moving)).status, 200)
      const now = yield* Clock.currentTimeMillis
      assert.strictEqual(yield* signedAt("honest", now), 201)
      assert.strictEqual(yield* signedAt("ahead", now + 600_000), 403)
    }))
})
