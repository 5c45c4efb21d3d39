/** Observes the signed request and the raw response of one call, as middleware of its command or of its client. */
import * as Predicate from "effect/Predicate"
import type { Operation } from "../../Operation.js"
import { prepareResend } from "./agents.js"
import * as reply from "./reply.js"
import * as retryAfter from "./retryAfter.js"
import * as signed from "./signed.js"

/** The input of a command, which is that of its call. */
export type Input = object

interface Next {
  readonly input: Input
  readonly request: unknown
}

interface Result {
  response: unknown
}

/** @internal */
export type Middleware = <Args extends Next, Out extends Result>(
  next: (args: Args) => Promise<Out>,
  context: object
) => (args: Args) => Promise<Out>

/** Middleware stack of a command of either client. */
export interface Command {
  readonly input: Input
  readonly middlewareStack: {
    readonly add: (
      middleware: Middleware,
      options: { readonly step: "deserialize"; readonly priority: "low"; readonly name: string }
    ) => void
  }
}

/**
 * Progress of a call: it reached a client that replaces `send` and runs no middleware (`Unobserved`), to the search for AWS
 * credentials (`Unidentified`), to credentials but not to a signed request (`Unsent`), or to the request handler (`Sent`).
 */
export type Stage = "Unobserved" | "Unidentified" | "Unsent" | "Sent"

/** @internal */
export interface Exchange {
  /** Records that the call has reached the client, or has the credentials that this context contains. */
  readonly enter: (context: object) => void
  /** Sends the signed request, and verifies the response. */
  readonly send: <Args extends Next, Out extends Result>(next: (args: Args) => Promise<Out>, args: Args) => Promise<Out>
  /** Adds the middleware to a command, which is sent once. */
  readonly watch: <C extends Command>(command: C) => C
  readonly stage: () => Stage
  /** Tests if a request was lost on a stale connection and sent again. */
  readonly isResent: () => boolean
  /** Seconds after which the service accepts the request again, if its error says so. */
  readonly retryAfter: (now: number) => number | undefined
  /** The AWS credentials of the call. */
  readonly credentials: () => ReadonlyArray<string>
}

interface HttpResponse {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, unknown>>
  body?: unknown
}

const isHttpResponse = (response: unknown): response is HttpResponse =>
  Predicate.hasProperty(response, "statusCode") && typeof response.statusCode === "number" &&
  Predicate.hasProperty(response, "headers") && Predicate.isReadonlyRecord(response.headers)

const headersOf = (headers: HttpResponse["headers"]) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]))

interface Reader {
  readonly read: () => Promise<{ readonly done: boolean; readonly value?: unknown }>
  readonly cancel: () => Promise<unknown>
}

const isIterable = (body: unknown): body is AsyncIterable<unknown> =>
  Predicate.hasProperty(body, Symbol.asyncIterator) && typeof body[Symbol.asyncIterator] === "function"

const isStream = (body: unknown): body is { readonly getReader: () => Reader } =>
  Predicate.hasProperty(body, "getReader") && typeof body.getReader === "function"

async function* readAll(reader: Reader) {
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value
  } finally {
    await reader.cancel()
  }
}

// The HTTP handler of Node returns an iterable stream, a fetch handler a web stream or a Blob.
const partsOf = (body: unknown): AsyncIterable<unknown> | undefined => {
  if (isIterable(body)) return body
  if (isStream(body)) return readAll(body.getReader())
  return Predicate.hasProperty(body, "stream") && typeof body.stream === "function" ? partsOf(body.stream()) : undefined
}

const encoder = new TextEncoder()

const concat = (parts: ReadonlyArray<Uint8Array>, size: number) => {
  const whole = new Uint8Array(size)
  parts.reduce((at, part) => {
    whole.set(part, at)
    return at + part.length
  }, 0)
  return whole
}

/** Reads the body up to the size limit. Returns `undefined` for a body of an unknown type, which the SDK reads. */
const collect = async (body: unknown): Promise<Uint8Array | "TooLarge" | undefined> => {
  if (body === undefined || body === null) return new Uint8Array()
  if (body instanceof Uint8Array) return body
  if (typeof body === "string") return encoder.encode(body)
  const stream = partsOf(body)
  if (stream === undefined) return undefined
  const parts: Array<Uint8Array> = []
  let size = 0
  for await (const part of stream) {
    const bytes = part instanceof Uint8Array ? part : encoder.encode(String(part))
    size += bytes.length
    if (size > reply.maxBody) return "TooLarge"
    parts.push(bytes)
  }
  return concat(parts, size)
}

/** Makes the observers of the calls of one operation. */
export const of = (operation: Operation.Any): () => Exchange => {
  const refusal = reply.refusal(operation)

  /** Returns the headers of the response. */
  const check = async (response: unknown): Promise<Readonly<Record<string, string>>> => {
    if (!isHttpResponse(response)) return {}
    const headers = headersOf(response.headers)
    const { statusCode: status } = response
    const body = await collect(response.body)
    if (body === undefined) return headers
    if (status < 300) {
      const received = body === "TooLarge" ? body : { status, headers, body }
      const refused = refusal(received, status)
      if (refused !== undefined) throw refused
    }
    // An error whose body is too large is identified by its headers.
    response.body = body === "TooLarge" ? new Uint8Array() : body
    return headers
  }

  return () => {
    const sent: Array<unknown> = []
    const contexts: Array<object> = []
    let isResent = false
    let headers: Readonly<Record<string, string>> = {}

    const enter = (context: object) => {
      contexts.push(context)
    }

    const send: Exchange["send"] = async (next, args) => {
      sent.push(args.request)
      headers = {}
      const result = await next(args).catch((error) => {
        if (!prepareResend(error)) throw error
        isResent = true
        return next(args)
      })
      headers = await check(result.response)
      return result
    }

    const middleware: Middleware = (next, context) => {
      enter(context)
      return (args) => send(next, args)
    }

    return {
      enter,
      send,
      watch: (command) => {
        // The last middleware before the request handler: the request is signed, the response is raw.
        command.middlewareStack.add(middleware, {
          step: "deserialize",
          priority: "low",
          name: "effectAgentCoreIdentityMiddleware"
        })
        return command
      },
      stage: () => {
        if (contexts.length === 0) return "Unobserved"
        if (sent.length > 0) return "Sent"
        return contexts.some(signed.isIdentified) ? "Unsent" : "Unidentified"
      },
      isResent: () => isResent,
      retryAfter: (now) => retryAfter.seconds(headers, now),
      credentials: () => [...sent.flatMap(signed.ofRequest), ...contexts.flatMap(signed.ofContext)]
    }
  }
}
