/** A benchmark and its result. */
import type { Plot } from "./plot.js"
import { type Goal, limitOf, type Table, valueOf } from "./report.js"

/** What a benchmark measured. */
export interface Result {
  readonly goals: ReadonlyArray<Goal>
  /** All figures, for `--json`. */
  readonly figures: Readonly<Record<string, unknown>>
  readonly tables: ReadonlyArray<Table>
  readonly plots: ReadonlyArray<Plot>
  /** The share of each part of the measured time. The page shows it if a goal is missed. */
  readonly profile?: Table | undefined
}

/** A benchmark with a name for `--only`. */
export interface Benchmark {
  readonly name: string
  /** A name that `--only` accepts for several benchmarks. */
  readonly group?: string | undefined
  readonly title: string
  /** What is measured, and relative to what, in sentences for the page. */
  readonly measures: string
  readonly run: () => Promise<Result>
}

/** Results of a run, as `--json` writes them. */
export interface Report {
  readonly node: string
  readonly machine: string
  readonly goals: ReadonlyArray<Goal & { readonly benchmark: string }>
  readonly results: Readonly<Record<string, Result>>
  /** Messages of the benchmarks that could not be measured. */
  readonly failures: Readonly<Record<string, string>>
}

/** A report of results, with all their goals. */
export const reportOf = (
  { failures, machine, node, results }: Omit<Report, "goals">
): Report => ({
  node,
  machine,
  goals: Object.entries(results).flatMap(([benchmark, { goals }]) => goals.map((goal) => ({ benchmark, ...goal }))),
  results,
  failures
})

/** One report of several, of which a later one replaces the results of an earlier one. Fails if the machines differ. */
export const merged = (reports: ReadonlyArray<Report>): Report => {
  const machines = new Set(reports.map(({ machine, node }) => `${machine}, Node ${node}`))
  const [first] = reports
  if (first === undefined || machines.size > 1) {
    throw new Error(`the results must be those of one machine, got ${[...machines].join("; ")}`)
  }
  return reportOf(reports.reduce((all, { failures, results }) => {
    const names = Object.keys(results)
    const earlier = Object.entries(all.failures).filter(([name]) => !names.includes(name))
    return {
      ...all,
      results: { ...all.results, ...results },
      failures: { ...Object.fromEntries(earlier), ...failures }
    }
  }, first))
}

/** Why the program fails: benchmarks that could not be measured, and missed goals that the code must meet on any machine. */
export const problems = ({ failures, goals }: Report): ReadonlyArray<string> => [
  ...Object.entries(failures).map(([name, message]) => `${name} could not be measured: ${message}`),
  ...goals.filter(({ isMet, isRule }) => isRule && !isMet).map((goal) =>
    `${goal.benchmark}: ${goal.name} is ${valueOf(goal)}, and must be ${limitOf(goal)} on any machine`
  )
]
