/**
 * Equality for tests. Chai's deep equality does not compare the content of `Redacted`, `None` with `Some`, or all members of
 * an error; these assertions do.
 */
import { assert } from "@effect/vitest"
import { BigDecimal, Chunk, DateTime, Duration, Equal, HashMap, HashSet, List, Predicate, Redacted } from "effect"
import { inspect } from "node:util"
import { Table } from "../../src/internal/emulator/state/table.js"

/** Where two values differ, and how. */
interface Difference {
  readonly path: string
  readonly actual: unknown
  readonly expected: unknown
}

type Pair = readonly [actual: unknown, expected: unknown]

// `Error` keeps its message and cause in members that are not enumerable. A stack names the place of creation.
const hidden = ["name", "message", "cause"]

const keysOf = (value: object): ReadonlyArray<PropertyKey> =>
  value instanceof Error
    ? [...new Set([...Object.keys(value), ...hidden])].filter((key) => key !== "stack" && key in value)
    : Object.keys(value)

const member = (value: object, key: PropertyKey): unknown => Reflect.get(value, key)

const at = (path: string, key: PropertyKey) =>
  typeof key === "string" && /^[A-Za-z_]\w*$/.test(key) ? `${path}.${key}` : `${path}[${String(key)}]`

const ordered = (value: unknown): ReadonlyArray<unknown> | undefined =>
  Array.isArray(value) ? value : Chunk.isChunk(value) ? Chunk.toReadonlyArray(value) : List.isList(value)
    ? List.toArray(value)
    : undefined

const keyed = (value: unknown): ReadonlyArray<readonly [unknown, unknown]> | undefined => {
  if (HashMap.isHashMap(value) || value instanceof Table) return [...value]
  return value instanceof Map ? [...value] : undefined
}

const unordered = (value: unknown): ReadonlyArray<unknown> | undefined => {
  if (HashSet.isHashSet(value)) return [...value]
  return value instanceof Set ? [...value] : undefined
}

// What has one meaning and several representations, and what only its own `equals` can read.
const isOpaque = (value: unknown) =>
  Duration.isDuration(value) || DateTime.isDateTime(value) || BigDecimal.isBigDecimal(value)

const bytes = (value: unknown): string | undefined =>
  value instanceof Date
    ? String(value.getTime())
    : value instanceof Uint8Array
    ? Buffer.from(value).toString("hex")
    : value instanceof RegExp || value instanceof URL || value instanceof URLSearchParams
    ? String(value)
    : undefined

const without = <A>(items: ReadonlyArray<A>, index: number) => [...items.slice(0, index), ...items.slice(index + 1)]

const difference = (
  actual: unknown,
  expected: unknown,
  path: string,
  seen: ReadonlyArray<Pair>
): Difference | undefined => {
  const differs: Difference = { path, actual, expected }
  if (Object.is(actual, expected)) return undefined
  if (!Predicate.isObject(actual) || !Predicate.isObject(expected)) return differs
  if (typeof actual === "function" || typeof expected === "function") return differs
  if (Object.getPrototypeOf(actual) !== Object.getPrototypeOf(expected)) return differs
  if (seen.some(([a, b]) => a === actual && b === expected)) return undefined
  const deeper = [...seen, [actual, expected] as const]
  const compare = (a: unknown, b: unknown, inner: string) => difference(a, b, inner, deeper)

  if (Redacted.isRedacted(actual) && Redacted.isRedacted(expected)) {
    return compare(Redacted.value(actual), Redacted.value(expected), `Redacted(${path})`)
  }
  if (isOpaque(actual)) return Equal.equals(actual, expected) ? undefined : differs
  if (bytes(actual) !== undefined) return bytes(actual) === bytes(expected) ? undefined : differs

  const items = ordered(actual)
  const others = ordered(expected)
  if (items !== undefined && others !== undefined) {
    if (items.length !== others.length) return differs
    return items.map((item, index) => compare(item, others[index], `${path}[${index}]`)).find((found) =>
      found !== undefined
    )
  }

  // Keys are compared like everything else, so that two of the same content are one, whatever their identity.
  const entries = keyed(actual) ?? unordered(actual)
  const otherEntries = keyed(expected) ?? unordered(expected)
  if (entries !== undefined && otherEntries !== undefined) {
    let rest = otherEntries
    for (const entry of entries) {
      const index = rest.findIndex((other) => compare(entry, other, path) === undefined)
      if (index === -1) return { path, actual: entry, expected: rest }
      rest = without(rest, index)
    }
    return rest.length === 0 ? undefined : { path, actual: undefined, expected: rest }
  }

  const keys = new Set([...keysOf(actual), ...keysOf(expected)])
  for (const key of keys) {
    if ((key in actual) !== (key in expected)) return { ...differs, path: at(path, key) }
    const found = compare(member(actual, key), member(expected, key), at(path, key))
    if (found !== undefined) return found
  }
  // A class may keep what distinguishes its values where no key shows it.
  return keys.size === 0 && Equal.isEqual(actual) && !Equal.equals(actual, expected) ? differs : undefined
}

// The difference itself is revealed: a test has no secrets but its own.
const shown = (value: unknown): string =>
  Redacted.isRedacted(value) ? `Redacted(${shown(Redacted.value(value))})` : inspect(value, { depth: 6 })

const described = (message: string | undefined, { actual, expected, path }: Difference) =>
  `${message === undefined ? "" : `${message}: `}different at ${path}:\n  actual   ${shown(actual)}\n  expected ${
    shown(expected)
  }`

/** Whether two values have the same structure and the same content. */
export const isEqual = (actual: unknown, expected: unknown): boolean =>
  difference(actual, expected, "value", []) === undefined

/** Fails, naming the first difference, unless two values have the same structure and the same content. */
export const assertEqual = <A>(actual: A, expected: NoInfer<A>, message?: string): void => {
  const found = difference(actual, expected, "value", [])
  if (found !== undefined) assert.fail(actual, expected, described(message, found))
}

/** Fails if two values have the same structure and the same content. */
export const assertNotEqual = <A>(actual: A, expected: NoInfer<A>, message?: string): void => {
  if (isEqual(actual, expected)) {
    assert.fail(actual, expected, `${message ?? "expected a difference"}: ${shown(actual)}`)
  }
}

/** Fails unless an object has these members, or a list this item. */
export const assertContains = (actual: unknown, expected: unknown, message?: string): void => {
  const items = ordered(actual)
  if (items !== undefined) {
    if (!items.some((item) => isEqual(item, expected))) {
      assert.fail(actual, expected, described(message ?? "no such item", { path: "value", actual, expected }))
    }
    return
  }
  if (!Predicate.isObject(actual) || !Predicate.isObject(expected)) {
    return assert.fail(actual, expected, described(message, { path: "value", actual, expected }))
  }
  for (const key of keysOf(expected)) {
    const path = at("value", key)
    const found: Difference | undefined = key in actual
      ? difference(member(actual, key), member(expected, key), path, [])
      : { path, actual: undefined, expected: member(expected, key) }
    if (found !== undefined) assert.fail(actual, expected, described(message, found))
  }
}
