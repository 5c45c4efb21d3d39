import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import { readdirSync, readFileSync } from "node:fs"
import { withoutValue } from "../src/cli/repeated.js"

const cli = new URL("../src/cli/", import.meta.url)

/** The names of the options that may be repeated, as the commands declare them. */
const declared = readdirSync(cli).flatMap((file) => {
  const source = readFileSync(new URL(file, cli), "utf8")
  return source.split("Options.text(\"").slice(1).flatMap((option) => {
    const [name = "", rest = ""] = option.split(/"(.*)/s)
    const end = rest.search(/Options\.(?:text|integer|boolean|choice|withDefault|optional)\b/)
    return rest.slice(0, end === -1 ? undefined : end).includes("Options.repeated") ? [`--${name}`] : []
  })
})

describe("an option that may be repeated", () => {
  it("is rejected without a value", () => {
    assert.isAbove(declared.length, 8)
    for (const name of declared) {
      for (const argv of [[name], [name, ""], [name, "a", name, " "]]) {
        assert.strictEqual(Option.getOrUndefined(withoutValue(argv)), name)
      }
      assert.isTrue(Option.isNone(withoutValue([name, "a"])), name)
    }
  })
})
