import { assert, it } from "@effect/vitest"
import { Array as Arr, FastCheck as fc, Order } from "effect"
import * as Sorting from "../src/internal/emulator/state/sorting.js"
import { assertEqual } from "./support/equality.js"

interface Item<A> {
  readonly value: A
  readonly position: number
}

const items = <A>(values: ReadonlyArray<A>): ReadonlyArray<Item<A>> =>
  values.map((value, position) => ({ value, position }))

const prefixed = fc.tuple(fc.constantFrom("", "a", "urn:x:"), fc.array(fc.string({ maxLength: 4 }), { maxLength: 60 }))

const units = fc.array(fc.string({ unit: fc.constantFrom("a", "b", "\u0000", "\ud800", "\uffff"), maxLength: 5 }), {
  maxLength: 60
})

it("texts are sorted like the operator <, and equal ones keep their order", () => {
  fc.assert(fc.property(prefixed, units, ([prefix, texts], others) => {
    for (const all of [items(texts.map((text) => `${prefix}${text}`)), items(others)]) {
      assertEqual(
        Sorting.byText(all, ({ value }) => value),
        Arr.sort(all, Order.mapInput(Order.string, ({ value }: Item<string>) => value))
      )
    }
  }))
})

it("numbers are sorted by their value, and equal ones keep their order", () => {
  const small = fc.integer({ min: -5, max: 5 })
  const any = fc.oneof(small, fc.maxSafeInteger(), fc.constant(Number.MAX_SAFE_INTEGER))
  fc.assert(fc.property(fc.array(small), fc.array(any), (few, many) => {
    for (const all of [items(few), items(many)]) {
      assertEqual(
        Sorting.byNumber(all, ({ value }) => value),
        Arr.sort(all, Order.mapInput(Order.number, ({ value }: Item<number>) => value))
      )
    }
  }))
})

it("the sort of many random texts reads each text a few times", () => {
  let reads = 0
  const texts = Array.from({ length: 20_000 }, (_, i) => ((i * 7919) % 20_000).toString(36).padStart(4, "0"))
  Sorting.byText(texts, (text) => {
    reads++
    return text
  })
  // A sort that compares reads two texts about 14 times for each.
  assert.isBelow(reads, 20 * texts.length)
})
