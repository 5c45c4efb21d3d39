/** A table of the dashboard. On a narrow screen each row becomes a list of its cells with their heads. */
import { type Html, html, type Value } from "../../web/html.js"
import { firstThatFit } from "./firstThatFit.js"

/** The rows of a table. A page that reloads every few seconds must stay small. */
export const maxRows = 200

/** A column: its head, and a class for its cells. */
export interface Column {
  readonly head: string
  readonly className?: "time" | "row"
}

/** The size of the rows of a table, in bytes. All tables of the dashboard together have less than 1 MiB. */
const defaultMaxBytes = 50_000

interface Options {
  /** The number of rows, if it is larger than the number of those that are given. */
  readonly total?: number
  readonly maxBytes?: number
}

/**
 * The first rows of a table that fit, and the number of the others. Its scrollable region has a name and can be focused with the
 * keyboard.
 */
export const table = <A>(
  name: string,
  columns: ReadonlyArray<Column>,
  all: ReadonlyArray<A>,
  cells: (item: A) => ReadonlyArray<Value>,
  none: string,
  { maxBytes = defaultMaxBytes, total = all.length }: Options = {}
): Value => {
  const classOf = ({ className }: Column) => className && html` class="${className}"`
  const cell = (value: Value, index: number) => {
    const column = columns[index] ?? { head: "" }
    return html`<td data-head="${column.head}"${classOf(column)}><div>${value}</div></td>`
  }
  if (all.length === 0) return html`<p class="soft small">${none}</p>`
  const rows = firstThatFit(all.slice(0, maxRows), maxBytes, (item) => html`<tr>${cells(item).map(cell)}</tr>`)
  return [
    html`<div class="scroll" role="region" aria-label="${name}, table" tabindex="0"><table><thead><tr>${
      columns.map((column) => html`<th scope="col"${classOf(column)}>${column.head}</th>`)
    }</tr></thead><tbody>${rows}</tbody></table></div>`,
    total > rows.length
      ? html`<p class="soft small">${total - rows.length} more: <code>GET /_local/state</code> lists all.</p>`
      : undefined
  ]
}

/** The names of a list, separated by spaces. */
export const list = (names: ReadonlyArray<Html>): Value => names.map((name, index) => index === 0 ? name : [" ", name])
