/**
 * Reads records of which a folder may have hundreds of thousands several times faster than their schemas: workload access tokens,
 * sessions and grants. A record that it does not know is left to the schema, which decides if the record is damaged.
 */
import * as DateTime from "effect/DateTime"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import { canonical, type Target } from "../state/target.js"
import type { User } from "../state/user.js"

/** A reader returns `undefined` for a value that it does not know. */
type Read<A> = (value: unknown) => A | undefined

/** The members of a JSON object. */
interface Members {
  readonly [name: string]: unknown
}

const isMembers = (value: unknown): value is Members => Predicate.isRecord(value)

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Reads the text of a record like `decode`, which is called for a record of any other form. */
export const decodeKnown =
  <A>(read: (members: Members) => A | undefined) =>
  <E>(decode: (text: string) => Either.Either<A, E>) =>
  (text: string): Either.Either<A, E> => {
    const value = parse(text)
    const known = isMembers(value) ? read(value) : undefined
    return known === undefined ? decode(text) : Either.right(known)
  }

/** Reads a value that may be `null`; the result is in an object, since `undefined` means that the value is not known. */
export const nullable = <A>(value: unknown, read: Read<A>): { readonly value: A | undefined } | undefined => {
  if (value === null) return { value: undefined }
  const known = read(value)
  return known === undefined ? undefined : { value: known }
}

/** @internal */
export const readTime: Read<DateTime.Utc> = (value) =>
  Predicate.isNumber(value) ? Option.getOrUndefined(DateTime.make(value)) : undefined

/** @internal */
export const readSecret: Read<Redacted.Redacted> = (value) =>
  Predicate.isString(value) ? Redacted.make(value) : undefined

/** @internal */
export const readUser: Read<User> = (value) => {
  if (!isMembers(value)) return undefined
  const { issuer, kind, subject, token, userId } = value
  if (kind === "userId" && Predicate.isString(userId)) return { kind, userId }
  return kind === "jwt" && Predicate.isString(issuer) && Predicate.isString(subject) && Predicate.isString(token)
    ? { kind, issuer, subject, token: Redacted.make(token) }
    : undefined
}

const readTexts: Read<ReadonlyArray<string>> = (value) =>
  Array.isArray(value) && value.every(Predicate.isString) ? canonical(value) : undefined

/** @internal */
export const readTarget: Read<Target> = (value) => {
  if (!isMembers(value)) return undefined
  const scopes = readTexts(value["scopes"])
  const resources = readTexts(value["resources"])
  const audiences = readTexts(value["audiences"])
  return scopes === undefined || resources === undefined || audiences === undefined
    ? undefined
    : { scopes, resources, audiences }
}

/** @internal */
export const readGranted = (
  value: unknown
): { readonly accessToken: Redacted.Redacted; readonly expiresAt: DateTime.Utc } | undefined => {
  if (!isMembers(value)) return undefined
  const accessToken = readSecret(value["accessToken"])
  const expiresAt = readTime(value["expiresAt"])
  return accessToken === undefined || expiresAt === undefined ? undefined : { accessToken, expiresAt }
}

/** @internal */
export const readRefresh: Read<{
  readonly token: Redacted.Redacted
  readonly expiresAt: DateTime.Utc | undefined
}> = (value) => {
  if (!isMembers(value)) return undefined
  const token = readSecret(value["token"])
  const expiresAt = nullable(value["expiresAt"], readTime)
  return token === undefined || expiresAt === undefined ? undefined : { token, expiresAt: expiresAt.value }
}
