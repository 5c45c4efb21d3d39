/** Plots of the results as SVG images. */
import { Array as Arr, Order } from "effect"

/** Medians by size, on logarithmic axes: a level line does not depend on the size. */
export interface LinePlot {
  readonly kind: "lines"
  /** Name of the file, without its ending. */
  readonly name: string
  readonly title: string
  readonly xLabel: string
  readonly unit: string
  readonly lines: ReadonlyArray<{
    readonly name: string
    readonly points: ReadonlyArray<readonly [x: number, y: number]>
  }>
}

/** One bar for each value, from 0, with its spread. */
export interface BarPlot {
  readonly kind: "bars"
  /** Name of the file, without its ending. */
  readonly name: string
  readonly title: string
  readonly unit: string
  readonly bars: ReadonlyArray<{
    readonly name: string
    readonly value: number
    /** The range of most measurements. */
    readonly spread?: readonly [low: number, high: number] | undefined
  }>
  /** The limit of a goal. */
  readonly limit?: number | undefined
}

/** A plot of any kind. */
export type Plot = LinePlot | BarPlot

const width = 720

const colors = ["#0b62a4", "#b4480f", "#2e7d32", "#6a1b9a", "#8d6e00"]

const escaped = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\"", "&quot;")

const text = (x: number, y: number, anchor: "start" | "middle" | "end", content: string) =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${escaped(content)}</text>`

const figure = (value: number) => value.toLocaleString("en", { maximumSignificantDigits: 3 })

const image = (title: string, height: number, content: ReadonlyArray<string>) =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
    "role=\"img\" font-family=\"sans-serif\" font-size=\"12\">",
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text(16, 24, "start", title),
    ...content,
    "</svg>\n"
  ].join("\n")

const decades = (values: ReadonlyArray<number>): readonly [number, number] => {
  if (values.length === 0) return [0, 1]
  const low = Math.floor(Math.log10(Math.min(...values)))
  return [low, Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))))]
}

const between = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

const fromHighest = Order.mapInput(
  Order.reverse(Order.number),
  ({ at }: { readonly at: readonly [number, number] | undefined }) => at?.[1] ?? 0
)

const linePlot = ({ lines, title, unit, xLabel }: LinePlot): string => {
  const height = 360
  const area = { left: 72, right: width - 190, top: 44, bottom: height - 52 }
  // A logarithmic axis has no place for other values.
  const drawable = lines.map(({ name, points }) => ({ name, points: points.filter(([x, y]) => x > 0 && y > 0) }))
  const points = drawable.flatMap((line) => line.points)
  const [x0, x1] = decades(points.map(([x]) => x))
  const [y0, y1] = decades(points.map(([, y]) => y))
  const xAt = (value: number) => area.left + (Math.log10(value) - x0) / (x1 - x0) * (area.right - area.left)
  const yAt = (value: number) => area.bottom - (Math.log10(value) - y0) / (y1 - y0) * (area.bottom - area.top)
  const grid = [
    ...between(x0, x1).map((power) => {
      const x = xAt(10 ** power)
      return `<path d="M${x.toFixed(1)} ${area.top}V${area.bottom}" stroke="#ddd"/>` +
        text(x, area.bottom + 18, "middle", figure(10 ** power))
    }),
    ...between(y0, y1).map((power) => {
      const y = yAt(10 ** power)
      return `<path d="M${area.left} ${y.toFixed(1)}H${area.right}" stroke="#ddd"/>` +
        text(area.left - 8, y + 4, "end", `${figure(10 ** power)} ${unit}`)
    })
  ]
  // Lines that end close together would have their names on top of each other.
  let lowest = -Infinity
  const colored = drawable.map((line, index) => ({
    ...line,
    color: colors[index % colors.length],
    at: line.points.at(-1)
  }))
  const drawn = Arr.sort(colored, fromHighest)
    .flatMap(({ at, color, name, points }) => {
      if (at === undefined) return []
      const places = points.map(([x, y]) => `${xAt(x).toFixed(1)} ${yAt(y).toFixed(1)}`)
      lowest = Math.max(lowest + 15, yAt(at[1]) + 4)
      return [
        `<path d="M${places.join("L")}" fill="none" stroke="${color}" stroke-width="2"/>`,
        ...points.map(([x, y]) =>
          `<circle cx="${xAt(x).toFixed(1)}" cy="${yAt(y).toFixed(1)}" r="3" fill="${color}"/>`
        ),
        text(xAt(at[0]) + 10, lowest, "start", name)
      ]
    })
  return image(title, height, [
    ...grid,
    ...drawn,
    text((area.left + area.right) / 2, height - 14, "middle", xLabel)
  ])
}

const barPlot = ({ bars, limit, title, unit }: BarPlot): string => {
  const row = 30
  const area = { left: 200, right: width - 130, top: 44 }
  const bottom = area.top + bars.length * row
  const most = Math.max(limit ?? 0, ...bars.map(({ spread, value }) => Math.max(value, spread?.[1] ?? 0)))
  const xAt = (value: number) => area.left + (most > 0 ? value / most : 0) * (area.right - area.left)
  const drawn = bars.flatMap(({ name, spread, value }, index) => {
    const y = area.top + index * row
    const middle = y + row / 2
    const end = Math.max(xAt(value), spread === undefined ? 0 : xAt(spread[1]))
    return [
      text(area.left - 8, middle + 4, "end", name),
      `<rect x="${area.left}" y="${y + 5}" width="${(xAt(value) - area.left).toFixed(1)}" height="${row - 10}" ` +
      `fill="${colors[0]}"/>`,
      ...(spread === undefined ? [] : [
        `<path d="M${xAt(spread[0]).toFixed(1)} ${middle}H${xAt(spread[1]).toFixed(1)}" stroke="#222" ` +
        "stroke-width=\"2\"/>"
      ]),
      text(end + 8, middle + 4, "start", `${figure(value)} ${unit}`)
    ]
  })
  const goal = limit === undefined ? [] : [
    `<path d="M${xAt(limit).toFixed(1)} ${area.top - 6}V${bottom + 4}" stroke="#b4480f" stroke-dasharray="5 4"/>`,
    text(xAt(limit), bottom + 20, "middle", `goal ${figure(limit)} ${unit}`)
  ]
  return image(title, bottom + 34, [...drawn, ...goal])
}

/** Draws a plot. Points that are not above 0 are not on logarithmic axes. */
export const draw = (plot: Plot): string => plot.kind === "lines" ? linePlot(plot) : barPlot(plot)
