/**
 * What stands around every answer of the local server, whoever wrote it: who may ask at all, and what a browser may do
 * with what it gets.
 */
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"

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

const loopback = ["localhost", "127.0.0.1", "[::1]"]

const hostname = (host: string) => /^(\[[0-9a-f:.]+\]|[^:[\]]+)(?::\d{1,5})?$/.exec(host.toLowerCase())?.[1]

const foreign = HttpServerResponse.text("This server does not answer under that name", { status: 403 })

/**
 * Refuses requests that came by another name than the server's, as they do from a page whose name was made to lead to
 * this machine (DNS rebinding), and tells the browser to keep and show nothing. A header that the answer has already is
 * left as it is.
 *
 * @internal
 */
export const make = (options: Options = {}): <E, R>(app: HttpApp.Default<E, R>) => HttpApp.Default<E, R> => {
  const names = new Set([...loopback, ...(options.hosts ?? []).map((name) => name.toLowerCase())])
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
        const name = hostname(request.headers["host"] ?? "")
        return name !== undefined && names.has(name) ? app : Effect.succeed(foreign)
      })
    )
}

const quarter = Effect.map(Random.nextIntBetween(0, 2 ** 32), (n) => n.toString(16).padStart(8, "0"))

const uuid = Effect.map(
  Effect.all([quarter, quarter, quarter, quarter]),
  ([a, b, c, d]) => `${a}-${b.slice(0, 4)}-4${b.slice(5)}-a${c.slice(1, 4)}-${c.slice(4)}${d}`
)

const requestId = "x-amzn-requestid"

/**
 * Gives every answer a request id, unless it has one, as one that comes from AWS itself does.
 *
 * @internal
 */
export const identify = <E, R>(app: HttpApp.Default<E, R>): HttpApp.Default<E, R> =>
  Effect.flatMap(app, (response) =>
    response.headers[requestId] === undefined
      ? Effect.map(uuid, (id) => HttpServerResponse.setHeader(response, requestId, id))
      : Effect.succeed(response))
