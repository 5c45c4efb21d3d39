/**
 * The secrets of a request: bare where they are sent, and gone from whatever comes back.
 */
import * as Arr from "effect/Array"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Order from "effect/Order"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

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

const secretsIn = (value: unknown): ReadonlyArray<string> => {
  if (Redacted.isRedacted(value)) {
    const secret = Redacted.value(value)
    return typeof secret === "string" && secret.length >= 4 ? [secret] : []
  }
  if (Array.isArray(value)) return value.flatMap(secretsIn)
  return Predicate.isReadonlyRecord(value) ? Object.values(value).flatMap(secretsIn) : []
}

// How a secret may look once the service, or a proxy on the way, has quoted it.
const spellings = (secret: string): ReadonlyArray<string> => {
  const percent = Either.getOrElse(Encoding.encodeUriComponent(secret), () => secret)
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    percent,
    percent.replace(/%../g, (byte) => byte.toLowerCase()),
    percent.replaceAll("%20", "+")
  ]
}

/**
 * Takes the secrets of a request out of a text. Those under four characters stay: they are in every other text.
 *
 * @internal
 */
export const scrubber = (request: unknown): (text: string) => string => {
  const secrets = secretsIn(request)
  return (text) =>
    // The longest first, so that no secret that is part of another leaves the rest of it behind.
    Arr.sortWith(secrets.flatMap(spellings), (spelling) => -spelling.length, Order.number)
      .reduce((text, spelling) => text.replaceAll(spelling, "<redacted>"), text)
}
