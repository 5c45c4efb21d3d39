import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { isHttpsOrLoopback, isLoopback } from "../lib/loopback.js"
import { hostnameOf } from "../lib/requestTarget.js"
import { parseUrl } from "../lib/url.js"
import type { AppOrigin } from "./appOrigin.js"

/**
 * Tests a `Host` header for the name of this machine.
 *
 * @internal
 */
export const isLocalHost = (host: string): boolean => isLoopback(hostnameOf(host) ?? "")

/**
 * Whether a browser may come to this place by that name.
 *
 * @internal
 */
export const matchesHost = ({ host, isSecure }: AppOrigin) => (name: string): boolean =>
  name === host || name === `${host}:${isSecure ? 443 : 80}`

/**
 * A page on `origin`, by a path that is written as a browser writes it.
 *
 * @internal
 */
export const isPageOf = (origin: string, url: string): boolean =>
  // The path begins with a slash, so that no longer host name passes.
  Option.exists(parseUrl(url), ({ pathname }) => `${origin}${pathname}` === url)

/**
 * Where to send people afterwards: an address of the web, or a path of the application.
 *
 * @internal
 */
export const resolveDoneUrl = (origin: string, url: string): Option.Option<string> =>
  Option.liftThrowable(() => new URL(url, origin))().pipe(
    Option.filter(({ protocol }) => protocol === "https:" || protocol === "http:"),
    Option.map(({ href }) => href)
  )

/**
 * Where an application is, or what is wrong with it.
 *
 * @internal
 */
export const parseAppOrigin = (origin: string): Either.Either<AppOrigin, string> =>
  Option.match(parseUrl(origin), {
    onNone: () => Either.left("origin: expected where browsers find the application, such as https://agent.example"),
    onSome: (url) =>
      url.origin !== origin
        ? Either.left(`origin: expected scheme, host and port alone, such as ${url.origin}`)
        : isHttpsOrLoopback(url)
        ? Either.right({ origin, host: url.host, isSecure: url.protocol === "https:" })
        : Either.left("origin: expected https, since cookies would go over the net for all to read")
  })
