import * as HttpServer from "@effect/platform/HttpServer"
import * as Response from "@effect/platform/HttpServerResponse"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import * as http from "node:http"
import * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityServer from "../src/IdentityServer.js"
import * as guard from "../src/internal/server/api/hostGuard.js"
import * as signature from "../src/internal/server/api/signature.js"
import * as wire from "../src/internal/server/api/wire.js"
import { contentSecurityPolicy } from "../src/internal/web/html.js"
import * as MemoryIdentity from "../src/MemoryIdentity.js"
import { assertNoCredentials, credentials, printed } from "./support/canaries.js"
import { assertContains, assertEqual } from "./support/equality.js"
import * as Raw from "./support/raw.js"
import { origin, Port } from "./support/server.js"
import { key, sign, type Signing } from "./support/signing.js"

const create = "/identities/CreateWorkloadIdentity"

const post = (body: NonNullable<Raw.Raw["body"]>, path = create): Raw.Raw => ({ method: "POST", path, body })

const send = (raw: Raw.Raw) => Effect.flatMap(origin, (origin) => Raw.send(origin, raw))

const errorOf = ({ headers, json, status }: Raw.Answered): Readonly<Record<string, unknown>> => ({
  status,
  exception: headers.get("x-amzn-errortype"),
  ...(typeof json === "object" && json)
})

const serving = (authenticate: wire.Authenticate) =>
  HttpServer.serve(Effect.flatMap(IdentityApi.IdentityApi, (port) => wire.handle(port, authenticate))).pipe(
    Layer.provideMerge(MemoryIdentity.layerApi()),
    Layer.provideMerge(Port)
  )

const names = Effect.gen(function*() {
  const api = yield* IdentityApi.IdentityApi
  const { workloadIdentities } = yield* api.listWorkloadIdentities({})
  return workloadIdentities.map(({ name }) => name)
})

const Plain = HttpServer.serve(IdentityServer.api).pipe(
  Layer.provideMerge(MemoryIdentity.layerApi()),
  Layer.provideMerge(Port)
)

it.layer(Plain)("a malicious request", (it) => {
  const refused = (
    what: string,
    raw: Raw.Raw,
    expected: { readonly status: number; readonly [member: string]: unknown }
  ) =>
    it.effect(`with ${what} is rejected and changes nothing`, () =>
      Effect.gen(function*() {
        const answer = yield* send(raw)
        assertContains(errorOf(answer), expected, answer.text)
        assert.notMatch(answer.text, /\bat .*\.[jt]s|node_modules|Error:/)
        assertEqual(yield* names, [])
      }))

  const unknown = { status: 404, exception: "UnknownOperationException" }
  const unparsed = { status: 400, exception: "ValidationException", reason: "CannotParse" }
  const naming = (name: string, message: string) => ({
    status: 400,
    exception: "ValidationException",
    reason: "FieldValidationFailed",
    fieldList: [{ name, message }]
  })
  const named = (members: string) => `{"name":"agent-1",${members}}`
  const deep = 100_000

  refused("an unknown path", post("{}", "/identities/createWorkloadIdentity"), unknown)
  refused("the name of an Object.prototype member as its path", post("{}", "/__proto__"), unknown)
  refused("the path of an operation and an extra segment", post("{}", `${create}/agent-1`), unknown)
  refused("another method", { method: "GET", path: create }, unknown)
  refused("a body that is not JSON", post("{\"name\":"), unparsed)
  refused("a list as its body", post("[{\"name\":\"agent-1\"}]"), unparsed)
  refused("null as its body", post("null"), unparsed)
  refused("no body", post(""), naming("name", "Member must not be null"))
  refused("null for a required member", post("{\"name\":null}"), naming("name", "Member must not be null"))
  refused(
    "null in a list",
    post(named("\"allowedResourceOauth2ReturnUrls\":[null]")),
    naming("allowedResourceOauth2ReturnUrls[0]", "Member must not be null")
  )
  refused("null in a map", post(named("\"tags\":{\"team\":null}")), naming("tags.team", "Member must not be null"))
  for (const proto of ["__proto__", "\\u005f_proto__"]) {
    refused(
      `a member ${proto}`,
      post(named(`"${proto}":{"x":1}`)),
      naming("__proto__", "Member must not have this name")
    )
    refused(
      `a tag ${proto}`,
      post(named(`"tags":{"${proto}":"x"}`)),
      naming("tags.__proto__", "Member must not have this name")
    )
  }
  refused("more nesting levels than the stack allows", post(`${"[".repeat(deep)}${"]".repeat(deep)}`), unparsed)
  refused("too many nesting levels in a member", post(named(`"tags":${"[".repeat(deep)}${"]".repeat(deep)}`)), {
    status: 400,
    reason: "FieldValidationFailed"
  })
  refused("too many nested objects", post(`${"{\"a\":".repeat(deep)}1${"}".repeat(deep)}`), {
    status: 400,
    reason: "FieldValidationFailed"
  })
  refused(
    "bytes that are not UTF-8",
    post(new Uint8Array([...Buffer.from(named("\"x\":\"")), 0xf0, 0x9f, 0x22, 0x7d])),
    unparsed
  )
  refused("a path that is not percent-encoded", post("{\"tags\":{}}", "/tags/%zz"), unparsed)
  refused("a path with an incomplete UTF-8 character", post("{\"tags\":{}}", "/tags/%F0%9F"), unparsed)
  refused("an empty name in the path", post("{\"tags\":{}}", "/tags/"), {
    status: 400,
    exception: "ValidationException"
  })

  const big = JSON.stringify({ name: "agent-1", tags: { k: "x".repeat(1024 * 1024) } })
  const stream = (size: number) => new Blob([" ".repeat(size), big]).stream()
  refused("more than 1 MiB", post(big), { ...unparsed, message: "The body is larger than 1 MiB" })
  refused("more than 1 MiB of unknown length", post(stream(0)), {
    ...unparsed,
    message: "The body is larger than 1 MiB"
  })
  refused("8 MiB of unknown length", post(stream(7 * 1024 * 1024)), unparsed)

  it.scoped("that is too large leaves its connection usable", () =>
    Effect.gen(function*() {
      const agent = yield* Effect.acquireRelease(
        Effect.sync(() => new http.Agent({ keepAlive: true, maxSockets: 1 })),
        (agent) => Effect.sync(() => agent.destroy())
      )
      const url = yield* origin
      const ask = (body: string, headers: Record<string, string>) =>
        Effect.async<readonly [number | undefined, number | undefined]>((resume) => {
          const request = http.request(`${url}${create}`, { method: "POST", agent, headers }, (response) => {
            const port = response.socket.localPort
            response.resume().on("end", () => resume(Effect.succeed([response.statusCode, port])))
          })
          request.end(body)
        })
      for (const headers of [{ "content-length": String(big.length) }, { "transfer-encoding": "chunked" }]) {
        const [status, port] = yield* ask(big, headers)
        assert.strictEqual(status, 400)
        assertEqual(yield* ask("{}", {}), [400, port])
      }
    }))

  it.effect("within the size limit is accepted with and without a content-length", () =>
    Effect.gen(function*() {
      const body = (name: string) => new Blob([`{"name":"${name}",`, "\"later\":null}"]).stream()
      const answer = yield* send(post(body("streamed-✓")))
      assert.strictEqual(errorOf(answer).status, 400)
      assert.strictEqual((yield* send(post(body("streamed")))).status, 201)
      assertEqual(yield* names, ["streamed"])
    }))
})

describe("the operation of a request", () => {
  const keyOf = (method: string, url: string) =>
    Option.getOrUndefined(Option.map(wire.match(method, url), ({ key }) => key))

  it("depends on the method and path, and not on the query", () => {
    assert.strictEqual(keyOf("POST", `${create}?x=1`), "createWorkloadIdentity")
    assert.strictEqual(keyOf("DELETE", "/tags/arn%3Aaws?tagKeys=a&tagKeys=b"), "untagResource")
    assert.strictEqual(keyOf("GET", "/tags/%zz"), "listTagsForResource")
  })

  it("is undefined for a page", () => {
    for (const url of ["/", "/tags", "", "?", "//", "/consent/1", "http://localhost/"]) {
      assert.isUndefined(keyOf("GET", url), url)
    }
  })
})

const unusable = Effect.fail<wire.Fault>({ exception: "X", status: 400, message: "" })

it.layer(serving(signature.make()))("a request to a server that requires signatures", (it) => {
  const credential = (authorization: string) => Effect.map(send({ ...post("{}"), headers: { authorization } }), errorOf)

  it.effect("must be signed", () =>
    Effect.gen(function*() {
      assertContains(yield* credential(""), { status: 403, exception: "MissingAuthenticationTokenException" })
      assertEqual(yield* names, [])
    }))

  it.effect("must have a well-formed signature with any key", () =>
    Effect.gen(function*() {
      const good = Raw.authorization
      assertContains(yield* credential(good), { exception: "ValidationException" })
      const broken = [
        "Bearer token",
        "AWS4-HMAC-SHA256",
        good.replace("HMAC", "NONE"),
        good.replace(/, Signature=.*/, ""),
        good.replace(/0$/, ""),
        good.replace("SignedHeaders=host", "SignedHeaders="),
        good.replace("AKID", ""),
        good.replace("20261122", "today"),
        good.replace("aws4_request", "aws5_request")
      ]
      for (const one of broken) {
        assertContains(yield* credential(one), { status: 400, exception: "IncompleteSignatureException" }, one)
      }
    }))

  it.effect("must be signed for this service", () =>
    Effect.gen(function*() {
      assertContains(yield* credential(Raw.authorization.replace("bedrock-agentcore", "s3")), {
        status: 403,
        exception: "InvalidSignatureException",
        message: "Credential should be scoped to correct service: 'bedrock-agentcore'."
      })
    }))
})

const required = signature.make({ required: { ...key, secretAccessKey: Redacted.make(key.secretAccessKey) } })

const signed = (body: string, signing?: Signing) => Effect.map(Effect.flatMap(sign(body, signing), send), errorOf)

const workload = (name: string) => JSON.stringify({ name })

it.layer(serving(required))("a request to a server that requires a key", (it) => {
  const wrong = { status: 403, exception: "InvalidSignatureException" }

  it.effect("is executed if it is signed with this key", () =>
    Effect.gen(function*() {
      assertContains(yield* signed(workload("signed")), { status: 201, exception: null })
      const arn =
        "arn:aws:bedrock-agentcore:us-east-1:123456789012:workload-identity-directory/default/workload-identity/x"
      const tags = yield* signed("", {
        method: "DELETE",
        path: `/tags/${encodeURIComponent(arn)}`,
        query: { tagKeys: ["b c", "a+&", "✓"] }
      })
      assert.notInclude(["InvalidSignatureException"], tags.exception)
    }))

  it.effect("is rejected if any part of it was changed after signing", () =>
    Effect.gen(function*() {
      const changes: ReadonlyArray<(raw: Raw.Raw) => Raw.Raw> = [
        (raw) => ({ ...raw, body: workload("other") }),
        (raw) => ({ ...raw, path: "/identities/DeleteWorkloadIdentity" }),
        (raw) => ({ ...raw, path: `${raw.path}?x=1` }),
        (raw) => ({ ...raw, headers: { ...raw.headers, "x-odd": "c" } }),
        (raw) => ({ ...raw, headers: { ...raw.headers, "x-amz-content-sha256": "UNSIGNED-PAYLOAD" } }),
        ({ headers: { "x-odd": _, ...headers } = {}, ...raw }) => ({ ...raw, headers })
      ]
      const before = yield* names
      for (const change of changes) assertContains(yield* signed(workload("changed"), { change }), wrong)
      assertEqual(yield* names, before)
    }))

  it.effect("is rejected with another secret or another key, and the error does not reveal the key", () =>
    Effect.gen(function*() {
      const forged = yield* signed(workload("forged"), { key: { ...key, secretAccessKey: "guess" } })
      assertContains(forged, wrong)
      assert.notInclude(JSON.stringify(forged), key.secretAccessKey)
      assertContains(yield* signed(workload("forged"), { key: { ...key, accessKeyId: "AKIDOTHER" } }), {
        status: 403,
        exception: "UnrecognizedClientException"
      })
    }))

  it.effect("is rejected without the credentials in the error", () =>
    Effect.gen(function*() {
      const refusals = [
        yield* signed(workload("forged"), { key: credentials }),
        yield* signed(workload("forged"), { key: { ...credentials, accessKeyId: key.accessKeyId } }),
        yield* signed(workload("forged"), { key: credentials, at: "1969-12-31T00:00:00Z" }),
        yield* signed(workload("forged"), {
          key: credentials,
          change: (raw) => ({
            ...raw,
            headers: { ...raw.headers, authorization: (raw.headers?.["authorization"] ?? "").replace("bedrock", "x") }
          })
        })
      ]
      assertEqual(refusals.map(({ exception }) => exception), [
        "UnrecognizedClientException",
        "InvalidSignatureException",
        "InvalidSignatureException",
        "InvalidSignatureException"
      ])
      assertNoCredentials(...refusals.flatMap(printed))
    }))

  it.effect("is rejected if its date is more than five minutes in the past or in the future", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(Date.UTC(2026, 10, 22, 12))
      assertContains(yield* signed(workload("in-time"), { at: "2026-11-22T11:55:00Z" }), { status: 201 })
      assertContains(yield* signed(workload("late"), { at: "2026-11-22T11:54:59Z" }), {
        ...wrong,
        message: "Signature expired: 20261122T115459Z is now earlier than 20261122T115500Z (20261122T120000Z - 5 min.)"
      })
      assertContains(yield* signed(workload("early"), { at: "2026-11-22T12:05:01Z" }), {
        ...wrong,
        message:
          "Signature not yet current: 20261122T120501Z is still later than 20261122T120500Z (20261122T120000Z + 5 min.)"
      })
    }))
})

const page = Response.text("page", { headers: { "cache-control": "max-age=60" } })

const guarded = (app: Effect.Effect<Response.HttpServerResponse, wire.Fault>, options?: guard.Options) =>
  HttpServer.serve(guard.withRequestIds(guard.make(options)(app))).pipe(Layer.provideMerge(Port))

/** A request with its own Host header, which `fetch` does not allow. */
const addressed = (host: string) =>
  Effect.flatMap(
    origin,
    (url) =>
      Effect.async<{ readonly status: number | undefined; readonly headers: http.IncomingHttpHeaders }>((resume) => {
        const options = host === undefined ? { setHost: false } : { headers: { host } }
        http.get(url, options, (response) => {
          response.resume().on("end", () =>
            resume(Effect.succeed({ status: response.statusCode, headers: response.headers })))
        })
      })
  )

it.layer(guarded(Effect.succeed(page), { hosts: ["Identity.test"] }))("the guard", (it) => {
  it.effect("accepts loopback names with any port, and configured names", () =>
    Effect.gen(function*() {
      for (const host of ["localhost", "LOCALHOST:1", "127.0.0.1:80", "[::1]", "[::1]:65535", "identity.test:9"]) {
        assert.strictEqual((yield* addressed(host)).status, 200, host)
      }
    }))

  it.effect("rejects all other host names", () =>
    Effect.gen(function*() {
      const hosts = [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "localhost:80:80",
        "::1",
        "[::2]"
      ]
      for (const host of [...hosts, "localhost@evil.example", " ", "test"]) {
        const { headers, status } = yield* addressed(host)
        assert.strictEqual(status, 403, host)
        assert.match(headers["content-type"] ?? "", /^text\/plain/)
        assert.strictEqual(headers["x-content-type-options"], "nosniff")
      }
    }))

  it.effect("adds security headers unless the response already has them", () =>
    Effect.gen(function*() {
      const { headers } = yield* addressed("localhost")
      assertContains(headers, {
        "cache-control": "max-age=60",
        "content-security-policy": contentSecurityPolicy("none"),
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY"
      })
    }))

  it.effect("adds a unique request id to every response", () =>
    Effect.gen(function*() {
      const ids = yield* Effect.replicateEffect(
        Effect.map(addressed("localhost"), ({ headers }) => headers["x-amzn-requestid"]),
        5
      )
      for (const id of ids) assert.match(String(id), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/)
      assert.strictEqual(new Set(ids).size, 5)
    }))
})

it.layer(guarded(unusable))("a failure behind the guard", (it) => {
  it.effect("also has the security headers", () =>
    Effect.gen(function*() {
      const { headers, status } = yield* addressed("localhost")
      assert.strictEqual(status, 500)
      assert.strictEqual(headers["content-security-policy"], contentSecurityPolicy("none"))
    }))
})
