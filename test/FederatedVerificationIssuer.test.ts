import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Option, TestClock } from "effect"
import { generateKeyPairSync } from "node:crypto"
import * as verifyJwt from "../src/internal/oauth/verifyJwt.js"
import { answering } from "./support/answering.js"
import { reach } from "./support/authorizationServer.js"
import { assertContains, assertEqual } from "./support/equality.js"

import { issuerWith, keySet, oauth, openId, p256, recipients, refusedOf, rsa, signed } from "./support/signedJwt.js"

describe("the keys of an issuer", () => {
  for (const body of ["", "<html>", "[]", "{}", `{"keys":7}`]) {
    it.scoped(`that are ${body === "" ? "empty" : body} are Malformed`, () =>
      Effect.gen(function*() {
        const { origin } = yield* issuerWith({ body })
        assertContains(yield* refusedOf(yield* signed({ iss: origin })), {
          step: "verification",
          reason: "Malformed",
          description: "the keys of the issuer are not a JSON Web Key Set"
        })
      }))
  }

  // RFC 7517, section 5: unknown keys are ignored.
  for (const body of [`{"keys":[]}`, `{"keys":[7]}`, `{"keys":[{}]}`, `{"keys":[{"kty":7}]}`]) {
    it.scoped(`that are ${body} contain no key for the signature`, () =>
      Effect.gen(function*() {
        const { origin } = yield* issuerWith({ body })
        assertContains(yield* refusedOf(yield* signed({ iss: origin })), {
          step: "verification",
          reason: "Refused",
          description: "the issuer publishes no key for the signature"
        })
      }))
  }

  it.scoped("are Malformed if the key for the signature is unusable", () =>
    Effect.gen(function*() {
      const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 1024 })
      const unusable = [
        [{ kty: "EC", crv: "P-256", x: "AA", y: "AA" }, ["ES256", p256]],
        [publicKey.export({ format: "jwk" }), ["RS256", rsa]]
      ] as const
      for (const [key, algorithm] of unusable) {
        const { origin } = yield* issuerWith({ body: { keys: [{ ...key, kid: algorithm[0] }] } })
        assertContains(yield* refusedOf(yield* signed({ iss: origin }, algorithm)), {
          step: "verification",
          reason: "Malformed",
          error: undefined,
          description: "the key of the issuer for the signature cannot be used"
        })
      }
    }))

  it.scoped("at a missing document are Malformed, and the failure contains the status", () =>
    Effect.gen(function*() {
      for (const status of [201, 203, 404, 410, 500]) {
        const { origin } = yield* issuerWith({ status, body: keySet })
        assertContains(yield* refusedOf(yield* signed({ iss: origin })), {
          step: "verification",
          reason: "Malformed",
          status,
          description: "the key set of the issuer was not found"
        })
      }
    }))

  it.scoped("without a jwks_uri are Malformed", () =>
    Effect.gen(function*() {
      const { origin } = yield* issuerWith({}, (issuer) => ({ body: { issuer } }))
      assertContains(yield* refusedOf(yield* signed({ iss: origin })), {
        step: "verification",
        reason: "Malformed",
        description: "the metadata of the issuer contains no jwks_uri"
      })
    }))

  it.scoped("at an invalid URL are Misconfigured", () =>
    Effect.gen(function*() {
      const { origin } = yield* issuerWith({}, (issuer) => ({ body: { issuer, jwks_uri: "keys" } }))
      assertContains(yield* refusedOf(yield* signed({ iss: origin })), {
        step: "verification",
        reason: "Misconfigured",
        description: "the URL of the key set of the issuer is invalid"
      })
    }))
})

describe("the metadata of an issuer", () => {
  it.scoped("of another issuer is rejected, and its keys are not fetched", () =>
    Effect.gen(function*() {
      const { origin, requests } = yield* issuerWith({ body: keySet }, (origin) => ({
        body: { issuer: `${origin}/`, jwks_uri: `${origin}/keys` }
      }))
      assertContains(yield* refusedOf(yield* signed({ iss: origin })), {
        step: "discovery",
        reason: "Malformed",
        description: "no metadata of the issuer (claim iss): the discovery document has another issuer"
      })
      assertEqual(requests.map(({ path }) => path), [openId])
    }))

  it.scoped("at neither location is Malformed, and the failure contains the status", () =>
    Effect.gen(function*() {
      const { origin, requests } = yield* issuerWith({}, () => ({ status: 410 }))
      assertContains(yield* refusedOf(yield* signed({ iss: origin })), {
        step: "discovery",
        reason: "Malformed",
        status: 404,
        description: "no metadata of the issuer (claim iss): the discovery document was not found"
      })
      assertEqual(requests.map(({ path }) => path), [openId, oauth])
    }))

  it.scoped("behind a redirect is reported without a description of the response", () =>
    Effect.gen(function*() {
      const { origin } = yield* issuerWith({}, () => ({ status: 302, headers: { location: "/" } }))
      assertEqual<object>(yield* refusedOf(yield* signed({ iss: origin })), {
        step: "discovery",
        reason: "Redirected",
        status: 302,
        error: undefined,
        description: "no metadata of the issuer (claim iss)"
      })
    }))

  it.scoped("at two locations has one time limit", () =>
    Effect.gen(function*() {
      const arrived = yield* Deferred.make<void>()
      const second = yield* Deferred.make<void>()
      let first = () => {}
      const { origin } = yield* answering(({ url }, response) => {
        if (url === openId) {
          first = () => void response.writeHead(404).end()
          Deferred.unsafeDone(arrived, Effect.void)
        } else Deferred.unsafeDone(second, Effect.void)
      })
      const fiber = yield* Effect.fork(refusedOf(yield* signed({ iss: origin })))
      yield* Deferred.await(arrived)
      yield* TestClock.adjust("4 seconds")
      first()
      yield* Deferred.await(second)
      yield* TestClock.adjust("5999 millis")
      assert.isTrue(Option.isNone(yield* Fiber.poll(fiber)))
      yield* TestClock.adjust("1 millis")
      const failure = yield* Fiber.join(fiber)
      assertContains(failure, {
        step: "discovery",
        reason: "TimedOut",
        description: "no metadata of the issuer (claim iss): no response within 6s"
      })
    }))
})

describe("a host in a private network", () => {
  it.scoped("receives no request for metadata, even on loopback, and the message does not contain it", () =>
    Effect.gen(function*() {
      const { origin, requests } = yield* issuerWith()
      for (const iss of [origin, "https://10.0.0.7", "https://localhost"]) {
        const { description = "", reason, step } = yield* Effect.flip(
          (yield* verifyJwt.make(reach, recipients))(yield* signed({ iss }))
        )
        assertEqual([step, reason], ["discovery", "Forbidden"])
        assert.match(
          description,
          /^no metadata of the issuer \(claim iss\): the issuer's host has a private address/
        )
        assert.notMatch(description, /127|10\.0|localhost/)
      }
      assert.strictEqual(requests.length, 0)
    }))

  it.scoped("receives no request for keys, even on loopback by another name, and the message does not contain it", () =>
    Effect.gen(function*() {
      for (const jwks_uri of ["https://10.0.0.7/keys", "http://localhost:1/keys", "https://[::1]/keys"]) {
        const { origin } = yield* issuerWith({}, (issuer) => ({ body: { issuer, jwks_uri } }))
        const { description = "", reason, step } = yield* refusedOf(yield* signed({ iss: origin }))
        assertEqual([step, reason], ["verification", "Forbidden"])
        assert.match(description, /^the host of the issuer's keys has a private address/)
        assert.notMatch(description, /10\.0|localhost|::1/)
      }
    }))
})
