import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Either, TestClock } from "effect"
import * as oneTimeTokens from "../src/internal/web/oneTimeTokens.js"
import { assertEqual } from "./support/equality.js"

const made = oneTimeTokens.make<string>(Duration.minutes(10))

/** The subject of a token, or the reason of the refusal. */
const taken = ({ consume }: oneTimeTokens.OneTimeTokens<string>, token: string, browser = "ada") =>
  Effect.map(
    Effect.either(consume(token, browser)),
    Either.match({ onLeft: ({ reason }) => `refused: ${reason}`, onRight: (subject) => subject })
  )

describe("a one-time token", () => {
  it.effect("returns its subject once, to the browser that received it", () =>
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

  it.effect("that was chosen elsewhere works like one that was issued", () =>
    Effect.gen(function*() {
      const all = yield* made
      yield* all.put("chosen", "ada", "one")
      assert.strictEqual(yield* taken(all, "chosen"), "one")
      assert.strictEqual(yield* taken(all, "chosen"), "refused: used")
    }))

  it.effect("is refused to another browser and stays valid", () =>
    Effect.gen(function*() {
      const all = yield* made
      yield* all.put("t", "ada", "one")
      for (const browser of ["eve", "", "ad", "adaa", "Ada"]) {
        assert.strictEqual(yield* taken(all, "t", browser), "refused: foreign", browser)
      }
      assert.strictEqual(yield* taken(all, "t"), "one")
      assert.strictEqual(yield* taken(all, "t", "eve"), "refused: foreign")
    }))

  it.effect("that was never issued is unknown, also if another collection issued it", () =>
    Effect.gen(function*() {
      const [all, others] = [yield* made, yield* made]
      yield* all.put("t", "ada", "one")
      assertEqual(
        [yield* taken(all, "u"), yield* taken(all, ""), yield* taken(others, "t")],
        ["refused: unknown", "refused: unknown", "refused: unknown"]
      )
    }))

  it.effect("expires after its lifetime and is then used up by the first attempt", () =>
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

  it.effect("is removed when 1,000 newer ones exist, the oldest first", () =>
    Effect.gen(function*() {
      const all = yield* made
      for (let n = 1; n <= 1000; n++) yield* all.put(`${n}`, "ada", `subject ${n}`)
      // A used token is kept, at its place in the order.
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
