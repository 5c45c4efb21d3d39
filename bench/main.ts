/** Runs the benchmarks: `npm run bench -- --help` lists them. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { cpus } from "node:os"
import { join } from "node:path"
import { type Benchmark, merged, problems, type Report, reportOf, type Result } from "./benchmark.js"
import { runBytesChild } from "./bytesChild.js"
import { runGrantsChild } from "./grantsChild.js"
import { runChild } from "./growthChild.js"
import { type Options, parse, usage, UsageError } from "./options.js"
import { generate } from "./page.js"
import { draw } from "./plot.js"
import { benchmarks } from "./registry.js"
import { goalTable, terminalTable } from "./report.js"
import { runScaleChild } from "./scaleChild.js"

const print = (text: string) => process.stdout.write(`${text}\n`)

const machine = () => `${cpus().length} × ${cpus()[0]?.model.trim() ?? "unknown"}`

const printResult = ({ goals, profile, tables }: Result) => {
  for (const table of profile === undefined ? tables : [...tables, profile]) {
    print(`\n${table.title}\n${terminalTable(table)}`)
  }
  if (goals.length > 0) print(`\n${terminalTable(goalTable(goals))}`)
}

const writeJson = (file: string | undefined, report: Report) => {
  if (file !== undefined) writeFileSync(file, `${JSON.stringify(report, undefined, 2)}\n`)
}

const measure = async (selected: ReadonlyArray<Benchmark>, json: string | undefined): Promise<Report> => {
  const results: Record<string, Result> = {}
  const failures: Record<string, string> = {}
  const report = () => reportOf({ node: process.version, machine: machine(), results, failures })
  for (const { name, run, title } of selected) {
    print(`\n${name}: ${title}`)
    const start = performance.now()
    try {
      results[name] = await run()
      printResult(results[name])
    } catch (error) {
      failures[name] = error instanceof Error ? error.message : String(error)
      process.stderr.write(`${name} failed: ${error instanceof Error ? error.stack : String(error)}\n`)
    }
    print(`\n${name} took ${((performance.now() - start) / 1000).toFixed(0)} s`)
    // Now, so that an interrupted run keeps its results.
    writeJson(json, report())
  }
  return report()
}

/** This program runs in the folder of the repository. */
const folder = "docs"

const writePage = (report: Report) => {
  const plots = join(folder, "benchmarks")
  const page = join(folder, "benchmarks.md")
  writeFileSync(page, generate(readFileSync(page, "utf8"), report, benchmarks))
  mkdirSync(plots, { recursive: true })
  for (const plot of Object.values(report.results).flatMap(({ plots }) => plots)) {
    writeFileSync(join(plots, `${plot.name}.svg`), draw(plot))
  }
  print(`Wrote ${page} and its plots`)
}

const readReport = (file: string): Report => JSON.parse(readFileSync(file, "utf8"))

const main = async (options: Options) => {
  if (options.help) return print(usage(benchmarks))
  const report = options.from.length > 0
    ? merged(options.from.map(readReport))
    : await measure(benchmarks.filter(({ name }) => options.names.includes(name)), options.json)
  if (report.goals.length > 0) print(`\n${terminalTable(goalTable(report.goals))}`)
  for (const problem of problems(report)) {
    process.stderr.write(`${problem}\n`)
    process.exitCode = 1
  }
  if (options.docs) writePage(report)
}

const childOf = (args: ReadonlyArray<string>) => args[0] === "--child" ? args[1] : undefined

const args = process.argv.slice(2)
const child = childOf(args)

if (![runChild, runGrantsChild, runBytesChild, runScaleChild].some((runIt) => runIt(child))) {
  try {
    await main(parse(args, benchmarks))
  } catch (error) {
    process.stderr.write(
      `${error instanceof UsageError ? error.message : error instanceof Error ? error.stack : error}\n`
    )
    process.exitCode = 2
  }
  // A measurement that failed may have left a process, which ends with this one.
  process.exit()
}
