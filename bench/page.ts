/** The generated parts of `docs/benchmarks.md`. The other parts are written by hand, and stay. */
import type { Benchmark, Report } from "./benchmark.js"
import { goalTable, limitOf, markdownTable, shortfall, valueOf } from "./report.js"

const begin = (name: string) => `<!-- generated: ${name} -->`

const end = (name: string) => `<!-- end: ${name} -->`

type Described = Pick<Benchmark, "name" | "measures">

const goalsOf = ({ goals }: Report) => markdownTable(goalTable(goals))

const machineOf = ({ machine, node }: Report) => `Measured on ${machine}, with Node ${node.replace(/^v/, "")}.`

const shortfallsOf = ({ goals, results }: Report) => {
  const missed = goals.filter(({ isMet }) => !isMet)
  if (missed.length === 0) return "All goals are met."
  const sections = missed.map((goal) => {
    const profile = results[goal.benchmark]?.profile
    const text = `- \`${goal.benchmark}\`: ${goal.name} is ${valueOf(goal)}. The goal is ${limitOf(goal)}: ` +
      `the value is ${shortfall(goal)}.`
    return { text, profile, benchmark: goal.benchmark }
  })
  const profiles = new Map(sections.map(({ benchmark, profile }) => [benchmark, profile]))
  return [
    sections.map(({ text }) => text).join("\n"),
    ...[...profiles.values()].flatMap((profile) =>
      profile === undefined ? [] : [`${profile.title}:`, markdownTable(profile)]
    )
  ].join("\n\n")
}

const resultOf = ({ results }: Report, { measures, name }: Described) => {
  const result = results[name]
  if (result === undefined) throw new Error(`there is no result of the benchmark ${name}: run all benchmarks`)
  return [
    measures,
    ...result.tables.flatMap((table) => [`${table.title}:`, markdownTable(table)]),
    ...result.plots.map(({ name, title }) => `![${title}](benchmarks/${name}.svg)`)
  ].join("\n\n")
}

const replaced = (page: string, name: string, content: string) => {
  const from = page.indexOf(begin(name))
  const to = page.indexOf(end(name))
  if (from < 0 || to < from) {
    throw new Error(`docs/benchmarks.md has no generated part "${name}": add the lines ${begin(name)} and ${end(name)}`)
  }
  return `${page.slice(0, from)}${begin(name)}\n\n${content}\n\n${page.slice(to)}`
}

/** Replaces the generated parts of the page. Fails if a part or a result is missing, and if a benchmark failed. */
export const generate = (page: string, report: Report, benchmarks: ReadonlyArray<Described>): string => {
  const failed = Object.keys(report.failures)
  if (failed.length > 0) {
    throw new Error(`the page needs all results, and these benchmarks failed: ${failed.join(", ")}`)
  }
  const goals = benchmarks.flatMap(({ name }) => report.goals.filter(({ benchmark }) => benchmark === name))
  const ordered = { ...report, goals }
  const parts = [
    ["machine", machineOf(report)],
    ["goals", goalsOf(ordered)],
    ["shortfalls", shortfallsOf(ordered)],
    ...benchmarks.map((benchmark) => [benchmark.name, resultOf(report, benchmark)] as const)
  ] as const
  const known = new Set<string>(parts.map(([name]) => name))
  const unknown = Array.from(page.matchAll(/^<!-- generated: (\S+) -->$/gm), ([, name = ""]) => name)
    .filter((name) => !known.has(name))
  if (unknown.length > 0) throw new Error(`docs/benchmarks.md has unknown generated parts: ${unknown.join(", ")}`)
  return parts.reduce((text, [name, content]) => replaced(text, name, content), page)
}
