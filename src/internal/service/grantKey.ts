/** Identity of a caller, and key of what it requests. Calls with equal keys request the same grant. */
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { WithWorkloadAccessToken } from "../../TokenOptions.js"
import type { Identity } from "../../WorkloadAccessToken.js"
import { digestSync } from "../lib/digest.js"
import { canonical, type TokenRequestOptions } from "./tokenRequest.js"

// By the `Redacted` and not by its text, so that the identity of a token ends with it.
const identities = new WeakMap<Redacted.Redacted, string>()

const decodePayload = (jwt: Redacted.Redacted): Option.Option<string> => {
  const [, payload = ""] = Redacted.value(jwt).split(".")
  return Either.getRight(Encoding.decodeBase64UrlString(payload))
}

const decodeUser = Schema.decodeOption(Schema.parseJson(Schema.Struct({ iss: Schema.String, sub: Schema.String })))

const decodeExpiry = Schema.decodeOption(Schema.parseJson(Schema.Struct({ exp: Schema.Finite })))

/** Reads when a JWT expires, in milliseconds since the epoch. The JWT is not verified here. */
export const expiryOf = (jwt: Redacted.Redacted): Option.Option<number> =>
  Option.map(Option.flatMap(decodePayload(jwt), (text) => decodeExpiry(text)), ({ exp }) => exp * 1000)

/** Identity of a user that a JWT names. */
const ofJwt = (workloadName: string, { iss, sub }: { readonly iss: string; readonly sub: string }) =>
  JSON.stringify(["jwt", workloadName, iss, sub])

/** Identity of a workload, and of a user that an id names. */
const named = ({ userId, workloadName }: Identity) => JSON.stringify(["workload", workloadName, userId])

/** The workload and the user that a workload access token is requested for. */
export interface Named extends Identity {
  readonly userToken: Redacted.Redacted | undefined
}

/**
 * Returns the identity of a workload and its user. The user of a JWT is its issuer and subject, which the service verifies. `None`
 * if the JWT states none.
 */
export const ofNames = ({ userId, userToken, workloadName }: Named): Option.Option<string> =>
  userToken === undefined
    ? Option.some(named({ workloadName, userId }))
    : Option.map(
      Option.flatMap(decodePayload(userToken), (text) => decodeUser(text)),
      (user) => ofJwt(workloadName, user)
    )

/** Records the identity of a token that the service has just returned for it. */
export const record = (token: Redacted.Redacted, names: Named): void => {
  const identity = ofNames(names)
  if (Option.isSome(identity)) identities.set(token, identity.value)
}

/** Tests if an identity belongs to a workload. The workload of a token from elsewhere is not known, so it may. */
export const mayBeAt = (workloadName: string) => {
  const name = JSON.stringify(workloadName)
  return (identity: string): boolean =>
    !identity.startsWith("[") || ["workload", "jwt"].some((kind) => identity.startsWith(`["${kind}",${name},`))
}

/** The user of an identity, as a user identifier names it: an id, or the issuer and subject of a JWT. */
export type User = { readonly userId: string } | { readonly userToken: Redacted.Redacted }

/** What an identity states besides its workload: its kind, and a user id, or an issuer and a subject. */
export type UserName = readonly [kind: "workload" | "jwt", ...names: ReadonlyArray<string>]

/** Returns the name of a user; `None` if the JWT states none. */
export const userNameOf = (user: User): Option.Option<UserName> =>
  "userId" in user
    ? Option.some(["workload", user.userId])
    : Option.map(
      Option.flatMap(decodePayload(user.userToken), (text) => decodeUser(text)),
      ({ iss, sub }) => ["jwt", iss, sub]
    )

/** Makes the test for the identities of a user, at any workload. The identity of a token from elsewhere has no known user. */
export const isOf = ([kind, ...names]: UserName) => {
  const end = `,${JSON.stringify(names).slice(1)}`
  return (identity: string): boolean => identity.startsWith(`["${kind}",`) && identity.endsWith(end)
}

const decodeIdentity = Schema.decodeOption(
  Schema.parseJson(Schema.Union(
    Schema.Tuple(Schema.Literal("workload"), Schema.String, Schema.NullOr(Schema.String)),
    Schema.Tuple(Schema.Literal("jwt"), Schema.String, Schema.String, Schema.String)
  ))
)

/** The workload and the user that an identity states. `None` for the identity of a token from elsewhere. */
export const namesOf = (
  identity: string
): Option.Option<{ readonly workloadName: string; readonly user: UserName | undefined }> =>
  Option.map(decodeIdentity(identity), (parts) => {
    if (parts[0] === "jwt") return { workloadName: parts[1], user: ["jwt", parts[2], parts[3]] }
    return { workloadName: parts[1], user: parts[2] === null ? undefined : ["workload", parts[2]] }
  })

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
    return JSON.stringify([identity, canonical(options), kind])
  } catch {
    // A program without type checks passed something else. It is not shared, and the validation of the request reports it.
    return `invalid ${unsharedKeys++}`
  }
}

/** The key of the same grant for requests of another kind; `key` is that of an unforced request. */
export const ofKind = (key: string, kind: string): string =>
  `${key.slice(0, -JSON.stringify([requestKind]).length + 1)}${JSON.stringify([kind]).slice(1)}`
