import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Either, Fiber, Option, Redacted, TestClock } from "effect"
import * as jose from "jose"
import { generateKeyPairSync } from "node:crypto"
import { type Recipients, verify } from "../src/internal/oauth/verifyJwt.js"
import { answering } from "./support/answering.js"
import { type Answer, reach, server } from "./support/authorizationServer.js"
import { assertContains, assertEqual } from "./support/equality.js"

const openId = "/.well-known/openid-configuration"
const oauth = "/.well-known/oauth-authorization-server"

const here = { ...reach, hosts: ["127.0.0.1"] }

const recipients: Recipients = { audiences: ["the agent"], clients: ["the-client"] }

const made = await Promise.all([
  jose.generateKeyPair("RS256", { extractable: true }),
  jose.generateKeyPair("ES256", { extractable: true }),
  jose.generateKeyPair("ES384", { extractable: true }),
  jose.generateKeyPair("ES512", { extractable: true }),
  jose.generateKeyPair("EdDSA", { extractable: true })
])
const [rsa, p256, p384, p521, ed25519] = await Promise.all(made.map(({ privateKey }) => jose.exportJWK(privateKey)))

const algorithms: ReadonlyArray<readonly [algorithm: string, key: jose.JWK | undefined]> = [
  ["RS256", rsa],
  ["RS384", rsa],
  ["RS512", rsa],
  ["PS256", rsa],
  ["PS384", rsa],
  ["PS512", rsa],
  ["ES256", p256],
  ["ES384", p384],
  ["ES512", p521],
  ["EdDSA", ed25519]
]

const publicOf = ({ d: _d, dp: _dp, dq: _dq, p: _p, q: _q, qi: _qi, ...key }: jose.JWK = {}) => key

const keySet = { keys: algorithms.map(([alg, key]) => ({ ...publicOf(key), alg, kid: alg })) }

/** An issuer with this document and these keys. */
const issuerWith = (
  keys: Answer = { body: keySet },
  document: (origin: string) => Answer = (issuer) => ({ body: { issuer, jwks_uri: `${issuer}/keys` } })
) => server(({ path }, origin) => path === openId ? document(origin) : path === "/keys" ? keys : { status: 404 })

/** A signed JWT that is valid at the time zero, which is when the clock of a test starts. */
const signed = (
  claims: { readonly [claim: string]: unknown },
  [algorithm, key]: readonly [string, jose.JWK | undefined] = ["ES256", p256]
) =>
  Effect.promise(async () => {
    const payload = JSON.parse(JSON.stringify({ sub: "ada", aud: "the agent", exp: 600, ...claims }))
    const secret = key?.kty === "oct" ? new Uint8Array(32) : await jose.importJWK(key ?? {}, algorithm)
    return Redacted.make(
      await new jose.SignJWT(payload).setProtectedHeader({ alg: algorithm, kid: algorithm }).sign(secret)
    )
  })

const outcomeOf = (token: Redacted.Redacted, to: Recipients = recipients) => Effect.either(verify(here, to)(token))

/** Why a token is refused. */
const refusedOf = (token: Redacted.Redacted, to?: Recipients) =>
  Effect.map(outcomeOf(token, to), (outcome) => {
    if (Either.isRight(outcome)) return assert.fail("the token is accepted")
    const { description, error, reason, status, step } = outcome.left
    return { step, reason, status, error, description }
  })

const refused = (description: string, error?: string) => ({
  step: "verification",
  reason: "Refused",
  status: undefined,
  error,
  description
})

const claimCode = "ERR_JWT_CLAIM_VALIDATION_FAILED"

describe("the signature of a JWT", () => {
  for (const algorithm of algorithms) {
    it.scoped(`may be by ${algorithm[0]}`, () =>
      Effect.gen(function*() {
        const { origin, requests } = yield* issuerWith()
        assert.isTrue(Either.isRight(yield* outcomeOf(yield* signed({ iss: origin }, algorithm))))
        assertEqual(requests.map(({ path }) => path), [openId, "/keys"])
      }))
  }

  it.scoped("must not be by a symmetric key, even if the issuer publishes it", () =>
    Effect.gen(function*() {
      for (const algorithm of ["HS256", "HS384", "HS512"]) {
        const key = { kty: "oct", k: jose.base64url.encode(new Uint8Array(32)), alg: algorithm, kid: algorithm }
        const { origin } = yield* issuerWith({ body: { keys: [key] } })
        const failure = yield* refusedOf(yield* signed({ iss: origin }, [algorithm, key]))
        assertEqual<object>(failure, refused("the token cannot be verified", "ERR_JOSE_ALG_NOT_ALLOWED"))
      }
    }))

  it.scoped("must not be missing", () =>
    Effect.gen(function*() {
      const { origin } = yield* issuerWith()
      const payload = { iss: origin, sub: "ada", aud: "the agent", exp: 600 }
      const token = new jose.UnsecuredJWT(payload).encode()
      for (const text of [token, `${token}c2ln`]) {
        const { description, reason, step } = yield* refusedOf(Redacted.make(text))
        assertEqual([step, reason, description], ["verification", "Refused", "the token cannot be verified"])
      }
    }))

  it.scoped("must be of a key that the issuer publishes", () =>
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
        refused("the signature is not of the issuer's key", "ERR_JWS_SIGNATURE_VERIFICATION_FAILED")
      )
    }))

  it.scoped("is checked with the keys of the moment: what was good before is not, once its key is withdrawn", () =>
    Effect.gen(function*() {
      let keys: ReadonlyArray<unknown> = keySet.keys
      const { origin } = yield* server(({ path }, origin) => ({
        body: path === "/keys" ? { keys } : { issuer: origin, jwks_uri: `${origin}/keys` }
      }))
      const token = yield* signed({ iss: origin })
      assert.isTrue(Either.isRight(yield* outcomeOf(token)))
      keys = []
      assert.isTrue(Either.isLeft(yield* outcomeOf(token)))
    }))
})

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

  // RFC 7517, section 5: what is not understood is left out.
  for (const body of [`{"keys":[]}`, `{"keys":[7]}`, `{"keys":[{}]}`, `{"keys":[{"kty":7}]}`]) {
    it.scoped(`that are ${body} have none for the signature`, () =>
      Effect.gen(function*() {
        const { origin } = yield* issuerWith({ body })
        assertContains(yield* refusedOf(yield* signed({ iss: origin })), {
          step: "verification",
          reason: "Refused",
          description: "the issuer publishes no key for the signature"
        })
      }))
  }

  it.scoped("are Malformed if the one for the signature cannot be used", () =>
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
          description: "the issuer's key for the signature cannot be used"
        })
      }
    }))

  it.scoped("that are not there are Malformed, with the status", () =>
    Effect.gen(function*() {
      for (const status of [201, 203, 404, 410, 500]) {
        const { origin } = yield* issuerWith({ status, body: keySet })
        assertContains(yield* refusedOf(yield* signed({ iss: origin })), {
          step: "verification",
          reason: "Malformed",
          status,
          description: "the key set of the issuer is not there"
        })
      }
    }))

  it.scoped("that are not named are Malformed", () =>
    Effect.gen(function*() {
      const { origin } = yield* issuerWith({}, (issuer) => ({ body: { issuer } }))
      assertContains(yield* refusedOf(yield* signed({ iss: origin })), {
        step: "verification",
        reason: "Malformed",
        description: "the issuer names no keys"
      })
    }))

  it.scoped("at what is no URL are Misconfigured", () =>
    Effect.gen(function*() {
      const { origin } = yield* issuerWith({}, (issuer) => ({ body: { issuer, jwks_uri: "keys" } }))
      assertContains(yield* refusedOf(yield* signed({ iss: origin })), {
        step: "verification",
        reason: "Misconfigured",
        description: "the URL of the key set of the issuer is none"
      })
    }))
})

describe("the claim", () => {
  const missing = (claim: string) => refused(`the claim ${claim} is missing`, claimCode)
  const wrong = (claim: string) => refused(`the claim ${claim} is not of the expected kind`, claimCode)
  const noSubject = refused("the claim sub is not a subject", claimCode)
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
    it.scoped(`${claim}, if it is ${JSON.stringify(value) ?? "missing"}, is ${expected === "accepted" ? "" : "not "}good`, () =>
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
  const recipientCases: ReadonlyArray<readonly [claims: object, to: Recipients, expected: string | undefined]> = [
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
    it.scoped(`of ${JSON.stringify(claims)} for ${JSON.stringify(to)} is ${expected === undefined ? "" : "not "}good`, () =>
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
    it.effect(`iss, if it is ${JSON.stringify(iss) ?? "missing"}, is not good, and nothing is asked`, () =>
      Effect.gen(function*() {
        assertEqual<object>(yield* refusedOf(yield* signed({ iss })), refused("the claim iss is not a URL"))
      }))
  }

  for (const token of ["", "canary", "a.b.c", "a.b", "e30.W10.c2ln"]) {
    it.effect(`is looked for in a JWT, and not in "${token}"`, () =>
      Effect.gen(function*() {
        assertEqual<object>(yield* refusedOf(Redacted.make(token)), refused("the token is not a JWT"))
      }))
  }
})

describe("the metadata of an issuer", () => {
  it.scoped("of another issuer is not believed, and its keys are not asked for", () =>
    Effect.gen(function*() {
      const { origin, requests } = yield* issuerWith({ body: keySet }, (origin) => ({
        body: { issuer: `${origin}/`, jwks_uri: `${origin}/keys` }
      }))
      assertContains(yield* refusedOf(yield* signed({ iss: origin })), {
        step: "discovery",
        reason: "Malformed",
        description: "no metadata of the issuer (claim iss): the discovery document is of another issuer"
      })
      assertEqual(requests.map(({ path }) => path), [openId])
    }))

  it.scoped("that is not there by either way is Malformed, with the status", () =>
    Effect.gen(function*() {
      const { origin, requests } = yield* issuerWith({}, () => ({ status: 410 }))
      assertContains(yield* refusedOf(yield* signed({ iss: origin })), {
        step: "discovery",
        reason: "Malformed",
        status: 404,
        description: "no metadata of the issuer (claim iss): the discovery document is not there"
      })
      assertEqual(requests.map(({ path }) => path), [openId, oauth])
    }))

  it.scoped("that is elsewhere says so without a description of the answer", () =>
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

  it.scoped("that is sought in two places has one time limit", () =>
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
        description: "no metadata of the issuer (claim iss): no answer in 6s"
      })
    }))
})

describe("a host inside the network", () => {
  it.scoped("is not asked for the metadata, even this machine, and the message does not name it", () =>
    Effect.gen(function*() {
      const { origin, requests } = yield* issuerWith()
      for (const iss of [origin, "https://10.0.0.7", "https://localhost"]) {
        const { description = "", reason, step } = yield* Effect.flip(
          verify(reach, recipients)(yield* signed({ iss }))
        )
        assertEqual([step, reason], ["discovery", "Forbidden"])
        assert.match(
          description,
          /^no metadata of the issuer \(claim iss\): the issuer's host is inside this machine's/
        )
        assert.notMatch(description, /127|10\.0|localhost/)
      }
      assert.strictEqual(requests.length, 0)
    }))

  it.scoped("is not asked for the keys, even this machine by another name, and the message does not name it", () =>
    Effect.gen(function*() {
      for (const jwks_uri of ["https://10.0.0.7/keys", "http://localhost:1/keys", "https://[::1]/keys"]) {
        const { origin } = yield* issuerWith({}, (issuer) => ({ body: { issuer, jwks_uri } }))
        const { description = "", reason, step } = yield* refusedOf(yield* signed({ iss: origin }))
        assertEqual([step, reason], ["verification", "Forbidden"])
        assert.match(description, /^the host of the issuer's keys is inside this machine's network/)
        assert.notMatch(description, /10\.0|localhost|::1/)
      }
    }))
})
