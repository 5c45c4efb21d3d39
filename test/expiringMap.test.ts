import { assert, describe, it } from "@effect/vitest"
import { DateTime, Option } from "effect"
import * as expiringMap from "../src/internal/lib/expiringMap.js"
import { CountedMap } from "./support/countedMap.js"
import { assertEqual } from "./support/equality.js"

const at = (seconds: number) => DateTime.unsafeMake(1000 * seconds)

const entry = (seconds: number) => ({ expiresAt: at(seconds) })

describe("a map whose entries expire", () => {
  it("has an entry until its deadline, and removes it when it is read afterwards", () => {
    const entries = new Map<string, expiringMap.Expiring>()
    const map = expiringMap.make(entries)
    map.set("a", entry(10), at(0))
    assertEqual(map.get("a", at(9)), Option.some(entry(10)))
    assertEqual(map.get("a", at(10)), Option.none())
    assert.strictEqual(entries.size, 0)
  })

  it("has no entry that was removed", () => {
    const map = expiringMap.make()
    map.set("a", entry(10), at(0))
    map.remove("a")
    assertEqual(map.get("a", at(0)), Option.none())
  })

  for (const [name, lifetime] of [["live", 1_000_000], ["expired", 5]] as const) {
    it(`adds each of 10,000 entries at the same average cost, although the earlier ones are ${name}`, () => {
      const entries = new CountedMap<string, expiringMap.Expiring>()
      const map = expiringMap.make(entries)
      for (let second = 0; second < 10_000; second++) map.set(`${second}`, entry(second + lifetime), at(second))
      assert.isAtMost(entries.count, 3 * 10_000)
      assert.isAtMost(entries.size, name === "live" ? 10_000 : 64)
    })
  }
})
