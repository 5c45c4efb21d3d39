/** Requests to authorization servers: with limits of time and size, to allowed addresses only, without redirects. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { lookup } from "node:dns"
import { type ClientRequest, type IncomingMessage, request as requestHttp } from "node:http"
import { request as requestHttps } from "node:https"
import type { LookupFunction } from "node:net"
import type { SecureContext } from "node:tls"
import { timeLimit } from "../lib/timeLimit.js"
import { type AddressPolicy, hostNotAllowed, isAddressAllowed, rejectReason } from "./addressPolicy.js"
import { freshness } from "./freshness.js"
import { failed, Forbidden, type RequestError } from "./requestError.js"

/** @internal */
export const maxBytes = 1_048_576

/** The transport of requests. */
export interface Transport {
  /** The time limit of one request. */
  readonly limit: Duration.Duration
  /** The trusted certificates; those of Node if `undefined`. It is shared, since its creation takes tens of milliseconds. */
  readonly secureContext: SecureContext | undefined
}

/** @internal */
export interface HttpRequest {
  readonly url: URL
  readonly method: string
  readonly headers: { readonly [name: string]: string }
  readonly body: string | undefined
}

/** @internal */
export interface HttpResponse {
  readonly status: number
  readonly text: string
  /** See `freshness`. */
  readonly freshness: number | undefined
}

/** Checks the resolved addresses of the connection itself: a second lookup may return other addresses. */
const lookupAllowed = (allowed: AddressPolicy): LookupFunction => (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, "", 0)
    const permitted = addresses.filter(({ address }) => isAddressAllowed(allowed, hostname, address))
    const [first] = permitted
    if (first === undefined) {
      return callback(new Forbidden(hostNotAllowed(allowed, hostname)), "", 0)
    }
    return options.all === true ? callback(null, permitted) : callback(null, first.address, first.family)
  })
}

const read = (response: IncomingMessage, done: (result: Effect.Effect<HttpResponse, RequestError>) => void) => {
  const status = response.statusCode ?? 0
  if (status >= 300 && status < 400) {
    response.destroy()
    return done(Effect.fail({ reason: "Redirected", status }))
  }
  const chunks: Array<Buffer> = []
  let size = 0
  response.on("data", (chunk: Buffer) => {
    size += chunk.length
    if (size > maxBytes) {
      response.destroy()
      return done(Effect.fail({ reason: "TooLarge", status }))
    }
    chunks.push(chunk)
  })
  response.on(
    "end",
    () =>
      done(
        Effect.succeed({ status, text: Buffer.concat(chunks).toString("utf8"), freshness: freshness(response.headers) })
      )
  )
  response.on("error", (error) => done(Effect.fail(failed(error))))
}

/** Sends a request. Closes the connection on interruption and after `limit`. */
export const send = (
  allowed: AddressPolicy,
  { limit, secureContext }: Transport,
  { body, headers, method, url }: HttpRequest
): Effect.Effect<HttpResponse, RequestError> => {
  const description = rejectReason(allowed, url)
  if (description !== undefined) return Effect.fail({ reason: "Forbidden", description })
  const response = Effect.async<HttpResponse, RequestError>((resume) => {
    const options = {
      method,
      // Without compression, so that the size limit applies to the transferred bytes.
      headers: { ...headers, "accept-encoding": "identity", "user-agent": "effect-agentcore-identity" },
      lookup: lookupAllowed(allowed),
      // Without it, a server that supports only HTTP/2 closes the connection without an error.
      ALPNProtocols: ["http/1.1"],
      ...(secureContext !== undefined && { secureContext }),
      // A separate connection, which is closed after the response.
      agent: false as const
    }
    const request: ClientRequest = (url.protocol === "https:" ? requestHttps : requestHttp)(url, options)
    let hasResponse = false
    request.on("response", (response) => {
      hasResponse = true
      read(response, resume)
    })
    // After a response that switches protocols, Node emits only this event.
    request.on("close", () => hasResponse || resume(Effect.fail(failed(undefined))))
    request.on("error", (error) => resume(Effect.fail(failed(error))))
    request.end(body)
    return Effect.sync(() => request.destroy())
  })
  return timeLimit({
    duration: limit,
    onTimeout: (): RequestError => ({ reason: "TimedOut", description: `no response within ${Duration.format(limit)}` })
  })(response)
}
