import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, LogLevel, Redacted } from "effect"
import * as FederatedIssuer from "../src/FederatedIssuer.js"
import * as IdentityControls from "../src/IdentityControls.js"
import * as IdentityService from "../src/IdentityService.js"
import { workloadName } from "./support/agent.js"
import { answering } from "./support/answering.js"
import { assertContains, assertEqual } from "./support/equality.js"
import * as federated from "./support/federated.js"

const layer = IdentityService.layerTest.pipe(
  Layer.provide(FederatedIssuer.layer()),
  Layer.provide(Logger.minimumLogLevel(LogLevel.None))
)

/** An authorization server that serves metadata at one path for an issuer at another. */
const metadataAt = (path: string, issuer: (origin: string) => string) =>
  Effect.map(
    answering((request, response) => {
      const origin = `http://${request.headers.host}`
      const body = request.url === path
        ? { issuer: issuer(origin), token_endpoint: `${origin}/token` }
        : request.url === "/token"
        ? { access_token: "a-token", token_type: "Bearer", expires_in: 60 }
        : undefined
      response.writeHead(body === undefined ? 404 : 200, { "content-type": "application/json" })
      response.end(JSON.stringify(body ?? {}))
    }),
    ({ origin, ...server }) => ({ ...server, origin, discoveryUrl: `${origin}${path}` })
  )

const machineToken = Effect.gen(function*() {
  const identity = yield* IdentityService.IdentityService
  const { providerFailures } = yield* IdentityControls.IdentityControls
  yield* identity.createWorkloadIdentity({ name: workloadName })
  const workloadAccessToken = yield* identity.getWorkloadAccessToken({ workloadName })
  const outcome = yield* Effect.either(identity.getToken({
    providerName: federated.providerName,
    scopes: ["read"],
    authFlow: "M2M",
    workloadAccessToken
  }))
  const token = outcome._tag === "Right" ? Redacted.value(outcome.right) : outcome.left.message
  return { token, failures: yield* providerFailures }
})

const oauth = "/.well-known/oauth-authorization-server"
const openId = "/.well-known/openid-configuration"

describe("a provider's discovery URL", () => {
  const accepted: ReadonlyArray<readonly [path: string, issuerPath: string]> = [
    [oauth, ""],
    [oauth, "/"],
    [`${oauth}/tenant1`, "/tenant1"],
    [`${oauth}/tenant1`, "/tenant1/"],
    [`${oauth}/tenant1/`, "/tenant1"],
    [`${oauth}/a/b`, "/a/b"],
    [`/tenant1${oauth}`, "/tenant1"],
    [`/tenant1${oauth}`, "/tenant1/"],
    [openId, ""],
    [`/tenant1${openId}`, "/tenant1"],
    [`${openId}/tenant1`, "/tenant1"]
  ]
  for (const [path, issuerPath] of accepted) {
    it.scopedLive(`${path} belongs to the issuer with the path "${issuerPath}"`, () =>
      Effect.gen(function*() {
        const { discoveryUrl } = yield* metadataAt(path, (origin) => `${origin}${issuerPath}`)
        yield* federated.provide(discoveryUrl)
        const { failures, token } = yield* machineToken
        assertEqual(failures, [])
        assert.strictEqual(token, "a-token")
      }).pipe(Effect.provide(layer)))
  }

  const rejected: ReadonlyArray<readonly [path: string, issuer: (origin: string) => string]> = [
    [`${oauth}/tenant1`, (origin) => origin],
    [`${oauth}/tenant1`, (origin) => `${origin}/tenant2`],
    [`${oauth}/tenant1`, (origin) => `${origin}/tenant1/x`],
    [`${oauth}/tenant1`, (origin) => `${origin}/tenant1//`],
    [`${oauth}/tenant1`, (origin) => `${origin}/x/../tenant1`],
    [`${oauth}/tenant1`, (origin) => `${origin.toUpperCase()}/tenant1`],
    [`${oauth}/tenant1`, () => "https://idp.example/tenant1"],
    [`/tenant1${oauth}`, (origin) => origin],
    [oauth, (origin) => `${origin}/tenant1`],
    [`/tenant1${openId}`, (origin) => `${origin}/tenant2`],
    [`${openId}/tenant1`, (origin) => origin]
  ]
  for (const [path, issuer] of rejected) {
    it.scopedLive(`${path} does not belong to ${issuer("http://host")}`, () =>
      Effect.gen(function*() {
        const { discoveryUrl, origin, paths } = yield* metadataAt(path, issuer)
        yield* federated.provide(discoveryUrl)
        const { failures, token } = yield* machineToken
        assert.strictEqual(token, "Failed to retrieve token")
        assert.strictEqual(failures.length, 1)
        assertContains(failures[0], { step: "discovery", reason: "Malformed" })
        assert.include(
          failures[0]?.description,
          `has the issuer ${issuer(origin)}, but its URL belongs to the issuer ${origin}`
        )
        assertEqual(paths, [path])
      }).pipe(Effect.provide(layer)))
  }

  it.scopedLive("with a path on both sides of the well-known segment is rejected with a description of the expected form", () =>
    Effect.gen(function*() {
      const { discoveryUrl, paths } = yield* metadataAt(`/a${oauth}/b`, (origin) => `${origin}/a/b`)
      yield* federated.provide(discoveryUrl)
      const { failures } = yield* machineToken
      assertContains(failures[0], { step: "discovery", reason: "Misconfigured" })
      assert.include(failures[0]?.description, oauth)
      assertEqual(paths, [])
    }).pipe(Effect.provide(layer)))

  it.scopedLive("can be replaced by that of another issuer with setIssuer", () =>
    Effect.gen(function*() {
      const { discoveryUrl } = yield* metadataAt(`${oauth}/tenant1`, (origin) => `${origin}/tenant1`)
      yield* federated.provide("https://unused.example/.well-known/openid-configuration")
      const { setIssuer } = yield* IdentityControls.IdentityControls
      yield* setIssuer(federated.providerName, { discoveryUrl })
      assert.strictEqual((yield* machineToken).token, "a-token")
    }).pipe(Effect.provide(layer)))
})
