/**
 * Requests that no SDK sends, and a port that records its calls.
 */
import * as HttpServer from "@effect/platform/HttpServer"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as IdentityApi from "../../src/IdentityApi.js"
import type { IdentityError } from "../../src/IdentityError.js"
import * as IdentityServer from "../../src/IdentityServer.js"
import type * as Operation from "../../src/Operation.js"
import { Port } from "./server.js"

export interface Recorder {
  /** The calls of the port, oldest first. */
  readonly calls: Array<{ readonly key: IdentityApi.OperationKey; readonly request: unknown }>
  /** Its encoded response, or its error. */
  answer: { readonly reply: unknown } | { readonly error: IdentityError }
  readonly api: IdentityApi.IdentityApi["Type"]
}

// The tests check with which errors an operation fails.
// @effect-diagnostics anyUnknownInErrorContext:off
const anyError: (error: unknown) => typeof Schema.Any.Type = Schema.decodeUnknownSync(Schema.Any)

export const recorder = (): Recorder => {
  const calls: Recorder["calls"] = []
  const made: Recorder = {
    calls,
    answer: { reply: {} },
    api: IdentityApi.make((key) => {
      const operation: Operation.Operation.Any = IdentityApi.operations[key]
      const decode = Schema.decodeUnknownSync(operation.reply)
      return (request) =>
        Effect.suspend(() => {
          calls.push({ key, request })
          return "error" in made.answer
            ? Effect.fail(anyError(made.answer.error))
            : Effect.succeed(decode(made.answer.reply))
        })
    })
  }
  return made
}

/** The HTTP server over a port that only records. */
export const serving = ({ api }: Recorder) =>
  HttpServer.serve(IdentityServer.api).pipe(
    Layer.provide(Layer.succeed(IdentityApi.IdentityApi, api)),
    Layer.provideMerge(Port)
  )

export interface Raw {
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: NonNullable<RequestInit["body"]>
}

export interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: unknown
}

/** A well-formed signature without a valid key. */
export const authorization =
  `AWS4-HMAC-SHA256 Credential=AKID/20261122/us-east-1/bedrock-agentcore/aws4_request, SignedHeaders=host;x-amz-date, Signature=${
    "0".repeat(64)
  }`

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export const send = (origin: string, { body, headers, method, path }: Raw): Effect.Effect<Answered> =>
  Effect.promise(async () => {
    const said = { method, headers: { authorization, ...headers }, ...(body !== undefined && { body }) }
    const response = await fetch(
      `${origin}${path}`,
      body instanceof ReadableStream ? Object.assign(said, { duplex: "half" }) : said
    )
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, json: parsed(text) }
  })

/** A value in its JSON form. */
export const exposed = (value: unknown): unknown =>
  Redacted.isRedacted(value)
    ? Redacted.value(value)
    : Array.isArray(value)
    ? value.map(exposed)
    : Predicate.isRecord(value)
    ? Record.map(value, exposed)
    : value

const strings = (value: unknown) => (Array.isArray(value) ? value : []).map(String)

/** The HTTP request of an operation, with its members in the path, the query and the body. */
export const rawOf = (operation: Operation.Operation.Any, request: Readonly<Record<string, unknown>>): Raw => {
  const { method, path, query } = operation
  const [prefix = "", label = ""] = path.split(/[{}]/)
  const bound = [label, ...query]
  const search = query.flatMap((member) =>
    strings(request[member]).map((item) => `${encodeURIComponent(member)}=${encodeURIComponent(item)}`)
  )
  const members = Record.filter(request, (_, name) => !bound.includes(name))
  return {
    method,
    path: [
      prefix,
      encodeURIComponent(label === "" ? "" : String(request[label] ?? "")),
      search.length > 0 ? "?" : "",
      search.join("&")
    ]
      .join(""),
    ...((method === "POST" || method === "PUT") && { body: JSON.stringify(exposed(members)) })
  }
}
