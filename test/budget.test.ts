import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit } from "effect"
import { TokenPoller } from "../src/index.js"
import { turn } from "../src/internal/lib/rateLimit.js"
import { assertEqual } from "./support/equality.js"

const start = 1_000_000

/** When `count` calls go that are all due from the beginning, in milliseconds since then. */
const moments = (budget: number, count: number, late: () => number = () => 0, start = 1_000_000) => {
  const at: Array<number> = []
  let even = 0
  let now = start
  while (at.length < count) {
    const delay = late()
    let next = turn({ budget, even, late: delay, now })
    while (next.at > now) {
      now = next.at
      next = turn({ budget, even, late: delay, now })
    }
    at.push(now - start)
    even = next.even
  }
  return at
}

const rounded = (all: ReadonlyArray<number>): ReadonlyArray<number> => all.map((at) => Math.round(at))

describe("the budget of polls", () => {
  it("spreads calls evenly at nine tenths of it, of which a twentieth may go at once", () => {
    const cases: ReadonlyArray<readonly [budget: number, at: ReadonlyArray<number>]> = [
      [0.5, [0, 2222, 4444]],
      [1, [0, 1111, 2222]],
      [5, [0, 222, 444, 667]],
      [44, [0, 25, 51, 76]],
      // 40.5, of which 2 go at once, and 38.5 more in the second of the last of these.
      [45, [0, 0, 25, 51]],
      [100, [0, 0, 0, 0, 11, 23, 34]],
      [1000, [...Array.from({ length: 45 }, () => 0), 1, 2, 4]]
    ]
    for (const [budget, at] of cases) assertEqual(rounded(moments(budget, at.length)), at, `budget ${budget}`)
  })

  it("is not reduced by rounding errors, whatever time it is", () => {
    for (const [budget, burst] of [[45, 2], [100, 4], [250, 11], [1000, 45], [5000, 225]] as const) {
      for (const start of [0, 10, 333, 1_000_000, 1_794_000_000_123]) {
        assertEqual(
          moments(budget, burst, () => 1, start),
          Array.from({ length: burst }, () => 0),
          `${budget}, ${start}`
        )
      }
    }
  })

  it("may be infinite, and a finite one afterwards holds", () => {
    assertEqual(moments(Number.POSITIVE_INFINITY, 3), [0, 0, 0])
    const { even } = turn({ budget: Number.POSITIVE_INFINITY, even: start + 46, late: 1, now: start })
    const next = turn({ budget: 5, even, late: 1, now: start })
    assertEqual([next.at, Math.round(next.even)], [start, start + 222])
  })

  it("lets a call go at least every 67 seconds, so that each has a turn before its session ends", () => {
    for (const budget of [1 / 60, 0, 1e-9, -1, Number.NEGATIVE_INFINITY, Number.NaN]) {
      assertEqual(rounded(moments(budget, 3)), [0, 66_667, 133_333], `budget ${budget}`)
    }
    assertEqual(rounded(moments(0.02, 2)), [0, 55_556])
  })

  it("delays a call that waits by a random part of a turn, and one that comes alone not at all", () => {
    assertEqual(rounded(moments(100, 1, () => 0.9)), [0])
    const late = (part: number) =>
      Math.round(100 * (turn({ budget: 100, even: start + 46, late: part, now: start }).at - start))
    assertEqual([late(0), late(0.5), late(1)], [1149, 1724, 2299])
    // There is no room for that in a small budget.
    assert.strictEqual(turn({ budget: 5, even: start + 100, late: 1, now: start }).at, start + 100)
  })

  it("lets a call go at its turn, and not before", () => {
    for (
      const [now, at] of [[start - 0.2, start], [start - 0.05, start - 0.05], [start, start], [
        start + 1,
        start + 1
      ]] as const
    ) {
      assert.strictEqual(turn({ budget: 5, even: start, late: 1, now }).at, at)
    }
  })

  it("does not let a process that was held up catch up all at once", () => {
    const even = start - 60_000
    assertEqual(rounded([turn({ budget: 5, even, late: 0, now: start }).even - start]), [222])
  })

  it("delays a call by a turn of its own budget at the most, whatever budget the calls before had", () => {
    const after = (budget: number) => turn({ budget, even: start + 66_667, late: 0, now: start })
    assertEqual(rounded([after(5).at - start, after(100).at - start]), [222, 11])
    assertEqual(rounded([after(5).even - start, after(100).even - start]), [444, 57])
  })

  it("is never exceeded in any second, however late the calls go", () => {
    let seed = 1
    const random = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647
    for (const budget of [1, 2, 5, 10, 23, 45, 50, 100, 200, 1000]) {
      for (const late of [() => 0, () => 1, random]) {
        const at = moments(budget, 4 * budget, late)
        // The call that is this many later goes in another second.
        at.slice(budget).forEach((other, index) => assert.isAtLeast(other - (at[index] ?? 0), 1000, `budget ${budget}`))
      }
    }
  })
})

describe("the layer of a budget", () => {
  it.effect("provides it, and without one there are 100 polls a second", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* TokenPoller.PollBudget, 100)
      assert.strictEqual(yield* Effect.provide(TokenPoller.PollBudget, TokenPoller.layerBudget(0.5)), 0.5)
    }))

  it.effect("refuses what is not more than 0", () =>
    Effect.gen(function*() {
      for (const budget of [0, -1, Number.NaN]) {
        const exit = yield* Effect.exit(Effect.provide(Effect.void, TokenPoller.layerBudget(budget)))
        assert.isTrue(Exit.isFailure(exit) && Cause.isDie(exit.cause))
        assert.include(String(exit), "TokenPoller.layerBudget: expected more than 0 calls a second")
      }
    }))
})
