/** Verifies the JWT of a user: signature, issuer, audience and expiry (RFC 7519). */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as jose from "jose"
import * as assumptions from "../emulator/state/assumptions.js"
import { ProviderError } from "../emulator/state/issuer.js"
import { isUrl } from "../lib/url.js"
import type { OutboundPolicy } from "./discovery.js"
import * as IssuerKeys from "./issuerKeys.js"
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

/** The accepted issuers and recipients of tokens. */
export interface Accepted {
  /** Compared as text. Without any, every issuer is accepted. */
  readonly issuers?: ReadonlyArray<string> | undefined
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

const acceptedIssuer = (iss: unknown, { issuers = [] }: Accepted): Either.Either<string, ProviderError> => {
  if (typeof iss === "string" && iss.length > assumptions.maxClaimLength) {
    return Either.left(refused(assumptions.claimTooLong("iss")))
  }
  if (!isUrl(iss) || /[?#]/.test(iss)) return Either.left(refused("the claim iss is not a URL"))
  return issuers.length === 0 || issuers.includes(iss) ? Either.right(iss) : Either.left(claimRefused(
    "iss",
    "is not an accepted issuer: accept it with --verify-jwt-issuer URL (in a program verifyJwtIssuers)"
  ))
}

/** Verifies tokens with the keys of their issuers. */
export const make = (
  policy: OutboundPolicy,
  accepted: Accepted
): Effect.Effect<(token: Redacted.Redacted) => Effect.Effect<void, ProviderError>> =>
  Effect.map(IssuerKeys.make(policy), (issuerKeys) => (token) =>
    Effect.gen(function*() {
      const jwt = Redacted.value(token)
      if (jwt.indexOf(".") > maxHeader) return yield* refused(`the header is longer than ${maxHeader} characters`)
      const { claims, header } = yield* Effect.try({
        try: () => ({ claims: jose.decodeJwt(jwt), header: jose.decodeProtectedHeader(jwt) }),
        catch: () => refused("the token is not a JWT")
      })
      const iss = yield* acceptedIssuer(claims.iss, accepted)
      const keys = yield* issuerKeys.get(iss, header)
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
      const invalidClaim = assumptions.wrongRecipient(payload, accepted)
      if (invalidClaim !== undefined) return yield* recipientRefused(payload, invalidClaim)
    }))
