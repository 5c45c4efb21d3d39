/** Copies of the installed AWS clients in which something is changed, as a later release may change it. */
import type { Client } from "../../scripts/awsDiff/clients.js"

/** A schema as the clients have it at run time: a kind, a namespace, a name, traits, and what belongs to the kind. */
export type Tuple = ReadonlyArray<unknown>

/** Where the references to other schemas are, by the kind. */
const referencesAt: { readonly [kind: string]: ReadonlyArray<number> } = { 0: [4], 1: [4], 2: [4, 5], 9: [4, 5] }

/** The same schema, changed wherever it refers to the shape of this name. */
const rewrite = (value: unknown, name: string, change: (schema: Tuple) => Tuple): unknown => {
  const again = (inner: unknown) => rewrite(inner, name, change)
  if (typeof value === "function") return () => again(value())
  if (!Array.isArray(value)) return value
  if (value.length === 2) return [again(value[0]), value[1]]
  const places = referencesAt[String(value[0])]
  const inside = value.map((part: unknown, index) =>
    places === undefined
      ? index === 5 && Array.isArray(part) ? part.map(again) : part
      : places.includes(index)
      ? again(part)
      : part
  )
  return value[2] === name ? change(inside) : inside
}

/** The client whose shape of this name is changed. */
export const withShape = (name: string, change: (schema: Tuple) => Tuple) => (client: Client): Client => ({
  ...client,
  exports: Object.fromEntries(
    Object.entries(client.exports).map((
      [key, value]
    ) => [key, Array.isArray(value) ? rewrite(value, name, change) : value])
  )
})

/** The client without what it exports by this name, or with another value in its place. */
export const withExport = (name: string, value?: unknown) => (client: Client): Client => ({
  ...client,
  exports: { ...client.exports, [name]: value }
})

/** The client whose declarations of models have another text in place of this one. */
export const withModels = (from: string, to: string) => (client: Client): Client => ({
  ...client,
  models: client.models.map((text) => text.replace(from, to))
})

/** The client whose declaration of a command has another text in place of this one. */
export const withCommand = (operation: string, from: string, to: string) => (client: Client): Client => ({
  ...client,
  command: (name) => name === operation ? client.command(name).replace(from, to) : client.command(name)
})

/** Adds a member to a structure or union, as an optional one at the end. */
export const adding = (member: string, reference: unknown) =>
(
  [kind, namespace, name, traits, names, references, ...rest]: Tuple
): Tuple => [
  kind,
  namespace,
  name,
  traits,
  [...asList(names), member],
  [...asList(references), reference],
  ...rest
]

/** Takes a member from the end of a structure or union. */
export const removingLast = ([kind, namespace, name, traits, names, references, ...rest]: Tuple): Tuple => [
  kind,
  namespace,
  name,
  traits,
  asList(names).slice(0, -1),
  asList(references).slice(0, -1),
  ...rest
]

/** Replaces what a member refers to. */
export const changing = (member: string, change: (reference: unknown) => unknown) => (schema: Tuple): Tuple => {
  const index = asList(schema[4]).indexOf(member)
  const references = asList(schema[5]).map((reference, at) => at === index ? change(reference) : reference)
  return [...schema.slice(0, 5), references, ...schema.slice(6)]
}

/** Makes this many members required, from the first. */
export const requiring = (count: number) => (schema: Tuple): Tuple => [...schema.slice(0, 6), count]

/** Replaces the traits. */
export const traits = (given: unknown) => (schema: Tuple): Tuple => [...schema.slice(0, 3), given, ...schema.slice(4)]

const asList = (value: unknown): ReadonlyArray<unknown> => Array.isArray(value) ? value : []
