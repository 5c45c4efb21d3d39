/** The detour of a signed-out user to the sign-in page of the application, and back. */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import { isHttpsOrLoopback } from "../lib/loopback.js"
import { parseUrl } from "../lib/url.js"

/** Returns the sign-in URL for a return target: a path of the application. `None` if the application gave an invalid URL. */
export type SignIn = (returnTo: string) => Option.Option<string>

/** The parameter of the sign-in URL with the return target. */
const parameter = "return_to"

/**
 * Resolves a path of the application, or an absolute URL that is https or on loopback. A path that a browser reads as the
 * address of another server (`//host`, `/\\host`) is rejected.
 */
const resolve = (origin: string, url: string): Option.Option<URL> =>
  url.startsWith("/")
    ? Option.filter(parseUrl(`${origin}${url}`), () =>
      Option.exists(
        Option.liftThrowable(() => new URL(url, origin))(),
        (resolved) => resolved.origin === origin && !resolved.pathname.startsWith("//")
      ))
    : Option.filter(parseUrl(url), isHttpsOrLoopback)

/** @internal */
export const make = (origin: string, signInUrl: string | ((returnTo: string) => string)): SignIn =>
  typeof signInUrl === "function"
    // A program without type checks may return another value.
    ? (returnTo) =>
      Option.liftThrowable((): unknown => signInUrl(returnTo))().pipe(
        Option.filter(Predicate.isString),
        Option.flatMap((url) => resolve(origin, url)),
        Option.map(({ href }) => href)
      )
    : (returnTo) =>
      Option.map(resolve(origin, signInUrl), (url) => {
        url.searchParams.set(parameter, returnTo)
        return url.href
      })

/** Marks a visit after the sign-in. Such a visit is not sent to the sign-in page again, so there is no loop. */
const marker = "signed_in"

/** The return target: a path of the application. The id of a consent is not secret, and its state is not in the URL. */
export const returnTo = (path: string, id: string): string => `${path}?consent=${id}&${marker}=1`

/** Tests for a visit after the sign-in. */
export const isAfterSignIn = (of: (name: string) => Option.Option<string>): boolean => Option.isSome(of(marker))
