/** The restJson1 protocol of AWS over an `IdentityApi`: routing, decoding of requests, encoding of responses. */
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

/** An error response. */
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
  // A port that calls AWS passes on the errors of AWS. Its other failures are internal.
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
export const errorResponse = (
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
  message: "The method and path match no operation"
}

/** The largest body: 1 MiB. */
const maxBody = 1024 * 1024

const tooLarge = cannotParse("The body is larger than 1 MiB")

const unreadable = () => cannotParse("The body could not be read")

const emptyBody = new Uint8Array()

const concat = (parts: Chunk.Chunk<Uint8Array>) => {
  const whole = new Uint8Array(Chunk.reduce(parts, 0, (size, part) => size + part.length))
  Chunk.reduce(parts, 0, (at, part) => {
    whole.set(part, at)
    return at + part.length
  })
  return whole
}

// A body of unknown length. The excess is read and dropped, so that the client receives the response and can reuse the
// connection. An endless body is cut off.
const readStream = (request: HttpServerRequest.HttpServerRequest) =>
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

// The server enforces a declared length, and drops a body that is not read.
const read = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<Uint8Array, Fault> => {
  const declared = request.headers["content-length"]
  if (declared === undefined) return readStream(request)
  const length = Number(declared)
  if (length === 0) return Effect.succeed(emptyBody)
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

/** No request of the model has more levels. */
const maxDepth = 32

/** Tests if `normalize` would return an equal value without a fault. Nearly all requests are like that, and need no paths. */
const isNormal = (value: unknown, depth: number): boolean => {
  if (value === null || typeof value !== "object") return value !== null
  if (depth === maxDepth) return false
  if (Array.isArray(value)) return value.every((item) => isNormal(item, depth + 1))
  return Object.entries(value).every(([key, member]) => key !== "__proto__" && isNormal(member, depth + 1))
}

// In restJson1, null means that a member is absent. A schema copies members one by one, and would silently drop
// `__proto__`.
const normalize = (value: unknown, path: string, depth: number, faults: Array<InvalidField>): unknown => {
  if (value === null) return undefined
  if (typeof value !== "object") return value
  if (depth === maxDepth) {
    faults.push({ name: path, message: `Member must not be nested deeper than ${maxDepth} levels` })
    return undefined
  }
  if (Array.isArray(value)) return value.map((item, index) => normalize(item, `${path}[${index}]`, depth + 1, faults))
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      const name = path === "" ? key : `${path}.${key}`
      if (key === "__proto__") faults.push({ name, message: "Member must not have this name" })
      return [key, normalize(member, name, depth + 1, faults)]
    })
  )
}

/** Merges the members of the body, the path and the query. A query cannot contain an empty list: an absent member is absent. */
const bind = ({ name, query }: Operation.Any, labels: Labels, url: string, given: unknown) => {
  if (!isRecord(given)) return Either.left(cannotParse("The body is not a JSON object"))
  const faults: Array<InvalidField> = []
  const members = isNormal(given, 0) ? given : normalize(given, "", 0, faults)
  if (faults.length > 0) return Either.left(faultOf(check.fieldsError(name, faults)))
  if (query.length === 0) return Either.right(Object.assign({}, members, labels))
  const parameters = parseQuery(queryOf(url))
  const lists = query.filter((member) => parameters.has(member)).map((member) => [member, parameters.getAll(member)])
  return Either.right(Object.assign({}, members, Object.fromEntries(lists), labels))
}

const empty = HttpServerResponse.empty

/** The handler of one operation. */
const serve = <Key extends IdentityApi.OperationKey>(key: Key): Serve => {
  const operation: Operation.Any = IdentityApi.operations[key]
  const decode = check.decode(operation)
  const encode = Schema.encodeEither(operation.reply)
  const { method, name, status } = operation
  const hasBody = method === "POST" || method === "PUT"

  const decodeRequest = (body: Uint8Array, labels: Labels, url: string) =>
    Either.flatMap(
      parse(body),
      (given) =>
        Either.flatMap(
          bind(operation, labels, url, given),
          (members) => Either.mapLeft(decode(members, Math.max(body.length, url.length)), faultOf)
        )
    )

  // The value that does not match the schema may be a secret.
  const encodeReply = (reply: unknown) =>
    Either.match(encode(reply), {
      onLeft: () => errorResponse(internalFailure),
      onRight: (encoded) =>
        Object.keys(encoded).length === 0 ? empty({ status }) : HttpServerResponse.unsafeJson(encoded, { status })
    })

  const fail = (cause: Cause.Cause<IdentityError>) => {
    if (Cause.isInterruptedOnly(cause)) return Effect.interrupt
    return Either.match(Cause.failureOrCause(cause), {
      onLeft: (error) => Effect.succeed(errorResponse(faultOf(error))),
      onRight: (defect) =>
        Effect.as(Effect.logError(`${name} failed with a defect`, defect), errorResponse(internalFailure))
    })
  }

  const execute = (api: IdentityApi.IdentityApi["Type"], request: IdentityApi.Request<Key>) =>
    Effect.matchCauseEffect(api[key](request), {
      onFailure: fail,
      onSuccess: (reply) => Effect.sync(() => encodeReply(reply))
    })

  return (api, authenticate, labels, request) =>
    (hasBody ? read(request) : Effect.succeed(emptyBody)).pipe(
      Effect.tap(authenticate),
      Effect.flatMap((body) =>
        Either.match(Either.flatMap(labels, (labels) => decodeRequest(body, labels, request.url)), {
          onLeft: (fault) => Effect.succeed(errorResponse(fault)),
          onRight: (request) => execute(api, request)
        })
      ),
      Effect.catchAll((fault) => Effect.succeed(errorResponse(fault)))
    )
}

interface Labels {
  readonly [member: string]: string
}

/** Authenticates a request. It receives the body, which cannot be read twice. */
export type Authenticate = (body: Uint8Array) => Effect.Effect<void, Fault, HttpServerRequest.HttpServerRequest>

type Serve = (
  api: IdentityApi.IdentityApi["Type"],
  authenticate: Authenticate,
  labels: Either.Either<Labels, Fault>,
  request: HttpServerRequest.HttpServerRequest
) => Effect.Effect<HttpServerResponse.HttpServerResponse, never, HttpServerRequest.HttpServerRequest>

interface Route extends Match {
  /** The member at the end of the path. */
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

/** Finds the operation of a request, and decodes the label in its path, as in `/tags/{resourceArn}`. */
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

/** The response to a request that matches no operation. */
export const unknownOperationResponse = Effect.succeed(errorResponse(unknownOperation))

const noAuthentication: Authenticate = () => Effect.void

/**
 * Answers any request. Without `authenticate`, no signature is required. It is interruptible, like the handlers of an
 * `HttpRouter`, so that a disconnect of the client interrupts the operation.
 */
export const handle = (
  api: IdentityApi.IdentityApi["Type"],
  authenticate: Authenticate = noAuthentication
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, HttpServerRequest.HttpServerRequest> =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
    Option.match(match(request.method, request.url), {
      onNone: () => unknownOperationResponse,
      onSome: ({ labels, serve }) => Effect.interruptible(serve(api, authenticate, labels, request))
    }))
