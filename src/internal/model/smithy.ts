/**
 * Schema constructors for the shapes of Smithy, with the limits of the model and the messages of AWS. Requests are validated.
 * Replies are decoded leniently, because the service may be newer than its published model.
 */
import type * as Arbitrary from "effect/Arbitrary"
import * as DateTime from "effect/DateTime"
import type * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"
import type { UnknownValue } from "../../Operation.js"

/** @internal */
export interface Limits {
  readonly min?: number
  readonly max?: number
  /** Anchored here, as Smithy does. It is not documented if the service anchors its patterns. */
  readonly pattern?: RegExp
  /** Replaces `pattern` if matching it in JavaScript takes too long; decides the same. */
  readonly matches?: (s: string) => boolean
}

const violationOf = (what: string, size: number, { max = Infinity, min = 0 }: Limits) => {
  if (size >= min && size <= max) return undefined
  if (max === Infinity) return `Member must have ${what} greater than or equal to ${min}`
  return min === 0
    ? `Member must have ${what} less than or equal to ${max}`
    : `Member must have ${what} between ${min} and ${max}, inclusive`
}

// Smithy counts code points, JavaScript counts UTF-16 units, of which a code point has one or two.
const size = (s: string, { max = Infinity, min = 0 }: Limits) => {
  if (s.length <= max && s.length >= 2 * min) return s.length
  let n = 0
  for (const _ of s) n++
  return n
}

// Lengths may reach 131,072; generated texts stay short.
const generatedLength = ({ max = Infinity, min = 0 }: Limits) => ({
  minLength: min,
  maxLength: Math.min(max, min + 40)
})

const anchor = (pattern: RegExp) => new RegExp(`^(?:${pattern.source})$`)

const makeRule = (limits: Limits) => {
  const { pattern } = limits
  const anchored = pattern && anchor(pattern)
  const matches = limits.matches ?? ((s: string) => anchored === undefined || anchored.test(s))
  return (s: string) =>
    violationOf("length", size(s, limits), limits) ??
      (matches(s)
        ? undefined
        : `Member must satisfy regular expression pattern: ${pattern?.source}`)
}

const arbitraryText = (limits: Limits): Arbitrary.LazyArbitrary<string> => {
  const { pattern } = limits
  const check = makeRule(limits)
  return (fc) =>
    pattern === undefined
      ? fc.string(generatedLength(limits))
      : fc.stringMatching(anchor(pattern)).filter((s) => check(s) === undefined)
}

/** @internal */
export const text = (limits: Limits): Schema.filter<typeof Schema.String> =>
  Schema.String.pipe(Schema.filter(makeRule(limits), { arbitrary: () => arbitraryText(limits) }))

/** @internal */
export const secret = (limits: Limits = {}): Schema.Redacted<Schema.filter<typeof Schema.String>> =>
  Schema.Redacted(text(limits))

/** A list: readonly for the caller, mutable for the types of the AWS SDK. */
export const list = <A, I>(
  item: Schema.Schema<A, I>,
  limits: Limits = {}
): Schema.transform<Schema.mutable<Schema.Array$<Schema.Schema<A, I>>>, Schema.Schema<ReadonlyArray<A>>> =>
  Schema.transform(
    Schema.mutable(Schema.Array(item)),
    Schema.Array(Schema.typeSchema(item)).pipe(
      Schema.filter((items) => violationOf("length", items.length, limits))
    ),
    { strict: true, decode: (items) => items, encode: (items) => [...items] }
  )

/** A map of strings. A filter validates its keys, since a record schema silently drops keys that do not match. */
export const map = <A>(
  key: Limits,
  value: Schema.Schema<A, string>,
  limits: Limits = {}
): Schema.Schema<{ readonly [key: string]: A }, { readonly [key: string]: string }> => {
  const keyRule = makeRule(key)
  // A request must not have the key `__proto__`, which patterns allow.
  const generated = Schema.String.annotations({
    arbitrary: () => (fc) => arbitraryText(key)(fc).filter((text) => text !== "__proto__")
  })
  return Schema.Record({ key: generated, value }).pipe(
    Schema.filter((entries) => {
      const keys = Object.keys(entries)
      const size = violationOf("length", keys.length, limits)
      return [
        ...(size === undefined ? [] : [{ path: [], message: size }]),
        ...keys.flatMap((key) => {
          const message = keyRule(key)
          return message === undefined ? [] : [{ path: [key], message }]
        })
      ]
    })
  )
}

/** A reply without members; decoding drops all members. */
export const EmptyReply: Schema.Schema<{}> = Schema.transform(Schema.Struct({}), Schema.Struct({}), {
  strict: true,
  decode: () => ({}),
  encode: () => ({})
})

/** @internal */
export const integer = (min: number, max: number): Schema.filter<typeof Schema.Number> =>
  Schema.Number.pipe(
    Schema.filter((n) =>
      !Number.isInteger(n)
        ? "Member must be an integer"
        : n >= min && n <= max
        ? undefined
        : `Member must be between ${min} and ${max}, inclusive`, { arbitrary: () => (fc) => fc.integer({ min, max }) })
  )

// No value has this type. A generator gives the member `undefined`, and `oneOf` removes it.
const absent = AST.annotations(AST.neverKeyword, {
  [AST.ArbitraryAnnotationId]: () => (fc: typeof FastCheck) => fc.constant(undefined)
})

type OnlyOne<Values> = { readonly [K in keyof Values]: { readonly [P in K]: Values[P] } }[keyof Values]

/**
 * A union of Smithy: exactly one of these members. The syntax tree of each forbids the others, since a struct schema would
 * silently drop them.
 */
export const oneOf = <Members extends { readonly [key: string]: Schema.Schema.AnyNoContext }>(
  members: Members
): Schema.Schema<
  OnlyOne<{ readonly [K in keyof Members]: Schema.Schema.Type<Members[K]> }>,
  OnlyOne<{ readonly [K in keyof Members]: Schema.Schema.Encoded<Members[K]> }>
> => {
  const keys = Object.keys(members)
  const structs = Object.entries(members).map(([key, member]) => Schema.Struct({ [key]: member }))
  const exclusive = structs.map((struct) =>
    new AST.TypeLiteral([
      ...AST.getPropertySignatures(struct.ast),
      ...keys.filter((key) => !(key in struct.fields)).map((key) => new AST.PropertySignature(key, absent, true, true))
    ], [])
  )
  return Schema.make<
    OnlyOne<{ readonly [K in keyof Members]: Schema.Schema.Type<Members[K]> }>,
    OnlyOne<{ readonly [K in keyof Members]: Schema.Schema.Encoded<Members[K]> }>
  >(
    new AST.Refinement(AST.Union.make(exclusive), () => Option.none(), {
      [AST.ArbitraryAnnotationId]: (from: Arbitrary.LazyArbitrary<object>) => (fc: typeof FastCheck) =>
        from(fc).map(Record.filter(Predicate.isNotUndefined))
    })
  )
}

const Unknown: Schema.Schema<UnknownValue, string> = Schema.String.pipe(Schema.brand("UnknownValue"))

/** @internal */
export const extensibleEnum = <Literals extends readonly [string, ...Array<string>]>(
  ...literals: Literals
): Schema.Schema<Literals[number] | UnknownValue, string> => Schema.Union(Schema.Literal(...literals), Unknown)

/** Last alternative of a union in a reply: the form in which the AWS SDK returns a member that is not in the model. */
export const UnknownMember = Schema.Struct({ $unknown: Schema.Tuple(Schema.String, Schema.Unknown) })

/** The same for a member that may be a secret. */
export const UnknownSecretMember = Schema.Struct({
  $unknown: Schema.Tuple(Schema.String, Schema.Redacted(Schema.Unknown))
})

/** A time: epoch seconds on the wire, a `Date` from the AWS SDK. */
export const Timestamp: Schema.Schema<DateTime.Utc, number | Date> = Schema.transformOrFail(
  Schema.Union(Schema.Finite, Schema.ValidDateFromSelf),
  Schema.DateTimeUtcFromSelf,
  {
    strict: true,
    decode: (wire, _, ast) =>
      Option.match(DateTime.make(typeof wire === "number" ? Math.round(wire * 1000) : wire), {
        onNone: () => ParseResult.fail(new ParseResult.Type(ast, wire, "Member must be a time")),
        onSome: ParseResult.succeed
      }),
    encode: (time) => ParseResult.succeed(DateTime.toEpochMillis(time) / 1000)
  }
)
