/** For how long a response may be reused (RFC 9111). */
import type { IncomingHttpHeaders } from "node:http"

const seconds = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined

/**
 * The remaining lifetime of a response in seconds: `max-age` of `Cache-Control` without the `Age`, or 0 if the response must
 * not be reused; `undefined` if the response does not say. `Expires` is not read, since it needs a synchronized clock.
 */
export const freshness = (headers: IncomingHttpHeaders): number | undefined => {
  const directives = (headers["cache-control"] ?? "").toLowerCase().split(",").map((directive) => directive.trim())
  if (directives.some((directive) => /^no-(store|cache)($|=)/.test(directive))) return 0
  const age = seconds(headers.age) ?? 0
  const lifetimes = directives.flatMap((directive) => {
    const [, text] = /^max-age="?([^"]*)"?$/.exec(directive) ?? []
    // An invalid lifetime has passed (section 4.2.1).
    return text === undefined ? [] : [Math.max(0, (seconds(text) ?? 0) - age)]
  })
  return lifetimes.length === 0 ? undefined : Math.min(...lifetimes)
}
