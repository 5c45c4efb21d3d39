import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Redacted, TestClock } from "effect"
import * as jose from "jose"
import type { Accepted } from "../src/internal/oauth/verifyJwt.js"
import { assertEqual } from "./support/equality.js"

import {
  algorithms,
  claimCode,
  issuerWith,
  openId,
  outcomeOf,
  recipients,
  refused,
  refusedOf,
  signed
} from "./support/signedJwt.js"

describe("the signature of a JWT", () => {
  for (const algorithm of algorithms) {
    it.scoped(`can use ${algorithm[0]}`, () =>
      Effect.gen(function*() {
        const { origin, requests } = yield* issuerWith()
        assert.isTrue(Either.isRight(yield* outcomeOf(yield* signed({ iss: origin }, algorithm))))
        assertEqual(requests.map(({ path }) => path), [openId, "/keys"])
      }))
  }

  it.scoped("must not use a symmetric key, even if the issuer publishes it", () =>
    Effect.gen(function*() {
      for (const algorithm of ["HS256", "HS384", "HS512"]) {
        const key = { kty: "oct", k: jose.base64url.encode(new Uint8Array(32)), alg: algorithm, kid: algorithm }
        const { origin } = yield* issuerWith({ body: { keys: [key] } })
        const failure = yield* refusedOf(yield* signed({ iss: origin }, [algorithm, key]))
        assertEqual<object>(failure, refused("the token cannot be verified", "ERR_JOSE_ALG_NOT_ALLOWED"))
      }
    }))

  it.scoped("is required", () =>
    Effect.gen(function*() {
      const { origin } = yield* issuerWith()
      const payload = { iss: origin, sub: "ada", aud: "the agent", exp: 600 }
      const token = new jose.UnsecuredJWT(payload).encode()
      for (const text of [token, `${token}c2ln`]) {
        const { description, reason, step } = yield* refusedOf(Redacted.make(text))
        assertEqual([step, reason, description], ["verification", "Refused", "the token cannot be verified"])
      }
    }))

  it.scoped("must match a key that the issuer publishes", () =>
    Effect.gen(function*() {
      const { origin } = yield* issuerWith({ body: { keys: [] } })
      assertEqual<object>(
        yield* refusedOf(yield* signed({ iss: origin })),
        refused("the issuer publishes no key for the signature", "ERR_JWKS_NO_MATCHING_KEY")
      )
      const other = yield* Effect.promise(async () => {
        const { privateKey } = await jose.generateKeyPair("ES256", { extractable: true })
        return jose.exportJWK(privateKey)
      })
      const { origin: right } = yield* issuerWith()
      assertEqual<object>(
        yield* refusedOf(yield* signed({ iss: right }, ["ES256", other])),
        refused("the signature does not match the key of the issuer", "ERR_JWS_SIGNATURE_VERIFICATION_FAILED")
      )
    }))
})

describe("the claim", () => {
  const missing = (claim: string) => refused(`the claim ${claim} is missing`, claimCode)
  const wrong = (claim: string) => refused(`the claim ${claim} has an unexpected value`, claimCode)
  const noSubject = refused("the claim sub is empty or not a string", claimCode)
  const cases: ReadonlyArray<readonly [claim: string, value: unknown, expected: object | "accepted"]> = [
    ["exp", undefined, missing("exp")],
    ["exp", 0, refused("the claim exp is in the past", "ERR_JWT_EXPIRED")],
    ["exp", -1, refused("the claim exp is in the past", "ERR_JWT_EXPIRED")],
    ["exp", 1, "accepted"],
    ["exp", "600", wrong("exp")],
    ["exp", null, wrong("exp")],
    ["nbf", 0, "accepted"],
    ["nbf", 1, refused("the claim nbf is in the future", claimCode)],
    ["nbf", "0", wrong("nbf")],
    ["iat", "0", wrong("iat")],
    ["iat", 600, "accepted"],
    ["sub", undefined, missing("sub")],
    ["sub", "", noSubject],
    ["sub", 7, noSubject],
    ["sub", null, noSubject],
    ["sub", ["ada"], noSubject]
  ]
  for (const [claim, value, expected] of cases) {
    it.scoped(`${claim} with the value ${JSON.stringify(value) ?? "missing"} is ${expected === "accepted" ? "" : "not "}accepted`, () =>
      Effect.gen(function*() {
        const { origin } = yield* issuerWith()
        const token = yield* signed({ iss: origin, [claim]: value })
        if (expected === "accepted") assert.isTrue(Either.isRight(yield* outcomeOf(token)))
        else assertEqual<object>(yield* refusedOf(token), expected)
      }))
  }

  it.scoped("exp is compared with the clock", () =>
    Effect.gen(function*() {
      const { origin } = yield* issuerWith()
      const token = yield* signed({ iss: origin, exp: 600 })
      yield* TestClock.adjust("599 seconds")
      assert.isTrue(Either.isRight(yield* outcomeOf(token)))
      yield* TestClock.adjust("1 seconds")
      assert.include((yield* refusedOf(token)).description, "the claim exp is in the past")
    }))

  const accept = {
    audience: "accept audiences with --verify-jwt AUDIENCE (in a program verifyJwtFor)",
    client: "accept it with --verify-jwt-client ID (in a program verifyJwtClients)"
  }
  const recipientCases: ReadonlyArray<readonly [claims: object, to: Accepted, expected: string | undefined]> = [
    [{ aud: "the agent" }, recipients, undefined],
    [{ aud: ["x", "the agent"] }, recipients, undefined],
    [{ aud: undefined, client_id: "the-client" }, recipients, undefined],
    [
      { aud: undefined, client_id: "other" },
      recipients,
      `the claim client_id is not an accepted client, and there is no aud: ${accept.client}`
    ],
    [
      { aud: "the-client", client_id: "the-client" },
      recipients,
      `the claim aud has no accepted audience: ${accept.audience}`
    ],
    [
      { aud: undefined },
      { audiences: ["the agent"], clients: [] },
      `the claim aud is missing: ${accept.audience}, or clients with --verify-jwt-client ID (in a program verifyJwtClients)`
    ]
  ]
  for (const [claims, to, expected] of recipientCases) {
    it.scoped(`of ${JSON.stringify(claims)} for ${JSON.stringify(to)} is ${expected === undefined ? "" : "not "}accepted`, () =>
      Effect.gen(function*() {
        const { origin } = yield* issuerWith()
        const token = yield* signed({ iss: origin, ...claims })
        if (expected === undefined) assert.isTrue(Either.isRight(yield* outcomeOf(token, to)))
        else assertEqual<object>(yield* refusedOf(token, to), refused(expected, claimCode))
      }))
  }

  for (
    const iss of [undefined, null, 7, "", "idp", "https://idp.example?", "https://idp.example/?a=1", "https://a#b"]
  ) {
    it.effect(`iss with the value ${JSON.stringify(iss) ?? "missing"} is rejected without a request`, () =>
      Effect.gen(function*() {
        assertEqual<object>(yield* refusedOf(yield* signed({ iss })), refused("the claim iss is not a URL"))
      }))
  }

  for (const token of ["", "canary", "a.b.c", "a.b", "e30.W10.c2ln"]) {
    it.effect(`is read from a JWT, and not from "${token}"`, () =>
      Effect.gen(function*() {
        assertEqual<object>(yield* refusedOf(Redacted.make(token)), refused("the token is not a JWT"))
      }))
  }
})
