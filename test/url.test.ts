import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { parseQuery } from "../src/internal/lib/url.js"
import { assertEqual } from "./support/equality.js"

describe("a query", () => {
  it("is read as the platform reads it", () => {
    const piece = FastCheck.constantFrom("a", "b", "=", "&", "?", "%", "%3D", "+", "#", ";", "é", "\u0000")
    FastCheck.assert(
      FastCheck.property(FastCheck.string({ unit: piece }), (text) => {
        assertEqual([...parseQuery(text)], [...new URLSearchParams(`?${text}`)])
      }),
      { numRuns: 1000 }
    )
  })

  it("may begin with a question mark, which belongs to the first name", () => {
    assert.strictEqual(parseQuery("?a=b").get("?a"), "b")
  })
})
