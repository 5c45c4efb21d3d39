/** The JWT that a user comes with: whether its issuer has signed it, for us, and until when (RFC 7519). */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as jose from "jose"
import * as choices from "../emulator/state/assumptions.js"
import { ProviderError } from "../emulator/state/issuer.js"
import { isUrl } from "../lib/url.js"
import { oauthUrl, openIdUrl } from "../model/discoveryUrl.js"
import type { AddressPolicy } from "./addressPolicy.js"
import { discover, document, type OutboundPolicy } from "./discovery.js"
import { parse as parseKeySet } from "./keySet.js"
import { malformed } from "./providerError.js"

const step = "verification"

/** In characters. The model limits the whole token to 131,072, and the rest of it is the payload. */
const maxHeader = 16_384

// Never a symmetric one: its key would be a public document.
const algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]

/** Descriptions name the claim that is wrong, and never quote it: they are logged. Callers get the code, if there is one. */
const refused = (description: string, error?: string) =>
  new ProviderError({ step, reason: "Refused", error, description })

const claimRefused = (claim: string, why: string) =>
  refused(`the claim ${claim} ${why}`, "ERR_JWT_CLAIM_VALIDATION_FAILED")

const problemOf = (error: jose.errors.JOSEError): string => {
  if (error instanceof jose.errors.JWTExpired) return "the claim exp is in the past"
  if (error instanceof jose.errors.JWTClaimValidationFailed) {
    const { claim, reason } = error
    if (reason === "missing") return `the claim ${claim} is missing`
    if (claim === "nbf" && reason === "check_failed") return "the claim nbf is in the future"
    return `the claim ${claim} is not of the expected kind`
  }
  if (error instanceof jose.errors.JWSSignatureVerificationFailed) return "the signature is not of the issuer's key"
  if (error instanceof jose.errors.JWKSNoMatchingKey) return "the issuer publishes no key for the signature"
  return "the token cannot be verified"
}

/** Errors of other kinds are those of a key: by then the token has been decoded. */
const verificationFailed = (error: unknown): ProviderError =>
  error instanceof jose.errors.JOSEError
    ? refused(problemOf(error), error.code)
    : malformed(step, "the issuer's key for the signature cannot be used")

/**
 * Whom tokens have to be for.
 *
 * @internal
 */
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
const allowedFor = ({ hosts }: OutboundPolicy, hostLabel: string): AddressPolicy => ({
  hosts,
  // A token may name any issuer: this machine has to be allowed by name.
  loopback: false,
  hostLabel
})

const isNotThere = ({ reason, status }: ProviderError) => reason === "Malformed" && (status === 404 || status === 410)

/**
 * The metadata of the issuer by OpenID Connect Discovery 1.0. If it is not there, by RFC 8414, in what is left of the time
 * limit.
 */
const issuerOf = (reach: OutboundPolicy, iss: string) =>
  Effect.gen(function*() {
    const allowed = allowedFor(reach, "the issuer's host")
    const attempt = (limit: Duration.Duration, url: string) =>
      discover({ ...reach, limit }, allowed, url, (issuer) =>
        issuer === iss ? undefined : "the discovery document is of another issuer")
    const [elapsed, first] = yield* Effect.timed(Effect.either(attempt(reach.limit, openIdUrl(iss))))
    if (Either.isRight(first)) {
      return first.right
    }
    return yield* isNotThere(first.left)
      ? attempt(Duration.subtract(reach.limit, elapsed), oauthUrl(iss))
      : first.left
  }).pipe(
    Effect.mapError(({ description, reason, status, step }) => {
      const why = description === undefined ? "" : `: ${description}`
      return new ProviderError({ step, reason, status, description: `no metadata of the issuer (claim iss)${why}` })
    })
  )

const keySet = (reach: OutboundPolicy, jwksUri: string) =>
  Effect.gen(function*() {
    const allowed = allowedFor(reach, "the host of the issuer's keys")
    const text = yield* document(step, reach, allowed, "the key set of the issuer", jwksUri)
    const keys = yield* Either.mapLeft(parseKeySet(text), (why) => malformed(step, why))
    return yield* Effect.try({
      try: () => jose.createLocalJWKSet(keys),
      catch: () => malformed(step, "the keys of the issuer are not a JSON Web Key Set")
    })
  })

/**
 * Looks the keys up anew each time: what an issuer has withdrawn is good no longer.
 *
 * @internal
 */
export const verify = (reach: OutboundPolicy, recipients: Recipients) => (token: Redacted.Redacted) =>
  Effect.gen(function*() {
    const jwt = Redacted.value(token)
    if (jwt.indexOf(".") > maxHeader) return yield* refused(`its header is longer than ${maxHeader} characters`)
    const { iss } = yield* Effect.try({
      try: () => jose.decodeJwt(jwt),
      catch: () => refused("the token is not a JWT")
    })
    if (typeof iss === "string" && iss.length > choices.maxClaimLength) {
      return yield* refused(choices.claimTooLong("iss"))
    }
    if (!isUrl(iss) || /[?#]/.test(iss)) return yield* refused("the claim iss is not a URL")
    const { jwks_uri } = yield* issuerOf(reach, iss)
    if (jwks_uri === undefined) return yield* malformed(step, "the issuer names no keys")
    const keys = yield* keySet(reach, jwks_uri)
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
    if (!Predicate.isString(payload.sub) || payload.sub === "") return yield* claimRefused("sub", "is not a subject")
    const wrong = choices.wrongRecipient(payload, recipients)
    if (wrong !== undefined) return yield* recipientRefused(payload, wrong)
  })
