import { assert, describe, it } from "@effect/vitest"
import { build } from "esbuild"
import { randomBytes } from "node:crypto"
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll } from "vitest"
import { temporaryFolder } from "./support/command.js"
import { assertEqual } from "./support/equality.js"
import * as Markdown from "./support/markdown.js"
import * as Shell from "./support/shell.js"

const files = readdirSync(join(Markdown.root, "scratchpad")).filter((name) => name.endsWith(".ts"))

interface Section {
  readonly prose: string
  readonly command: string
  readonly printed: string
}

/** The README entry of each program. */
const sections: ReadonlyMap<string, Section> = new Map(
  Markdown.read("scratchpad/README.md").split(/^## /m).slice(1).map((text) => {
    const [, name = "", prose = ""] = /^`([^`]+)`\n\n([^\n]+)/.exec(text) ?? []
    const [command = ""] = Markdown.blocks(text, ...Markdown.shell)
    const [printed = ""] = Markdown.blocks(text, "text")
    return [name, { prose, command, printed }]
  })
)

/** The text of the README, in which `…` matches any text on the same line. */
const pattern = (printed: string) =>
  new RegExp(`^${printed.split("…").map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join(".+")}\n$`)

/** Every file outside the sources, and in the scratchpad. */
const listing = () => [
  ...readdirSync(Markdown.root),
  ...readdirSync(join(Markdown.root, "scratchpad"), { recursive: true }).map(String)
]

describe("the scratchpad", { timeout: 120_000 }, () => {
  let temporary: string
  let bundles: string

  // All runs share one temporary folder, because tsx caches compiled files there.
  beforeAll(async () => {
    temporary = mkdtempSync(join(tmpdir(), "scratchpad-"))
    bundles = temporaryFolder()
    await build({
      absWorkingDir: Markdown.root,
      entryPoints: ["agent", "consent-resume", "consent-suspend"].map((name) => `scratchpad/${name}.ts`),
      outdir: bundles,
      outExtension: { ".js": ".mjs" },
      bundle: true,
      platform: "node",
      format: "esm",
      external: ["classic-level"],
      banner: {
        js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"
      }
    })
  })
  afterAll(() => {
    for (const folder of [temporary, bundles]) rmSync(folder, { recursive: true, force: true })
  })

  /** The environment of a reader without variables of AWS or of this library. */
  const run = async (script: string, env: Readonly<Record<string, string>> = {}) => {
    const before = listing()
    const ended = await Shell.run(script, { cwd: Markdown.root, env: { HOME: temporary, TMPDIR: temporary, ...env } })
    assert.sameMembers(listing(), before, "a program writes beside its sources")
    return ended
  }

  /** Runs a command of the form `npx tsx scratchpad/…` on the bundled program: `npx` and tsx take ten times as long. */
  const runBundled = (command: string, env?: Readonly<Record<string, string>>) => {
    const [, name = "", args = ""] = /^npx tsx scratchpad\/(\S+)\.ts(.*)$/.exec(command) ?? []
    return run(`"${process.execPath}" "${join(bundles, `${name}.mjs`)}"${args}`, env)
  }

  /** Text that no program prints. */
  const secrets = /simulated-(machine|user|on-behalf-of)-|a-key-for-the-weather|eyJ|a-secret-of-the-demo/

  it("has a README that lists every program in order, each with a sentence, a command and its output", () => {
    assert.sameMembers([...sections.keys()], files)
    for (const [name, { command, printed, prose }] of sections) {
      assert.match(prose, /^[A-Z]\w* [^.]{10,}/, name)
      assert.include(
        command,
        name.endsWith(".test.ts") ? `npx vitest run scratchpad/${name}` : `npx tsx scratchpad/${name}`
      )
      assert.notStrictEqual(printed, "", name)
    }
  })

  // The tests of the scratchpad run together with these.
  for (const name of files.filter((name) => !name.endsWith(".test.ts"))) {
    it(`${name} runs as documented, prints the documented output, and leaves the folder unchanged`, async () => {
      const { command, printed } = sections.get(name) ?? assert.fail("the README does not list it")
      const { code, stderr, stdout } = await run(command)
      assert.strictEqual(code, 0, stderr)
      assert.match(stdout, pattern(printed))
      assert.notMatch(`${stdout}${stderr}`, secrets)
    })

    const alone = `npx tsx scratchpad/${name}`
    if (sections.get(name)?.command === alone) continue
    it(`${name} without its argument reports in one line which argument it requires`, async () => {
      const { code, stderr, stdout } = await runBundled(alone)
      assertEqual([code, stdout], [1, ""])
      assert.match(stderr, /^[^\n]*npx tsx scratchpad\/[\w-]+\.ts[^\n]*\n$/)
    })
  }

  it("agent.ts --live reports in one line which variables it requires", async () => {
    const { code, stderr, stdout } = await runBundled("npx tsx scratchpad/agent.ts --live")
    assertEqual([code, stdout], [1, ""])
    assert.strictEqual(
      stderr,
      "DEMO_DISCOVERY_URL is not set, DEMO_CLIENT_ID is not set, DEMO_CLIENT_SECRET is not set\n"
    )
  })

  it("consent-resume.ts resumes in the folder that consent-suspend.ts prints, which other users cannot access", async () => {
    const suspended = await runBundled("npx tsx scratchpad/consent-suspend.ts")
    const [, command = "", folder = ""] = /(npx tsx scratchpad\/consent-resume\.ts (\S+))\n$/.exec(suspended.stdout) ??
      []
    assert.isTrue(folder.startsWith(temporary), suspended.stderr)
    assert.strictEqual(statSync(folder).mode & 0o077, 0)
    for (const name of ["handle", "keys"]) assert.strictEqual(statSync(join(folder, name)).mode & 0o077, 0, name)
    const first = await runBundled(command)
    assert.match(first.stdout, /^resumed: <redacted>\n/)
    // In another process, the consent is still consumed.
    const second = await runBundled(command)
    assertEqual([second.code, second.stdout], [1, ""])
    assert.strictEqual(second.stderr, "the resume handle was used before: request the token again\n")
  })

  it("consent-suspend.ts seals with the keys of the environment, and consent-resume.ts requires the same keys", async () => {
    const folder = join(temporary, "of-mine")
    const mine = { AGENTCORE_IDENTITY_SEAL_KEYS: `one:${randomBytes(32).toString("base64")}` }
    const suspended = await runBundled(`npx tsx scratchpad/consent-suspend.ts ${folder}`, mine)
    assert.strictEqual(suspended.code, 0, suspended.stderr)
    const resume = `npx tsx scratchpad/consent-resume.ts ${folder}`
    const without = await runBundled(resume)
    assertEqual([without.code, without.stdout], [1, ""])
    assert.match(without.stderr, /^the resume handle .*\n$/)
    const resumed = await runBundled(resume, mine)
    assert.match(resumed.stdout, /^resumed: <redacted>\n/, resumed.stderr)
  })

  it("consent-suspend.ts reports in one line the problem with a key or a folder", async () => {
    const bad = await runBundled("npx tsx scratchpad/consent-suspend.ts", { AGENTCORE_IDENTITY_SEAL_KEYS: "one:short" })
    assertEqual([bad.code, bad.stdout], [1, ""])
    assert.match(bad.stderr, /^AGENTCORE_IDENTITY_SEAL_KEYS: key "one" is not 32 bytes in base64.*\n$/)
    const missing = await runBundled(`npx tsx scratchpad/consent-suspend.ts ${join(temporary, "no", "such")}`)
    assertEqual([missing.code, missing.stdout], [1, ""])
    assert.match(missing.stderr, /^the folder .*\/no\/such cannot be used\n$/)
  })
})
