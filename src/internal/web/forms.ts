/** Requests of a browser: query, forms, and the cookie that identifies the browser. */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { queryOf } from "../lib/requestTarget.js"
import * as secureToken from "../lib/secureToken.js"
import { parseQuery, parseUrl } from "../lib/url.js"
import { cookiesOf } from "./cookies.js"
import { securityHeaders } from "./html.js"
import { requestExpired } from "./messages.js"
import type { RefusedToken } from "./oneTimeTokens.js"
import { isAddressedBy, PublicAddress, type PublicUrl } from "./publicUrl.js"

/** The error page that answers a request. */
export class PageError extends Data.TaggedError("PageError")<{
  readonly status: number
  readonly title: string
  readonly text: string
}> {}

const malformed = (text: string) => new PageError({ status: 400, title: "Invalid link", text })

// The authorization code of some vendors is a whole token. Node limits the target of a request to 16 KiB.
const maxLength = 8192

/**
 * Reads these parameters. Fails if one is repeated or has more than 8,192 characters. An empty parameter counts as missing.
 */
export const once = <const Name extends string>(
  parameters: URLSearchParams,
  ...names: ReadonlyArray<Name>
): Effect.Effect<(name: Name) => Option.Option<string>, PageError> => {
  const repeated = names.find((name) => parameters.getAll(name).length > 1)
  if (repeated !== undefined) return malformed(`The parameter ${repeated} is repeated. Pass it once.`)
  const oversized = names.find((name) => (parameters.get(name) ?? "").length > maxLength)
  if (oversized !== undefined) return malformed(`The parameter ${oversized} is longer than ${maxLength} characters.`)
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

const maxBody = 64 * 1024

/** The body is larger than 64 KiB, or cannot be read. */
class Unreadable extends Data.TaggedError("Unreadable")<{}> {}

/**
 * Reads a body of at most 64 KiB. A larger `content-length` is rejected before the body is read: an abort in the middle
 * closes the connection, and the client receives no response.
 */
export const text = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<string, Unreadable> =>
  Number(request.headers["content-length"] ?? 0) > maxBody
    ? new Unreadable()
    : Effect.mapError(
      HttpServerRequest.withMaxBodySize(request.text, Option.some(maxBody)),
      () => new Unreadable()
    )

const hostOf = (origin: string) => Option.map(parseUrl(origin), ({ host }) => host)

/** The server's own origins: that of its public address, and the host of the request. */
const isOwnOrigin = (origin: string, host: string, address: Option.Option<PublicUrl>) =>
  Option.exists(address, (url) => url.origin === origin) ||
  // The public address has one scheme only.
  !Option.exists(address, isAddressedBy(host)) && Option.contains(hostOf(origin), host.toLowerCase())

/**
 * Tests for a request that a page of another site sent, by the headers of the browser. Other clients send no such header.
 * `allowed` is one more accepted `Origin`.
 */
export const isForeign = (
  { headers }: HttpServerRequest.HttpServerRequest,
  allowed?: string
): Effect.Effect<boolean> =>
  Effect.map(PublicAddress, (address) => {
    const { host = "", origin, "sec-fetch-site": site } = headers
    if (site !== undefined) return site !== "same-origin"
    return origin !== undefined && origin !== allowed && !isOwnOrigin(origin, host, address)
  })

/**
 * Reads a form of one of the server's own pages. The browser's headers prove the origin, and the one-time token in the form
 * proves the page.
 */
export const form: Effect.Effect<URLSearchParams, PageError, HttpServerRequest.HttpServerRequest> = Effect.gen(
  function*() {
    const request = yield* HttpServerRequest.HttpServerRequest
    // The pages have the referrer policy `no-referrer`, which makes the `Origin` of their forms `null`. Another site can
    // send that too, but has no one-time token.
    if (yield* isForeign(request, "null")) {
      return yield* new PageError({
        status: 403,
        title: "Forbidden",
        text: "This form was sent from another site. Open the page again and answer there."
      })
    }
    if (mediaType(request) !== "application/x-www-form-urlencoded") {
      return yield* new PageError({
        status: 415,
        title: "Unsupported media type",
        text: "The content type must be application/x-www-form-urlencoded."
      })
    }
    return parseQuery(
      yield* Effect.mapError(
        text(request),
        () =>
          new PageError({
            status: 413,
            title: "Form too large",
            text: "The form is larger than 64 KiB, or it cannot be read."
          })
      )
    )
  }
)

const cookieName = "agentcore-identity-browser"

/** Over https the cookie is `Secure`, and the prefix of its name prevents other hosts from setting it. HTTP allows neither. */
const isSecure = Effect.flatMap(
  HttpServerRequest.HttpServerRequest,
  ({ headers }) =>
    Effect.map(PublicAddress, Option.exists((url) => url.isSecure && isAddressedBy(headers["host"])(url)))
)

const cookie = Effect.map(isSecure, (secure) => ({ secure, name: secure ? `__Host-${cookieName}` : cookieName }))

/** The id of the browser that sent this request, or a new id if it has none. */
export const browser: Effect.Effect<string, never, HttpServerRequest.HttpServerRequest> = Effect.flatMap(
  HttpServerRequest.HttpServerRequest,
  (request) =>
    Effect.flatMap(cookie, ({ name }) => {
      const known = cookiesOf(request)[name]
      return known !== undefined && secureToken.isToken(known) ? Effect.succeed(known) : secureToken.token
    })
)

/** Sets the cookie with the id of the browser. */
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

/** Percent-encodes the characters of a registered return URL that a header may not contain. */
export const asciiUrl = (url: string): string =>
  url.replace(
    /[^\x21-\x7E]+/gu,
    (text) => Array.from(utf8.encode(text), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("")
  )

/** Redirects with 303, so that the next request is a GET. */
export const seeOther = (url: string): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.empty({
    status: 303,
    headers: {
      ...securityHeaders,
      location: asciiUrl(url)
    }
  })

const openAgain = "Open the page again in this browser and answer there. Cookies must be allowed."

/** The error page for a one-time token that was rejected. */
export const refusedTokenPage = (source: "form" | "answer") => ({ reason }: RefusedToken): PageError =>
  new PageError(
    {
      unknown: { status: 403, title: `Unknown ${source}`, text: openAgain },
      foreign: { status: 403, title: `This ${source} belongs to another browser`, text: openAgain },
      used: {
        status: 409,
        title: `This ${source} was already sent`,
        text: "Each answer counts once. Nothing was changed."
      },
      expired: requestExpired
    }[reason]
  )
