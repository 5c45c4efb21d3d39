import { assert, describe, it } from "@effect/vitest"
import { FastCheck, Redacted } from "effect"
import { excerpt } from "../src/internal/lib/excerpt.js"
import { assertEqual } from "./support/equality.js"

const revealed = (value: unknown): string =>
  JSON.stringify(value, (_, member) => Redacted.isRedacted(member) ? Redacted.value(member) : member) ?? ""

describe("the excerpt of a request", () => {
  it("is the request itself up to 8 KiB", () => {
    const request = { name: "a", scopes: ["x".repeat(8000)], secret: Redacted.make("s"), none: undefined, flag: true }
    assert.strictEqual(excerpt(request), request)
  })

  it("keeps the members of a large request readable, and says what is missing", () => {
    const request = {
      name: "github",
      description: "d".repeat(800_000),
      scopes: Array.from({ length: 16_384 }, (_, index) => `scope-${index}`),
      config: { clientId: "client", clientSecret: Redacted.make("s".repeat(100_000)) },
      last: "end"
    }
    const result = Object(excerpt(request))
    assert.strictEqual(result.name, "github")
    assert.match(result.description, /^d+… \(800000 characters\)$/)
    assert.strictEqual(result.scopes[0], "scope-0")
    assert.match(result.scopes.at(-1), /^… \d+ more$/)
    assert.strictEqual(result.config.clientId, "client")
    assert.isTrue(Redacted.isRedacted(result.config.clientSecret))
    assert.match(String(Redacted.value(result.config.clientSecret)), /^s+… \(100000 characters\)$/)
    assert.strictEqual(result.last, "end")
    assert.isAtMost(revealed(result).length, 10_000)
  })

  it("notes the number of omitted members of an object", () => {
    const members = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`key-${index}`, "value"]))
    const names = Object.keys(Object(excerpt({ members })).members)
    assert.strictEqual(names[0], "key-0")
    assert.strictEqual(names.at(-1), `… ${5000 - (names.length - 1)} more`)
  })

  it("does not change values that are not text, lists or plain objects", () => {
    const map = new Map([["a", 1]])
    const result = Object(excerpt({ long: "x".repeat(10_000), map, number: 7, nothing: null }))
    assertEqual([result.map, result.number, result.nothing], [map, 7, null])
  })

  it("replaces what is nested more than 20 levels deep, also in secrets and in values that contain themselves", () => {
    const nested = (levels: number, wrap: (value: unknown) => unknown) => {
      let value: unknown = "end"
      for (let i = 0; i < levels; i++) value = wrap(value)
      return value
    }
    const shallow = nested(20, (a) => ({ a }))
    assert.strictEqual(excerpt(shallow), shallow)
    const wraps: ReadonlyArray<(value: unknown) => unknown> = [(a) => ({ a }), (a) => [a], Redacted.make]
    for (const wrap of wraps) {
      const result = excerpt(nested(100_000, wrap))
      let levels = 0
      let inner = result
      while (typeof inner === "object" && inner !== null) {
        inner = Redacted.isRedacted(inner) ? Redacted.value(inner) : Object.values(inner)[0]
        levels++
      }
      assertEqual([levels, inner], [20, "…"])
    }
    const cyclic: Record<string, unknown> = { name: "github" }
    for (let i = 0; i < 100; i++) cyclic[`self-${i}`] = i % 2 === 0 ? cyclic : [cyclic]
    const result = excerpt(cyclic)
    assert.strictEqual(Object(result).name, "github")
    assert.isAtMost(revealed(result).length, 16_384)
  })

  it("of any JSON has at most 16 KiB", () => {
    const large = FastCheck.tuple(FastCheck.json({ maxDepth: 4 }), FastCheck.integer({ min: 1, max: 3000 })).map(
      ([text, times]) => Array.from({ length: times }, (): unknown => JSON.parse(text))
    )
    FastCheck.assert(
      FastCheck.property(large, (request) => assert.isAtMost(revealed(excerpt(request)).length, 16_384)),
      {
        numRuns: 200
      }
    )
  })
})
