/** What a request is for, in whichever of HTTP's forms it says so (RFC 9112, section 3.2). */
import * as Option from "effect/Option"

/** A target in absolute form. */
interface Target {
  /** The name and port of the server. */
  readonly authority: string
  /** The path and the query. */
  readonly url: string
}

const absolute = /^http:\/\/([^/?#]+)([^#]*)/i

/**
 * A path. One that begins with two slashes is none: wherever it stands in a page, it is the address of another server.
 *
 * @internal
 */
export const isPath = (url: string): boolean => url.startsWith("/") && !url.startsWith("//")

/**
 * None for a target that is no address of a path.
 *
 * @internal
 */
export const parse = (url: string): Option.Option<Target> => {
  const [, authority, rest = ""] = absolute.exec(url) ?? []
  const path = rest.startsWith("/") ? rest : `/${rest}`
  return authority === undefined || !isPath(path) ? Option.none() : Option.some({ authority, url: path })
}
