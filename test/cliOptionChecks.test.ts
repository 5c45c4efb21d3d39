import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import { entries } from "../src/cli/command.js"
import { read } from "../src/cli/helpDoc.js"
import { duplicate, withoutValue } from "../src/cli/optionChecks.js"

const commands = entries.flatMap(({ command, subcommands }) => [command, ...subcommands].map(read))

const single = commands.flatMap(({ options }) =>
  options.filter(({ isRepeated }) => !isRepeated).map(({ name }) => [name, options] as const)
)

const repeated = commands.flatMap(({ options }) =>
  options.filter(({ isRepeated }) => isRepeated).map(({ name }) => [name, options] as const)
)

describe("an option that may be repeated", () => {
  it("is rejected without a value", () => {
    assert.isAbove(repeated.length, 12)
    for (const [name, options] of repeated) {
      for (const args of [[name], [name, ""], [name, "a", name, " "], [`${name}=`]]) {
        assert.strictEqual(Option.getOrUndefined(withoutValue(options, args)), name)
      }
      assert.isTrue(Option.isNone(withoutValue(options, [name, "a"])), name)
    }
  })

  it("may have an empty value after the end of the options", () => {
    for (const [name, options] of repeated) assert.isTrue(Option.isNone(withoutValue(options, ["--", name])))
  })
})

describe("an option that may not be repeated", () => {
  it("is rejected if it is given more than once", () => {
    assert.isAbove(single.length, 50)
    for (const [name, options] of single) {
      for (const args of [[name, "a", name, "b"], [`${name}=a`, name]]) {
        assert.strictEqual(Option.getOrUndefined(duplicate(options, args)), name)
      }
      for (const args of [[name, "a"], [name, "--", name]]) assert.isTrue(Option.isNone(duplicate(options, args)), name)
    }
    for (const [name, options] of repeated) {
      assert.isTrue(Option.isNone(duplicate(options, [name, "a", name, "b"])), name)
    }
  })
})
