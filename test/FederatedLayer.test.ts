import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Fiber, Layer, Option, TestClock } from "effect"
import * as FederatedIssuer from "../src/FederatedIssuer.js"
import { Issuers } from "../src/internal/emulator/state/issuer.js"
import { target } from "../src/internal/emulator/state/target.js"
import { privateAuthority } from "./fixtures/privateAuthority.js"
import { jwt } from "./support/agent.js"
import { answering, overTls } from "./support/answering.js"
import { clientOf, metadata } from "./support/authorizationServer.js"

const issuers = (options?: FederatedIssuer.Options) => Effect.provide(Issuers, FederatedIssuer.layer(options))

const nothing = { target: target({ scopes: [] }), customParameters: undefined }

/** The failure of a machine token request at this origin. */
const refused = (options: FederatedIssuer.Options | undefined, origin: string) =>
  Effect.flatMap(
    issuers(options),
    ({ federated }) =>
      federated === undefined
        ? Effect.dieMessage("there is no issuer")
        : Effect.flip(federated.machine(clientOf({ oauthDiscovery: metadata(origin) }), nothing))
  )

it.effect("without the layer no provider is federated, and no JWT is verified", () =>
  Effect.gen(function*() {
    const { federated, verify } = yield* Issuers
    assert.isUndefined(federated)
    assert.isUndefined(verify)
  }))

describe("the layer", () => {
  for (
    const [options, limit, text] of [
      [undefined, 10_000, "10s"],
      [{}, 10_000, "10s"],
      [{ timeout: undefined }, 10_000, "10s"],
      [{ timeout: "3 seconds" }, 3000, "3s"],
      [{ timeout: 250 }, 250, "250ms"]
    ] as const
  ) {
    it.scoped(`with the options ${JSON.stringify(options)} waits ${text} for a response`, () =>
      Effect.gen(function*() {
        const asked = yield* Deferred.make<void>()
        const { origin } = yield* answering(() => Deferred.unsafeDone(asked, Effect.void))
        const fiber = yield* Effect.fork(refused(options, origin))
        yield* Deferred.await(asked)
        yield* TestClock.adjust(limit - 1)
        assert.isTrue(Option.isNone(yield* Fiber.poll(fiber)))
        yield* TestClock.adjust(1)
        const { description, reason } = yield* Fiber.join(fiber)
        assert.strictEqual(reason, "TimedOut")
        assert.strictEqual(description, `no response within ${text}`)
      }))
  }

  it.effect("allows an internal host only if allowedHosts contains it", () =>
    Effect.gen(function*() {
      for (const options of [undefined, {}, { allowedHosts: [] }, { allowedHosts: ["10.0.0.8"] }]) {
        assert.strictEqual((yield* refused(options, "https://10.0.0.7")).reason, "Forbidden")
      }
    }))

  it.scoped("allows loopback endpoints of a remote provider if allowedHosts contains them", () =>
    Effect.gen(function*() {
      const { origin } = yield* answering((_, response) => response.end("[]"))
      const { authorizationServerMetadata } = metadata(origin)
      const authorizationEndpoint = "https://idp.example/auth"
      const client = clientOf({
        oauthDiscovery: { authorizationServerMetadata: { ...authorizationServerMetadata, authorizationEndpoint } }
      })
      for (const [allowedHosts, reason] of [[["127.0.0.1"], "Malformed"], [[], "Forbidden"]] as const) {
        const { federated } = yield* issuers({ allowedHosts })
        if (federated === undefined) return assert.fail("there is no issuer")
        assert.strictEqual((yield* Effect.flip(federated.machine(client, nothing))).reason, reason)
      }
    }))

  it.scoped("compares host names case-insensitively, and IPv6 addresses in every notation", () =>
    Effect.gen(function*() {
      const { origin } = yield* answering((_, response) => response.end("[]"))
      const local = origin.replace("127.0.0.1", "localhost")
      const { authorizationServerMetadata } = metadata(local)
      const authorizationEndpoint = "https://idp.example/auth"
      const client = clientOf({
        oauthDiscovery: { authorizationServerMetadata: { ...authorizationServerMetadata, authorizationEndpoint } }
      })
      const { federated } = yield* issuers({ allowedHosts: ["LocalHost"] })
      if (federated === undefined) return assert.fail("there is no issuer")
      assert.strictEqual((yield* Effect.flip(federated.machine(client, nothing))).reason, "Malformed")
      const allowed = yield* refused({ allowedHosts: ["FD00:0::1"], timeout: Duration.zero }, "https://[fd00::1]")
      assert.notStrictEqual(allowed.reason, "Forbidden")
    }))

  it.scoped("trusts the given authorities", () =>
    Effect.gen(function*() {
      const origin = yield* overTls((_, response) => response.end("[]"), privateAuthority)
      for (const options of [undefined, { certificateAuthorities: [] }]) {
        assert.strictEqual((yield* refused(options, origin)).reason, "Certificate")
      }
      const trusting = yield* refused({ certificateAuthorities: [privateAuthority.authority] }, origin)
      assert.strictEqual(trusting.reason, "Malformed")
    }))

  it.effect("verifies JWTs only if audiences or clients are given", () =>
    Effect.gen(function*() {
      const token = jwt({ iss: "idp" })
      for (
        const options of [
          { verifyJwtFor: ["the agent"] },
          { verifyJwtClients: ["the-client"] },
          { verifyJwtFor: ["the agent"], verifyJwtClients: ["the-client"] }
        ]
      ) {
        const { verify } = yield* issuers(options)
        if (verify === undefined) return assert.fail(`not verified: ${JSON.stringify(options)}`)
        assert.strictEqual((yield* Effect.flip(verify(token))).description, "the claim iss is not a URL")
      }
      for (const options of [undefined, {}, { verifyJwtFor: [] }, { verifyJwtClients: [], verifyJwtFor: [] }]) {
        assert.isUndefined((yield* issuers(options)).verify)
      }
    }))

  it.effect("names the invalid option if it cannot be built", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(
        Effect.scoped(Layer.build(FederatedIssuer.layer({ certificateAuthorities: ["canary"] })))
      )
      assert.include(String(exit), "FederatedIssuer.layer: certificateAuthorities[0] is not PEM text")
      assert.notInclude(String(exit), "canary")
      const unused = yield* Effect.exit(
        Effect.scoped(Layer.build(FederatedIssuer.layer({ verifyJwtIssuers: ["https://idp.example"] })))
      )
      assert.include(
        String(unused),
        "FederatedIssuer.layer: verifyJwtIssuers requires verifyJwtFor or verifyJwtClients"
      )
    }))

  it.scoped("verifies JWTs of the issuers in verifyJwtIssuers only", () =>
    Effect.gen(function*() {
      const { verify } = yield* issuers({ verifyJwtFor: ["the agent"], verifyJwtIssuers: ["https://idp.example"] })
      if (verify === undefined) return assert.fail("not verified")
      assert.include(
        (yield* Effect.flip(verify(jwt({ iss: "https://other.example" })))).description,
        "the claim iss is not an accepted issuer"
      )
    }))
})
