/**
 * The tables of the state: immutable maps with indexes and limits. A table is changed only by the functions of this module,
 * which also change its indexes. The changes between two versions follow from the versions themselves, so none can be
 * forgotten.
 */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Sorting from "./sorting.js"
import * as Tree from "./tree.js"

/** The rules that all versions of a table share. */
export interface Rules<A, Index extends string = never> {
  /**
   * The value by which an index sorts a row, or `undefined` for a row that it does not have. Several rows may have the same
   * value. It contains no NUL, except as a separator of its parts.
   */
  readonly indexes: { readonly [Name in Index]: (row: A) => string | undefined }
  /** Absent if the number of rows has a quota. */
  readonly limits?: Limits<A> | undefined
}

/** A table above its limits loses the rows that end first. */
export interface Limits<A> {
  readonly rows: number
  /** Characters of all keys and rows. */
  readonly characters: number
  /** The time from which a row has no use, in epoch milliseconds. */
  readonly endOf: (row: A) => number
}

interface Parts<A, Index extends string> {
  readonly rules: Rules<A, Index>
  readonly rows: Tree.Tree<A>
  /** The keys of the rows, sorted by the values of the index. */
  readonly indexes: ReadonlyMap<Index, Tree.Tree<string>>
  /** The keys of the rows, sorted by their end, and their characters; empty and 0 without limits. */
  readonly ends: Tree.Tree<string>
  readonly characters: number
}

/** @internal */
export class Table<A, Index extends string = never> implements Iterable<readonly [key: string, row: A]> {
  readonly parts: Parts<A, Index>

  constructor(parts: Parts<A, Index>) {
    this.parts = parts
  }

  [Symbol.iterator](): Iterator<readonly [key: string, row: A]> {
    return Tree.ascending(this.parts.rows)
  }
}

/** The names of the indexes. `Object.keys` returns strings, which may not be names. */
const namesOf = <A, Index extends string>({ indexes }: Rules<A, Index>): ReadonlyArray<Index> => {
  const names: Array<Index> = []
  for (const name in indexes) names.push(name)
  return names
}

/** @internal */
export const empty = <A, Index extends string = never>(rules: Rules<A, Index>): Table<A, Index> =>
  new Table({
    rules,
    rows: undefined,
    indexes: new Map(namesOf(rules).map((name) => [name, undefined])),
    ends: undefined,
    characters: 0
  })

/** The first character of a text of `sortable`, by the number of digits. That of a negative number is before all of them. */
const lengthPrefixes = "abcdefghijklmnopq"

const negativePrefix = "0"

/** The number without its fraction, which may be infinite. */
const wholeNumber = (number: number) => Math.floor(Math.min(number, Number.MAX_SAFE_INTEGER))

/** A number without its fraction as a text that sorts like the number: the more digits, the larger. */
export const sortable = (number: number): string => {
  const whole = wholeNumber(number)
  if (whole < 0) return `${negativePrefix}${String(9e15 + whole).padStart(16, "0")}`
  const digits = String(whole)
  return `${lengthPrefixes.charAt(digits.length)}${digits}`
}

/** A time as a text that sorts like the time. */
export const sortableTime = (time: DateTime.Utc): string => sortable(DateTime.toEpochMillis(time))

const separated = (value: string, key: string) => `${value}\u0000${key}`

/** The number of characters in a row: of its texts, also those that are `Redacted`, and 16 for any other value. */
const charactersOf = (value: unknown): number => {
  if (Predicate.isString(value)) return value.length
  if (!Predicate.isObject(value) || DateTime.isDateTime(value)) return 16
  if (Redacted.isRedacted(value)) return charactersOf(Redacted.value(value))
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + 16 + charactersOf(item), 0)
  if (!Predicate.isRecord(value)) return 16
  let sum = 0
  for (const name of Object.keys(value)) sum += 16 + name.length + charactersOf(value[name])
  return sum
}

const withLimits = <A>(
  limits: Limits<A> | undefined,
  parts: { readonly ends: Tree.Tree<string>; readonly characters: number },
  key: string,
  before: Option.Option<A>,
  after: Option.Option<A>
) => {
  if (limits === undefined) return parts
  const nameOf = (row: A) => separated(sortable(limits.endOf(row)), key)
  const sizeOf = (row: A) => key.length + charactersOf(row)
  return {
    ends: reindexed(parts.ends, key, Option.map(before, nameOf), Option.map(after, nameOf)),
    characters: parts.characters -
      Option.match(before, { onNone: () => 0, onSome: sizeOf }) +
      Option.match(after, { onNone: () => 0, onSome: sizeOf })
  }
}

const reindexed = (
  tree: Tree.Tree<string>,
  key: string,
  before: Option.Option<string>,
  after: Option.Option<string>
): Tree.Tree<string> => {
  const isSame = Option.isSome(before) && Option.isSome(after) && before.value === after.value
  const without = Option.isSome(before) && !isSame ? Tree.remove(tree, before.value) : tree
  return Option.isSome(after) && !isSame ? Tree.set(without, after.value, key) : without
}

/** Replaces, adds or removes one row, in every part of the table. */
const put = <A, Index extends string>(
  table: Table<A, Index>,
  key: string,
  after: Option.Option<A>
): Table<A, Index> => {
  const { characters, ends, indexes, rows, rules } = table.parts
  const changed = Option.isSome(after) ? Tree.set(rows, key, after.value) : Tree.remove(rows, key)
  if (changed === rows) return table
  const before = Tree.size(changed) > Tree.size(rows) ? Option.none<A>() : Tree.get(rows, key)
  const changedIndexes = new Map(indexes)
  for (const [name, tree] of indexes) {
    const nameOf = (row: A) =>
      Option.map(Option.fromNullable(rules.indexes[name](row)), (value) => separated(value, key))
    changedIndexes.set(name, reindexed(tree, key, Option.flatMap(before, nameOf), Option.flatMap(after, nameOf)))
  }
  return new Table({
    rules,
    rows: changed,
    indexes: changedIndexes,
    ...withLimits(rules.limits, { ends, characters }, key, before, after)
  })
}

const isWithin = <A, Index extends string>({ parts: { characters, rows } }: Table<A, Index>, limits: Limits<A>) =>
  Tree.size(rows) <= limits.rows && characters <= limits.characters

/** Sets a row. A table that is above its limits loses the rows that end first, but not this one. */
export const set = <A, Index extends string>(table: Table<A, Index>, key: string, row: A): Table<A, Index> => {
  const { limits } = table.parts.rules
  let changed = put(table, key, Option.some(row))
  if (limits === undefined || isWithin(changed, limits)) return changed
  for (const [, first] of Tree.ascending(changed.parts.ends)) {
    if (isWithin(changed, limits)) break
    if (first !== key) changed = remove(changed, first)
  }
  return changed
}

/** @internal */
export const remove = <A, Index extends string>(table: Table<A, Index>, key: string): Table<A, Index> =>
  put(table, key, Option.none())

/** Replaces the row by a function of it, if there is one. */
export const modify = <A, Index extends string>(
  table: Table<A, Index>,
  key: string,
  f: (row: A) => A
): Table<A, Index> => Option.match(get(table, key), { onNone: () => table, onSome: (row) => set(table, key, f(row)) })

/** Rows that one call removes: more than a call adds, so that the ended rows become fewer, and few, so that it stays fast. */
const maxPruned = 16

/** Removes some of the rows that ended before `now`. */
export const prune = <A, Index extends string>(table: Table<A, Index>, now: DateTime.Utc): Table<A, Index> => {
  const end = sortableTime(now)
  let pruned = table
  let left = maxPruned
  for (const [name, key] of Tree.ascending(table.parts.ends)) {
    if (name >= end || left === 0) break
    pruned = remove(pruned, key)
    left--
  }
  return pruned
}

/** A row of a new table. */
interface Item<A> {
  readonly key: string
  readonly row: A
  /** The time from which the row has no use; 0 if the table has no limits. */
  readonly end: number
}

/** The items in the order of their keys. Of several with the same key, the last. */
const byKey = <A>(items: ReadonlyArray<Item<A>>): ReadonlyArray<Item<A>> => {
  const sorted = Sorting.byText(items, keyOf)
  return sorted.filter(({ key }, position) => key !== sorted[position + 1]?.key)
}

const keyOf = ({ key }: Item<unknown>) => key

interface IndexEntry {
  readonly value: string
  readonly key: string
}

const nameOf = ({ key, value }: IndexEntry) => separated(value, key)

const compareEntries = (one: IndexEntry, other: IndexEntry) =>
  one.value === other.value ? one.key < other.key ? -1 : 1 : one.value < other.value ? -1 : 1

/** An index. Fast if the items are already in its order. */
const indexOf = <A>(items: ReadonlyArray<Item<A>>, valueOf: (row: A) => string | undefined): Tree.Tree<string> => {
  const entries: Array<IndexEntry> = []
  for (const { key, row } of items) {
    const value = valueOf(row)
    if (value !== undefined) entries.push({ value, key })
  }
  entries.sort(compareEntries)
  return Tree.fromSorted(entries, nameOf, ({ key }) => key)
}

/**
 * An empty table with these rows, which may be above its limits. Sorts the rows, which takes less time than to set one after
 * the other: a folder may have many.
 */
export const withEntries = <A, Index extends string>(
  { parts: { rules } }: Table<A, Index>,
  entries: Iterable<readonly [key: string, row: A]>
): Table<A, Index> => {
  const { indexes, limits } = rules
  const endOf = limits === undefined ? () => 0 : (row: A) => wholeNumber(limits.endOf(row))
  const items = byKey(Array.from(entries, ([key, row]) => ({ key, row, end: endOf(row) })))
  // Most indexes have an order that is close to that of the ends.
  const ordered = Sorting.byNumber(items, ({ end }) => end)
  return new Table({
    rules,
    rows: Tree.fromSorted(items, keyOf, ({ row }) => row),
    indexes: new Map(namesOf(rules).map((name) => [name, indexOf(ordered, indexes[name])])),
    ends: limits === undefined
      ? undefined
      : Tree.fromSorted(ordered, ({ end, key }) => separated(sortable(end), key), keyOf),
    characters: limits === undefined ? 0 : items.reduce((sum, { key, row }) => sum + key.length + charactersOf(row), 0)
  })
}

/** Replaces every row by a function of it. */
export const map = <A, Index extends string>(table: Table<A, Index>, f: (row: A) => A): Table<A, Index> =>
  withEntries(table, Array.from(table, ([key, row]) => [key, f(row)] as const))

/** @internal */
export const get = <A, Index extends string>({ parts }: Table<A, Index>, key: string): Option.Option<A> =>
  Tree.get(parts.rows, key)

/** @internal */
export const has = <A, Index extends string>(table: Table<A, Index>, key: string): boolean =>
  Option.isSome(get(table, key))

/** @internal */
export const size = <A, Index extends string>({ parts }: Table<A, Index>): number => Tree.size(parts.rows)

/** The characters of all keys and rows; 0 for a table without limits. */
export const characters = <A, Index extends string>({ parts }: Table<A, Index>): number => parts.characters

/** The rows in the order of their keys. */
export const values = <A, Index extends string>(table: Table<A, Index>): Array<A> => Array.from(table, ([, row]) => row)

/** The entries after `key` (by default: all), in the order of their keys. */
export function* entriesAfter<A, Index extends string>(
  { parts }: Table<A, Index>,
  key: string | undefined
): Generator<readonly [key: string, row: A], undefined> {
  for (const entry of Tree.ascending(parts.rows, key)) if (entry[0] !== key) yield entry
}

/** The entries of an index: all, or those whose value is `within`, or begins with `within` and a NUL. */
const rangeOf = (within: string | undefined) =>
  within === undefined
    ? { start: "", end: undefined }
    : { start: separated(within, ""), end: `${within}\u0001` }

/** The rows whose value in the index begins with the parts `within` and is at least `from`, in the order of these values. */
export function* ascending<A, Index extends string>(
  { parts }: Table<A, Index>,
  index: Index,
  within?: string,
  from?: string
): Generator<readonly [key: string, row: A], undefined> {
  const { end, start } = rangeOf(within)
  for (const [name, key] of Tree.ascending(parts.indexes.get(index), from ?? start)) {
    if (end !== undefined && name >= end) return
    const row = Tree.get(parts.rows, key)
    if (Option.isSome(row)) yield [key, row.value]
  }
}

/** The rows whose value in the index begins with the parts `within` and is less than `before`, in the reverse order. */
export function* descending<A, Index extends string>(
  { parts }: Table<A, Index>,
  index: Index,
  within?: string,
  before?: string
): Generator<readonly [key: string, row: A], undefined> {
  const { end, start } = rangeOf(within)
  for (const [name, key] of Tree.descending(parts.indexes.get(index), before ?? end)) {
    if (name < start) return
    const row = Tree.get(parts.rows, key)
    if (Option.isSome(row)) yield [key, row.value]
  }
}

/** The rows of an index without those that have the `skip` largest values, in the reverse order of the values. */
export const descendingAfter = <A, Index extends string>(
  table: Table<A, Index>,
  index: Index,
  skip: number
): Iterable<readonly [key: string, row: A]> => {
  const tree = table.parts.indexes.get(index)
  const before = Tree.keyAt(tree, Tree.size(tree) - skip)
  return skip >= Tree.size(tree) ? [] : descending(table, index, undefined, before)
}

/** The number of rows whose value in the index begins with the parts `within` and is at least `from`. */
export const count = <A, Index extends string>(
  { parts }: Table<A, Index>,
  index: Index,
  within?: string,
  from?: string
): number => {
  const tree = parts.indexes.get(index)
  const { end, start } = rangeOf(within)
  return (end === undefined ? Tree.size(tree) : Tree.countBefore(tree, end)) - Tree.countBefore(tree, from ?? start)
}

/** Removes the rows whose value in the index begins with the parts `within`. */
export const removeAll = <A, Index extends string>(
  table: Table<A, Index>,
  index: Index,
  within: string
): Table<A, Index> => {
  let remaining = table
  for (const [key] of ascending(table, index, within)) remaining = remove(remaining, key)
  return remaining
}

/** The rows that were added, changed or removed from one version to another. The cost follows their number. */
export const differences = <A, Index extends string>(
  before: Table<A, Index>,
  after: Table<A, Index>
): ReadonlyArray<Tree.Difference<A>> => Tree.differences(before.parts.rows, after.parts.rows)
