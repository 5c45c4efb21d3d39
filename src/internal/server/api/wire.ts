/**
 * AWS's wire protocol (restJson1) in front of an `IdentityApi`: which operation a request is, what it says, and how the
 * answer is written.
 */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as IdentityApi from "../../../IdentityApi.js"
import type { IdentityError, InvalidField } from "../../../IdentityError.js"
import type { ModelledTag, Operation } from "../../../Operation.js"
import { pathOf, queryOf } from "../../lib/requestTarget.js"
import { parseQuery } from "../../lib/url.js"
import { exceptions } from "../../model/exceptions.js"
import * as check from "../../model/validation.js"

/**
 * An error as it goes over the wire.
 *
 * @internal
 */
export interface Fault {
  readonly exception: string
  readonly status: number
  readonly message: string
  readonly reason?: string | undefined
  readonly fieldList?: ReadonlyArray<InvalidField> | undefined
  readonly requestId?: string | undefined
  readonly retryAfter?: number | undefined
}

const isModelled = (tag: string): tag is ModelledTag => Object.hasOwn(exceptions, tag)

const internalFailure: Fault = { exception: "InternalServerException", status: 500, message: "Internal failure" }

const faultOf = (error: IdentityError): Fault => {
  const { message } = error
  if (isModelled(error._tag)) {
    const { exception, status } = exceptions[error._tag]
    return { ...error, exception, status, message }
  }
  // A port that calls AWS hands on what AWS said; the other failures of its wire say nothing to our caller.
  return error._tag === "UnknownServiceError"
    ? {
      exception: error.code,
      status: error.status ?? 500,
      message,
      requestId: error.requestId,
      retryAfter: error.retryAfter
    }
    : internalFailure
}

/** @internal */
export const refusal = (
  { exception, fieldList, message, reason, requestId, retryAfter, status }: Fault
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.unsafeJson(
    { message, ...(reason !== undefined && { reason }), ...(fieldList !== undefined && { fieldList }) },
    {
      status,
      headers: {
        "x-amzn-errortype": exception,
        ...(requestId !== undefined && { "x-amzn-requestid": requestId }),
        ...(retryAfter !== undefined && { "retry-after": String(retryAfter) })
      }
    }
  )

const cannotParse = (message: string): Fault => ({
  exception: "ValidationException",
  status: 400,
  reason: "CannotParse",
  message
})

const unknownOperation: Fault = {
  exception: "UnknownOperationException",
  status: 404,
  message: "No operation is served here"
}

/** How much of a body is read: 1 MiB. */
const maxBody = 1024 * 1024

const tooLarge = cannotParse("The body is larger than 1 MiB")

const unreadable = () => cannotParse("The body could not be read")

const nothing = new Uint8Array()

const concat = (parts: Chunk.Chunk<Uint8Array>) => {
  const whole = new Uint8Array(Chunk.reduce(parts, 0, (size, part) => size + part.length))
  Chunk.reduce(parts, 0, (at, part) => {
    whole.set(part, at)
    return at + part.length
  })
  return whole
}

// A body of unknown length. What is too much is taken off the connection and dropped, so that the answer arrives and the
// connection can be used again; who sends without end is cut off.
const streamed = (request: HttpServerRequest.HttpServerRequest) =>
  request.stream.pipe(
    Stream.runFoldWhile(
      { size: 0, parts: Chunk.empty<Uint8Array>() },
      ({ size }) => size <= 16 * maxBody,
      ({ parts, size }, part) => ({
        size: size + part.length,
        parts: size + part.length > maxBody ? Chunk.empty<Uint8Array>() : Chunk.append(parts, part)
      })
    ),
    Effect.mapError(unreadable),
    Effect.flatMap(({ parts, size }) => size > maxBody ? Effect.fail(tooLarge) : Effect.succeed(concat(parts)))
  )

// A length that is declared is what arrives, and a body that nobody reads is dropped by the server itself.
const read = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<Uint8Array, Fault> => {
  const declared = request.headers["content-length"]
  if (declared === undefined) return streamed(request)
  const length = Number(declared)
  if (length === 0) return Effect.succeed(nothing)
  return length > maxBody
    ? Effect.fail(tooLarge)
    : Effect.mapBoth(request.arrayBuffer, { onFailure: unreadable, onSuccess: (bytes) => new Uint8Array(bytes) })
}

const utf8 = new TextDecoder("utf-8", { fatal: true })

const parse = (body: Uint8Array): Either.Either<unknown, Fault> =>
  body.length === 0
    ? Either.right({})
    : Either.try({
      try: (): unknown => JSON.parse(utf8.decode(body)),
      catch: () => cannotParse("The body is not JSON")
    })

interface Members {
  readonly [member: string]: unknown
}

const isRecord = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** More levels than any request of the model has. */
const maxDepth = 32

// As in every restJson1 service, JSON's null stands for a member that is not given. A schema copies members one by one,
// and `__proto__` would be lost without a word on the way.
const plain = (value: unknown, path: string, depth: number, faults: Array<InvalidField>): unknown => {
  if (value === null) return undefined
  if (typeof value !== "object") return value
  if (depth === maxDepth) {
    faults.push({ name: path, message: `Member must not be nested deeper than ${maxDepth} levels` })
    return undefined
  }
  if (Array.isArray(value)) return value.map((item, index) => plain(item, `${path}[${index}]`, depth + 1, faults))
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      const name = path === "" ? key : `${path}.${key}`
      if (key === "__proto__") faults.push({ name, message: "Member must not have this name" })
      return [key, plain(member, name, depth + 1, faults)]
    })
  )
}

/**
 * The members of the body, with what stands in the path and in the query put back among them. A query has no way to write
 * a list without items: a member that is not in it is absent.
 */
const bind = ({ name, query }: Operation.Any, labels: Labels, url: string, given: unknown) => {
  if (!isRecord(given)) return Either.left(cannotParse("The body is not a JSON object"))
  const faults: Array<InvalidField> = []
  const members = plain(given, "", 0, faults)
  if (faults.length > 0) return Either.left(faultOf(check.fieldsError(name, faults)))
  if (query.length === 0) return Either.right(Object.assign({}, members, labels))
  const parameters = parseQuery(queryOf(url))
  const lists = query.filter((member) => parameters.has(member)).map((member) => [member, parameters.getAll(member)])
  return Either.right(Object.assign({}, members, Object.fromEntries(lists), labels))
}

const empty = HttpServerResponse.empty

/** One operation, from its request to its response. */
const serve = <Key extends IdentityApi.OperationKey>(key: Key): Serve => {
  const operation: Operation.Any = IdentityApi.operations[key]
  const decode = check.decode(operation)
  const encode = Schema.encodeEither(operation.reply)
  const { method, name, status } = operation
  const hasBody = method === "POST" || method === "PUT"

  const understand = (body: Uint8Array, labels: Labels, url: string) =>
    Either.flatMap(
      parse(body),
      (given) =>
        Either.flatMap(
          bind(operation, labels, url, given),
          (members) => Either.mapLeft(decode(members, Math.max(body.length, url.length)), faultOf)
        )
    )

  // What a reply breaks its schema with may be a secret, and is not told.
  const write = (reply: unknown) =>
    Either.match(encode(reply), {
      onLeft: () => refusal(internalFailure),
      onRight: (encoded) =>
        Object.keys(encoded).length === 0 ? empty({ status }) : HttpServerResponse.unsafeJson(encoded, { status })
    })

  const fail = (cause: Cause.Cause<IdentityError>) => {
    if (Cause.isInterruptedOnly(cause)) return Effect.interrupt
    return Either.match(Cause.failureOrCause(cause), {
      onLeft: (error) => Effect.succeed(refusal(faultOf(error))),
      onRight: (defect) => Effect.as(Effect.logError(`${name} died`, defect), refusal(internalFailure))
    })
  }

  const answer = (api: IdentityApi.IdentityApi["Type"], request: IdentityApi.Request<Key>) =>
    Effect.matchCauseEffect(api[key](request), {
      onFailure: fail,
      onSuccess: (reply) => Effect.sync(() => write(reply))
    })

  return (api, authenticate, labels, request) =>
    (hasBody ? read(request) : Effect.succeed(nothing)).pipe(
      Effect.tap(authenticate),
      Effect.flatMap((body) =>
        Either.match(Either.flatMap(labels, (labels) => understand(body, labels, request.url)), {
          onLeft: (fault) => Effect.succeed(refusal(fault)),
          onRight: (request) => answer(api, request)
        })
      ),
      Effect.catchAll((fault) => Effect.succeed(refusal(fault)))
    )
}

interface Labels {
  readonly [member: string]: string
}

/**
 * Whether the sender of a request may send it; the body has been read, and cannot be read again.
 *
 * @internal
 */
export type Authenticate = (body: Uint8Array) => Effect.Effect<void, Fault, HttpServerRequest.HttpServerRequest>

type Serve = (
  api: IdentityApi.IdentityApi["Type"],
  authenticate: Authenticate,
  labels: Either.Either<Labels, Fault>,
  request: HttpServerRequest.HttpServerRequest
) => Effect.Effect<HttpServerResponse.HttpServerResponse, never, HttpServerRequest.HttpServerRequest>

interface Route extends Match {
  /** The member in which the path ends, if it does. */
  readonly label: string | undefined
}

const none: Either.Either<Labels, Fault> = Either.right({})

const routes = new Map(
  Record.keys(IdentityApi.operations).map((key): readonly [string, Option.Option<Route>] => {
    const operation: Operation.Any = IdentityApi.operations[key]
    const [prefix = "", label] = operation.path.split(/[{}]/)
    return [`${operation.method} ${prefix}`, Option.some({ key, serve: serve(key), labels: none, label })]
  })
)

/** @internal */
export interface Match {
  readonly key: IdentityApi.OperationKey
  readonly serve: Serve
  readonly labels: Either.Either<Labels, Fault>
}

/**
 * The operation that a request is, and what its path says: `/tags/{resourceArn}`.
 *
 * @internal
 */
export const match = (method: string, url: string): Option.Option<Match> => {
  const path = pathOf(url)
  const exact = routes.get(`${method} ${path}`)
  if (exact !== undefined && Option.exists(exact, ({ label }) => label === undefined)) return exact
  const slash = path.indexOf("/", 1) + 1
  return Option.flatMap(routes.get(`${method} ${path.slice(0, slash)}`) ?? Option.none(), (route) => {
    const { label } = route
    if (label === undefined) return Option.none()
    const labels = Either.mapBoth(Encoding.decodeUriComponent(path.slice(slash)), {
      onLeft: () => cannotParse(`'${label}' is not percent-encoded UTF-8`),
      onRight: (value) => ({ [label]: value })
    })
    return Option.some({ ...route, labels })
  })
}

/**
 * What a request gets that is none of an operation.
 *
 * @internal
 */
export const unknown = Effect.succeed(refusal(unknownOperation))

const anyone: Authenticate = () => Effect.void

/**
 * Answers any request. Without `authenticate` no signature is required. It can be interrupted, as the
 * handler of an `HttpRouter` can, so that a client that disconnects ends what is done for it.
 *
 * @internal
 */
export const handle = (
  api: IdentityApi.IdentityApi["Type"],
  authenticate: Authenticate = anyone
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, HttpServerRequest.HttpServerRequest> =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
    Option.match(match(request.method, request.url), {
      onNone: () => unknown,
      onSome: ({ labels, serve }) => Effect.interruptible(serve(api, authenticate, labels, request))
    }))
