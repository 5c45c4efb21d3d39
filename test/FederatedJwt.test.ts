// @effect-diagnostics multipleEffectProvide:off
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Layer, Logger, Redacted } from "effect"
import * as jose from "jose"
import type { RequestListener } from "node:http"
import { makeKey } from "../scratchpad/agent/AuthorizationServer.js"
import * as FederatedIssuer from "../src/FederatedIssuer.js"
import * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityControls from "../src/IdentityControls.js"
import * as MemoryIdentity from "../src/MemoryIdentity.js"
import { workloadName } from "./support/agent.js"
import { answering } from "./support/answering.js"
import { assertContains, assertEqual } from "./support/equality.js"

const oauth = "/.well-known/oauth-authorization-server"
const openId = "/.well-known/openid-configuration"
const allowedHosts = ["127.0.0.1"]

const key = await makeKey()

/** An issuer with one document at `path`, and the responses of `others`. */
const issuerAt = (
  issuerPath: string,
  path: string,
  { document, others }: {
    readonly document?: (origin: string) => unknown
    readonly others?: (...args: Parameters<RequestListener>) => boolean
  } = {}
) =>
  Effect.map(
    answering((request, response) => {
      const origin = `http://${request.headers.host}`
      const { d: _d, dp: _dp, dq: _dq, p: _p, q: _q, qi: _qi, ...publicKey } = key
      if (others?.(request, response) === true) return
      const body = request.url === path
        ? document?.(origin) ?? { issuer: `${origin}${issuerPath}`, jwks_uri: `${origin}/keys` }
        : request.url === "/keys"
        ? { keys: [publicKey] }
        : undefined
      response.writeHead(body === undefined ? 404 : 200, { "content-type": "application/json" })
      response.end(JSON.stringify(body ?? {}))
    }),
    ({ origin, paths }) => ({ issuer: `${origin}${issuerPath}`, paths })
  )

const seconds = Effect.map(DateTime.now, (now) => Math.floor(DateTime.toEpochMillis(now) / 1000))

/** A correctly signed JWT with these claims; `undefined` omits a claim. */
const signed = (claims: Record<string, unknown>) =>
  Effect.gen(function*() {
    const now = yield* seconds
    const payload = { sub: "ada-canary", exp: now + 600, ...claims }
    return yield* Effect.promise(async () =>
      Redacted.make(
        await new jose.SignJWT(JSON.parse(JSON.stringify(payload)))
          .setProtectedHeader({ alg: "RS256", kid: "one" })
          .sign(await jose.importJWK(key, "RS256"))
      )
    )
  })

/** The outcome of a JWT: the caller's result, the stored state, and the log. */
const presented = (userToken: Redacted.Redacted, options: FederatedIssuer.Options) => {
  const logged: Array<string> = []
  const logger = Logger.replace(
    Logger.defaultLogger,
    Logger.make(({ message }) => {
      logged.push(String(message))
    })
  )
  return Effect.gen(function*() {
    const api = yield* IdentityApi.IdentityApi
    const { providerFailures } = yield* IdentityControls.IdentityControls
    yield* api.createWorkloadIdentity({ name: workloadName })
    const outcome = yield* Effect.either(api.getWorkloadAccessTokenForJWT({ workloadName, userToken }))
    const answer = outcome._tag === "Right" ? "accepted" : `${outcome.left._tag}: ${outcome.left.message}`
    return { answer, failures: yield* providerFailures, log: logged.join("\n") }
  }).pipe(
    Effect.provide(MemoryIdentity.layerApi().pipe(Layer.provide(FederatedIssuer.layer(options)))),
    Effect.provide(logger)
  )
}

describe("the issuer of a JWT", () => {
  const options = { verifyJwtFor: ["the agent"], allowedHosts }
  const found: ReadonlyArray<readonly [issuerPath: string, path: string, asked: ReadonlyArray<string>]> = [
    ["", openId, [openId, "/keys"]],
    ["/tenant1", `/tenant1${openId}`, [`/tenant1${openId}`, "/keys"]],
    ["", oauth, [openId, oauth, "/keys"]],
    ["/tenant1", `${oauth}/tenant1`, [`/tenant1${openId}`, `${oauth}/tenant1`, "/keys"]],
    ["/tenant1/", `${oauth}/tenant1`, [`/tenant1${openId}`, `${oauth}/tenant1`, "/keys"]]
  ]
  for (const [issuerPath, path, asked] of found) {
    it.scopedLive(`with the path "${issuerPath}" is found at ${path}`, () =>
      Effect.gen(function*() {
        const { issuer, paths } = yield* issuerAt(issuerPath, path)
        const { answer, failures } = yield* presented(yield* signed({ iss: issuer, aud: "the agent" }), options)
        assertEqual(failures, [])
        assert.strictEqual(answer, "accepted")
        assertEqual<unknown>(paths, asked)
      }))
  }

  for (const [where, path] of [["OpenID Connect", `/tenant1${openId}`], ["RFC 8414", `${oauth}/tenant1`]] as const) {
    for (const other of ["", "/tenant1/", "/tenant2"]) {
      it.scopedLive(`/tenant1 is rejected if its metadata (${where}) is that of the path "${other}"`, () =>
        Effect.gen(function*() {
          const { issuer, paths } = yield* issuerAt("/tenant1", path, {
            document: (origin) => ({ issuer: `${origin}${other}`, jwks_uri: `${origin}/keys` })
          })
          const { answer, failures } = yield* presented(yield* signed({ iss: issuer, aud: "the agent" }), options)
          assert.strictEqual(answer, "Unauthorized: Invalid user token: it could not be checked")
          assertContains(failures[0], {
            step: "discovery",
            reason: "Malformed",
            description: "no metadata of the issuer (claim iss): the discovery document has another issuer"
          })
          assert.notInclude(paths, "/keys")
        }))
    }
  }

  for (const status of [404, 410]) {
    it.scopedLive(`is requested by RFC 8414 after status ${status}`, () =>
      Effect.gen(function*() {
        const { issuer } = yield* issuerAt("/tenant1", `${oauth}/tenant1`, {
          others: ({ url }, response) => url === `/tenant1${openId}` && response.writeHead(status).end() === response
        })
        const { answer } = yield* presented(yield* signed({ iss: issuer, aud: "the agent" }), options)
        assert.strictEqual(answer, "accepted")
      }))
  }

  const indefinite: ReadonlyArray<
    readonly [what: string, answer: (...args: Parameters<RequestListener>) => void, failure: object]
  > = [
    ["status 500", (_, response) => response.writeHead(500).end(), { reason: "Malformed", status: 500 }],
    ["status 403", (_, response) => response.writeHead(403).end(), { reason: "Malformed", status: 403 }],
    ["status 429", (_, response) => response.writeHead(429).end(), { reason: "Malformed", status: 429 }],
    ["a redirect", (_, response) => response.writeHead(302, { location: "/" }).end(), { reason: "Redirected" }],
    ["garbage", (_, response) => response.end("<html>"), { reason: "Malformed" }],
    ["a lost connection", ({ socket }) => socket.destroy(), { reason: "Lost" }],
    [
      "a 404 page of 2 MiB",
      (_, response) => response.writeHead(404).end("x".repeat(2_097_152)),
      { reason: "TooLarge", status: 404 }
    ]
  ]
  for (const [what, answer, failure] of indefinite) {
    it.scopedLive(`is not requested by RFC 8414 after ${what}`, () =>
      Effect.gen(function*() {
        const { issuer, paths } = yield* issuerAt("/tenant1", `${oauth}/tenant1`, {
          others: (request, response) => {
            if (request.url !== `/tenant1${openId}`) return false
            answer(request, response)
            return true
          }
        })
        const { answer: told, failures } = yield* presented(yield* signed({ iss: issuer, aud: "the agent" }), options)
        assert.strictEqual(told, "Unauthorized: Invalid user token: it could not be checked")
        assertContains(failures[0], { step: "discovery", ...failure })
        assert.include(failures[0]?.description, "claim iss")
        assertEqual(paths, [`/tenant1${openId}`])
      }))
  }

  it.scopedLive("without metadata is requested at two locations and reported once", () =>
    Effect.gen(function*() {
      const { issuer, paths } = yield* issuerAt("/tenant1", "/elsewhere")
      const { failures } = yield* presented(yield* signed({ iss: issuer, aud: "the agent" }), options)
      assert.strictEqual(failures.length, 1)
      assertContains(failures[0], { step: "discovery", reason: "Malformed", status: 404 })
      assertEqual(paths, [`/tenant1${openId}`, `${oauth}/tenant1`])
    }))
})

describe("a JWT", () => {
  const cognito = { token_use: "access", client_id: "my-client" }
  const audience = { verifyJwtFor: ["the agent"] }
  const client = { verifyJwtClients: ["my-client", "another-client"] }
  const both = { ...audience, ...client }
  const accepted: ReadonlyArray<readonly [string, FederatedIssuer.Options, Record<string, unknown>]> = [
    ["of an accepted client, without aud", client, cognito],
    ["of an accepted client, without aud, where audiences are accepted too", both, cognito],
    ["of another accepted client, without aud", both, { client_id: "another-client" }],
    ["for an accepted audience, of any client", both, { aud: "the agent", client_id: "any" }],
    ["for an accepted audience among others", audience, { aud: ["other", "the agent"] }]
  ]
  for (const [what, options, claims] of accepted) {
    it.scopedLive(`${what}, is accepted`, () =>
      Effect.gen(function*() {
        const { issuer } = yield* issuerAt("", openId)
        const { answer, failures } = yield* presented(yield* signed({ iss: issuer, ...claims }), {
          ...options,
          allowedHosts
        })
        assertEqual(failures, [])
        assert.strictEqual(answer, "accepted")
      }))
  }

  const now = DateTime.toEpochMillis(DateTime.unsafeNow()) / 1000
  const missing = /the claim aud is missing: .*--verify-jwt AUDIENCE.*--verify-jwt-client ID/
  const rejected: ReadonlyArray<
    readonly [what: string, options: FederatedIssuer.Options, claims: Record<string, unknown>, told: RegExp]
  > = [
    ["of another client, without aud", client, { client_id: "canary" }, /the claim client_id .*--verify-jwt-client ID/],
    ["with neither aud nor client_id", client, {}, /the claim client_id/],
    ["whose client_id is a list", client, { client_id: ["my-client"] }, /the claim client_id/],
    ["with its client only in azp", both, { azp: "my-client" }, /the claim client_id/],
    ["of an accepted client, without aud, where clients are not accepted", audience, cognito, missing],
    [
      "for an accepted client as its audience",
      both,
      { aud: "my-client" },
      /the claim aud has no .*--verify-jwt AUDIENCE/
    ],
    [
      "with an audience that is not accepted, of an accepted client",
      both,
      { aud: "canary", ...cognito },
      /the claim aud/
    ],
    ["with an empty audience, of an accepted client", both, { aud: [], ...cognito }, /the claim aud/],
    ["with aud null, of an accepted client", both, { aud: null, ...cognito }, /the claim aud/],
    ["with an audience, where only clients are accepted", client, { aud: "the agent", ...cognito }, /the claim aud/],
    ["without exp", both, { aud: "the agent", exp: undefined }, /the claim exp is missing/],
    ["that has expired", both, { aud: "the agent", exp: now - 60 }, /the claim exp is in the past/],
    ["whose exp is text", both, { aud: "the agent", exp: "canary" }, /the claim exp/],
    ["without sub", both, { aud: "the agent", sub: undefined }, /the claim sub is missing/],
    ["whose sub is empty", both, { aud: "the agent", sub: "" }, /the claim sub/],
    ["whose sub is a number", both, { aud: "the agent", sub: 7 }, /the claim sub/],
    ["that is not valid yet", both, { aud: "the agent", nbf: now + 600 }, /the claim nbf is in the future/],
    ["whose nbf is text", both, { aud: "the agent", nbf: "canary" }, /the claim nbf/]
  ]
  for (const [what, options, claims, told] of rejected) {
    it.scopedLive(`${what}, is rejected, and the log names the claim and no value`, () =>
      Effect.gen(function*() {
        const { issuer } = yield* issuerAt("", openId)
        const userToken = yield* signed({ iss: issuer, ...claims })
        const { answer, failures, log } = yield* presented(userToken, { ...options, allowedHosts })
        assert.match(answer, /^Unauthorized: Invalid user token: ERR_JWT_(CLAIM_VALIDATION_FAILED|EXPIRED)$/)
        assert.strictEqual(failures.length, 1)
        assertContains(failures[0], { step: "verification", reason: "Refused" })
        const description = failures[0]?.description ?? ""
        assert.match(description, told)
        assert.include(log, description)
        for (const value of ["canary", "my-client", "the agent", "127.0.0.1", Redacted.value(userToken)]) {
          assert.notInclude(log + JSON.stringify(failures), value)
        }
      }))
  }

  for (
    const [what, iss] of [
      ["without iss", undefined],
      ["whose iss is not a URL", "canary"],
      ["whose iss has a query", "https://canary.example?a"]
    ] as const
  ) {
    it.live(`${what}, is rejected, and the log names the claim and no value`, () =>
      Effect.gen(function*() {
        const { answer, failures, log } = yield* presented(yield* signed({ iss, aud: "the agent" }), audience)
        assert.match(answer, /^Unauthorized: Invalid user token: /)
        assert.include(failures[0]?.description, "the claim iss")
        assert.notInclude(log + JSON.stringify(failures), "canary")
      }))
  }

  for (const iss of ["https://10.0.0.7/canary", "https://localhost:1", "http://127.0.0.1:1", "https://[fd00::1]"]) {
    it.live(`of the issuer ${iss} is rejected, and the log states how to allow its host without its name`, () =>
      Effect.gen(function*() {
        const { answer, failures, log } = yield* presented(yield* signed({ iss, aud: "the agent" }), audience)
        assert.strictEqual(answer, "Unauthorized: Invalid user token: it could not be checked")
        assertContains(failures[0], { step: "discovery", reason: "Forbidden" })
        const description = failures[0]?.description ?? ""
        assert.match(description, /claim iss.*the issuer's host.*--issuer-host HOST.*allowedHosts/)
        assert.include(log, description)
        for (const value of ["canary", "10.0.0.7", "localhost", "127.0.0.1", "fd00"]) {
          assert.notInclude(log + JSON.stringify(failures), value)
        }
      }))
  }

  it.live("from an issuer URL with a password is rejected, and the log contains neither", () =>
    Effect.gen(function*() {
      const iss = "https://me:canary@issuer.example"
      const { failures, log } = yield* presented(yield* signed({ iss, aud: "the agent" }), audience)
      assertContains(failures[0], { reason: "Forbidden" })
      assert.include(failures[0]?.description, "claim iss")
      for (const value of ["canary", "issuer.example"]) assert.notInclude(log + JSON.stringify(failures), value)
    }))

  it.scopedLive("whose issuer has its keys at an internal host is rejected, and the log states how to allow it", () =>
    Effect.gen(function*() {
      const { issuer } = yield* issuerAt("", openId, {
        document: (origin) => ({ issuer: origin, jwks_uri: "https://10.0.0.7/keys" })
      })
      const { failures } = yield* presented(yield* signed({ iss: issuer, aud: "the agent" }), {
        ...audience,
        allowedHosts
      })
      assertContains(failures[0], { step: "verification", reason: "Forbidden" })
      assert.match(failures[0]?.description ?? "", /the host of the issuer's keys.*--issuer-host HOST/)
    }))

  it.live("is not verified without audiences or clients", () =>
    Effect.gen(function*() {
      const userToken = yield* signed({ iss: "https://issuer.example" })
      assert.strictEqual((yield* presented(userToken, {})).answer, "accepted")
      assert.strictEqual((yield* presented(userToken, { verifyJwtFor: [], verifyJwtClients: [] })).answer, "accepted")
    }))
})
