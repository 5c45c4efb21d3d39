/** Secrets of a request: unwrapped when they are sent, and removed from errors. */
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
 * Returns a request schema without limits: it encodes a request unchanged, with unwrapped secrets. The compiler does not check
 * that this turns `A` into `I`; the two differ only in `Redacted`.
 */
export const asGiven = <A, I>(_schema: Schema.Schema<A, I>): Schema.Schema<A, I> => Schema.make<A, I>(AsGiven.ast)

/** The secrets of a request. Those under four characters are left out, since ordinary words contain them. */
export const ofRequest = (value: unknown): ReadonlyArray<string> => {
  if (Redacted.isRedacted(value)) {
    const secret = Redacted.value(value)
    return typeof secret === "string" && secret.length >= minSecretLength ? [secret] : []
  }
  if (Array.isArray(value)) return value.flatMap(ofRequest)
  return Predicate.isReadonlyRecord(value) ? Object.values(value).flatMap(ofRequest) : []
}
