import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { isHttpsOrLoopback, isLoopback } from "../lib/loopback.js"
import { hostnameOf, isPath } from "../lib/requestTarget.js"
import { parseUrl } from "../lib/url.js"
import type { AppOrigin } from "./appOrigin.js"

/** Tests a `Host` header for the name of this machine. */
export const isLocalHost = (host: string): boolean => isLoopback(hostnameOf(host) ?? "")

/** Tests a `Host` header for the host of the application, with or without the default port. */
export const matchesHost = ({ host, isSecure }: AppOrigin) => (name: string): boolean =>
  name === host || name === `${host}:${isSecure ? 443 : 80}`

/**
 * Tests for a URL on `origin` without a query, with the path spelled as a browser spells it. The path alone must not be a URL
 * of another server, since it is the return target of the sign-in page.
 */
export const isPageOf = (origin: string, url: string): boolean =>
  // The path begins with a slash, so a longer host name does not match.
  Option.exists(parseUrl(url), ({ pathname }) => `${origin}${pathname}` === url && isPath(pathname))

/** Resolves the URL of the page after completion: an http or https URL, or a path of the application. */
export const resolveDoneUrl = (origin: string, url: string): Option.Option<string> =>
  Option.liftThrowable(() => new URL(url, origin))().pipe(
    Option.filter(({ protocol }) => protocol === "https:" || protocol === "http:"),
    Option.map(({ href }) => href)
  )

/** Parses the origin of an application. The left side is an error message. */
export const parseAppOrigin = (origin: string): Either.Either<AppOrigin, string> =>
  Option.match(parseUrl(origin), {
    onNone: () =>
      Either.left("origin: expected the URL at which browsers reach the application, such as https://agent.example"),
    onSome: (url) =>
      url.origin !== origin
        ? Either.left(`origin: expected only scheme, host and port, such as ${url.origin}`)
        : isHttpsOrLoopback(url)
        ? Either.right({ origin, host: url.host, isSecure: url.protocol === "https:" })
        : Either.left("origin: expected https, or http on loopback: over http, others can read the cookies")
  })
