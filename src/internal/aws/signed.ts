/**
 * Credentials that a request was signed with. A service that rejects a signature quotes the text that it expected, which
 * contains the session token.
 */
import * as Predicate from "effect/Predicate"
import { redacted } from "../lib/redactText.js"

const member = (of: unknown, name: string): unknown => Predicate.hasProperty(of, name) ? of[name] : undefined

/**
 * Limit below which values are not removed: short ones, such as `test`, are words of ordinary messages. A real access key id has at least
 * 16 characters.
 */
const minLength = 8

const named = (of: unknown, names: ReadonlyArray<string>): ReadonlyArray<unknown> =>
  names.map((name) => member(of, name))

/** Returns the value of `Authorization` and its secret parts. */
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

/** Returns the secrets of a signed request: in its headers, its query and its URL. */
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

// The middleware of the SDK stores it in the context.
const identityOf = (context: unknown): unknown =>
  member(member(member(context, "__smithy_context"), "selectedHttpAuthScheme"), "identity")

/** A context that keeps the credentials of this one, which the calls of a client may share. */
export const snapshot = (context: object): object => ({
  __smithy_context: { selectedHttpAuthScheme: { identity: identityOf(context) } }
})

/** Removes the command for which a context was made, which the middleware of the SDK does not use. */
export const forgetCommand = (context: object): void => {
  const own = member(context, "__smithy_context")
  if (Predicate.hasProperty(own, "commandInstance")) own.commandInstance = undefined
}

/** Tests if the SDK has resolved credentials for a call. */
export const isIdentified = (context: unknown): boolean => identityOf(context) !== undefined

/** Returns the secrets of the credentials that the SDK has resolved for a call. */
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
 * Removes all text that has the form of an AWS credential. A truncated message contains only the start of a token, and a service
 * may quote credentials of another call.
 */
export const withoutCredentials = (text: string): string =>
  patterns.reduce((text, pattern) => text.replaceAll(pattern, `$1${redacted}`), text)
