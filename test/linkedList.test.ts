import { assert, describe, it } from "@effect/vitest"
import * as LinkedList from "../src/internal/lib/linkedList.js"
import { assertEqual } from "./support/equality.js"

interface Item extends LinkedList.Node<Item> {
  readonly name: string
}

const item = (name: string): Item => ({ name, isListed: false, previous: undefined, next: undefined })

const names = ({ first, last }: LinkedList.LinkedList<Item>) => {
  const forwards: Array<string> = []
  for (let node = first; node !== undefined; node = node.next) forwards.push(node.name)
  const backwards: Array<string> = []
  for (let node = last; node !== undefined; node = node.previous) backwards.unshift(node.name)
  assertEqual(backwards, forwards)
  return forwards.join("")
}

const listOf = (...items: ReadonlyArray<Item>) => {
  const list = LinkedList.empty<Item>()
  for (const one of items) LinkedList.add(list, one)
  return list
}

describe("a linked list", () => {
  it("keeps the order of its additions, and adds a value once", () => {
    const [a, b, c] = [item("a"), item("b"), item("c")]
    const list = listOf(a, b, c)
    LinkedList.add(list, a)
    assert.strictEqual(names(list), "abc")
  })

  it("removes any of its values, once, and takes it again", () => {
    for (const [index, left] of ["bc", "ac", "ab"].entries()) {
      const items = [item("a"), item("b"), item("c")]
      const list = listOf(...items)
      const removed = items[index] ?? item("none")
      LinkedList.remove(list, removed)
      LinkedList.remove(list, removed)
      assert.strictEqual(names(list), left)
      LinkedList.add(list, removed)
      assert.strictEqual(names(list), `${left}${removed.name}`)
      for (const one of items) LinkedList.remove(list, one)
      assert.strictEqual(names(list), "")
    }
  })

  it("is drained in order, also of what is added meanwhile", () => {
    const list = listOf(item("a"), item("b"))
    const seen: Array<string> = []
    LinkedList.drain(list, ({ name }) => {
      seen.push(name)
      if (name === "a") LinkedList.add(list, item("c"))
    })
    assert.strictEqual(seen.join(""), "abc")
    assert.strictEqual(names(list), "")
  })
})
