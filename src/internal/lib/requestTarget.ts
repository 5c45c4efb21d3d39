/** The target and the host of an HTTP request (RFC 9112, section 3.2). */
import * as Option from "effect/Option"
import { textBefore } from "./text.js"
import { hostnameOf as canonical } from "./url.js"

/** A target in absolute form. */
interface Target {
  /** The host and port of the server. */
  readonly authority: string
  /** The path and the query. */
  readonly url: string
}

const absolute = /^http:\/\/([^/?#]+)([^#]*)/i

/**
 * Tests for a path. A text that begins with two slashes is not one: a browser reads it as the address of another server.
 */
export const isPath = (url: string): boolean => url.startsWith("/") && !url.startsWith("//")

/** Parses a target in absolute form. `None` for any other target. */
export const parse = (url: string): Option.Option<Target> => {
  const [, authority, rest = ""] = absolute.exec(url) ?? []
  const path = rest.startsWith("/") ? rest : `/${rest}`
  return authority === undefined || !isPath(path) ? Option.none() : Option.some({ authority, url: path })
}

/** The part of a URL before its query. */
export const pathOf = (url: string): string => textBefore(url, "?")

/** The query of a URL, without the question mark. */
export const queryOf = (url: string): string => url.slice(pathOf(url).length + 1)

/**
 * The host name in a `Host` header or an authority, without the port, as `URL.hostname` spells it. `undefined` if the text
 * is anything but a host name with an optional port.
 */
export const hostnameOf = (host: string): string | undefined => {
  const [, name] = /^(\[[0-9a-f:.]+\]|[^:[\]/\\?#@%\s]+)(?::\d{1,5})?$/i.exec(host) ?? []
  return name === undefined ? undefined : canonical(name)
}
