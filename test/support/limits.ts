import {
  Arbitrary,
  Array as Arr,
  DateTime,
  FastCheck,
  Option,
  Order,
  Predicate,
  Record,
  Redacted,
  Schema,
  String as Str
} from "effect"
import { operations } from "../../src/IdentityApi.js"
import type { Operation } from "../../src/Operation.js"
import json from "../fixtures/operations.json" with { type: "json" }

const limits = {
  type: Schema.String,
  min: Schema.optional(Schema.Number),
  max: Schema.optional(Schema.Number),
  pattern: Schema.optional(Schema.String),
  enum: Schema.optional(Schema.Array(Schema.String)),
  sensitive: Schema.optional(Schema.Boolean),
  members: Schema.optional(Schema.Array(Schema.String)),
  requiredMembers: Schema.optional(Schema.Array(Schema.String))
}

const Limits = Schema.Struct(limits)

export const Member = Schema.Struct({
  ...limits,
  items: Schema.optional(Limits),
  key: Schema.optional(Limits),
  value: Schema.optional(Limits)
})

type Limits = typeof Limits.Type
export type Member = typeof Member.Type

const Fact = Schema.Struct({
  operation: Schema.String,
  plane: Schema.String,
  method: Schema.String,
  uri: Schema.String,
  successStatus: Schema.Number,
  idempotent: Schema.Boolean,
  readonly: Schema.Boolean,
  required: Schema.Array(Schema.String),
  optional: Schema.Array(Schema.String),
  members: Schema.Record({
    key: Schema.String,
    value: Schema.Struct({ ...Member.fields, in: Schema.optional(Schema.String) })
  }),
  output: Schema.Array(Schema.Struct({ name: Schema.String, required: Schema.Boolean, ...Member.fields })),
  errors: Schema.Array(Schema.Struct({ name: Schema.String }))
})

/** A query cannot express an empty list: AWS reports the member as missing. */
const sayable = (member: typeof Fact.fields.members.value.Type): Member =>
  member.in === "query" && member.type === "list" ? { ...member, min: Math.max(1, member.min ?? 0) } : member

/** The facts of the AWS service models on each operation, as far as HTTP can express them. */
export const facts = Schema.decodeUnknownSync(Schema.Array(Fact))(json).map((fact) => ({
  ...fact,
  members: Record.map(fact.members, sayable)
}))

const table: Record.ReadonlyRecord<string, Operation.Any> = operations

/** The operations, each with its facts. */
export const all = facts.map((fact) => ({
  fact,
  operation: Option.getOrThrow(Record.get(table, Str.uncapitalize(fact.operation)))
}))

/** Members that are `Redacted` here although AWS does not mark them as sensitive: the holder can act for the user. */
export const isSecret = (name: string, { sensitive = false }: Limits) => sensitive || name === "sessionUri"

export interface Case {
  readonly why: string
  readonly value: unknown
  /** The member that the error must name. Without it, the value must be accepted. */
  readonly refused?: string
}

const anchored = (pattern = "[^]*") => new RegExp(`^(?:${pattern})$`)

// Without a pattern, characters of two UTF-16 units: limits count code points.
const astral = "😀"

const fill = (s: string, length: number) => s === astral ? s.repeat(length) : s.padEnd(length, s.slice(-1))

const characters = ["\n", "é", ...Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i))]

const strings = ({ enum: values, max = Infinity, min = 0, pattern }: Limits) => {
  if (values !== undefined) return { valid: values, invalid: ["NONE_OF_THESE", ""] }
  const fits = anchored(pattern)
  const [sample = ""] = FastCheck.sample(
    pattern === undefined
      ? FastCheck.constant("x".repeat(Math.max(1, min)))
      : FastCheck.stringMatching(fits).filter((s) => s.length >= Math.max(1, min) && s.length < max),
    { seed: 1, numRuns: 1 }
  )
  const near = pattern === undefined ? [] : characters.flatMap((c) => [sample + c, c + sample])
  const long = max === Infinity ? [] : pattern === undefined ? [astral] : [sample]
  return {
    valid: [sample, ...[sample.slice(0, min), ...near].filter((s) => fits.test(s)), ...long.map((s) => fill(s, max))],
    invalid: [
      ...(min === 0 ? [] : [sample.slice(0, min - 1)]),
      ...long.map((s) => fill(s, max + 1)),
      ...near.filter((s) => !fits.test(s))
    ]
  }
}

const shown = (s: string) => s.length > 60 ? `${s.slice(0, 20)}… (${s.length})` : s

const stringCases = (at: string, limits: Limits, put: (s: string) => unknown): ReadonlyArray<Case> => {
  const { invalid, valid } = strings(limits)
  return [
    ...valid.map((s) => ({ why: `"${shown(s)}" fits`, value: put(s) })),
    ...invalid.map((s) => ({ why: `"${shown(s)}" does not fit`, value: put(s), refused: at }))
  ]
}

const sizes = <A>(
  { max = Infinity, min = 0 }: Limits,
  refused: string,
  of: (size: number) => A
): ReadonlyArray<Case> => [
  { why: "the smallest size", value: of(min) },
  ...(min === 0 ? [] : [{ why: "a size below", value: of(min - 1), refused }]),
  ...(max === Infinity ? [] : [
    { why: "the largest size", value: of(max) },
    { why: "a size above", value: of(max + 1), refused }
  ])
]

/** Values on both sides of every limit of a member. `sample` is an accepted value. */
export const casesOf = (name: string, member: Member, sample: unknown): ReadonlyArray<Case> => {
  const wrap = (limits: Limits) => (s: string) => isSecret(name, limits) ? Redacted.make(s) : s
  const wrong = (...values: ReadonlyArray<unknown>) =>
    values.map((value) => ({ why: "the wrong type", value, refused: name }))
  switch (member.type) {
    case "string":
      return [
        ...stringCases(name, member, wrap(member)),
        ...wrong(42, null, isSecret(name, member) ? "bare" : Redacted.make("x"))
      ]
    case "boolean":
      return [{ why: "yes", value: true }, { why: "no", value: false }, ...wrong("true")]
    case "integer":
      return [
        ...[member.min, member.max].map((value) => ({ why: "a bound", value })),
        ...[(member.min ?? 0) - 1, (member.max ?? 0) + 1, 1.5, NaN].map((value) => ({
          why: `${value} does not fit`,
          value,
          refused: name
        })),
        ...wrong("1")
      ]
    case "list": {
      const item = member.items ?? { type: "string" }
      const one: unknown = item.type === "string"
        ? strings(item).valid[0]
        : Array.isArray(sample)
        ? sample[0]
        : undefined
      return [
        ...sizes(member, name, (size) => Array.from({ length: size }, () => one)),
        ...(item.type === "string" ? stringCases(`${name}[1]`, item, (s) => [one, wrap(item)(s)]) : []),
        ...wrong("x", { 0: one })
      ]
    }
    case "map": {
      const { key = { type: "string" }, value = { type: "string" } } = member
      const [good = "x"] = strings(value).valid
      return [
        ...sizes(
          member,
          name,
          (size) => Object.fromEntries(Array.from({ length: size }, (_, i) => [`k${i}`, wrap(value)(good)]))
        ),
        ...strings(key).valid.map((key) => ({ why: `key "${shown(key)}"`, value: { [key]: wrap(value)(good) } })),
        ...strings(key).invalid.map((key) => ({
          why: `key "${shown(key)}"`,
          value: { [key]: wrap(value)(good) },
          refused: `${name}.${key}`
        })),
        ...stringCases(`${name}.k`, value, (s) => ({ k: wrap(value)(s) })),
        ...wrong("x")
      ]
    }
    case "structure":
      return [
        { why: "the sample", value: sample },
        ...(member.requiredMembers ?? []).map((key) => ({
          why: `without ${key}`,
          value: put(sample, key, undefined),
          refused: `${name}.${key}`
        })),
        ...wrong("x")
      ]
    case "union":
      return [
        { why: "the sample", value: sample },
        { why: "no member", value: {}, refused: name },
        {
          why: "every member",
          value: Object.fromEntries((member.members ?? []).map((key) => [key, "x"])),
          refused: name
        },
        ...wrong("x")
      ]
    default:
      throw new Error(`no cases for ${member.type}`)
  }
}

/** A copy with another value at a path such as `sources[0].identifier`. */
export const put = (into: unknown, path: string, value: unknown): unknown => {
  const go = (into: unknown, [key, ...rest]: ReadonlyArray<string>): unknown =>
    key === undefined
      ? value
      : Array.isArray(into)
      ? into.map((item: unknown, i) => String(i) === key ? go(item, rest) : item)
      : Predicate.isRecord(into)
      ? { ...into, [key]: go(into[key], rest) }
      : { [key]: go(undefined, rest) }
  return go(into, path.split(/[.[\]]+/).filter((key) => key !== ""))
}

export const samples = (schema: Schema.Schema.AnyNoContext, numRuns: number) =>
  FastCheck.sample(Arbitrary.make(Schema.typeSchema(schema)), { seed: 1, numRuns })

const wholes = new Map<Schema.Schema.AnyNoContext, Record.ReadonlyRecord<string, unknown>>()

/** A valid value with every possible member, combined from many samples. */
export const whole = (schema: Schema.Schema.AnyNoContext): Record.ReadonlyRecord<string, unknown> => {
  const known = wholes.get(schema)
  if (known !== undefined) return known
  const defined = samples(schema, 40).map((sample) => Record.filter(sample, Predicate.isNotUndefined))
  const whole = defined.reduce((whole, sample) => ({ ...whole, ...sample }), {})
  wholes.set(schema, whole)
  return whole
}

/** A value for deep comparison, which `Redacted` does not support. */
export const bare = (value: unknown): unknown =>
  Redacted.isRedacted(value)
    ? { redacted: Redacted.value(value) }
    : DateTime.isDateTime(value)
    ? { epochMillis: DateTime.toEpochMillis(value) }
    : Array.isArray(value)
    ? value.map(bare)
    : Predicate.isRecord(value)
    ? Record.map(Record.filter(value, Predicate.isNotUndefined), bare)
    : value === 0
    ? 0 // JSON has no negative zero
    : value

/**
 * The marker of the AWS SDK for an unknown member is never sent. Dates after the year 100,000 do not fit epoch
 * seconds to the millisecond.
 */
export const travels = (value: unknown): boolean =>
  DateTime.isDateTime(value)
    ? Math.abs(DateTime.toEpochMillis(value)) < 3e15
    : !Predicate.isObject(value) || (!("$unknown" in value) && Object.values(value).every(travels))

export const sorted = Arr.sortBy(Order.string)
