/**
 * The secrets of a request: bare where they are sent, and removed from everything that comes back.
 */
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { minSecretLength } from "../lib/redactText.js"

const reveal = (value: unknown): unknown => {
  if (Redacted.isRedacted(value)) return reveal(Redacted.value(value))
  if (Array.isArray(value)) return value.map(reveal)
  if (Predicate.isReadonlyRecord(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, reveal(member)]))
  }
  return value
}

const AsGiven = Schema.transform(Schema.Unknown, Schema.Unknown, {
  strict: true,
  decode: (value) => value,
  encode: reveal
})

/**
 * A request schema without its limits: what it encodes is what was given, with the secrets bare. That revealing turns
 * `A` into `I` is taken on trust, since `Redacted` is the only thing in which the two differ.
 *
 * @internal
 */
export const asGiven = <A, I>(_schema: Schema.Schema<A, I>): Schema.Schema<A, I> => Schema.make<A, I>(AsGiven.ast)

/**
 * The secrets of a request. Those under four characters are left out, since ordinary words contain them.
 *
 * @internal
 */
export const ofRequest = (value: unknown): ReadonlyArray<string> => {
  if (Redacted.isRedacted(value)) {
    const secret = Redacted.value(value)
    return typeof secret === "string" && secret.length >= minSecretLength ? [secret] : []
  }
  if (Array.isArray(value)) return value.flatMap(ofRequest)
  return Predicate.isReadonlyRecord(value) ? Object.values(value).flatMap(ofRequest) : []
}
