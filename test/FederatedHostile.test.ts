import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, LogLevel, Redacted, type Scope } from "effect"
import * as FederatedIssuer from "../src/FederatedIssuer.js"
import * as IdentityControls from "../src/IdentityControls.js"
import * as IdentityService from "../src/IdentityService.js"
import * as addresses from "../src/internal/oauth/addressPolicy.js"
import { selfSigned } from "./fixtures/selfSigned.js"
import { workloadName } from "./support/agent.js"
import { answering, freePort, overTls } from "./support/answering.js"
import { assertContains, assertEqual } from "./support/equality.js"
import * as federated from "./support/federated.js"

const layer = (options?: FederatedIssuer.Options) =>
  IdentityService.layerTest.pipe(
    Layer.provide(FederatedIssuer.layer({ timeout: "20 seconds", ...options })),
    Layer.provide(Logger.minimumLogLevel(LogLevel.None))
  )

type Services = IdentityService.IdentityService | IdentityControls.IdentityControls

const test = <E>(
  name: string,
  body: Effect.Effect<void, E, Services | Scope.Scope>,
  options?: FederatedIssuer.Options
) => it.scopedLive(name, () => Effect.provide(body, layer(options)))

type Server = Effect.Effect.Success<ReturnType<typeof answering>>

type Handler = (...args: Parameters<Parameters<typeof answering>[0]>) => void

const json = (body: unknown, status = 200): Handler => (_, response) => {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))
}

const text = (body: string, status = 200): Handler => (_, response) => {
  response.writeHead(status, { "content-type": "text/html" }).end(body)
}

/** Requests a machine token from a provider whose token endpoint responds this way. */
const asked = (token: Handler, config: Parameters<typeof federated.provide>[1] = {}) =>
  Effect.gen(function*() {
    const server: Server = yield* answering((request, response) => token(request, response))
    const description = {
      issuer: server.origin,
      authorizationEndpoint: `${server.origin}/auth`,
      tokenEndpoint: `${server.origin}/token`
    }
    return yield* askedOf({ oauthDiscovery: { authorizationServerMetadata: description }, ...config })
  })

const askedOf = (config: Parameters<typeof federated.provide>[1]) =>
  Effect.gen(function*() {
    const identity = yield* IdentityService.IdentityService
    const controls = yield* IdentityControls.IdentityControls
    yield* identity.createWorkloadIdentity({ name: workloadName })
    yield* federated.provide("https://unused.example/.well-known/openid-configuration", config)
    const workloadAccessToken = yield* identity.getWorkloadAccessToken({ workloadName })
    const outcome = yield* Effect.either(
      identity.getToken({
        providerName: federated.providerName,
        scopes: ["read"],
        authFlow: "M2M",
        workloadAccessToken
      })
    )
    return { outcome, failures: yield* controls.providerFailures }
  })

const discovered = (discoveryUrl: string) => askedOf({ oauthDiscovery: { discoveryUrl } })

const refused = ({ outcome }: Effect.Effect.Success<ReturnType<typeof askedOf>>) => {
  if (outcome._tag === "Right") return assert.fail("there was a token")
  assert.strictEqual(outcome.left._tag, "ValidationError")
  assert.strictEqual(outcome.left.message, "Failed to retrieve token")
}

describe("a token endpoint", () => {
  const cases: ReadonlyArray<
    readonly [what: string, handler: Handler, failure: Partial<IdentityControls.ProviderFailure>]
  > = [
    ["that responds with HTML", text("<html>hello"), { reason: "Malformed", status: 200 }],
    ["that responds with a JSON array", json(["access_token"]), { reason: "Malformed" }],
    ["that responds with an empty body", text(""), { reason: "Malformed" }],
    ["that responds without a token", json({ token_type: "bearer" }), { reason: "Malformed" }],
    ["that responds with a token of the wrong type", json({ access_token: 7, token_type: "bearer" }), {
      reason: "Malformed"
    }],
    [
      "that responds with an invalid lifetime",
      json({ access_token: "token", token_type: "bearer", expires_in: "soon" }),
      { reason: "Malformed" }
    ],
    [
      "that responds with a deeply nested token",
      text(`{"access_token":${"[".repeat(200_000)}${"]".repeat(200_000)}}`),
      {
        reason: "Malformed"
      }
    ],
    [
      "that responds with a deeply nested lifetime",
      text(`{"access_token":"token","expires_in":${"[".repeat(200_000)}${"]".repeat(200_000)}}`),
      { reason: "Malformed" }
    ],
    [
      "that responds with an unsupported token type",
      json({ access_token: "token", token_type: "mac", expires_in: 60 }),
      { reason: "Malformed" }
    ],
    ["that fails with an HTML page", text("<html>oops", 500), { reason: "Refused", status: 500 }],
    ["that fails with status 200", json({ error: "bad_verification_code" }), {
      reason: "Refused",
      status: 200,
      error: "bad_verification_code"
    }],
    ["that redirects", (_, response) => {
      response.writeHead(307, { location: "http://127.0.0.1:1/token" }).end()
    }, { reason: "Redirected", status: 307 }],
    ["that responds with two megabytes", text("x".repeat(2_097_152)), { reason: "TooLarge" }],
    ["that never ends its response", (_, response) => {
      response.writeHead(200)
      response.write("{")
    }, { reason: "TimedOut" }],
    ["that never starts its response", () => {}, { reason: "TimedOut" }],
    ["that uses another protocol", (request) => {
      request.socket.end("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n")
    }, { reason: "Lost" }],
    ["that closes the connection", (request) => request.socket.destroy(), { reason: "Lost" }],
    ["that closes the connection within the response", (request, response) => {
      response.writeHead(200, { "content-length": "100" })
      response.write("{", () => request.socket.destroy())
    }, { reason: "Lost" }]
  ]
  for (const [what, handler, failure] of cases) {
    test(
      `${what} yields no token`,
      Effect.gen(function*() {
        const answer = yield* asked(handler)
        refused(answer)
        assertContains(answer.failures[0], { providerName: "own", step: "token", ...failure })
        assert.strictEqual(answer.failures.length, 1)
      }),
      // The others must respond within the limit also on a busy machine.
      failure.reason === "TimedOut" ? { timeout: "300 millis" } : undefined
    )
  }

  test(
    "that echoes the request leaks no secret",
    Effect.gen(function*() {
      const answer = yield* asked((request, response) => {
        let body = ""
        request.on("data", (chunk) => body += chunk)
        request.on("end", () => {
          const secret = new URLSearchParams(body).get("client_secret")
          json({ error: "invalid_client", error_description: `\u001b[2Jnot ${secret}\r\n${"x".repeat(999)}` }, 401)(
            request,
            response
          )
        })
      }, { clientAuthenticationMethod: "CLIENT_SECRET_POST" })
      refused(answer)
      const { description = "" } = answer.failures[0] ?? {}
      assert.match(description, /^ ?\[2Jnot <redacted> x+…$/)
      assert.isTrue(description.length < 310)
    })
  )

  test(
    "that echoes the client's credentials, encoded or decoded, leaks none of them",
    Effect.gen(function*() {
      const answer = yield* asked((request, response) => {
        const [, sent = ""] = (request.headers.authorization ?? "").split(" ")
        const description = `bad: ${sent} ${Buffer.from(sent, "base64").toString()}`
        json({ error: "invalid_client", error_description: description }, 401)(request, response)
      })
      assert.strictEqual(answer.failures[0]?.description, "bad: <redacted> <redacted>")
    })
  )

  test(
    "that echoes the raw request leaks none of its secrets",
    Effect.gen(function*() {
      const answer = yield* asked((request, response) => {
        let body = ""
        request.on("data", (chunk) => body += chunk)
        request.on("end", () => json({ error: "invalid_request", error_description: body }, 400)(request, response))
      }, { clientAuthenticationMethod: "CLIENT_SECRET_POST" })
      const { description = "" } = answer.failures[0] ?? {}
      assert.include(description, "client_secret=<redacted>")
      assert.notMatch(description, /s(:|%3A)e/i)
    })
  )

  for (
    const [written, shown] of [
      ["s%3ae%2fc+r%2be%25t", "not <redacted>"],
      ["s:e\\/c r+e%t", "not <redacted>"],
      ["s&#58;e&#x2f;c r+e%t", "not <redacted>"],
      ["\\u0073:e/c r+e%t", "<redacted>"]
    ] as const
  ) {
    test(
      `that echoes the client's secret as ${written} does not leak it`,
      Effect.gen(function*() {
        const answer = yield* asked(json({ error: "invalid_client", error_description: `not ${written}` }, 401))
        assert.strictEqual(answer.failures[0]?.description, shown)
      })
    )
  }

  test(
    "receives the client id and secret with exactly the encoding of RFC 6749",
    Effect.gen(function*() {
      let authorization = ""
      const { outcome } = yield* asked((request, response) => {
        authorization = request.headers.authorization ?? ""
        json({ access_token: "token", token_type: "bearer", expires_in: 60 })(request, response)
      }, { clientId: "1234.5678", clientSecret: Redacted.make("a_b-c.d/e") })
      assert.strictEqual(outcome._tag, "Right")
      const sent = Buffer.from(authorization.replace("Basic ", ""), "base64").toString()
      assert.strictEqual(sent, "1234.5678:a_b-c.d%2Fe")
    })
  )

  test(
    "with a very large expires_in yields a token",
    Effect.gen(function*() {
      const { outcome } = yield* asked(json({ access_token: "token", token_type: "bearer", expires_in: 2 ** 63 }))
      assert.strictEqual(outcome._tag, "Right")
    })
  )

  test(
    "that returns no lifetime receives a request for each call",
    Effect.gen(function*() {
      let count = 0
      const { outcome } = yield* asked((request, response) =>
        json({ access_token: `token-${++count}`, token_type: "Bearer" })(request, response)
      )
      assert.strictEqual(outcome._tag, "Right")
      const identity = yield* IdentityService.IdentityService
      const workloadAccessToken = yield* identity.getWorkloadAccessToken({ workloadName })
      const again = yield* identity.getToken({
        providerName: federated.providerName,
        scopes: ["read"],
        authFlow: "M2M",
        workloadAccessToken
      })
      assert.strictEqual(Redacted.value(again), "token-2")
    })
  )

  test(
    "that is down yields no token, and the error is Unreachable",
    Effect.gen(function*() {
      const origin = `http://127.0.0.1:${yield* freePort}`
      const answer = yield* discovered(`${origin}/.well-known/openid-configuration`)
      refused(answer)
      assertContains(answer.failures[0], { step: "discovery", reason: "Unreachable", description: "ECONNREFUSED" })
    })
  )

  test(
    "with an untrusted certificate receives no request",
    Effect.gen(function*() {
      const origin = yield* overTls(() => {}, selfSigned)
      const answer = yield* discovered(`${origin}/.well-known/openid-configuration`)
      refused(answer)
      assertContains(answer.failures[0], {
        step: "discovery",
        reason: "Certificate",
        description: "DEPTH_ZERO_SELF_SIGNED_CERT"
      })
    })
  )

  test(
    "without TLS at an https URL receives no request",
    Effect.gen(function*() {
      const { origin, paths } = yield* answering(() => {})
      const answer = yield* discovered(`${origin.replace("http:", "https:")}/.well-known/openid-configuration`)
      refused(answer)
      assertContains(answer.failures[0], { reason: "Unreachable" })
      assertEqual(paths, [])
    })
  )
})

describe("a discovery document", () => {
  const documented = (document: (origin: string) => unknown) =>
    Effect.gen(function*() {
      const server: Server = yield* answering((request, response) =>
        request.url?.startsWith("/.well-known/") === true
          ? json(document(`http://${request.headers.host}`))(request, response)
          : json({ access_token: "stolen", token_type: "bearer", expires_in: 60 })(request, response)
      )
      return { server, answer: yield* discovered(`${server.origin}/.well-known/openid-configuration`) }
    })

  const cases: ReadonlyArray<readonly [string, (origin: string) => unknown, object]> = [
    ["of another issuer", (origin) => ({
      issuer: "https://another.example",
      token_endpoint: `${origin}/token`
    }), { step: "discovery", reason: "Malformed" }],
    ["without an issuer", (origin) => ({ token_endpoint: `${origin}/token` }), {
      step: "discovery",
      reason: "Malformed"
    }],
    ["without a token endpoint", (origin) => ({ issuer: origin }), { step: "token", reason: "Malformed" }],
    ["with a token endpoint that is not a URL", (origin) => ({ issuer: origin, token_endpoint: "token" }), {
      step: "token",
      reason: "Malformed"
    }],
    ...[
      "http://169.254.169.254/latest/meta-data",
      "https://169.254.169.254/latest/meta-data",
      "https://[fd00:ec2::254]/latest/meta-data",
      "https://[::ffff:169.254.169.254]/",
      "https://2852039166/",
      "https://10.0.0.1/token",
      "https://192.168.1.1/token",
      "https://0.0.0.0/token",
      "https://me:secret@issuer.example/token",
      "http://issuer.example/token",
      "file:///etc/passwd",
      "ftp://issuer.example/token"
    ].map((url) =>
      [`that leads to ${url}`, (origin: string) => ({ issuer: origin, token_endpoint: url }), {
        step: "token",
        reason: "Forbidden"
      }] as const
    )
  ]
  test(
    "with invalid client authentication methods is read without them",
    Effect.gen(function*() {
      const { answer } = yield* documented((origin) => ({
        issuer: origin,
        token_endpoint: `${origin}/token`,
        token_endpoint_auth_methods_supported: 5
      }))
      assert.strictEqual(answer.outcome._tag, "Right")
    })
  )

  test(
    "that leads to another loopback port does not get the client's secret sent there",
    Effect.gen(function*() {
      const other = yield* answering(json({ access_token: "stolen", token_type: "bearer", expires_in: 60 }))
      const { answer } = yield* documented((origin) => ({ issuer: origin, token_endpoint: `${other.origin}/token` }))
      refused(answer)
      assertContains(answer.failures[0], { step: "token", reason: "Forbidden" })
      assert.include(answer.failures[0]?.description, `token_endpoint: ${other.origin} is on loopback`)
      assertEqual(other.paths, [])
    })
  )

  for (const [what, document, failure] of cases) {
    test(
      `${what} is not followed`,
      Effect.gen(function*() {
        const { answer, server } = yield* documented(document)
        refused(answer)
        assertContains(answer.failures[0], failure)
        assertEqual(server.paths, ["/.well-known/openid-configuration"])
      })
    )
  }
})

describe("an address", () => {
  const from = (loopbackOrigins: ReadonlyArray<string>, ...hosts: ReadonlyArray<string>) => ({ loopbackOrigins, hosts })
  const isAsked = (allowed: addresses.AddressPolicy, url: string) =>
    addresses.rejectReason(allowed, new URL(url)) === undefined

  it("on loopback is fetched only if the configuration names its origin", () => {
    for (const url of ["http://127.0.0.1:9/", "http://localhost:9/", "https://localhost/", "http://[::1]:9/"]) {
      assert.isTrue(isAsked(from([new URL(url).origin]), url), url)
      assert.isFalse(isAsked(from([]), url), url)
    }
  })

  it("in a private network is fetched by https if its host is allowed", () => {
    assert.isTrue(isAsked(from([], "10.1.2.3"), "https://10.1.2.3/token"))
    assert.isFalse(isAsked(from([], "10.1.2.3"), "http://10.1.2.3/token"))
    assert.isFalse(isAsked(from([], "10.1.2.3"), "https://10.1.2.4/token"))
  })

  it("that a host name resolves to is checked too", () => {
    for (
      const address of ["127.0.0.1", "::1", "10.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "fe80::1", "fc00::1"]
    ) {
      assert.isFalse(addresses.isAddressAllowed(from(["http://localhost:9"]), "rebound.example", address), address)
      assert.isTrue(addresses.isAddressAllowed(from([], "idp.corp.example"), "idp.corp.example", address), address)
    }
    for (const address of ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"]) {
      assert.isTrue(addresses.isAddressAllowed(from([]), "issuer.example", address), address)
    }
    assert.isTrue(addresses.isAddressAllowed(from(["http://localhost:9"]), "localhost", "127.0.0.1"))
    assert.isFalse(addresses.isAddressAllowed(from(["http://localhost:9"]), "localhost", "10.0.0.1"))
  })
})
