import { assert, describe, it } from "@effect/vitest"
import { Context } from "effect"
import { spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { readdirSync, readFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Library from "../src/index.js"

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8")

const root = new URL("..", import.meta.url)

/** Runs a program of the scratchpad as a reader would; gives what it printed and how it ended. */
const run = ({ env = {} }: { readonly env?: Record<string, string> }, ...args: ReadonlyArray<string>) =>
  new Promise<{ readonly code: number | null; readonly output: string }>((resolve, reject) => {
    const child = spawn(process.execPath, ["--import", "tsx", ...args], { cwd: root, env: { ...process.env, ...env } })
    let output = ""
    child.stdout.on("data", (chunk) => output += String(chunk))
    child.stderr.on("data", (chunk) => output += String(chunk))
    child.on("error", reject)
    child.on("close", (code) => resolve({ code, output }))
  })

describe("the package", () => {
  it("has a quick start of at most 25 lines in the README, which is the program in the scratchpad", () => {
    const [, shown = ""] = /<!-- scratchpad\/quick-start.ts -->\n\n```ts\n([\s\S]*?)```\n/.exec(read("README.md")) ?? []
    assert.strictEqual(shown, read("scratchpad/quick-start.ts"))
    assert.isAtMost(shown.trimEnd().split("\n").length, 25)
  })

  it("names every error in the README's table", () => {
    const readme = read("README.md")
    const tags = Library.IdentityError.IdentityError.members.map((member) => member._tag)
    for (const tag of tags.filter((tag) => tag !== "ConsentPending")) assert.include(readme, `| \`${tag}\``)
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

  it("runs the agent on the embedded service, without a secret in its output", async () => {
    const { code, output } = await run({}, "scratchpad/agent.ts")
    assert.strictEqual(code, 0, output)
    assert.match(output, /machine's token: .* accepted a token of demo, for https:\/\/api\.example, to read/)
    assert.match(output, /API key: .* accepted an API key of 21 characters/)
    assert.match(output, /the simulated person signs in at http:\/\/127\.0\.0\.1:\d+, and agrees/)
    assert.match(output, /person's token: .* accepted a token of ada, for https:\/\/api\.example, to read/)
    assert.match(output, /and to consent at\n {2}http:\/\/127\.0\.0\.1:\d+\/oauth2\/start\?consent=[0-9a-f]{64}\n/)
    assert.include(output, "their browser shows: Access was allowed")
    assert.notMatch(output, /simulated-(machine|user)-|a-key-for-the-weather|eyJ|a-secret-of-the-demo/)
  }, 60_000)

  it("runs the other programs of the scratchpad", async () => {
    const programs = ["quick-start", "errors", "custom-poller", "consent-fail", "consent-wait"]
    const ended = await Promise.all(programs.map((name) => run({}, `scratchpad/${name}.ts`)))
    for (const { code, output } of ended) assert.strictEqual(code, 0, output)
    assert.include(ended[0]?.output, "<redacted>")
    assert.include(ended[2]?.output, "consented: <redacted>")
    assert.include(ended[3]?.output, "the second <redacted>")
    assert.match(ended[4]?.output ?? "", /the agent has <redacted> after \d+ ms/)
  }, 60_000)

  it("puts a call aside in one process and goes on with it in another", async () => {
    const directory = await mkdtemp(join(tmpdir(), "consent-"))
    const env = { AGENTCORE_IDENTITY_SEAL_KEYS: `one:${randomBytes(32).toString("base64")}` }
    const suspended = await run({ env }, "scratchpad/consent-suspend.ts", directory)
    assert.strictEqual(suspended.code, 0, suspended.output)
    const resumed = await run({ env }, "scratchpad/consent-resume.ts", directory)
    assert.include(resumed.output, "resumed: <redacted>")
    assert.include(resumed.output, "the resume handle was used before")
    await rm(directory, { recursive: true })
  }, 60_000)
})
