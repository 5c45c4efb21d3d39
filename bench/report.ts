/** Goals of the benchmarks, and tables of text. */

/** A value with its goal. */
export interface Goal {
  readonly name: string
  readonly value: number
  /** Whether the limit is the largest or the smallest value that meets the goal. */
  readonly bound: "atMost" | "atLeast"
  readonly limit: number
  readonly unit: string
  readonly isMet: boolean
  /** Whether a missed goal is a fault of the code: the benchmark then ends with a failure. */
  readonly isRule: boolean
}

/** Rows of text below a header. */
export interface Table {
  readonly title: string
  readonly head: ReadonlyArray<string>
  readonly rows: ReadonlyArray<ReadonlyArray<string>>
}

/** A number for the output: three decimals. */
export const rounded = (value: number): number => Number(value.toFixed(3))

const goalOf = (bound: Goal["bound"], name: string, measured: number, limit: number, unit: string): Goal => {
  if (!Number.isFinite(measured)) throw new Error(`${name}: nothing was measured, got ${measured}`)
  const value = rounded(measured)
  return { name, value, bound, limit, unit, isMet: bound === "atMost" ? value <= limit : value >= limit, isRule: false }
}

/** A goal with a largest value. Fails if the value is not a finite number. */
export const atMost = (name: string, value: number, limit: number, unit: string): Goal =>
  goalOf("atMost", name, value, limit, unit)

/** A goal with a smallest value. Fails if the value is not a finite number. */
export const atLeast = (name: string, value: number, limit: number, unit: string): Goal =>
  goalOf("atLeast", name, value, limit, unit)

/** A goal that the code must meet on any machine. */
export const rule = (goal: Goal): Goal => ({ ...goal, isRule: true })

const withUnit = (value: number, unit: string) =>
  `${value.toLocaleString("en", { maximumFractionDigits: 3 })}${unit === "" ? "" : ` ${unit}`}`

/** The difference between the value of a missed goal and its limit. */
export const shortfall = ({ bound, limit, unit, value }: Goal): string => {
  const side = bound === "atMost" ? "above" : "below"
  return limit === 0
    ? `${withUnit(Math.abs(value), unit)} ${side} it`
    : `${Math.max(0.1, Math.abs(value / limit - 1) * 100).toFixed(1)} % ${side} it`
}

/** The limit of a goal in words. */
export const limitOf = ({ bound, limit, unit }: Goal): string =>
  `${bound === "atMost" ? "at most" : "at least"} ${withUnit(limit, unit)}`

/** The measured value of a goal with its unit. */
export const valueOf = ({ unit, value }: Goal): string => withUnit(value, unit)

/** Goals as a table. */
export const goalTable = (goals: ReadonlyArray<Goal>): Table => ({
  title: "Goals",
  head: ["measurement", "value", "goal", "met"],
  rows: goals.map((goal) => [
    goal.name,
    valueOf(goal),
    limitOf(goal),
    goal.isMet ? "yes" : `NO, ${shortfall(goal)}`
  ])
})

const widthsOf = (rows: ReadonlyArray<ReadonlyArray<string>>) =>
  (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))

const padded = (row: ReadonlyArray<string>, widths: ReadonlyArray<number>) =>
  widths.map((width, column) => (row[column] ?? "").padEnd(width))

/** A table for a terminal. */
export const terminalTable = ({ head, rows }: Table): string => {
  const widths = widthsOf([head, ...rows])
  return [head, ...rows].map((row) => padded(row, widths).join("  ").trimEnd()).join("\n")
}

/** A table in Markdown, formatted as the formatter of this repository does. */
export const markdownTable = ({ head, rows }: Table): string => {
  const escaped = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll("|", "\\|")))
  const widths = widthsOf(escaped).map((width) => Math.max(3, width))
  const [first = [], ...rest] = escaped.map((row) => `| ${padded(row, widths).join(" | ")} |`)
  return [first, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...rest].join("\n")
}
