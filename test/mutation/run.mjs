/**
 * `npm run test:mutation -- MODULE …`: mutation testing of the named modules, or of all. Prints the surviving mutants of
 * each, then a table of scores.
 */
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync, rmSync } from "node:fs"
import { modules } from "./modules.mjs"

const names = process.argv.slice(2)
const unknown = names.filter((name) => !(name in modules))
if (unknown.length > 0) {
  process.stderr.write(`no such module: ${unknown.join(", ")}. Modules: ${Object.keys(modules).join(", ")}\n`)
  process.exit(64)
}

const detected = new Set(["Killed", "Timeout"])
const counted = new Set([...detected, "Survived", "NoCoverage"])

const scoreOf = (file) => {
  const mutants = Object.values(JSON.parse(readFileSync(file, "utf8")).files).flatMap(({ mutants }) => mutants)
  const total = mutants.filter(({ status }) => counted.has(status)).length
  const killed = mutants.filter(({ status }) => detected.has(status)).length
  return { killed, total, percent: (100 * killed) / total }
}

const rows = []
for (const name of names.length === 0 ? Object.keys(modules) : names) {
  const report = `.stryker/${name}.json`
  rmSync(report, { force: true })
  const { status } = spawnSync("npx", ["stryker", "run", "test/mutation/stryker.config.mjs"], {
    env: { ...process.env, MUTATION_MODULE: name },
    stdio: "inherit"
  })
  if (status !== 0 || !existsSync(report)) {
    process.stderr.write(`mutation testing of ${name} failed with exit code ${status}\n`)
    process.exit(1)
  }
  rows.push({ name, ...scoreOf(report) })
}
for (const { killed, name, percent, total } of rows) {
  process.stdout.write(`${name.padEnd(12)} ${killed} of ${total} killed, ${percent.toFixed(1)} %\n`)
}
