import { assert, describe, it } from "@effect/vitest"
import { Context } from "effect"
import { readdirSync, readFileSync } from "node:fs"
import * as Library from "../src/index.js"

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8")

const root = new URL("..", import.meta.url)

describe("the package", () => {
  it("has a quick start of at most 25 lines in the README, which is the program in the scratchpad", () => {
    const [, shown = ""] = /<!-- scratchpad\/quick-start.ts -->\n\n```ts\n([\s\S]*?)```\n/.exec(read("README.md")) ?? []
    assert.strictEqual(shown, read("scratchpad/quick-start.ts"))
    assert.isAtMost(shown.trimEnd().split("\n").length, 25)
  })

  it("names every error in the README's tables", () => {
    const readme = read("README.md")
    const tags = Library.IdentityError.IdentityError.members.map((member) => member._tag)
    const others = ["SessionNotPending", "NotSimulated", "ProviderRefused", "StorageError"]
    for (const tag of [...tags, ...others]) assert.include(readme, `| \`${tag}\``)
  })

  it("gives every tag a key of its own, which names its module", () => {
    const keys = Object.entries(Library).flatMap(([module, exports]) =>
      Object.entries(exports).flatMap(([name, value]) =>
        typeof value === "function" && Context.isTag(value) ? [[module, name, value.key] as const] : []
      )
    )
    assert.isAbove(keys.length, 8)
    assert.strictEqual(new Set(keys.map(([, , key]) => key)).size, keys.length)
    for (const [module, name, key] of keys) {
      assert.strictEqual(key, `effect-agentcore-identity/${name === module ? module : `${module}/${name}`}`)
    }
  })

  it("keeps the programs of the scratchpad, but the agent, under 40 lines", () => {
    const programs = readdirSync(new URL("scratchpad", root)).filter((name) =>
      name.endsWith(".ts") && name !== "agent.ts"
    )
    assert.isAbove(programs.length, 3)
    for (const name of programs) assert.isBelow(read(`scratchpad/${name}`).split("\n").length, 41, name)
  })
})
