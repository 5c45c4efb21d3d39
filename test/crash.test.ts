// The times at which a process is killed are random and in real time.
// @effect-diagnostics globalRandom:off globalTimers:off
import { assert, it } from "@effect/vitest"
import { build } from "esbuild"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assertEqual } from "./support/equality.js"

const rounds = Number(process.env.CRASH_ROUNDS ?? 20)

/** Number of rounds that share one folder. */
const perFolder = 10

it(`keeps acknowledged changes through ${rounds} kills`, { timeout: 600_000 }, async () => {
  const home = mkdtempSync(join(tmpdir(), "agentcore-crash-"))
  const child = join(home, "crashing.mjs")
  await build({
    entryPoints: [fileURLToPath(new URL("support/crashing.ts", import.meta.url))],
    outfile: child,
    bundle: true,
    platform: "node",
    format: "esm",
    external: ["classic-level"],
    logLevel: "error"
  })
  symlinkSync(fileURLToPath(new URL("../node_modules", import.meta.url)), join(home, "node_modules"))

  let [directory, lines, acknowledged, early] = ["", "", 0, 0]
  for (let round = 0; round < rounds; round++) {
    if (round % perFolder === 0) {
      directory = join(home, `folder-${round}`)
      lines = join(home, `lines-${round}`)
      mkdirSync(directory, { mode: 0o700 })
      writeFileSync(lines, "")
    }
    const process_ = spawn(process.execPath, [child, directory, lines, String(round)], {
      stdio: ["ignore", "pipe", "pipe"]
    })
    const kill = () => process_.kill("SIGKILL")
    // Some processes are killed while they open the folder, the others while they write.
    const isEarly = round % perFolder !== perFolder - 1 && Math.random() < 0.15
    let timer = isEarly ? setTimeout(kill, 80 + Math.random() * 200) : undefined
    let [text, errors, isChecked] = ["", "", false]
    process_.stderr.on("data", (data) => errors += String(data))
    process_.stdout.on("data", (data) => {
      text += String(data)
      if (isChecked || !/^checked$/m.test(text)) return
      isChecked = true
      timer ??= setTimeout(kill, Math.random() * 120)
    })
    const [, signal] = await once(process_, "close")
    clearTimeout(timer)
    const complete = text.slice(0, text.lastIndexOf("\n") + 1)
    assertEqual(complete.match(/^(wrong|failed).*$/gm) ?? [], [], `round ${round}: ${errors}`)
    assert.strictEqual(signal, "SIGKILL", `round ${round}: ${errors}`)
    assert.isTrue(isChecked || isEarly, `round ${round}: ${errors}`)
    appendFileSync(lines, complete)
    acknowledged += complete.match(/^(created|token|deleted|key) /gm)?.length ?? 0
    if (!isChecked) early++
  }
  process.stdout.write(`${rounds} kills, ${early} of them while opening, ${acknowledged} acknowledged writes\n`)
  rmSync(home, { recursive: true })
})
