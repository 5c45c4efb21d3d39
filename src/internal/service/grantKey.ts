/** Identity of a caller, and key of what it requests. Calls with equal keys request the same grant. */
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { WithWorkloadAccessToken } from "../../TokenOptions.js"
import type { Identity } from "../../WorkloadAccessToken.js"
import { digestSync } from "../lib/digest.js"
import { dedupeKey, type TokenRequestOptions } from "./tokenRequest.js"

// By the `Redacted` and not by its text, so that the identity of a token ends with it.
const identities = new WeakMap<Redacted.Redacted, string>()

const Claims = Schema.decodeOption(
  Schema.parseJson(Schema.Struct({ iss: Schema.String, sub: Schema.String, exp: Schema.optional(Schema.Finite) }))
)

/** Reads the claims of a JWT, which is not verified here: the service verifies it. */
export const claimsOf = (jwt: Redacted.Redacted): Option.Option<{
  readonly iss: string
  readonly sub: string
  readonly exp?: number | undefined
}> => {
  const [, payload = ""] = Redacted.value(jwt).split(".")
  return Option.flatMap(Either.getRight(Encoding.decodeBase64UrlString(payload)), (text) => Claims(text))
}

const named = ({ userId, workloadName }: Identity) => JSON.stringify(["workload", workloadName, userId])

/**
 * Records the workload and the user of a token that the service has just returned for them. The user of a JWT is its issuer
 * and subject, which the service has verified.
 */
export const record = (
  token: Redacted.Redacted,
  { userId, userToken, workloadName }: Identity & { readonly userToken: Redacted.Redacted | undefined }
): void => {
  if (userToken === undefined) identities.set(token, named({ workloadName, userId }))
  else {
    const claims = claimsOf(userToken)
    if (Option.isSome(claims)) {
      identities.set(token, JSON.stringify(["jwt", workloadName, claims.value.iss, claims.value.sub]))
    }
  }
}

/**
 * Returns the identity of a caller: workload and user if its source states them or this program requested the token, otherwise
 * the SHA-256 of the token.
 */
export const identityOf = (
  { workloadAccessToken: given }: WithWorkloadAccessToken,
  token: Redacted.Redacted
): string => {
  if (!Redacted.isRedacted(given) && given.identity !== undefined) return named(given.identity)
  const known = identities.get(token) ?? digestSync(token)
  identities.set(token, known)
  return known
}

/** Requests whose authentication is not forced, and those whose authentication is. */
export const [requestKind, forcedKind] = ["request", "forced"] as const

let unsharedKeys = 0

/**
 * Key of a request for a token. `kind` separates requests that have different results, such as forced ones. A token that is
 * exchanged for the JWT of the user may depend on its other claims, so there the identity is that of the JWT's own token.
 */
export const grantKey = (
  caller: WithWorkloadAccessToken,
  token: Redacted.Redacted,
  options: TokenRequestOptions,
  kind: string
): string => {
  try {
    const identity = options.authFlow === "ON_BEHALF_OF_TOKEN_EXCHANGE" ? digestSync(token) : identityOf(caller, token)
    return JSON.stringify([identity, dedupeKey(options), kind])
  } catch {
    // A program without type checks passed something else. It is not shared, and the validation of the request reports it.
    return `invalid ${unsharedKeys++}`
  }
}
