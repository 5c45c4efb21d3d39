/** Verifies the JWT of a user: signature, issuer, audience and expiry (RFC 7519). */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as jose from "jose"
import * as assumptions from "../emulator/state/assumptions.js"
import { ProviderError } from "../emulator/state/issuer.js"
import { isUrl } from "../lib/url.js"
import { oauthUrl, openIdUrl } from "../model/discoveryUrl.js"
import type { AddressPolicy } from "./addressPolicy.js"
import { discover, document, type OutboundPolicy } from "./discovery.js"
import { parse as parseKeySet } from "./keySet.js"
import { malformed } from "./providerError.js"

const step = "verification"

/** In characters. The model limits the whole token to 131,072 characters. */
const maxHeader = 16_384

// Without symmetric algorithms: their key would be in a public document.
const algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]

/** The description is logged, so it names the invalid claim and never quotes it. Callers receive the code. */
const refused = (description: string, error?: string) =>
  new ProviderError({ step, reason: "Refused", error, description })

const claimRefused = (claim: string, problem: string) =>
  refused(`the claim ${claim} ${problem}`, "ERR_JWT_CLAIM_VALIDATION_FAILED")

const problemOf = (error: jose.errors.JOSEError): string => {
  if (error instanceof jose.errors.JWTExpired) return "the claim exp is in the past"
  if (error instanceof jose.errors.JWTClaimValidationFailed) {
    const { claim, reason } = error
    if (reason === "missing") return `the claim ${claim} is missing`
    if (claim === "nbf" && reason === "check_failed") return "the claim nbf is in the future"
    return `the claim ${claim} has an unexpected value`
  }
  if (error instanceof jose.errors.JWSSignatureVerificationFailed) {
    return "the signature does not match the key of the issuer"
  }
  if (error instanceof jose.errors.JWKSNoMatchingKey) return "the issuer publishes no key for the signature"
  return "the token cannot be verified"
}

/** Other errors concern the key, since the token was decoded before. */
const verificationFailed = (error: unknown): ProviderError =>
  error instanceof jose.errors.JOSEError
    ? refused(problemOf(error), error.code)
    : malformed(step, "the key of the issuer for the signature cannot be used")

/** The accepted recipients of tokens. */
export interface Recipients {
  readonly audiences: ReadonlyArray<string>
  readonly clients: ReadonlyArray<string>
}

const recipientRefused = ({ aud }: jose.JWTPayload, claim: "aud" | "client_id"): ProviderError =>
  claim === "client_id"
    ? claimRefused(
      claim,
      "is not an accepted client, and there is no aud: accept it with --verify-jwt-client ID (in a program verifyJwtClients)"
    )
    : claimRefused(
      claim,
      `${aud === undefined ? "is missing" : "has no accepted audience"}: ` +
        "accept audiences with --verify-jwt AUDIENCE (in a program verifyJwtFor)" +
        (aud === undefined ? ", or clients with --verify-jwt-client ID (in a program verifyJwtClients)" : "")
    )

/** Messages must not quote the host, which is part of the claim `iss`. */
const addressPolicy = ({ hosts }: OutboundPolicy, hostLabel: string): AddressPolicy => ({
  hosts,
  // A token may name any issuer, so loopback must be in `hosts`.
  loopbackOrigins: [],
  hostLabel
})

const isNotFound = ({ reason, status }: ProviderError) => reason === "Malformed" && (status === 404 || status === 410)

/**
 * Fetches the metadata of the issuer by OpenID Connect Discovery 1.0, or by RFC 8414 if that document does not exist. Both
 * requests share the time limit.
 */
const issuerOf = (policy: OutboundPolicy, iss: string) =>
  Effect.gen(function*() {
    const allowed = addressPolicy(policy, "the issuer's host")
    const attempt = (limit: Duration.Duration, url: string) =>
      discover({ ...policy, limit }, allowed, url, (issuer) =>
        issuer === iss ? undefined : "the discovery document has another issuer")
    const [elapsed, first] = yield* Effect.timed(Effect.either(attempt(policy.limit, openIdUrl(iss))))
    if (Either.isRight(first)) {
      return first.right
    }
    return yield* isNotFound(first.left)
      ? attempt(Duration.subtract(policy.limit, elapsed), oauthUrl(iss))
      : first.left
  }).pipe(
    Effect.mapError(({ description, reason, status, step }) => {
      const details = description === undefined ? "" : `: ${description}`
      return new ProviderError({ step, reason, status, description: `no metadata of the issuer (claim iss)${details}` })
    })
  )

const keySet = (policy: OutboundPolicy, jwksUri: string) =>
  Effect.gen(function*() {
    const allowed = addressPolicy(policy, "the host of the issuer's keys")
    const text = yield* document(step, policy, allowed, "the key set of the issuer", jwksUri)
    const keys = yield* Either.mapLeft(parseKeySet(text), (problem) => malformed(step, problem))
    return yield* Effect.try({
      try: () => jose.createLocalJWKSet(keys),
      catch: () => malformed(step, "the keys of the issuer are not a JSON Web Key Set")
    })
  })

/** Verifies a token. The keys are fetched for each token, so that a withdrawn key is rejected. */
export const verify = (policy: OutboundPolicy, recipients: Recipients) => (token: Redacted.Redacted) =>
  Effect.gen(function*() {
    const jwt = Redacted.value(token)
    if (jwt.indexOf(".") > maxHeader) return yield* refused(`the header is longer than ${maxHeader} characters`)
    const { iss } = yield* Effect.try({
      try: () => jose.decodeJwt(jwt),
      catch: () => refused("the token is not a JWT")
    })
    if (typeof iss === "string" && iss.length > assumptions.maxClaimLength) {
      return yield* refused(assumptions.claimTooLong("iss"))
    }
    if (!isUrl(iss) || /[?#]/.test(iss)) return yield* refused("the claim iss is not a URL")
    const { jwks_uri } = yield* issuerOf(policy, iss)
    if (jwks_uri === undefined) return yield* malformed(step, "the metadata of the issuer contains no jwks_uri")
    const keys = yield* keySet(policy, jwks_uri)
    const now = yield* DateTime.now
    const { payload } = yield* Effect.tryPromise({
      try: () =>
        jose.jwtVerify(jwt, keys, {
          issuer: iss,
          algorithms,
          requiredClaims: ["exp", "sub"],
          currentDate: DateTime.toDate(now)
        }),
      catch: verificationFailed
    })
    if (!Predicate.isString(payload.sub) || payload.sub === "") {
      return yield* claimRefused("sub", "is empty or not a string")
    }
    const invalidClaim = assumptions.wrongRecipient(payload, recipients)
    if (invalidClaim !== undefined) return yield* recipientRefused(payload, invalidClaim)
  })
