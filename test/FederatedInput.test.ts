// @effect-diagnostics multipleEffectProvide:off runEffectInsideEffect:off
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Encoding, Fiber, Logger, LogLevel, Redacted } from "effect"
import * as FederatedIssuer from "../src/FederatedIssuer.js"
import * as IdentityControls from "../src/IdentityControls.js"
import * as IdentityService from "../src/IdentityService.js"
import { workloadName } from "./support/agent.js"
import { answering } from "./support/answering.js"
import { assertContains, assertEqual } from "./support/equality.js"
import * as federated from "./support/federated.js"
import { test } from "./support/federated.js"

const jwtOf = (claims: object, header: object = { alg: "RS256" }) =>
  Redacted.make(
    [header, claims].map((part) => Encoding.encodeBase64Url(JSON.stringify(part))).join(".") + ".c2lnbmF0dXJl"
  )

const issuer = "https://a.invalid/"

/** 90,000 slashes with a suffix. */
const slashes = `${issuer}${"/".repeat(90_000)}a`

const tooLong = "its claim iss is longer than 2048 characters"

describe("an unverified JWT", () => {
  it.effect("with a long iss or sub is rejected even without verifyJwtFor, and the model limits its length", () =>
    Effect.gen(function*() {
      const identity = yield* IdentityService.IdentityService
      yield* identity.createWorkloadIdentity({ name: workloadName })
      const ask = (userToken: Redacted.Redacted) =>
        Effect.flip(identity.getWorkloadAccessToken({ workloadName, userToken }))
      const messageOf = (claims: object) => Effect.map(ask(jwtOf(claims)), ({ _tag, message }) => `${_tag}: ${message}`)
      const why = (claim: string) =>
        `Unauthorized: Invalid user token: its claim ${claim} is longer than 2048 characters`
      assert.strictEqual(yield* messageOf({ iss: slashes, sub: "ada" }), why("iss"))
      assert.strictEqual(yield* messageOf({ iss: issuer, sub: "a".repeat(2049) }), why("sub"))
      yield* identity.getWorkloadAccessToken({
        workloadName,
        userToken: jwtOf({ iss: issuer.padEnd(2048, "/"), sub: "a".repeat(2048) })
      })
      const huge = yield* ask(Redacted.make(`a.${"a".repeat(131_072)}.a`))
      assert.strictEqual(huge._tag, "ValidationError")
    }).pipe(Effect.provide(IdentityService.layerTest)))

  test(
    "is Unauthorized over HTTP, before any request is sent",
    () =>
      Effect.gen(function*() {
        const identity = yield* IdentityService.IdentityService
        const { providerFailures } = yield* IdentityControls.IdentityControls
        yield* identity.createWorkloadIdentity({ name: workloadName })
        const userToken = jwtOf({ iss: slashes, sub: "ada" })
        const error = yield* Effect.flip(identity.getWorkloadAccessToken({ workloadName, userToken }))
        assert.strictEqual(error._tag, "Unauthorized")
        assert.strictEqual(error.message, `Invalid user token: ${tooLong}`)
        const failures = yield* providerFailures
        assert.strictEqual(failures.length, 1)
        assertContains(failures[0], { step: "verification", reason: "Refused", description: tooLong })
      }),
    { verifyJwtFor: ["the agent"] }
  )

  it.scopedLive("does not block other requests while its issuer does not respond", () =>
    Effect.gen(function*() {
      const arrived = yield* Deferred.make<void>()
      const release = yield* Deferred.make<void>()
      const server = yield* answering((_, response) => {
        Deferred.unsafeDone(arrived, Effect.void)
        Effect.runFork(Effect.map(Deferred.await(release), () => response.writeHead(404).end()))
      })
      yield* Effect.gen(function*() {
        const identity = yield* IdentityService.IdentityService
        yield* identity.createWorkloadIdentity({ name: workloadName })
        const ask = (iss: string) =>
          Effect.flip(identity.getWorkloadAccessToken({ workloadName, userToken: jwtOf({ iss, sub: "ada" }) }))
        const waiting = yield* Effect.fork(ask(`${server.origin}${"/".repeat(2000)}`))
        yield* Deferred.await(arrived)
        // The first request waits; these complete in the meantime.
        assert.strictEqual((yield* ask(slashes))._tag, "Unauthorized")
        yield* identity.getWorkloadAccessToken({ workloadName })
        assert.isTrue((yield* Fiber.poll(waiting))._tag === "None")
        yield* Deferred.succeed(release, undefined)
        assert.strictEqual((yield* Fiber.join(waiting))._tag, "Unauthorized")
        // The document is missing, so the RFC 8414 location is requested.
        assertEqual(server.paths, ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"])
      }).pipe(Effect.provide(federated.layer({ verifyJwtFor: ["the agent"], allowedHosts: ["127.0.0.1"] })))
    }))
})

describe("a discovery document", () => {
  it.scopedLive("with a deeply nested or too long jwks_uri is rejected", () =>
    Effect.gen(function*() {
      for (const uri of ["[".repeat(200_000) + "]".repeat(200_000), `"https://${"\u0301\u0323".repeat(100_000)}"`]) {
        const server = yield* answering((request, response) => {
          const document = `{"issuer":"http://${request.headers.host}","jwks_uri":${uri}}`
          response.writeHead(200, { "content-type": "application/json" }).end(document)
        })
        yield* Effect.gen(function*() {
          const identity = yield* IdentityService.IdentityService
          const controls = yield* IdentityControls.IdentityControls
          yield* identity.createWorkloadIdentity({ name: workloadName })
          const userToken = jwtOf({ iss: server.origin, sub: "ada" })
          const error = yield* Effect.flip(identity.getWorkloadAccessToken({ workloadName, userToken }))
          assert.strictEqual(error._tag, "Unauthorized")
          assert.strictEqual((yield* controls.providerFailures)[0]?.step, "verification")
        }).pipe(
          Effect.provide(IdentityService.layerTest),
          Effect.provide(FederatedIssuer.layer({ verifyJwtFor: ["the agent"], allowedHosts: ["127.0.0.1"] })),
          Effect.provide(Logger.minimumLogLevel(LogLevel.None))
        )
      }
    }))
})
