import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Host from "./support/chromiumHost.js"
import { assertEqual } from "./support/equality.js"
import { temporary } from "./support/temporary.js"

const root = fileURLToPath(new URL("..", import.meta.url))

/** A folder with an executable script of this name. */
const withScript = (name: string, ...lines: ReadonlyArray<string>) =>
  Effect.map(temporary, (folder) => {
    const path = join(folder, name)
    writeFileSync(path, ["#!/bin/sh", ...lines, ""].join("\n"), { mode: 0o755 })
    return { folder, path }
  })

const host = (env: Record<string, string>) => {
  const lines: Array<string> = []
  return { lines, ...Host.make({ env, lockPause: 1, log: (line) => lines.push(line) }) }
}

const systemPath = process.env["PATH"] ?? ""

describe("this machine", () => {
  it.scopedLive("gives the browser that CHROMIUM names, and looks for no other", () =>
    Effect.gen(function*() {
      const { path } = yield* withScript("mine", "test \"$1\" = --version")
      const facts = yield* Effect.promise(host({ CHROMIUM: path, PATH: systemPath }).facts)
      assertEqual(facts.named, { path, problem: undefined })
      assert.isEmpty(facts.found)
    }))

  it.scopedLive("says what is wrong with the file that CHROMIUM names", () =>
    Effect.gen(function*() {
      const missing = yield* Effect.promise(host({ CHROMIUM: "/nowhere" }).facts)
      assert.strictEqual(missing.named?.problem, "does not exist or is not an executable file")
      const { path } = yield* withScript("stub", "echo loading >&2", "echo libnss3.so is missing >&2", "exit 127")
      const broken = yield* Effect.promise(host({ CHROMIUM: path }).facts)
      assert.strictEqual(broken.named?.problem, "does not run (exit code 127: libnss3.so is missing)")
    }))

  it.scopedLive("finds browsers on the PATH, and takes an empty CHROMIUM for none", () =>
    Effect.gen(function*() {
      const { folder, path } = yield* withScript("chromium", "exit 0")
      const { found, named } = yield* Effect.promise(host({ CHROMIUM: "", PATH: folder }).facts)
      assert.isUndefined(named)
      assertEqual(found, [{ path, problem: undefined }])
    }))

  it.scopedLive("passes over what looks like a browser and does not run", () =>
    Effect.gen(function*() {
      const stub = yield* withScript("chromium", "echo install the snap >&2", "exit 1")
      const real = yield* withScript("chromium", "exit 0")
      const { found } = yield* Effect.promise(host({ PATH: `${stub.folder}:${real.folder}` }).facts)
      assertEqual(found, [
        { path: stub.path, problem: "does not run (exit code 1: install the snap)" },
        { path: real.path, problem: undefined }
      ])
    }))
})

describe("a command of an installation", () => {
  it.scopedLive("is reported with its exit code and the line that has the error", () =>
    Effect.gen(function*() {
      const { path } = yield* withScript("apt-get", "echo 'E: no such package' >&2", "echo '    at a line'", "exit 100")
      const failure = yield* Effect.promise(() =>
        host({ PATH: systemPath }).run({ name: "apt-get install", argv: [path] })
      )
      assertEqual(failure, { command: "apt-get install", code: 100, line: "E: no such package" })
    }))

  it.live("is reported if it cannot be started", () =>
    Effect.gen(function*() {
      const failure = yield* Effect.promise(() => host({ PATH: systemPath }).run({ name: "it", argv: ["/nowhere"] }))
      assert.strictEqual(failure?.code, 127)
      assert.include(failure?.line, "ENOENT")
    }))

  it.scopedLive("is repeated while another process holds apt's lock, which is announced once", () =>
    Effect.gen(function*() {
      const { path } = yield* withScript(
        "apt-get",
        "echo again >> \"$0.runs\"",
        "test \"$(wc -l < \"$0.runs\")\" -gt 3 && exit 0",
        "echo 'E: Could not get lock /var/lib/apt/lists/lock. It is held by process 1 (apt-get)' >&2",
        "exit 100"
      )
      const { lines, run } = host({ PATH: systemPath })
      assert.isUndefined(yield* Effect.promise(() => run({ name: "apt-get update", argv: [path] })))
      assert.strictEqual(lines.length, 1)
      assert.include(lines[0], "Another process holds apt's lock")
    }))

  it.scopedLive("is reported if the lock is never released", () =>
    Effect.gen(function*() {
      const { path } = yield* withScript("apt-get", "echo 'E: Could not get lock x' >&2", "exit 100")
      const failure = yield* Effect.promise(() =>
        host({ PATH: systemPath }).run({ name: "apt-get update", argv: [path] })
      )
      assertEqual(failure, { command: "apt-get update", code: 100, line: "E: Could not get lock x" })
    }))
})

/** Runs the test runner on a file, as a user does. */
const vitest = (file: string, env: Record<string, string>) =>
  Effect.promise(() =>
    new Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>(
      (resolve, reject) => {
        const child = spawn(process.execPath, ["node_modules/vitest/vitest.mjs", "run", file], {
          cwd: root,
          env: { PATH: systemPath, NO_COLOR: "1", ...env }
        })
        let stdout = ""
        let stderr = ""
        child.stdout.on("data", (chunk) => stdout += String(chunk))
        child.stderr.on("data", (chunk) => stderr += String(chunk))
        child.on("error", reject)
        child.on("close", (code) => resolve({ code, stdout, stderr }))
      }
    )
  )

describe("a run of the tests", () => {
  it.live("fails with one line that names CHROMIUM if that leads to nothing", () =>
    Effect.gen(function*() {
      const { code, stderr, stdout } = yield* vitest("test/browser.test.ts", { CHROMIUM: "/nowhere" })
      assert.strictEqual(code, 1)
      assert.strictEqual(
        stderr,
        "CHROMIUM is /nowhere, which does not exist or is not an executable file: " +
          "set it to the path of Chromium or Chrome, or unset it.\n"
      )
      assert.notInclude(stdout, "No test files")
    }), 120_000)

  it.live("looks for no browser if no browser test is among its files", () =>
    Effect.gen(function*() {
      const { code, stderr, stdout } = yield* vitest("test/chromium.test.ts", { CHROMIUM: "/nowhere" })
      assert.strictEqual(code, 0, stderr)
      assert.match(stdout, /Test Files\s+1 passed/)
    }), 120_000)
})
