/** A table of the dashboard. On a narrow screen each row becomes a list of its cells with their heads. */
import { type Html, html, type Value } from "../../web/html.js"

/** The rows of a table. A page that reloads every few seconds must stay small. */
export const maxRows = 200

/** A column: its head, and a class for its cells. */
export interface Column {
  readonly head: string
  readonly className?: "time" | "row"
}

/** The first rows of a table, which may have more rows than `all`: `total`. Its scrollable region has a name and can be focused with the keyboard. */
export const table = <A>(
  name: string,
  columns: ReadonlyArray<Column>,
  all: ReadonlyArray<A>,
  cells: (item: A) => ReadonlyArray<Value>,
  none: string,
  total = all.length
): Value => {
  const classOf = ({ className }: Column) => className && html` class="${className}"`
  const cell = (value: Value, index: number) => {
    const column = columns[index] ?? { head: "" }
    return html`<td data-head="${column.head}"${classOf(column)}><div>${value}</div></td>`
  }
  return all.length === 0
    ? html`<p class="soft small">${none}</p>`
    : [
      html`<div class="scroll" role="region" aria-label="${name}, table" tabindex="0"><table><thead><tr>${
        columns.map((column) => html`<th scope="col"${classOf(column)}>${column.head}</th>`)
      }</tr></thead><tbody>${
        all.slice(0, maxRows).map((item) => html`<tr>${cells(item).map(cell)}</tr>`)
      }</tbody></table></div>`,
      total > maxRows
        ? html`<p class="soft small">${total - maxRows} more: <code>GET /_local/state</code> lists all.</p>`
        : undefined
    ]
}

/** The names of a list, separated by spaces. */
export const list = (names: ReadonlyArray<Html>): Value => names.map((name, index) => index === 0 ? name : [" ", name])
