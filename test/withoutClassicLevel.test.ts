import { assert, describe, it } from "@effect/vitest"
import { build, type BuildOptions } from "esbuild"
import { execFile } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll } from "vitest"
import { assertEqual } from "./support/equality.js"

const root = fileURLToPath(new URL("..", import.meta.url))

/** A folder outside the project, from which no package can be resolved. */
const home = mkdtempSync(join(tmpdir(), "agentcore-without-"))
const command = join(home, "command.mjs")
const program = join(home, "program.mjs")

const options = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  format: "esm",
  external: ["classic-level"],
  logLevel: "error",
  banner: {
    js:
      "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);"
  }
} satisfies BuildOptions

/** Opens the folder that is its argument, and prints the failure. */
const source = `
import { Effect, Layer } from "effect"
import * as StoredIdentity from "./src/StoredIdentity.js"
const directory = process.argv[2]
Effect.scoped(Layer.build(StoredIdentity.layerApi({ directory }))).pipe(
  Effect.flip,
  Effect.map(({ _tag, directory, message }) => console.log(JSON.stringify({ _tag, directory, message }))),
  Effect.runPromise
)`

const run = (file: string, ...args: ReadonlyArray<string>) =>
  new Promise<{ readonly code: unknown; readonly stdout: string; readonly stderr: string }>((resolve) => {
    execFile(process.execPath, [file, ...args], { cwd: home, timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, stdout, stderr })
    })
  })

/** Puts a package of this name beside the programs for as long as the body runs. */
const withPackage = async (main: string, body: () => Promise<void>) => {
  const directory = join(home, "node_modules", "classic-level")
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, "package.json"), `{ "name": "classic-level", "type": "module", "main": "index.js" }`)
  writeFileSync(join(directory, "index.js"), main)
  await body().finally(() => rmSync(join(home, "node_modules"), { recursive: true }))
}

beforeAll(async () => {
  await Promise.all([
    build({ ...options, entryPoints: ["src/cli/main.ts"], outfile: command }),
    build({ ...options, stdin: { contents: source, resolveDir: root, loader: "ts" }, outfile: program })
  ])
}, 120_000)

afterAll(() => rmSync(home, { recursive: true }))

describe("without classic-level", () => {
  const directory = join(home, "data")

  it("StoredIdentity fails with a StorageError that names the package and the command that installs it", async () => {
    const { code, stderr, stdout } = await run(program, directory)
    assert.strictEqual(code, 0, stderr)
    assertEqual(JSON.parse(stdout), {
      _tag: "StorageError",
      directory,
      message: `The folder '${directory}' cannot be used: the package 'classic-level' is not installed; ` +
        "install it with 'npm install classic-level@3'."
    })
    assert.isFalse(existsSync(directory))
  })

  it("serve --data ends with exit code 1 and one line that names the option and both commands", async () => {
    const ended = await run(command, "serve", "--port", "0", "--data", directory)
    assertEqual(ended, {
      code: 1,
      stdout: "",
      stderr: "PackageUnusable: --data: the package 'classic-level' is not installed; install it with " +
        "'npm install classic-level@3', or run " +
        "'npx -p effect-agentcore-identity -p classic-level@3 agentcore-identity serve --data DIR'\n"
    })
    assert.isFalse(existsSync(directory))
  })

  it("serve --data --json says the same as one JSON object", async () => {
    const { code, stderr, stdout } = await run(command, "serve", "--port", "0", "--data", directory, "--json")
    assertEqual([code, stdout], [1, ""])
    const { message, reason }: { readonly message: string; readonly reason: string } = JSON.parse(stderr)
    assert.strictEqual(reason, "PackageUnusable")
    assert.match(message, /^--data: the package 'classic-level' is not installed; /)
  })

  it("the command without --data does not need it", async () => {
    const { code, stderr, stdout } = await run(command, "serve", "--help")
    assertEqual([code, stderr], [0, ""])
    assert.match(stdout.replaceAll(/\s+/g, " "), /requires the package classic-level@3/)
  })

  it("a classic-level that does not load is reported with the reason", () =>
    withPackage("throw new Error('no native build\\nfor this platform')", async () => {
      const { stdout } = await run(program, directory)
      const { message }: { readonly message: string } = JSON.parse(stdout)
      assert.include(message, "the package 'classic-level' cannot be loaded (no native build); install it with")
    }))
})
