/**
 * Reads the records of workload access tokens, of which a folder may have hundreds of thousands, several times faster than their
 * schema. A record that it does not know is left to the schema, which decides if the record is damaged.
 */
import * as DateTime from "effect/DateTime"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type { WorkloadToken } from "../state/state.js"
import type { User } from "../state/user.js"

const parse = Option.liftThrowable((text: string): unknown => JSON.parse(text))

const readUser = (user: unknown): Option.Option<User | undefined> => {
  if (user === null) return Option.some(undefined)
  if (!Predicate.isRecord(user)) return Option.none()
  const { issuer, kind, subject, token, userId } = user
  if (kind === "userId" && Predicate.isString(userId)) return Option.some({ kind, userId })
  return kind === "jwt" && Predicate.isString(issuer) && Predicate.isString(subject) && Predicate.isString(token)
    ? Option.some({ kind, issuer, subject, token: Redacted.make(token) })
    : Option.none()
}

const readToken = (value: unknown): Option.Option<WorkloadToken> => {
  if (!Predicate.isRecord(value)) return Option.none()
  const { expiresAt, user, workloadName } = value
  if (!Predicate.isNumber(expiresAt) || !Predicate.isString(workloadName)) return Option.none()
  const time = DateTime.make(expiresAt)
  const known = readUser(user)
  return Option.isSome(time) && Option.isSome(known)
    ? Option.some({ workloadName, user: known.value, expiresAt: time.value })
    : Option.none()
}

/** Reads the text of a record like `decode`, which is called for a record of any other form. */
export const decodeToken =
  <E>(decode: (text: string) => Either.Either<WorkloadToken, E>) => (text: string): Either.Either<WorkloadToken, E> => {
    const token = Option.flatMap(parse(text), readToken)
    return Option.isSome(token) ? Either.right(token.value) : decode(text)
  }
