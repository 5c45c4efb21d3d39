/** The middleware of every server: the check of the `Host` header, security headers and request ids. */
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Random from "effect/Random"
import * as target from "../../lib/requestTarget.js"
import { hostnameOf } from "../../lib/url.js"
import { acceptsHtml } from "../../web/acceptsHtml.js"
import { card, contentSecurityPolicy, html, respond, securityHeaders } from "../../web/html.js"

/** @internal */
export interface Options {
  /** Allowed host names, besides `localhost`, `127.0.0.1` and `[::1]`. */
  readonly hosts?: ReadonlyArray<string> | undefined
}

/** Always allowed. Other loopback addresses are not names of this server, unless `hosts` lists them. */
const defaultHosts = ["localhost", "127.0.0.1", "[::1]"]

const forbiddenHostText =
  "The Host header of this request is not allowed: start the server with --allowed-host and that name, or in a program " +
  "with the option allowedHosts"

const forbiddenHost = (request: HttpServerRequest.HttpServerRequest) =>
  acceptsHtml(request)
    ? respond({
      title: "Host not allowed",
      status: 403,
      formAction: "none",
      content: html`<main id="main" class="narrow">${card("Host not allowed", `${forbiddenHostText}.`, false)}</main>`
    })
    : Effect.succeed(HttpServerResponse.text(forbiddenHostText, { status: 403 }))

const badRequest = (text: string) => HttpServerResponse.text(text, { status: 400 })

const repeatedHost = badRequest("The Host header is repeated: send it once")

const invalidTarget = badRequest("The request target is invalid: it must be a path, or an http URL with a path")

/** The limit of Node, which drops further headers without an error before version 24. */
const maxHeaders = 1000

const tooManyHeaders = HttpServerResponse.text(`The request has ${maxHeaders} headers or more: send fewer`, {
  status: 431
})

/** The names and the values of all headers, alternately. Servers other than that of Node have no such list. */
const rawHeadersOf = ({ source }: HttpServerRequest.HttpServerRequest): ReadonlyArray<unknown> =>
  Predicate.hasProperty(source, "rawHeaders") && Array.isArray(source.rawHeaders) ? source.rawHeaders : []

/**
 * Tests for a repeated `Host` header. Node keeps the first one, and a proxy in front of it may have used the last. Servers
 * without a list of the raw headers join them with a comma, and no host name has a comma.
 */
const hasRepeatedHost = (rawHeaders: ReadonlyArray<unknown>): boolean => {
  let hosts = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]
    if (typeof name === "string" && name.length === 4 && name.toLowerCase() === "host") hosts++
  }
  return hosts > 1
}

/**
 * Rejects a request if its `Host` header is not allowed, repeated or ambiguous. This prevents DNS rebinding, where the name
 * of a web page resolves to this machine. A browser receives the error as a page. Also rejects a request with so many headers
 * that Node drops some, because the rules for `Host`, `Origin` and `Authorization` need all of them. Adds security headers to
 * every response; a header that the response already has is kept. A target in absolute form is reduced to its path.
 */
export const make = (options: Options = {}): <E, R>(app: HttpApp.Default<E, R>) => HttpApp.Default<E, R> => {
  const names = new Set([...defaultHosts, ...(options.hosts ?? []).map(hostnameOf)])
  const isAllowedHost = (host: string) => {
    const name = target.hostnameOf(host)
    return name !== undefined && names.has(name)
  }
  const headers = { ...securityHeaders, "content-security-policy": contentSecurityPolicy("none") }
  // Before the response is sent, so that error responses have them as well.
  const secure = HttpApp.appendPreResponseHandler((_, response) =>
    Effect.succeed(HttpServerResponse.setHeaders(response, { ...headers, ...response.headers }))
  )
  return <E, R>(app: HttpApp.Default<E, R>) =>
    Effect.zipRight(
      secure,
      Effect.flatMap(HttpServerRequest.HttpServerRequest, (request): HttpApp.Default<E, R> => {
        const rawHeaders = rawHeadersOf(request)
        if (rawHeaders.length >= 2 * maxHeaders) return Effect.succeed(tooManyHeaders)
        if (hasRepeatedHost(rawHeaders)) return Effect.succeed(repeatedHost)
        if (!isAllowedHost(request.headers["host"] ?? "")) return forbiddenHost(request)
        if (target.isPath(request.url)) return app
        const absolute = target.parse(request.url)
        if (Option.isNone(absolute)) return Effect.succeed(invalidTarget)
        const { authority, url } = absolute.value
        return isAllowedHost(authority)
          ? Effect.provideService(app, HttpServerRequest.HttpServerRequest, request.modify({ url }))
          : forbiddenHost(request)
      })
    )
}

const hex32 = Effect.map(Random.nextIntBetween(0, 2 ** 32), (n) => n.toString(16).padStart(8, "0"))

const uuid = Effect.map(
  Effect.all([hex32, hex32, hex32, hex32]),
  ([a, b, c, d]) => `${a}-${b.slice(0, 4)}-4${b.slice(5)}-a${c.slice(1, 4)}-${c.slice(4)}${d}`
)

const requestId = "x-amzn-requestid"

const withRequestId = (response: HttpServerResponse.HttpServerResponse) =>
  response.headers[requestId] === undefined
    ? Effect.map(uuid, (id) => HttpServerResponse.setHeader(response, requestId, id))
    : Effect.succeed(response)

/** Adds a request id to every response without one. A response that comes from AWS has one. */
export const withRequestIds = <E, R>(app: HttpApp.Default<E, R>): HttpApp.Default<E, R> =>
  Effect.flatMap(app, withRequestId)

/**
 * Adds a request id to every successful response. A client recognises a reply of the service by it, even without a body.
 * Errors are unchanged: their request id is part of the error that the caller receives.
 */
export const withSuccessRequestIds = <E, R>(app: HttpApp.Default<E, R>): HttpApp.Default<E, R> =>
  Effect.flatMap(app, (response) => response.status < 300 ? withRequestId(response) : Effect.succeed(response))
