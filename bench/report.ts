/** Goals as a table for a terminal, and medians as a plot. */

/** A figure with its goal. */
export interface Goal {
  readonly name: string
  readonly value: number
  readonly atMost: number
  readonly unit: string
  readonly isMet: boolean
}

const aligned = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()).join("\n")
}

/** A number for the output, without noise. */
export const rounded = (value: number): number => Number(value.toFixed(3))

/** @internal */
export const goal = (name: string, value: number, atMost: number, unit: string): Goal => ({
  name,
  value: rounded(value),
  atMost,
  unit,
  isMet: value <= atMost
})

/** The goals as a table. */
export const table = (goals: ReadonlyArray<Goal>): string =>
  aligned([
    ["measurement", "value", "goal", "met"],
    ...goals.map(({ atMost, isMet, name, unit, value }) => [
      name,
      `${value} ${unit}`,
      `at most ${atMost} ${unit}`,
      isMet ? "yes" : "NO"
    ])
  ])

/** The time of one call, and its ratio to the same call without a layer. */
export interface CallTime {
  readonly medianMicros: number
  readonly p10Micros: number
  readonly p90Micros: number
  readonly ratio: number
}

/** The times of calls as a table. */
export const callTable = (calls: Readonly<Record<string, CallTime>>): string =>
  aligned([
    ["call", "ratio", "median", "80 % of the rounds"],
    ...Object.entries(calls).map(([name, { medianMicros, p10Micros, p90Micros, ratio }]) => [
      name,
      `${ratio} ×`,
      `${medianMicros} µs`,
      `${p10Micros}–${p90Micros} µs`
    ])
  ])

interface Line {
  readonly name: string
  readonly color: string
  /** Milliseconds by number of entries. */
  readonly points: ReadonlyArray<readonly [entries: number, millis: number]>
}

const width = 640
const height = 360
const margin = { left: 64, right: 150, top: 40, bottom: 48 }

const escaped = (text: string) => text.replace(/[&<]/g, (character) => character === "&" ? "&amp;" : "&lt;")

const decades = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

const text = (at: readonly [number, number], anchor: string, content: string) =>
  `<text x="${at[0].toFixed(1)}" y="${at[1].toFixed(1)}" text-anchor="${anchor}">${escaped(content)}</text>`

const range = (values: ReadonlyArray<number>) =>
  [Math.floor(Math.log10(Math.min(...values))), Math.ceil(Math.log10(Math.max(...values)))] as const

/** A plot with logarithmic axes: a line that is level does not depend on the number of entries. */
export const plot = (title: string, lines: ReadonlyArray<Line>): string => {
  const points = lines.flatMap((line) => line.points)
  const [x0, x1] = range(points.map(([entries]) => entries))
  const [y0, y1] = range(points.map(([, millis]) => millis))
  const x = (log: number) => margin.left + (log - x0) / (x1 - x0) * (width - margin.left - margin.right)
  const y = (log: number) => height - margin.bottom - (log - y0) / (y1 - y0) * (height - margin.top - margin.bottom)
  const grid = [
    ...decades(x0, x1).map((log) =>
      `<path d="M${x(log).toFixed(1)} ${margin.top}V${height - margin.bottom}" stroke="#ddd"/>` +
      text([x(log), height - margin.bottom + 18], "middle", (10 ** log).toLocaleString("en"))
    ),
    ...decades(y0, y1).map((log) =>
      `<path d="M${margin.left} ${y(log).toFixed(1)}H${width - margin.right}" stroke="#ddd"/>` +
      text([margin.left - 8, y(log) + 4], "end", `${10 ** log} ms`)
    )
  ]
  const drawn = lines.map(({ color, name, points }) => {
    const at = points.map(([entries, millis]) => [x(Math.log10(entries)), y(Math.log10(millis))] as const)
    const [endX, endY] = at.at(-1) ?? [0, 0]
    return `<path d="M${
      at.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")
    }" fill="none" stroke="${color}" ` +
      `stroke-width="2"/>${
        at.map(([x, y]) => `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="3" fill="${color}"/>`).join("")
      }${text([endX + 10, endY + 4], "start", name)}`
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
    "font-family=\"sans-serif\" font-size=\"12\">",
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text([margin.left, 22], "start", title),
    ...grid,
    ...drawn,
    text([(margin.left + width - margin.right) / 2, height - 10], "middle", "stored workload access tokens"),
    "</svg>\n"
  ].join("\n")
}
