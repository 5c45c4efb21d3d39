import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, TestClock } from "effect"
import * as tickets from "../src/internal/web/oneTimeTokens.js"
import { assertEqual } from "./support/equality.js"

const made = tickets.make<string>()

/** What a browser gets for a ticket, or why it gets nothing. */
const taken = ({ consume }: tickets.OneTimeTokens<string>, ticket: string, browser = "ada") =>
  Effect.map(
    Effect.either(consume(ticket, browser)),
    Either.match({ onLeft: ({ reason }) => `refused: ${reason}`, onRight: (subject) => subject })
  )

describe("a ticket", () => {
  it.effect("gives its subject once, to its browser", () =>
    Effect.gen(function*() {
      const all = yield* made
      const first = yield* all.issue("ada", "one")
      const second = yield* all.issue("ada", "two")
      assert.match(first, /^[\w-]{43}$/)
      assert.notStrictEqual(first, second)
      assert.strictEqual(yield* taken(all, second), "two")
      assert.strictEqual(yield* taken(all, first), "one")
      assert.strictEqual(yield* taken(all, first), "refused: used")
    }))

  it.effect("that was chosen before is taken as one that was issued", () =>
    Effect.gen(function*() {
      const all = yield* made
      yield* all.put("chosen", "ada", "one")
      assert.strictEqual(yield* taken(all, "chosen"), "one")
      assert.strictEqual(yield* taken(all, "chosen"), "refused: used")
    }))

  it.effect("is refused to another browser, which does not use it up", () =>
    Effect.gen(function*() {
      const all = yield* made
      yield* all.put("t", "ada", "one")
      for (const browser of ["eve", "", "ad", "adaa", "Ada"]) {
        assert.strictEqual(yield* taken(all, "t", browser), "refused: foreign", browser)
      }
      assert.strictEqual(yield* taken(all, "t"), "one")
      assert.strictEqual(yield* taken(all, "t", "eve"), "refused: foreign")
    }))

  it.effect("that was never handed out is unknown, here and in another collection", () =>
    Effect.gen(function*() {
      const [all, others] = [yield* made, yield* made]
      yield* all.put("t", "ada", "one")
      assertEqual(
        [yield* taken(all, "u"), yield* taken(all, ""), yield* taken(others, "t")],
        ["refused: unknown", "refused: unknown", "refused: unknown"]
      )
    }))

  it.effect("lasts 10 minutes, and is used up when it is refused afterwards", () =>
    Effect.gen(function*() {
      const all = yield* made
      yield* all.put("in time", "ada", "one")
      yield* all.put("late", "ada", "two")
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(yield* taken(all, "in time"), "one")
      yield* all.put("later", "ada", "three")
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* taken(all, "late"), "refused: expired")
      assert.strictEqual(yield* taken(all, "late"), "refused: used")
      assert.strictEqual(yield* taken(all, "later"), "three")
    }))

  it.effect("is forgotten when 1,000 others were handed out after it, the oldest first", () =>
    Effect.gen(function*() {
      const all = yield* made
      for (let n = 1; n <= 1000; n++) yield* all.put(`${n}`, "ada", `subject ${n}`)
      // A ticket that is used is still known as such, and keeps its place.
      assert.strictEqual(yield* taken(all, "1"), "subject 1")
      assert.strictEqual(yield* taken(all, "1"), "refused: used")
      yield* all.put("1001", "ada", "subject 1001")
      assert.strictEqual(yield* taken(all, "1"), "refused: unknown")
      assert.strictEqual(yield* taken(all, "2"), "subject 2")
      assert.strictEqual(yield* taken(all, "1000"), "subject 1000")
      assert.strictEqual(yield* taken(all, "1001"), "subject 1001")
      yield* all.put("1002", "ada", "subject 1002")
      assert.strictEqual(yield* taken(all, "2"), "refused: unknown")
      assert.strictEqual(yield* taken(all, "3"), "subject 3")
    }))
})
