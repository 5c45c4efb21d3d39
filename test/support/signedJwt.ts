import { assert } from "@effect/vitest"
import { Effect, Either, Redacted } from "effect"
import * as jose from "jose"
import { type Accepted, make } from "../../src/internal/oauth/verifyJwt.js"
import { type Answer, reach, server } from "./authorizationServer.js"

export const openId = "/.well-known/openid-configuration"
export const oauth = "/.well-known/oauth-authorization-server"

const here = { ...reach, hosts: ["127.0.0.1"] }

export const recipients: Accepted = { audiences: ["the agent"], clients: ["the-client"] }

const made = await Promise.all([
  jose.generateKeyPair("RS256", { extractable: true }),
  jose.generateKeyPair("ES256", { extractable: true }),
  jose.generateKeyPair("ES384", { extractable: true }),
  jose.generateKeyPair("ES512", { extractable: true }),
  jose.generateKeyPair("EdDSA", { extractable: true })
])
export const [rsa, p256, p384, p521, ed25519] = await Promise.all(
  made.map(({ privateKey }) => jose.exportJWK(privateKey))
)

export const algorithms: ReadonlyArray<readonly [algorithm: string, key: jose.JWK | undefined]> = [
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

export const keySet = { keys: algorithms.map(([alg, key]) => ({ ...publicOf(key), alg, kid: alg })) }

/** An issuer with this document and these keys. */
export const issuerWith = (
  keys: Answer = { body: keySet },
  document: (origin: string) => Answer = (issuer) => ({ body: { issuer, jwks_uri: `${issuer}/keys` } })
) => server(({ path }, origin) => path === openId ? document(origin) : path === "/keys" ? keys : { status: 404 })

/** A signed JWT that is valid at the time zero, which is when the clock of a test starts. */
export const signed = (
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

export const outcomeOf = (token: Redacted.Redacted, to: Accepted = recipients) =>
  Effect.flatMap(make(here, to), (verify) => Effect.either(verify(token)))

/** A verifier that keeps the keys of issuers. */
export const verifier = (to: Accepted = recipients) => make(here, to)

/** Why a token is refused. */
export const refusedOf = (token: Redacted.Redacted, to?: Accepted) =>
  Effect.map(outcomeOf(token, to), (outcome) => {
    if (Either.isRight(outcome)) return assert.fail("the token is accepted")
    const { description, error, reason, status, step } = outcome.left
    return { step, reason, status, error, description }
  })

export const refused = (description: string, error?: string) => ({
  step: "verification",
  reason: "Refused",
  status: undefined,
  error,
  description
})

export const claimCode = "ERR_JWT_CLAIM_VALIDATION_FAILED"
