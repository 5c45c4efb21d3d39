/** The size of a list on a page. The lists of requests may be large, and a page must stay small. */
import type { Html } from "../../web/html.js"

/** The first items whose markup has at most `maxBytes` bytes together. The others are not rendered. */
export const firstThatFit = <A>(
  all: ReadonlyArray<A>,
  maxBytes: number,
  render: (item: A) => Html
): ReadonlyArray<Html> => {
  const rendered: Array<Html> = []
  const encoder = new TextEncoder()
  let left = maxBytes
  for (const item of all) {
    const markup = render(item)
    left -= encoder.encode(markup.toString()).length
    if (left < 0) break
    rendered.push(markup)
  }
  return rendered
}
