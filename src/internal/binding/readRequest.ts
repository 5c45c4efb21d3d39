/** Reads the untrusted request of a browser, and sets its cookies. */
import * as Cookies from "@effect/platform/Cookies"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { pathOf, queryOf } from "../lib/requestTarget.js"
import { cookiesOf } from "../web/cookies.js"
import { type BindingPageError, foreignHost, notGet, unreadable } from "./pages.js"

const maxQuery = 16_384

const maxValue = 4096

/** @internal */
export interface PageRequest {
  readonly path: string
  /** The value of a parameter. */
  readonly of: (name: string) => Option.Option<string>
  readonly cookies: Readonly<Record<string, string>>
}

const decode = Option.liftThrowable((text: string) => decodeURIComponent(text.replaceAll("+", " ")))

/** Parses a query. `None` if a parameter is repeated, too long or not valid UTF-8. */
const parameters = (query: string): Option.Option<ReadonlyMap<string, string>> => {
  if (query.length > maxQuery) return Option.none()
  const found = new Map<string, string>()
  for (const part of query.split("&").filter((part) => part !== "")) {
    const equals = part.indexOf("=")
    const name = decode(equals === -1 ? part : part.slice(0, equals))
    const value = decode(equals === -1 ? "" : part.slice(equals + 1))
    if (Option.isNone(name) || Option.isNone(value)) return Option.none()
    if (found.has(name.value) || value.value.length > maxValue) return Option.none()
    found.set(name.value, value.value)
  }
  return Option.some(found)
}

/** The original target, independent of the mount point. A web handler receives it in absolute form. */
const addressOf = ({ headers, originalUrl }: HttpServerRequest.HttpServerRequest) => {
  const [, authority, target = ""] = /^(?:https?:\/\/([^/?#]*))?(.*)$/is.exec(originalUrl) ?? []
  // HTTP/2 has `:authority` instead of `Host`.
  return { host: (headers["host"] ?? headers[":authority"] ?? authority ?? "").toLowerCase(), target }
}

/** Reads a GET request to an allowed host. */
export const readRequest = (
  isAllowedHost: (host: string) => boolean
): Effect.Effect<PageRequest, BindingPageError, HttpServerRequest.HttpServerRequest> =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request): Effect.Effect<PageRequest, BindingPageError> => {
    if (request.method !== "GET") return notGet
    const { host, target } = addressOf(request)
    if (!isAllowedHost(host)) return foreignHost
    return Option.match(parameters(queryOf(target)), {
      onNone: () => unreadable,
      onSome: (found) =>
        Effect.succeed({
          path: pathOf(target),
          of: (name) => Option.fromNullable(found.get(name)),
          cookies: cookiesOf(request)
        })
    })
  })

/** @internal */
export const required = (of: PageRequest["of"], name: string): Effect.Effect<string, BindingPageError> =>
  Effect.mapError(Option.filter(of(name), (value) => value !== ""), () => unreadable)

/** The name of the cookie of one consent. Consents in several tabs have separate cookies. */
export const cookieName = (isSecure: boolean, id: string): string =>
  `${isSecure ? "__Host-" : ""}agentcore-consent-${id.slice(0, 16)}`

/** @internal */
export const setCookie = (
  response: HttpServerResponse.HttpServerResponse,
  options: {
    readonly isSecure: boolean
    readonly id: string
    readonly verifier: Redacted.Redacted
    readonly until: DateTime.Utc
    readonly now: DateTime.Utc
  }
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.unsafeSetCookie(
    response,
    cookieName(options.isSecure, options.id),
    Redacted.value(options.verifier),
    {
      httpOnly: true,
      secure: options.isSecure,
      sameSite: "lax",
      path: "/",
      maxAge: Duration.millis(Math.max(0, DateTime.distance(options.now, options.until)))
    }
  )

/** @internal */
export const removeCookie = (
  response: HttpServerResponse.HttpServerResponse,
  isSecure: boolean,
  id: string
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.mergeCookies(
    response,
    Cookies.fromIterable([
      Cookies.unsafeMakeCookie(cookieName(isSecure, id), "", {
        httpOnly: true,
        secure: isSecure,
        sameSite: "lax",
        path: "/",
        maxAge: Duration.zero
      })
    ])
  )
