import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Either } from "effect"
import type { LookupAddress, LookupOptions } from "node:dns"
import type * as dns from "node:dns"
import type * as https from "node:https"
import type { LookupFunction } from "node:net"
import { createServer } from "node:net"
import { beforeEach, vi } from "vitest"
import { type AddressPolicy, hostNotAllowed } from "../src/internal/oauth/addressPolicy.js"
import { send } from "../src/internal/oauth/httpClient.js"
import { server } from "./support/authorizationServer.js"
import { assertEqual } from "./support/equality.js"

type Resolution = string | ReadonlyArray<string>

// The resolution of each name: addresses, or an error code.
const resolver = vi.hoisted(() => ({
  resolution: "ENOTFOUND" as Resolution,
  /** The next resolutions, before `resolution`. */
  resolutions: [] as Array<Resolution>,
  asked: [] as Array<{ readonly hostname: string; readonly options: LookupOptions }>,
  lookups: [] as Array<LookupFunction | undefined>
}))

const family = (address: string) => address.includes(":") ? 6 : 4

vi.mock("node:dns", async (importOriginal) => {
  const lookup = (
    hostname: string,
    options: LookupOptions,
    callback: (error: Error | null, addresses: ReadonlyArray<LookupAddress>) => void
  ) => {
    resolver.asked.push({ hostname, options })
    const resolution = resolver.resolutions.shift() ?? resolver.resolution
    if (typeof resolution === "string") {
      return callback(Object.assign(new Error("canary"), resolution === "" ? {} : { code: resolution }), [])
    }
    callback(null, resolution.map((address) => ({ address, family: family(address) })))
  }
  return { ...await importOriginal<typeof dns>(), lookup }
})

vi.mock("node:https", async (importOriginal) => {
  const original = await importOriginal<typeof https>()
  return {
    ...original,
    request: (url: URL, options: https.RequestOptions) => {
      resolver.lookups.push(options.lookup)
      return original.request(url, options)
    }
  }
})

beforeEach(() => {
  resolver.asked.length = 0
  resolver.lookups.length = 0
})

const transport = { limit: Duration.infinity, secureContext: undefined }

const local: AddressPolicy = { hosts: [], loopbackOrigins: ["http://localhost:9000"] }

const asked = (allowed: AddressPolicy, url: string) =>
  Effect.either(send(allowed, transport, { url: new URL(url), method: "GET", headers: {}, body: undefined }))

const reasonOf = (answer: Effect.Effect.Success<ReturnType<typeof asked>>) =>
  Either.isLeft(answer) ? answer.left.reason : "answered"

/** A port that counts and closes incoming connections. */
const port = Effect.acquireRelease(
  Effect.async<{ readonly port: number; readonly connections: () => number; readonly close: () => void }>((resume) => {
    let connections = 0
    const listener = createServer((socket) => {
      connections++
      socket.destroy()
    })
    listener.listen(0, "127.0.0.1", () => {
      const address = listener.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      resume(Effect.succeed({ port, connections: () => connections, close: () => listener.close() }))
    })
  }),
  ({ close }) => Effect.sync(close)
)

describe("a host name", () => {
  for (
    const [inside, allowed] of [
      ["127.0.0.1", { hosts: [], loopbackOrigins: [] }],
      ["127.0.0.1", local],
      ["127.0.0.1", { hosts: ["other.example"], loopbackOrigins: ["http://localhost:9000"] }],
      ["10.0.0.7", local],
      ["169.254.169.254", local],
      ["::1", local],
      ["::ffff:127.0.0.1", local]
    ] as const
  ) {
    it.scoped(`that resolves to ${inside} is Forbidden if ${JSON.stringify(allowed)} is allowed, and no socket is opened`, () =>
      Effect.gen(function*() {
        const { connections, port: number } = yield* port
        resolver.resolution = [inside]
        const answer = yield* asked(allowed, `https://rebound.example:${number}/`)
        const description = hostNotAllowed(allowed, "rebound.example")
        assertEqual(answer, Either.left({ reason: "Forbidden", description }))
        assert.strictEqual(connections(), 0)
        assertEqual(resolver.asked.map(({ hostname }) => hostname), ["rebound.example"])
      }))
  }

  it.scoped("that is allowed is connected to at any address", () =>
    Effect.gen(function*() {
      const { connections, port: number } = yield* port
      resolver.resolution = ["127.0.0.1"]
      const allowed = { hosts: ["rebound.example"], loopbackOrigins: [] }
      assert.include(["Lost", "Certificate"], reasonOf(yield* asked(allowed, `https://rebound.example:${number}/`)))
      assert.strictEqual(connections(), 1)
    }))

  it.scoped("on loopback is connected to if it resolves to loopback, and is Forbidden otherwise", () =>
    Effect.gen(function*() {
      const { origin, requests } = yield* server()
      const url = origin.replace("127.0.0.1", "localhost")
      resolver.resolution = ["127.0.0.1"]
      const named = { hosts: [], loopbackOrigins: [url] }
      assert.strictEqual(reasonOf(yield* asked(named, url)), "answered")
      resolver.resolution = ["10.0.0.7"]
      assert.strictEqual(reasonOf(yield* asked(named, url)), "Forbidden")
      assert.strictEqual(requests.length, 1)
    }))

  it.scoped("that resolves to another address each time is resolved once for each request, and checked each time", () =>
    Effect.gen(function*() {
      const { origin, requests } = yield* server()
      const url = origin.replace("127.0.0.1", "localhost")
      const named = { hosts: [], loopbackOrigins: [url] }
      for (const second of ["10.0.0.7", "0.0.0.0", "::", "::ffff:10.0.0.7"]) {
        requests.length = 0
        resolver.asked.length = 0
        resolver.resolutions = [["127.0.0.1"], [second], ["127.0.0.1"]]
        assert.strictEqual(reasonOf(yield* asked(named, url)), "answered")
        assert.lengthOf(resolver.asked, 1)
        assert.strictEqual(reasonOf(yield* asked(named, url)), "Forbidden", second)
        assert.lengthOf(resolver.asked, 2)
        assert.strictEqual(reasonOf(yield* asked(named, url)), "answered")
        assert.lengthOf(requests, 2)
      }
    }))

  it.scoped("that resolves to allowed and forbidden addresses is connected to at the allowed ones only", () =>
    Effect.gen(function*() {
      const { origin, requests } = yield* server()
      const url = origin.replace("127.0.0.1", "localhost")
      const named = { hosts: [], loopbackOrigins: [url] }
      for (const others of [["10.0.0.7"], ["0.0.0.0", "::", "fe80::1", "fe80::1%lo", "169.254.169.254"]]) {
        for (const resolution of [["127.0.0.1", ...others], [...others, "127.0.0.1"]]) {
          resolver.resolution = resolution
          assert.strictEqual(reasonOf(yield* asked(named, url)), "answered", resolution.join())
        }
        resolver.resolution = others
        assert.strictEqual(reasonOf(yield* asked(named, url)), "Forbidden", others.join())
      }
      assert.lengthOf(requests, 4)
    }))

  it.scoped("with a dot at its end is another name, which is not on loopback", () =>
    Effect.gen(function*() {
      const { connections, port: number } = yield* port
      resolver.resolution = ["127.0.0.1"]
      const named = { hosts: [], loopbackOrigins: [`https://localhost:${number}`, `https://localhost.:${number}`] }
      assert.strictEqual(reasonOf(yield* asked(named, `https://localhost.:${number}/`)), "Forbidden")
      assert.strictEqual(connections(), 0)
    }))

  it.scoped("without an address is Forbidden", () =>
    Effect.gen(function*() {
      resolver.resolution = []
      assert.strictEqual(reasonOf(yield* asked(local, "https://nothing.example/")), "Forbidden")
    }))
})

describe("the addresses of a host name", () => {
  /** The addresses that the lookup passes to the connection. */
  const handed = (options: LookupOptions) =>
    Effect.gen(function*() {
      // An error with this code ends the request without a connection.
      resolver.resolution = "ENOTFOUND"
      yield* asked(local, "https://idp.example/")
      const [lookup] = resolver.lookups
      if (lookup === undefined) return assert.fail("the request has no lookup of its own")
      resolver.resolution = ["10.0.0.7", "93.184.216.34", "::1", "2606:2800:220:1::1"]
      return yield* Effect.async<ReadonlyArray<unknown>>((resume) =>
        lookup("idp.example", options, (...result) => resume(Effect.succeed(result)))
      )
    })

  it.effect("exclude internal addresses", () =>
    Effect.gen(function*() {
      assertEqual<unknown>(yield* handed({ all: true, family: 4, hints: 7 }), [null, [
        { address: "93.184.216.34", family: 4 },
        { address: "2606:2800:220:1::1", family: 6 }
      ]])
      // All addresses are checked, and the connection options are kept.
      assertEqual(resolver.asked.at(-1), { hostname: "idp.example", options: { all: true, family: 4, hints: 7 } })
    }))

  for (const options of [{}, { all: false }]) {
    it.effect(`are reduced to the first external one for ${JSON.stringify(options)}`, () =>
      Effect.gen(function*() {
        assertEqual<unknown>(yield* handed(options), [null, "93.184.216.34", 4])
        assert.isTrue(resolver.asked.at(-1)?.options.all)
      }))
  }
})

describe("an error with the code", () => {
  const codes: { readonly [reason: string]: ReadonlyArray<string> } = {
    Unreachable: ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "EADDRNOTAVAIL"],
    Certificate: [
      "CERT_HAS_EXPIRED",
      "CERT_NOT_YET_VALID",
      "DEPTH_ZERO_SELF_SIGNED_CERT",
      "SELF_SIGNED_CERT_IN_CHAIN",
      "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
      "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
      "UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY",
      "ERR_TLS_CERT_ALTNAME_INVALID",
      "ERR_TLS_HANDSHAKE_TIMEOUT",
      "ERR_SSL_WRONG_VERSION_NUMBER",
      "HOSTNAME_MISMATCH",
      "EPROTO"
    ],
    Lost: ["ECONNRESET", "ETIMEDOUT", "EPIPE", "EPROTONOSUPPORT", "X_ERR_TLS", "X_ERR_SSL", "XEPROTO", ""]
  }
  for (const [reason, all] of Object.entries(codes)) {
    for (const code of all) {
      it.effect(`"${code}" is ${reason}, and the description contains only the code`, () =>
        Effect.gen(function*() {
          resolver.resolution = code
          assertEqual<unknown>(
            yield* asked(local, "https://idp.example/"),
            Either.left({ reason, description: code })
          )
        }))
    }
  }
})
