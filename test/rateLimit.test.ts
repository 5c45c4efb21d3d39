import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit } from "effect"
import { nextSlot } from "../src/internal/lib/rateLimit.js"
import * as TokenPoller from "../src/TokenPoller.js"
import { assertEqual } from "./support/equality.js"

const start = 1_000_000

/** When `count` calls are sent that are all due from the beginning, in milliseconds since then. */
const moments = (rate: number, count: number, jitterOf: () => number = () => 0, start = 1_000_000) => {
  const at: Array<number> = []
  let theoreticalArrivalTime = 0
  let now = start
  while (at.length < count) {
    const jitter = jitterOf()
    let next = nextSlot({ rate, theoreticalArrivalTime, jitter, now })
    while (next.at > now) {
      now = next.at
      next = nextSlot({ rate, theoreticalArrivalTime, jitter, now })
    }
    at.push(now - start)
    theoreticalArrivalTime = next.theoreticalArrivalTime
  }
  return at
}

const rounded = (all: ReadonlyArray<number>): ReadonlyArray<number> => all.map((at) => Math.round(at))

describe("nextSlot", () => {
  it("spreads calls evenly at nine tenths of the rate, of which a twentieth may be sent at once", () => {
    const cases: ReadonlyArray<readonly [rate: number, at: ReadonlyArray<number>]> = [
      [0.5, [0, 2222, 4444]],
      [1, [0, 1111, 2222]],
      [5, [0, 222, 444, 667]],
      [44, [0, 25, 51, 76]],
      // 40.5, of which 2 are sent at once, and 38.5 more in the second of the last of these.
      [45, [0, 0, 25, 51]],
      [100, [0, 0, 0, 0, 11, 23, 34]],
      [1000, [...Array.from({ length: 45 }, () => 0), 1, 2, 4]]
    ]
    for (const [rate, at] of cases) assertEqual(rounded(moments(rate, at.length)), at, `rate ${rate}`)
  })

  it("does not reduce the burst by rounding errors, whatever time it is", () => {
    for (const [rate, burst] of [[45, 2], [100, 4], [250, 11], [1000, 45], [5000, 225]] as const) {
      for (const start of [0, 10, 333, 1_000_000, 1_794_000_000_123]) {
        assertEqual(
          moments(rate, burst, () => 1, start),
          Array.from({ length: burst }, () => 0),
          `${rate}, ${start}`
        )
      }
    }
  })

  it("sets no limit at an infinite rate, and a finite rate afterwards holds", () => {
    assertEqual(moments(Number.POSITIVE_INFINITY, 3), [0, 0, 0])
    const { theoreticalArrivalTime } = nextSlot({
      rate: Number.POSITIVE_INFINITY,
      theoreticalArrivalTime: start + 46,
      jitter: 1,
      now: start
    })
    const next = nextSlot({ rate: 5, theoreticalArrivalTime, jitter: 1, now: start })
    assertEqual([next.at, Math.round(next.theoreticalArrivalTime)], [start, start + 222])
  })

  it("allows a call at least every 67 seconds, so that each is sent before its session ends", () => {
    for (const rate of [1 / 60, 0, 1e-9, -1, Number.NEGATIVE_INFINITY, Number.NaN]) {
      assertEqual(rounded(moments(rate, 3)), [0, 66_667, 133_333], `rate ${rate}`)
    }
    assertEqual(rounded(moments(0.02, 2)), [0, 55_556])
  })

  it("adds a random part of an interval to a call that is delayed, and nothing to a single call", () => {
    assertEqual(rounded(moments(100, 1, () => 0.9)), [0])
    const delayOf = (jitter: number) =>
      Math.round(100 * (nextSlot({ rate: 100, theoreticalArrivalTime: start + 46, jitter, now: start }).at - start))
    assertEqual([delayOf(0), delayOf(0.5), delayOf(1)], [1149, 1724, 2299])
    // A low rate has no room for that.
    assert.strictEqual(
      nextSlot({ rate: 5, theoreticalArrivalTime: start + 100, jitter: 1, now: start }).at,
      start + 100
    )
  })

  it("allows a call at its slot, and not before", () => {
    for (
      const [now, at] of [[start - 0.2, start], [start - 0.05, start - 0.05], [start, start], [
        start + 1,
        start + 1
      ]] as const
    ) {
      assert.strictEqual(nextSlot({ rate: 5, theoreticalArrivalTime: start, jitter: 1, now }).at, at)
    }
  })

  it("does not send everything at once after the process was suspended", () => {
    const theoreticalArrivalTime = start - 60_000
    const next = nextSlot({ rate: 5, theoreticalArrivalTime, jitter: 0, now: start })
    assertEqual(rounded([next.theoreticalArrivalTime - start]), [222])
  })

  it("delays a call by one interval of its own rate at the most, whatever rate the earlier calls had", () => {
    const after = (rate: number) => nextSlot({ rate, theoreticalArrivalTime: start + 66_667, jitter: 0, now: start })
    assertEqual(rounded([after(5).at - start, after(100).at - start]), [222, 11])
    assertEqual(rounded([5, 100].map((rate) => after(rate).theoreticalArrivalTime - start)), [444, 57])
  })

  it("exceeds the rate in no second, whatever the jitter is", () => {
    let seed = 1
    const random = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647
    for (const rate of [1, 2, 5, 10, 23, 45, 50, 100, 200, 1000]) {
      for (const jitterOf of [() => 0, () => 1, random]) {
        const at = moments(rate, 4 * rate, jitterOf)
        // The call that is this many later is sent in another second.
        at.slice(rate).forEach((other, index) => assert.isAtLeast(other - (at[index] ?? 0), 1000, `rate ${rate}`))
      }
    }
  })
})

describe("the layer of a poll budget", () => {
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
        assert.include(String(exit), "TokenPoller.layerBudget: callsPerSecond must be more than 0")
      }
    }))
})
