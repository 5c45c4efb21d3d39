import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { isolated } from "../vitest.config.js"
import { temporary } from "./support/temporary.js"

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8")

const lines = (text: string) => text.split("\n").filter((line) => line !== "")

describe("the folder docs", () => {
  const ignored: { readonly [where: string]: ReadonlyArray<string> } = {
    git: lines(read(".gitignore")),
    lint: JSON.parse(read(".oxlintrc.json")).ignorePatterns,
    format: JSON.parse(read("dprint.json")).excludes
  }

  it("belongs to the documentation: git, lint and the formatter do not ignore it", () => {
    for (const [where, patterns] of Object.entries(ignored)) {
      assert.isEmpty(patterns.filter((pattern) => /^\/?(\*\*\/)?docs\/?$/.test(pattern)), where)
    }
  })

  it("is not where docgen writes: that folder is ignored by git, lint and the formatter", () => {
    const { outDir } = JSON.parse(read("docgen.json"))
    assert.strictEqual(outDir, ".docgen")
    for (const [where, patterns] of Object.entries(ignored)) assert.include(patterns, outDir, where)
  })
})

it("continuous integration installs npm packages only", () => {
  const commands = lines(read(".ci/run")).filter((line) => !line.trim().startsWith("#")).join("\n")
  assert.include(commands, "npm install")
  assert.notMatch(commands, /\b(apt|apt-get|sudo|brew|curl|wget|playwright|chromium)\b/i)
})

it("continuous integration looks for changed files after the installation, and at its end", () => {
  const commands = lines(read(".ci/run"))
  const checks = commands.flatMap((line, index) => line === ".ci/unchanged" ? [index] : [])
  assert.strictEqual(checks.length, 2)
  const [first = 0, last] = checks
  assert.strictEqual(commands[first - 2], "npm install --no-audit --no-fund")
  assert.strictEqual(last, commands.length - 1)
})

it("a test file that replaces modules or values of the process runs in a worker of its own", () => {
  const files = ["test", "scratchpad"].flatMap((folder) =>
    readdirSync(new URL(`../${folder}`, import.meta.url), { recursive: true, encoding: "utf8" })
      .map((file) => `${folder}/${file}`)
  ).filter((file) => file.endsWith(".ts") && !isolated.includes(file) && file !== "test/repository.test.ts")
  const replacing = [
    /\bvi\.(?:mock|doMock|spyOn|stubEnv|stubGlobal|useFakeTimers)\(/,
    /^\s*process\.env(?:\.\w+|\[[^\]]+\]) = /m,
    /^\s*delete process\b/m,
    /^\s*Object\.assign\((?:process|globalThis)\b/m,
    /^\s*globalThis(?:\.\w+|\[[^\]]+\]) = /m
  ]
  assert.isNotEmpty(files)
  for (const file of files) for (const pattern of replacing) assert.notMatch(read(file), pattern, file)
})

describe("the hash of Effect", () => {
  // `effect/Hash` has no secret: anyone can create many texts of one hash, and a table of them compares each with all others.
  const tables =
    /\bfrom "effect\/(HashMap|HashSet|MutableHashMap|MutableHashSet|Cache|ScopedCache|RcMap|FiberMap|KeyedPool|LayerMap|Hash)"/g

  /** The uses that depend on no number of texts of clients, with their reasons. */
  const allowed = [
    ["internal/emulator/control/paging.ts", "Hash", "a checksum of one page token"],
    ["internal/emulator/controls.ts", "Hash", "the fingerprint of one access token"]
  ]

  it("is used in no table, because clients choose the keys: tables are trees, native maps and native sets", () => {
    const uses = readdirSync(new URL("../src", import.meta.url), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .flatMap((file) => Array.from(read(`src/${file}`).matchAll(tables), ([, module = ""]) => `${file}: ${module}`))
    assert.sameMembers(uses, allowed.map(([file, module]) => `${file}: ${module}`))
  })
})

const hasGit = spawnSync("git", ["--version"]).status === 0

describe.skipIf(!hasGit)("the check for changed files", () => {
  const script = fileURLToPath(new URL("../.ci/unchanged", import.meta.url))

  // Without the settings of this machine.
  const env = { PATH: process.env["PATH"], GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" }

  const check = (cwd: string) => spawnSync(script, { cwd, env, encoding: "utf8" })

  /** A repository with one commit of `kept.txt`, in which `dist` is ignored. */
  const repository = Effect.map(temporary, (cwd) => {
    const git = (...args: ReadonlyArray<string>) => {
      const { status, stderr } = spawnSync("git", args, { cwd, env, encoding: "utf8" })
      assert.strictEqual(status, 0, stderr)
    }
    writeFileSync(join(cwd, "kept.txt"), "one\n")
    writeFileSync(join(cwd, ".gitignore"), "dist\n")
    git("init", "--quiet")
    git("add", ".")
    git("-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "--quiet", "--message", "first")
    return cwd
  })

  it.scopedLive("passes if nothing changed, and for files that git ignores", () =>
    Effect.gen(function*() {
      const cwd = yield* repository
      mkdirSync(join(cwd, "dist"))
      writeFileSync(join(cwd, "dist", "built.js"), "")
      const { status, stderr } = check(cwd)
      assert.strictEqual(status, 0, stderr)
      assert.strictEqual(stderr, "")
    }))

  it.scopedLive("fails with the diff stat if a file changed", () =>
    Effect.gen(function*() {
      const cwd = yield* repository
      writeFileSync(join(cwd, "kept.txt"), "two\n")
      const { status, stderr } = check(cwd)
      assert.strictEqual(status, 1)
      assert.match(stderr, /^ M kept\.txt$/m)
      assert.match(stderr, /1 file changed, 1 insertion\(\+\), 1 deletion\(-\)/)
    }))

  it.scopedLive("fails with the name of a file that is new", () =>
    Effect.gen(function*() {
      const cwd = yield* repository
      writeFileSync(join(cwd, "left.txt"), "")
      const { status, stderr } = check(cwd)
      assert.strictEqual(status, 1)
      assert.match(stderr, /^\?\? left\.txt$/m)
    }))

  it.scopedLive("passes outside of a git checkout, and says so", () =>
    Effect.gen(function*() {
      const { status, stdout } = check(yield* temporary)
      assert.strictEqual(status, 0)
      assert.include(stdout, "Not a git checkout")
    }))
})
