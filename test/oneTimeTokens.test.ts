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

  it.effect("is removed when 10,000 newer ones exist, the oldest first", () =>
    Effect.gen(function*() {
      const all = yield* made
      for (let n = 1; n <= 10_000; n++) yield* all.put(`${n}`, "ada", `subject ${n}`)
      yield* all.put("10001", "ada", "subject 10001")
      assert.strictEqual(yield* taken(all, "1"), "refused: unknown")
      assert.strictEqual(yield* taken(all, "2"), "subject 2")
      assert.strictEqual(yield* taken(all, "10000"), "subject 10000")
      assert.strictEqual(yield* taken(all, "10001"), "subject 10001")
      for (let n = 10_002; n <= 10_005; n++) yield* all.put(`${n}`, "ada", `subject ${n}`)
      assert.strictEqual(yield* taken(all, "3"), "refused: unknown")
      assert.strictEqual(yield* taken(all, "4"), "subject 4")
    }))

  it.effect("that is used takes no room of the others, and is known for 1,000 further ones", () =>
    Effect.gen(function*() {
      const all = yield* made
      yield* all.put("open", "ada", "subject")
      for (let n = 1; n <= 11_000; n++) {
        yield* all.put(`${n}`, "ada", "")
        yield* all.consume(`${n}`, "ada")
      }
      assertEqual([yield* taken(all, "10000"), yield* taken(all, "10001")], ["refused: unknown", "refused: used"])
      assert.strictEqual(yield* taken(all, "open"), "subject")
    }))

  it.effect("costs the same however many there are", () =>
    Effect.gen(function*() {
      const all = yield* made
      // A copy of all for each new one would take a minute.
      for (let n = 1; n <= 100_000; n++) yield* all.put(`${n}`, "ada", "")
      assertEqual([yield* taken(all, "90000"), yield* taken(all, "90001")], ["refused: unknown", ""])
    }), 10_000)

  it.effect("with a large subject takes the room of several, but the newest is never removed", () =>
    Effect.gen(function*() {
      const all = yield* oneTimeTokens.make<string>(Duration.minutes(10), {
        maxSize: 10,
        sizeOf: (text) => text.length
      })
      yield* all.put("first", "ada", "four")
      yield* all.put("second", "ada", "four")
      yield* all.put("third", "ada", "three")
      yield* all.put("fourth", "ada", "t")
      assert.strictEqual(yield* taken(all, "first"), "refused: unknown")
      assert.strictEqual(yield* taken(all, "second"), "four")
      yield* all.put("fifth", "ada", "four")
      assert.strictEqual(yield* taken(all, "third"), "three")
      yield* all.put("huge", "ada", "more than ten")
      assertEqual([yield* taken(all, "fifth"), yield* taken(all, "huge")], ["refused: unknown", "more than ten"])
    }))
})
