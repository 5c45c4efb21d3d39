/**
 * What stands around every answer of the local server, whoever wrote it: who may ask at all, and what a browser may do
 * with what it gets.
 */
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Random from "effect/Random"
import * as target from "../../lib/requestTarget.js"
import { hostnameOf } from "../../lib/url.js"

/** @internal */
export interface Options {
  /** Names under which the server may be addressed, besides those of this machine. */
  readonly hosts?: ReadonlyArray<string> | undefined
  /** By default a page may have inline style and forms to itself, and nothing else. */
  readonly contentSecurityPolicy?: string | undefined
}

/** @internal */
export const contentSecurityPolicy =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

/** Always allowed. Other loopback addresses are not names of this server, unless `hosts` lists them. */
const defaultHosts = ["localhost", "127.0.0.1", "[::1]"]

const foreign = HttpServerResponse.text(
  "This server does not answer under that name: start it with --allowed-host and the name of this request's Host header, " +
    "or in a program with the option allowedHosts",
  { status: 403 }
)

const refused = (text: string) => HttpServerResponse.text(text, { status: 400 })

const manyHosts = refused("A request has one Host header")

const strange = refused("This is no path of this server")

/**
 * Node keeps the first of several `Host` headers, and whoever stands before it may have gone by the last. Servers that
 * keep no list of what was sent join them, and no name has a comma.
 */
const hasManyHosts = ({ source }: HttpServerRequest.HttpServerRequest): boolean => {
  if (!Predicate.hasProperty(source, "rawHeaders") || !Array.isArray(source.rawHeaders)) return false
  let hosts = 0
  for (let i = 0; i < source.rawHeaders.length; i += 2) {
    const name: unknown = source.rawHeaders[i]
    if (typeof name === "string" && name.length === 4 && name.toLowerCase() === "host") hosts++
  }
  return hosts > 1
}

/**
 * Refuses requests that came by another name than the server's, as they do from a page whose name was made to lead to
 * this machine (DNS rebinding), and those that are not clear about the name or the path; and tells the browser to keep
 * and show nothing. A header that the answer has already is left as it is. A target in absolute form is answered as its
 * path alone.
 *
 * @internal
 */
export const make = (options: Options = {}): <E, R>(app: HttpApp.Default<E, R>) => HttpApp.Default<E, R> => {
  const names = new Set([...defaultHosts, ...(options.hosts ?? []).map(hostnameOf)])
  const isAllowedHost = (host: string) => {
    const name = target.hostnameOf(host)
    return name !== undefined && names.has(name)
  }
  const headers = {
    "cache-control": "no-store",
    "content-security-policy": options.contentSecurityPolicy ?? contentSecurityPolicy,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY"
  }
  // On the way out, so that answers to failures have them as well.
  const secure = HttpApp.appendPreResponseHandler((_, response) =>
    Effect.succeed(HttpServerResponse.setHeaders(response, { ...headers, ...response.headers }))
  )
  return <E, R>(app: HttpApp.Default<E, R>) =>
    Effect.zipRight(
      secure,
      Effect.flatMap(HttpServerRequest.HttpServerRequest, (request): HttpApp.Default<E, R> => {
        if (hasManyHosts(request)) return Effect.succeed(manyHosts)
        if (!isAllowedHost(request.headers["host"] ?? "")) return Effect.succeed(foreign)
        if (target.isPath(request.url)) return app
        const asked = target.parse(request.url)
        if (Option.isNone(asked)) return Effect.succeed(strange)
        const { authority, url } = asked.value
        return isAllowedHost(authority)
          ? Effect.provideService(app, HttpServerRequest.HttpServerRequest, request.modify({ url }))
          : Effect.succeed(foreign)
      })
    )
}

const quarter = Effect.map(Random.nextIntBetween(0, 2 ** 32), (n) => n.toString(16).padStart(8, "0"))

const uuid = Effect.map(
  Effect.all([quarter, quarter, quarter, quarter]),
  ([a, b, c, d]) => `${a}-${b.slice(0, 4)}-4${b.slice(5)}-a${c.slice(1, 4)}-${c.slice(4)}${d}`
)

const requestId = "x-amzn-requestid"

const withRequestId = (response: HttpServerResponse.HttpServerResponse) =>
  response.headers[requestId] === undefined
    ? Effect.map(uuid, (id) => HttpServerResponse.setHeader(response, requestId, id))
    : Effect.succeed(response)

/**
 * Gives every answer a request id, unless it has one, as one that comes from AWS itself does.
 *
 * @internal
 */
export const identify = <E, R>(app: HttpApp.Default<E, R>): HttpApp.Default<E, R> => Effect.flatMap(app, withRequestId)

/**
 * Gives a success a request id: a client recognises a reply of the service by it, even one without a body. An error is
 * left as it is, since its request id is a member of what the caller gets.
 *
 * @internal
 */
export const identifySuccess = <E, R>(app: HttpApp.Default<E, R>): HttpApp.Default<E, R> =>
  Effect.flatMap(app, (response) => response.status < 300 ? withRequestId(response) : Effect.succeed(response))
