/**
 * The schemas that an AWS client has at run time. A schema is a number for a simple type, or a tuple that begins with
 * the number of its kind, a namespace, a name and traits. A reference is a schema, a function that returns one, or a
 * pair of a reference and the traits of a member.
 */
import { Option, Predicate, Record, Schema } from "effect"
import type { Declarations } from "./declarations.js"
import { type Member, type Shape, shape } from "./Description.js"

/** A number has a bit for each of the usual traits; a record has any. */
const Traits = Schema.Union(Schema.Number, Schema.Record({ key: Schema.String, value: Schema.Unknown }))

type Traits = typeof Traits.Type

const bits: Record.ReadonlyRecord<string, number> = { httpLabel: 1, sensitive: 8, httpPayload: 16, httpQueryParams: 64 }

const has = (traits: Traits, name: string) =>
  typeof traits === "number" ? (traits & (bits[name] ?? 0)) !== 0 : Record.has(traits, name)

const valueOf = (traits: Traits, name: string): unknown => typeof traits === "number" ? undefined : traits[name]

const Simple = Schema.Tuple(Schema.Literal(0), Schema.String, Schema.String, Traits, Schema.Unknown)

const List = Schema.Tuple(Schema.Literal(1), Schema.String, Schema.String, Traits, Schema.Unknown)

const Map = Schema.Tuple(Schema.Literal(2), Schema.String, Schema.String, Traits, Schema.Unknown, Schema.Unknown)

const Structure = Schema.Tuple(
  Schema.Literal(3, 4, -3),
  Schema.String,
  Schema.String,
  Traits,
  Schema.Array(Schema.String),
  Schema.Array(Schema.Unknown),
  // How many members are required; they come first.
  Schema.optionalElement(Schema.Number)
)

const Operation = Schema.Tuple(
  Schema.Literal(9),
  Schema.String,
  Schema.String,
  Schema.Struct({ http: Schema.Tuple(Schema.String, Schema.String, Schema.Number) }),
  Schema.Unknown,
  Schema.Unknown
)

const decodeOperation = Schema.decodeUnknownOption(Operation)

const decodeShape = Schema.decodeUnknownOption(Schema.Union(Simple, List, Map, Structure))

const MemberReference = Schema.Tuple(Schema.Unknown, Traits)

const decodeMember = Schema.decodeUnknownOption(MemberReference)

const dereference = (reference: unknown): unknown => {
  if (typeof reference !== "function") return reference
  const schema: unknown = reference()
  return schema
}

/** A reference without the traits of the member that it stands for, and these traits. */
const unwrapped = (reference: unknown): { readonly schema: unknown; readonly traits: ReadonlyArray<Traits> } => {
  const schema = dereference(reference)
  if (!Array.isArray(schema) || schema.length !== 2) return { schema, traits: [] }
  return Option.match(decodeMember(schema), {
    onNone: () => ({ schema, traits: [] }),
    onSome: ([inner, traits]) => {
      const rest = unwrapped(inner)
      return { schema: rest.schema, traits: [traits, ...rest.traits] }
    }
  })
}

/** Smithy's simple types by their numbers; 64 more is a list of one, 128 more a map of one. */
const simple = (code: number): Shape => {
  if (code >= 128) return shape("map", { item: simple(code - 128) })
  if (code >= 64) return shape("list", { item: simple(code - 64) })
  if (code === 0) return shape("string")
  if (code === 1 || code === 17 || code === 19) return shape("number")
  if (code === 2) return shape("boolean")
  // By default, and by name, the body of restJson1 has epoch seconds.
  if (code === 4 || code === 7) return shape("timestamp")
  if (code === 5 || code === 6) return shape(code === 5 ? "timestamp as date-time" : "timestamp as http-date")
  return shape(code === 15 ? "document" : code === 21 || code === 42 ? "blob" : `a type with the number ${code}`)
}

/** A string that is an enum, or the strings in a list or map. */
const withValues = (given: Shape, values: ReadonlyArray<string>): Shape =>
  given.kind === "string" ? { ...given, values } : given.item === undefined ? given : {
    ...given,
    item: withValues(given.item, values)
  }

const locationOf = (name: string, traits: ReadonlyArray<Traits>): string => {
  const named = (kind: string, trait: string) =>
    traits.map((one) => valueOf(one, trait)).filter(Predicate.isString).map((wire) =>
      wire === name ? kind : `${kind} as ${wire}`
    )[0]
  const some = (trait: string) => traits.some((one) => has(one, trait))
  return named("query", "httpQuery") ?? named("header", "httpHeader") ?? named("header", "httpPrefixHeaders") ??
    named("body", "jsonName") ??
    (some("httpLabel") ? "path" : some("httpPayload") ? "payload" : some("httpQueryParams") ? "query" : "body")
}

/** The names of the structures around it tell a recursive one, which would have no end. */
const shapeOf = (reference: unknown, declarations: Declarations, around: ReadonlyArray<string> = []): Shape => {
  const { schema, traits } = unwrapped(reference)
  const given = typeof schema === "number" ? simple(schema) : schema === "unit" ? shape("structure") : Option.match(
    decodeShape(schema),
    {
      onNone: () => shape("a schema of an unknown form"),
      onSome: (decoded) => composite(decoded, declarations, around)
    }
  )
  return traits.some((one) => has(one, "sensitive")) ? { ...given, sensitive: true } : given
}

const composite = (
  decoded: typeof Simple.Type | typeof List.Type | typeof Map.Type | typeof Structure.Type,
  declarations: Declarations,
  around: ReadonlyArray<string>
): Shape => {
  const [kind, , name, traits] = decoded
  if (around.includes(name)) return shape(`a recursive ${name}`)
  const within = [...around, name]
  const sensitive = has(traits, "sensitive")
  switch (kind) {
    case 0: {
      const target = shapeOf(decoded[4], declarations, around)
      return { ...target, sensitive: sensitive || target.sensitive }
    }
    case 1:
      return shape("list", { sensitive, item: shapeOf(decoded[4], declarations, within) })
    case 2:
      return shape("map", { sensitive, item: shapeOf(decoded[5], declarations, within) })
    default: {
      const [, , , , names, references, required = 0] = decoded
      const members = names.map((member, index): readonly [string, Member] => [member, {
        required: kind !== 4 && index < required,
        location: locationOf(member, unwrapped(references[index]).traits),
        shape: withValues(
          shapeOf(references[index], declarations, within),
          declarations.valuesOf(name, member)
        )
      }])
      return shape(kind === 4 ? "union" : "structure", { sensitive, members: Record.fromEntries(members) })
    }
  }
}

/** An operation, whose request and reply are described when they are asked for. */
export interface Found {
  readonly name: string
  readonly method: string
  readonly path: string
  readonly status: number
  readonly shapes: (declarations: Declarations) => { readonly request: Shape; readonly reply: Shape }
}

/** The operation that a value is, if it is one. */
export const operationOf = (value: unknown): Option.Option<Found> =>
  Option.map(decodeOperation(value), ([, , name, { http: [method, path, status] }, request, reply]) => ({
    name,
    method,
    path,
    status,
    shapes: (declarations) => ({ request: shapeOf(request, declarations), reply: shapeOf(reply, declarations) })
  }))

/** The HTTP status of an exception, if a value is one. */
export const exceptionOf = (value: unknown): Option.Option<readonly [name: string, status: number]> =>
  Option.flatMap(Schema.decodeUnknownOption(Structure)(value), ([kind, , name, traits]) => {
    const status = valueOf(traits, "httpError")
    return kind === -3 && typeof status === "number" ? Option.some([name, status] as const) : Option.none()
  })
