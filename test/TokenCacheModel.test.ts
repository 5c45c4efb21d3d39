import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { faults } from "./support/cacheModel/faults.js"
import { describeOutcome, runSeed } from "./support/cacheModel/run.js"
import { assertEqual, assertNotEqual } from "./support/equality.js"

/** Operations of one seed. */
const length = 500

const seedsPerTest = 10

/** All operations. `MODEL_STEPS=100000` takes one to two minutes. */
const total = Number(process.env["MODEL_STEPS"] ?? 10_000)

/** The only seed that runs. A failure states its seed. */
const given = process.env["MODEL_SEED"]

const range = (first: number, count: number) => Array.from({ length: count }, (_, index) => first + index)

const batches = given === undefined
  ? range(0, Math.ceil(total / length / seedsPerTest)).map((batch) => range(1 + batch * seedsPerTest, seedsPerTest))
  : [[Number(given)]]

describe("random operations", () => {
  for (const seeds of batches) {
    it.live(
      `with the seeds from ${seeds[0]} return only what the model allows, and leave nothing behind`,
      () =>
        Effect.gen(function*() {
          let hits = 0
          for (const seed of seeds) {
            const outcome = yield* runSeed(seed, length)
            if (outcome.violation !== undefined) assert.fail(describeOutcome(outcome))
            hits += outcome.hits
          }
          assert.isAbove(hits, 0)
        }),
      120_000
    )
  }

  it.live("are the same for the same seed", () =>
    Effect.gen(function*() {
      const [one, same, other] = yield* Effect.forEach([7, 7, 8], (seed) => runSeed(seed, length))
      assertEqual(one, same)
      assertNotEqual(one, other)
    }), 120_000)
})

describe("the model", () => {
  for (const [name, fault] of Object.entries(faults)) {
    it.live(`finds ${name}`, () =>
      Effect.gen(function*() {
        for (const seed of range(1, 40)) {
          const outcome = yield* runSeed(seed, length, fault)
          if (outcome.violation !== undefined) return
        }
        assert.fail("no violation was found")
      }), 120_000)
  }
})
