import { assert, describe, it } from "@effect/vitest"
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { afterAll, beforeAll } from "vitest"
import * as Cli from "./support/cli.js"
import { assertEqual } from "./support/equality.js"

let cli: Awaited<ReturnType<typeof Cli.bundle>>
beforeAll(async () => {
  cli = await Cli.bundle()
})
afterAll(() => cli.remove())

/** Runs a script of the shell with the command as `$1`. */
const shell = (script: string) => {
  const { status, stderr, stdout } = spawnSync("sh", ["-c", script, "sh", cli.file], { encoding: "utf8" })
  return { status, stderr, stdout }
}

describe("the command", () => {
  it("ends with code 141 and prints nothing if the reader of its output has ended", () => {
    const { stderr, stdout } = shell(`{ node "$1" --help; echo "code $?" >&2; } | true`)
    assertEqual([stderr, stdout], ["code 141\n", ""])
  })

  it("ends with code 1 and one line if its output cannot be written", () => {
    assertEqual(shell(`node "$1" --help > /dev/full`), {
      status: 1,
      stderr: "OutputFailed: the output cannot be written (ENOSPC)\n",
      stdout: ""
    })
  })

  it("continues to serve if the reader of its log has ended", async () => {
    const child = spawn(process.execPath, [cli.file, "serve", "--port", "0"], { stdio: ["ignore", "pipe", "pipe"] })
    try {
      child.stderr.destroy()
      let text = ""
      while (!text.includes("listens on")) text += String((await once(child.stdout, "data"))[0])
      const [origin = ""] = /http:\/\/127\.0\.0\.1:\d+/.exec(text) ?? []
      for (const _ of [1, 2, 3]) {
        assert.strictEqual((await fetch(`${origin}/_local/fail`, { method: "POST" })).status, 415)
      }
      assert.isNull(child.exitCode)
    } finally {
      child.kill("SIGTERM")
    }
  })
})
