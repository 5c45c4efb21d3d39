/** One request to an authorization server: bounded in time and size, to allowed addresses, and never redirected. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import { lookup } from "node:dns"
import { type ClientRequest, type IncomingMessage, request as requestHttp } from "node:http"
import { request as requestHttps } from "node:https"
import type { LookupFunction } from "node:net"
import type { SecureContext } from "node:tls"
import type { ProviderFailure } from "../../IdentityControls.js"
import { timeLimit } from "../lib/timeLimit.js"
import { type AddressPolicy, hostNotAllowed, isAddressAllowed, rejectReason } from "./addressPolicy.js"

/** @internal */
export const maxBytes = 1_048_576

/**
 * How requests are made.
 *
 * @internal
 */
export interface Transport {
  /** How long one answer may take. */
  readonly limit: Duration.Duration
  /** The certificates that are trusted; Node's own if `undefined`. Made once, since it takes tens of milliseconds. */
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
}

/**
 * Why there is no answer.
 *
 * @internal
 */
export interface RequestError extends Pick<ProviderFailure, "reason" | "status" | "description"> {}

class Forbidden extends Error {}

/** What a name stands for is looked at where the connection is made: asked twice, it may give two answers. */
const guarded = (allowed: AddressPolicy): LookupFunction => (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, "", 0)
    const good = addresses.filter(({ address }) => isAddressAllowed(allowed, hostname, address))
    const [first] = good
    if (first === undefined) {
      return callback(new Forbidden(hostNotAllowed(allowed, hostname)), "", 0)
    }
    return options.all === true ? callback(null, good) : callback(null, first.address, first.family)
  })
}

const unreachable = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "EADDRNOTAVAIL"]

const codeOf = (error: unknown): string =>
  Predicate.hasProperty(error, "code") && Predicate.isString(error.code) ? error.code : ""

const failed = (error: unknown): RequestError => {
  if (error instanceof Forbidden) return { reason: "Forbidden", description: error.message }
  const code = codeOf(error)
  if (/CERT|SELF_SIGNED|^ERR_TLS|UNABLE_TO_|^ERR_SSL|^EPROTO$|HOSTNAME/.test(code)) {
    return { reason: "Certificate", description: code }
  }
  return { reason: unreachable.includes(code) ? "Unreachable" : "Lost", description: code }
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
  response.on("end", () => done(Effect.succeed({ status, text: Buffer.concat(chunks).toString("utf8") })))
  response.on("error", (error) => done(Effect.fail(failed(error))))
}

/**
 * Ends the connection when it is interrupted or takes longer than `limit`.
 *
 * @internal
 */
export const send = (
  allowed: AddressPolicy,
  { limit, secureContext }: Transport,
  { body, headers, method, url }: HttpRequest
): Effect.Effect<HttpResponse, RequestError> => {
  const description = rejectReason(allowed, url)
  if (description !== undefined) return Effect.fail({ reason: "Forbidden", description })
  const answered = Effect.async<HttpResponse, RequestError>((resume) => {
    const options = {
      method,
      // Nothing is decompressed, so that the limit is of what comes.
      headers: { ...headers, "accept-encoding": "identity", "user-agent": "effect-agentcore-identity" },
      lookup: guarded(allowed),
      ...(secureContext !== undefined && { secureContext }),
      // A connection of its own, which is gone with the answer.
      agent: false as const
    }
    const request: ClientRequest = (url.protocol === "https:" ? requestHttps : requestHttp)(url, options)
    let isAnswered = false
    request.on("response", (response) => {
      isAnswered = true
      read(response, resume)
    })
    // Node tells of an answer that switches protocols by nothing else.
    request.on("close", () => isAnswered || resume(Effect.fail(failed(undefined))))
    request.on("error", (error) => resume(Effect.fail(failed(error))))
    request.end(body)
    return Effect.sync(() => request.destroy())
  })
  return timeLimit({
    duration: limit,
    onTimeout: (): RequestError => ({ reason: "TimedOut", description: `no answer in ${Duration.format(limit)}` })
  })(answered)
}
