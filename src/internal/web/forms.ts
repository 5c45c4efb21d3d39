/** What a browser sends: its query, its forms, and the cookie by which it is known again. */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { queryOf } from "../lib/requestTarget.js"
import * as secureToken from "../lib/secureToken.js"
import { parseQuery, parseUrl } from "../lib/url.js"
import { cookiesOf } from "./cookies.js"
import { notice, securityHeaders } from "./html.js"
import type { TicketRefused } from "./oneTimeTokens.js"
import { isAddressedBy, PublicAddress, type PublicUrl } from "./publicUrl.js"

/**
 * A page instead of what was asked for.
 *
 * @internal
 */
export class PageError extends Data.TaggedError("PageError")<{
  readonly status: number
  readonly title: string
  readonly text: string
}> {}

/** @internal */
export const orNotice = <R>(
  self: Effect.Effect<HttpServerResponse.HttpServerResponse, PageError, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, R> => Effect.catchTag(self, "PageError", notice)

const malformed = (text: string) => new PageError({ status: 400, title: "This link is broken", text })

// What a vendor calls a code may be a whole token; the address of a request is limited by Node to 16 KiB.
const longest = 8192

/**
 * The parameters of these names: given once or not at all, and of a reasonable length.
 *
 * @internal
 */
export const once = <const Name extends string>(
  parameters: URLSearchParams,
  ...names: ReadonlyArray<Name>
): Effect.Effect<(name: Name) => Option.Option<string>, PageError> => {
  const repeated = names.find((name) => parameters.getAll(name).length > 1)
  if (repeated !== undefined) return malformed(`The parameter ${repeated} is given more than once.`)
  const oversized = names.find((name) => (parameters.get(name) ?? "").length > longest)
  if (oversized !== undefined) return malformed(`The parameter ${oversized} is too long.`)
  return Effect.succeed((name) => Option.filter(Option.fromNullable(parameters.get(name)), (value) => value !== ""))
}

/** @internal */
export const required = <Name extends string>(
  of: (name: Name) => Option.Option<string>,
  name: Name
): Effect.Effect<string, PageError> => Effect.mapError(of(name), () => malformed(`The parameter ${name} is missing.`))

/** @internal */
export const query: Effect.Effect<URLSearchParams, never, HttpServerRequest.HttpServerRequest> = Effect.map(
  HttpServerRequest.HttpServerRequest,
  ({ url }) => parseQuery(queryOf(url))
)

/** @internal */
export const mediaType = (request: HttpServerRequest.HttpServerRequest): string =>
  (request.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? ""

const largest = 64 * 1024

/** The body is larger than 64 KiB, or cannot be read. */
class Unreadable extends Data.TaggedError("Unreadable")<{}> {}

/**
 * At most 64 KiB of body. One that says that it is larger is not even begun: giving up in the middle of it closes the
 * connection, and nobody would be told.
 *
 * @internal
 */
export const text = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<string, Unreadable> =>
  Number(request.headers["content-length"] ?? 0) > largest
    ? new Unreadable()
    : Effect.mapError(
      HttpServerRequest.withMaxBodySize(request.text, Option.some(largest)),
      () => new Unreadable()
    )

const hostOf = (origin: string) => Option.map(parseUrl(origin), ({ host }) => host)

/** Whether this `Origin` is the server's: that of its public address, or the host that the request is addressed to. */
const isOwn = (origin: string, host: string, address: Option.Option<PublicUrl>) =>
  Option.exists(address, (url) => url.origin === origin) ||
  // The public address has one scheme only.
  !Option.exists(address, isAddressedBy(host)) && Option.contains(hostOf(origin), host.toLowerCase())

/**
 * Whether a browser says that a page of another site sent this; other clients send no such header. `allowed` is an
 * `Origin` that is taken as well.
 *
 * @internal
 */
export const isForeign = (
  { headers }: HttpServerRequest.HttpServerRequest,
  allowed?: string
): Effect.Effect<boolean> =>
  Effect.map(PublicAddress, (address) => {
    const { host = "", origin, "sec-fetch-site": site } = headers
    if (site !== undefined) return site !== "same-origin"
    return origin !== undefined && origin !== allowed && !isOwn(origin, host, address)
  })

/**
 * A form of one of our own pages. Which one, its ticket says; that no other origin sent it, a browser says by itself.
 *
 * @internal
 */
export const form: Effect.Effect<URLSearchParams, PageError, HttpServerRequest.HttpServerRequest> = Effect.gen(
  function*() {
    const request = yield* HttpServerRequest.HttpServerRequest
    // The pages have the referrer policy `no-referrer`, which makes the `Origin` of their forms `null`. Another site can
    // send that too, but has no ticket.
    if (yield* isForeign(request, "null")) {
      return yield* new PageError({ status: 403, title: "Not allowed", text: "This form was sent by another site." })
    }
    if (mediaType(request) !== "application/x-www-form-urlencoded") {
      return yield* new PageError({ status: 415, title: "Not a form", text: "Only forms are taken here." })
    }
    return parseQuery(
      yield* Effect.mapError(
        text(request),
        () => new PageError({ status: 413, title: "Too large", text: "This form is too large." })
      )
    )
  }
)

const cookieName = "agentcore-identity-browser"

/** Over https the cookie is `Secure`, and its name allows no other host to set it; plain HTTP can have neither. */
const isSecure = Effect.flatMap(
  HttpServerRequest.HttpServerRequest,
  ({ headers }) =>
    Effect.map(PublicAddress, Option.exists((url) => url.isSecure && isAddressedBy(headers["host"])(url)))
)

const cookie = Effect.map(isSecure, (secure) => ({ secure, name: secure ? `__Host-${cookieName}` : cookieName }))

/**
 * The browser that sent this request; a fresh name if it has none yet.
 *
 * @internal
 */
export const browser: Effect.Effect<string, never, HttpServerRequest.HttpServerRequest> = Effect.flatMap(
  HttpServerRequest.HttpServerRequest,
  (request) =>
    Effect.flatMap(cookie, ({ name }) => {
      const known = cookiesOf(request)[name]
      return known !== undefined && secureToken.isToken(known) ? Effect.succeed(known) : secureToken.token
    })
)

/**
 * Tells a browser its name.
 *
 * @internal
 */
export const remember = (
  response: HttpServerResponse.HttpServerResponse,
  browser: string
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, HttpServerRequest.HttpServerRequest> =>
  Effect.map(cookie, ({ name, secure }) =>
    HttpServerResponse.unsafeSetCookie(response, name, browser, {
      httpOnly: true,
      secure,
      sameSite: "lax",
      path: "/"
    }))

const utf8 = new TextEncoder()

/**
 * 303: what follows is a GET, whatever this was. A registered return URL may hold what a header may not.
 *
 * @internal
 */
export const seeOther = (url: string): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.empty({
    status: 303,
    headers: {
      ...securityHeaders,
      location: url.replace(/[^\x21-\x7E]+/gu, (text) =>
        Array.from(utf8.encode(text), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(""))
    }
  })

const again = "Open the page again in this browser, and answer there. Cookies have to be allowed."

const refusals = (what: string) => ({
  unknown: { status: 403, title: `This ${what} is not known`, text: "Open the page again, and answer there." },
  foreign: { status: 403, title: `This ${what} belongs to another browser`, text: again },
  used: { status: 409, title: `This ${what} was sent already`, text: "An answer counts once." },
  expired: { status: 410, title: "This request has expired", text: "This request has expired, start again." }
})

/** @internal */
export const ticketRefused = (what: "form" | "answer") => ({ reason }: TicketRefused): PageError =>
  new PageError(refusals(what)[reason])
