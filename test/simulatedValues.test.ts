import { assert, it } from "@effect/vitest"
import { Array as Arr, Effect, Order, Random } from "effect"
import { base62 } from "../src/internal/emulator/state/simulatedValues.js"
import { assertEqual } from "./support/equality.js"

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/** A generator that counts the numbers that it generates. */
const counted = () => {
  const random = Random.make("seed")
  const generator = { ...random, draws: 0 }
  return Object.assign(generator, {
    nextIntBetween: (min: number, max: number) =>
      Effect.suspend(() => {
        generator.draws++
        return random.nextIntBetween(min, max)
      })
  })
}

it.effect("a random text has the length that is asked for, and the same seed gives the same text", () =>
  Effect.gen(function*() {
    for (const length of [0, 1, 4, 5, 6, 10, 12, 32, 43, 64]) {
      const text = yield* Effect.withRandom(base62(length), Random.make("one"))
      assert.match(text, new RegExp(`^[0-9A-Za-z]{${length}}$`))
      assert.strictEqual(yield* Effect.withRandom(base62(length), Random.make("one")), text)
      if (length > 5) assert.notStrictEqual(yield* Effect.withRandom(base62(length), Random.make("two")), text)
    }
  }))

it.effect("a random text has every character at every position equally often", () =>
  Effect.gen(function*() {
    const texts = yield* Effect.withRandom(Effect.replicateEffect(base62(12), 6_200), Random.make("seed"))
    for (let position = 0; position < 12; position++) {
      const counts = new Map<string, number>()
      for (const text of texts) {
        const character = text.charAt(position)
        counts.set(character, (counts.get(character) ?? 0) + 1)
      }
      assertEqual(Arr.sort(counts.keys(), Order.string).join(""), alphabet)
      // 100 are expected; the standard deviation is 10.
      for (const [character, count] of counts) assert.isTrue(count > 50 && count < 160, `${character}: ${count}`)
    }
  }))

it.effect("a workload access token of 64 characters takes 13 random numbers", () =>
  Effect.gen(function*() {
    const generator = counted()
    yield* Effect.withRandom(base62(64), generator)
    assert.strictEqual(generator.draws, 13)
  }))
