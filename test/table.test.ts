import { assert, describe, it } from "@effect/vitest"
import { Array as Arr, DateTime, FastCheck as fc, Option, Order, Redacted } from "effect"
import * as Table from "../src/internal/emulator/state/table.js"
import { workloadTokens } from "../src/internal/emulator/state/tables.js"
import * as Tree from "../src/internal/emulator/state/tree.js"
import { assertEqual } from "./support/equality.js"

/** The height of a tree; dies if a subtree is much larger than its sibling. */
const height = (tree: Tree.Tree<unknown>): number => {
  if (tree === undefined) return 0
  const [small = 0, large = 0] = Arr.sort([Tree.size(tree.left), Tree.size(tree.right)], Order.number)
  assert.isTrue(large <= 1 || large <= 3 * small, `${small} and ${large}`)
  return 1 + Math.max(height(tree.left), height(tree.right))
}

const entriesOf = <A>(tree: Tree.Tree<A>) => [...Tree.ascending(tree)]

const sorted = <A>(map: ReadonlyMap<string, A>) =>
  Arr.sort(map, Order.mapInput(Order.string, ([key]: readonly [string, A]) => key))

const fromEntries = <A>(entries: ReadonlyArray<readonly [string, A]>) =>
  Tree.fromSorted(entries, ([key]) => key, ([, value]) => value)

/** Sets (with a value) and removals (without one). */
const steps = fc.array(fc.tuple(fc.string({ maxLength: 2 }), fc.option(fc.nat(3), { nil: undefined })), {
  maxLength: 200
})

const stepped = (tree: Tree.Tree<number>, [key, value]: readonly [string, number | undefined]) =>
  value === undefined ? Tree.remove(tree, key) : Tree.set(tree, key, value)

const numbered = (count: number) => Array.from({ length: count }, (_, i) => [String(i).padStart(6, "0"), i] as const)

describe("a tree", () => {
  it("has the entries of a native map after any sets and removals, in the order of the keys, and stays balanced", () => {
    fc.assert(fc.property(steps, (steps) => {
      const map = new Map<string, number>()
      let tree: Tree.Tree<number> = undefined
      for (const [key, value] of steps) {
        tree = stepped(tree, [key, value])
        if (value === undefined) map.delete(key)
        else map.set(key, value)
      }
      height(tree)
      assertEqual(entriesOf(tree), sorted(map))
      assertEqual([...Tree.descending(tree)], Arr.reverse(sorted(map)))
      for (const [key] of steps) {
        assertEqual(Tree.get(tree, key), Option.fromNullable(map.get(key)))
        const before = sorted(map).filter(([other]) => other < key)
        assert.strictEqual(Tree.countBefore(tree, key), before.length)
        assert.strictEqual(Tree.keyAt(tree, before.length), sorted(map)[before.length]?.[0])
        assertEqual([...Tree.ascending(tree, key)], sorted(map).slice(before.length))
        assertEqual([...Tree.descending(tree, key)], Arr.reverse(before))
      }
    }))
  })

  it("is low, whatever the order of its keys", () => {
    const entries = numbered(10_000)
    for (const order of [entries, Arr.reverse(entries)]) {
      let tree: Tree.Tree<number> = undefined
      for (const [key, value] of order) tree = Tree.set(tree, key, value)
      assert.isBelow(height(tree), 25)
    }
    assert.isBelow(height(fromEntries(entries)), 15)
  })

  it("is the same value if nothing changes", () => {
    const tree = fromEntries(numbered(100))
    assert.strictEqual(Tree.set(tree, "000050", 50), tree)
    assert.strictEqual(Tree.remove(tree, "other"), tree)
  })

  it("differs from another version exactly in the entries that were added, changed or removed", () => {
    fc.assert(fc.property(steps, steps, (before, later) => {
      const old = before.reduce(stepped, undefined)
      const current = later.reduce(stepped, old)
      const [a, b] = [new Map(entriesOf(old)), new Map(entriesOf(current))]
      const expected = Arr.sort(new Set([...a.keys(), ...b.keys()]), Order.string)
        .filter((key) => a.get(key) !== b.get(key))
        .map((key) => ({ key, after: Option.fromNullable(b.get(key)) }))
      assertEqual(Tree.differences(old, current), expected)
    }))
  })

  it("is compared with another version without reading what both share", () => {
    let reads = 0
    const counted = <A>(tree: Tree.Tree<A>): Tree.Tree<A> => {
      if (tree === undefined) return undefined
      const left = counted(tree.left)
      const right = counted(tree.right)
      return {
        ...tree,
        get left() {
          reads++
          return left
        },
        right
      }
    }
    const before = counted(fromEntries(numbered(100_000)))
    let after = before
    for (const key of ["000007", "050000", "050000x", "099999"]) after = Tree.set(after, key, -1)
    after = Tree.remove(after, "070000")
    reads = 0
    assert.lengthOf(Tree.differences(before, after), 5)
    assert.isBelow(reads, 1000)
  })
})

interface Row {
  readonly group: string
  readonly end: number
  readonly text: string
}

const rules: Table.Rules<Row, "group" | "even"> = {
  indexes: { group: ({ group }) => group, even: ({ end }) => end % 2 === 0 ? Table.sortable(end) : undefined },
  limits: { rows: 8, characters: 2_000, endOf: ({ end }) => end }
}

const row = (group: string, end: number, text = ""): Row => ({ group, end, text })

const keysOf = (table: Iterable<readonly [key: string, row: unknown]>) => [...table].map(([key]) => key)

const rowSteps = fc.array(
  fc.record({
    key: fc.constantFrom("a", "b", "c", "d", "e", "f", "g", "h", "i", "j"),
    group: fc.constantFrom("x", "y", "xy"),
    end: fc.integer({ min: -3, max: 3 }),
    isRemoval: fc.boolean()
  }),
  { maxLength: 60 }
)

describe("a table", () => {
  it("has the same rows, indexes and size whether it was changed step by step or made of its rows", () => {
    fc.assert(fc.property(rowSteps, (steps) => {
      let table = Table.empty(rules)
      for (const { end, group, isRemoval, key } of steps) {
        table = isRemoval ? Table.remove(table, key) : Table.set(table, key, row(group, end))
      }
      const made = Table.withEntries(Table.empty(rules), table)
      assertEqual(table.parts.characters, made.parts.characters)
      const orders = [table, made].map((all) => [
        keysOf(all),
        ...(["group", "even"] as const).flatMap((index) => [
          keysOf(Table.ascending(all, index)),
          Arr.reverse(keysOf(Table.descending(all, index)))
        ]),
        ...["x", "y", "xy"].flatMap((group) => [
          keysOf(Table.ascending(all, "group", group)),
          Arr.reverse(keysOf(Table.descending(all, "group", group)))
        ])
      ])
      assertEqual(orders[0], orders[1])
      for (const group of ["x", "y", "xy"]) {
        const expected = [...table].filter(([, row]) => row.group === group).map(([key]) => key)
        assertEqual(keysOf(Table.ascending(table, "group", group)), expected)
        assert.strictEqual(Table.count(table, "group", group), expected.length)
        assertEqual(
          keysOf(Table.removeAll(table, "group", group)),
          keysOf(table).filter((key) => !expected.includes(key))
        )
      }
    }))
  })

  it("that is above its number of rows loses those that end first, and never the row that was set", () => {
    let table = Table.empty(rules)
    for (let end = 8; end > 0; end--) table = Table.set(table, `row-${end}`, row("x", end))
    assertEqual(keysOf(Table.set(table, "new", row("x", 9))), [
      "new",
      ...[2, 3, 4, 5, 6, 7, 8].map((end) => `row-${end}`)
    ])
    assert.include(keysOf(Table.set(table, "new", row("x", -1))), "new")
    assert.notInclude(keysOf(Table.set(table, "new", row("x", -1))), "row-1")
    // A changed row is no additional row.
    assert.strictEqual(Table.size(Table.set(table, "row-1", row("x", 20))), 8)
  })

  it("that is above its number of characters loses rows until it is within the limit, or has one row", () => {
    const table = Table.set(Table.set(Table.empty(rules), "a", row("x", 1, "t".repeat(900))), "b", row("x", 2))
    assertEqual(keysOf(Table.set(table, "c", row("x", 3, "t".repeat(1_100)))), ["b", "c"])
    assertEqual(keysOf(Table.set(table, "c", row("x", 3, "t".repeat(5_000)))), ["c"])
  })

  it("counts the characters of redacted texts, and of the texts in lists", () => {
    const secretRules: Table.Rules<{ readonly secrets: ReadonlyArray<Redacted.Redacted> }> = {
      indexes: {},
      limits: { rows: 8, characters: 2_000, endOf: () => 0 }
    }
    const size = (length: number) =>
      Table.set(Table.empty(secretRules), "key", { secrets: [Redacted.make("s".repeat(length))] }).parts.characters
    assert.strictEqual(size(1_000) - size(0), 1_000)
  })

  it("loses at most 16 ended rows for each call, and no row that has not ended", () => {
    const now = DateTime.unsafeMake(50)
    const unlimited: Table.Rules<Row> = {
      indexes: {},
      limits: { rows: 1_000, characters: 1e6, endOf: ({ end }) => end }
    }
    let table = Table.empty(unlimited)
    for (let end = 0; end < 100; end++) table = Table.set(table, String(end), row("x", end))
    const sizes: Array<number> = []
    for (let i = 0; i < 5; i++) sizes.push(Table.size(table = Table.prune(table, now)))
    assertEqual(sizes, [84, 68, 52, 50, 50])
    assertEqual(Table.values(table).every(({ end }) => end >= 50), true)
  })

  it("sorts times and positions by their value, without a fraction", () => {
    assert.strictEqual(Table.sortable(1_700_000_000_000.5), Table.sortable(1_700_000_000_000))
    fc.assert(fc.property(fc.integer({ min: -8.64e15, max: 8.64e15 }), fc.integer(), (a, b) => {
      for (const [one, other] of [[a, b], [a, a + 1], [0, a], [a, Infinity]] as const) {
        assert.strictEqual(Table.sortable(one) < Table.sortable(other), one < other)
      }
    }))
  })

  it("of workload access tokens adds a new token at the end of its indexes, whatever its random key", () => {
    let table = Table.empty(workloadTokens)
    const keys = numbered(1_000).map(([, i]) => String((i * 7919) % 1_000).padStart(4, "0"))
    for (const [at, key] of keys.entries()) {
      table = Table.set(table, key, {
        workloadName: "agent",
        user: undefined,
        expiresAt: DateTime.unsafeMake(at)
      })
    }
    assertEqual(keysOf(Table.ascending(table, "workload", "agent")), keys)
    assertEqual([...Tree.ascending(table.parts.ends)].map(([, key]) => key), keys)
    assert.strictEqual(Table.size(Table.removeAll(table, "workload", "agent")), 0)
    assert.strictEqual(Table.size(Table.removeAll(table, "workload", "agen")), 1_000)
  })
})
