/**
 * The credentials with which a request was signed. A service that rejects a signature quotes what it expected, and that
 * contains the session token.
 */
import * as Predicate from "effect/Predicate"
import { redacted } from "../lib/redactText.js"

const member = (of: unknown, name: string): unknown => Predicate.hasProperty(of, name) ? of[name] : undefined

/**
 * Shorter values, such as the `test` of a local server, are words of ordinary messages. A real access key id has at least
 * 16 characters.
 */
const minLength = 8

const named = (of: unknown, names: ReadonlyArray<string>): ReadonlyArray<unknown> =>
  names.map((name) => member(of, name))

/** The value of `Authorization`, and its secret parts. */
const authorizationParts = (authorization: unknown): ReadonlyArray<unknown> => {
  if (typeof authorization !== "string") return []
  const [, accessKeyId] = /Credential=([^/,\s]+)/.exec(authorization) ?? []
  const [, signature] = /Signature=([^,\s]+)/.exec(authorization) ?? []
  const [, bare] = /^(?:Bearer|Basic)\s+(\S+)$/i.exec(authorization) ?? []
  return [authorization, accessKeyId, signature, bare]
}

const lowerCased = (headers: unknown): Readonly<Record<string, unknown>> =>
  Predicate.isReadonlyRecord(headers)
    ? Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
    : {}

/**
 * The secrets of a signed request of the SDK: what stands in its headers, its query and the address.
 *
 * @internal
 */
export const ofRequest = (request: unknown): ReadonlyArray<string> => {
  const headers = lowerCased(member(request, "headers"))
  return [
    ...authorizationParts(headers["authorization"]),
    ...named(headers, ["x-amz-security-token", "x-amz-s3session-token"]),
    ...named(member(request, "query"), ["X-Amz-Security-Token", "X-Amz-Credential", "X-Amz-Signature"]),
    member(request, "password")
  ].filter(isSecret)
}

const isSecret = (value: unknown): value is string => typeof value === "string" && value.length >= minLength

// The middlewares of the SDK share it by their context.
const identityOf = (context: unknown): unknown =>
  member(member(member(context, "__smithy_context"), "selectedHttpAuthScheme"), "identity")

/**
 * Whether the SDK has resolved credentials for a call.
 *
 * @internal
 */
export const isIdentified = (context: unknown): boolean => identityOf(context) !== undefined

/**
 * The secrets of the credentials that the SDK has resolved for a call.
 *
 * @internal
 */
export const ofContext = (context: unknown): ReadonlyArray<string> =>
  named(identityOf(context), ["accessKeyId", "secretAccessKey", "sessionToken", "token", "apiKey"]).filter(isSecret)

// Between a name and its value: as a header, in JSON, in a query, percent-encoded.
const between = String.raw`(?:\\?["'])?\s*(?:[:=]|%3a|%3d)\s*(?:\\?["'])?`

const value = String.raw`(?:[\w+/=.~-]|\\/|%[0-9a-f]{2}|&#?\w{1,8};)+`

const patterns = [
  new RegExp(String.raw`(x-amz-(?:security|s3session)-token${between})${value}`, "gi"),
  new RegExp(String.raw`((?:x-amz-)?\b(?:credential|signature)(?:=|%3d))${value}`, "gi"),
  /()\b(?:AKIA|ASIA)[A-Z0-9]{12,}/g
]

/**
 * Removes everything that has the form of an AWS credential. A message that is cut short contains only the beginning of a
 * token, and a service may quote credentials of another call.
 *
 * @internal
 */
export const withoutCredentials = (text: string): string =>
  patterns.reduce((text, pattern) => text.replaceAll(pattern, `$1${redacted}`), text)
