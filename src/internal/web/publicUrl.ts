/** The URL at which browsers reach the server, if it is not the address on which the server listens. */
import * as Context from "effect/Context"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { isUrl } from "../lib/url.js"

/** @internal */
export interface PublicUrl {
  /** Scheme, host and port, spelled as in a browser. */
  readonly origin: string
  /** Without the port; an IPv6 address in brackets. */
  readonly hostname: string
  /** The values of the `Host` header for this URL, in lower case. */
  readonly hosts: ReadonlyArray<string>
  /** https, so that cookies are `Secure`. */
  readonly isSecure: boolean
}

const example = "such as https://dev.example:8443"

// The value is not repeated in the message, since a URL may carry a password.
const problem = (text: string): string | undefined => {
  const anyUrl = `expected an http or https URL, ${example}`
  if (!isUrl(text)) return anyUrl
  const [, authority = "", rest = ""] = /^https?:\/\/([^/?#\\\s]+)([/?#\\]\S*)?$/i.exec(text) ?? []
  if (authority === "") return anyUrl
  if (authority.includes("@")) return `expected a URL without a user name or password, ${example}`
  if (rest.includes("#")) return `expected a URL without a fragment, ${example}`
  if (rest.includes("?")) return `expected a URL without a query, ${example}`
  return rest === "" || rest === "/"
    ? undefined
    : `expected a URL without a path, ${example}: the pages are served at the root of their host`
}

/** Parses an http or https URL with only scheme, host and port. The left side is an error message. */
export const parse = (text: string): Either.Either<PublicUrl, string> => {
  const message = problem(text)
  if (message !== undefined) return Either.left(message)
  const { host, hostname, origin, port, protocol } = new URL(text)
  const isSecure = protocol === "https:"
  return Either.right({
    origin,
    hostname,
    // Some proxies drop the port from the `Host` header, and some clients add the default port.
    hosts: [host, port === "" ? `${host}:${isSecure ? 443 : 80}` : hostname],
    isSecure
  })
}

/** The public URL of the server. Default: `None`. */
export class PublicAddress extends Context.Reference<PublicAddress>()(
  "effect-agentcore-identity/internal/server/PublicAddress",
  { defaultValue: (): Option.Option<PublicUrl> => Option.none() }
) {}

/**
 * Tests the `Host` header of a request for the public URL. `X-Forwarded-Host` and `X-Forwarded-Proto` are ignored, since any
 * client can send them.
 */
export const isAddressedBy = (host: string | undefined) => ({ hosts }: PublicUrl): boolean =>
  hosts.includes((host ?? "").toLowerCase())
