/**
 * AWS's wire protocol (restJson1) in front of an `IdentityApi`: which operation a request is, what it says, and how the
 * answer is written.
 */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import * as IdentityApi from "../../IdentityApi.js"
import type { IdentityError, InvalidField } from "../../IdentityError.js"
import type { ModelledTag, Operation } from "../../Operation.js"
import * as check from "../check.js"
import { faults } from "../faults.js"

/** An error as it goes over the wire. */
interface Fault {
  readonly exception: string
  readonly status: number
  readonly message: string
  readonly reason?: string | undefined
  readonly fieldList?: ReadonlyArray<InvalidField> | undefined
  readonly requestId?: string | undefined
}

const isModelled = (tag: string): tag is ModelledTag => tag in faults

const faultOf = (error: IdentityError): Fault => {
  const { message } = error
  if (isModelled(error._tag)) {
    const { exception, status } = faults[error._tag]
    return { ...error, exception, status, message }
  }
  // A port that calls AWS hands on what AWS said; the other failures of its wire say nothing to our caller.
  return error._tag === "UnknownServiceError"
    ? { exception: error.code, status: error.status ?? 500, message, requestId: error.requestId }
    : { exception: "InternalServerException", status: 500, message: "Internal failure" }
}

const refusal = ({ exception, fieldList, message, reason, requestId, status }: Fault) =>
  HttpServerResponse.unsafeJson(
    { message, ...(reason !== undefined && { reason }), ...(fieldList !== undefined && { fieldList }) },
    {
      status,
      headers: {
        "x-amzn-errortype": exception,
        ...(requestId !== undefined && { "x-amzn-requestid": requestId })
      }
    }
  )

const cannotParse = (message: string): Fault => ({
  exception: "ValidationException",
  status: 400,
  reason: "CannotParse",
  message
})

// JSON's null stands for a member that is not given, as in every restJson1 service.
const withoutNulls = (_: string, value: unknown) => value === null ? undefined : value

const parse = (text: string) =>
  Effect.try({
    try: (): unknown => text === "" ? {} : JSON.parse(text, withoutNulls),
    catch: () => cannotParse("The body is not JSON")
  })

const body = Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => request.text).pipe(
  // How much of a body is read: 1 MiB.
  HttpServerRequest.withMaxBodySize(Option.some(1024 * 1024)),
  Effect.mapError(() => cannotParse("The body cannot be read, or is larger than 1 MiB")),
  Effect.flatMap(parse)
)

const isRecord = (value: unknown): value is { readonly [member: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** What stands in the path and in the query, put back among the members of the body. */
const bind = ({ query }: Operation.Any, labels: Labels, url: string) => {
  const parameters = new URLSearchParams(url.slice(url.indexOf("?") + 1))
  const lists = query.map((member) => [member, url.includes("?") ? parameters.getAll(member) : []] as const)
  return (given: unknown): Either.Either<unknown, Fault> =>
    isRecord(given)
      ? Either.right({ ...given, ...Object.fromEntries(lists), ...labels })
      : Either.left(cannotParse("The body is not a JSON object"))
}

/** One operation, from its request to its response. */
const serve = <Key extends IdentityApi.OperationKey>(key: Key): Serve => {
  const operation: Operation.Any = IdentityApi.operations[key]
  const decode = Schema.decodeUnknownEither(operation.request, { errors: "all" })
  const encode = Schema.encode(operation.reply)
  const { method, name, status } = operation
  const hasBody = method === "POST" || method === "PUT"
  return (api, labels, url) =>
    (hasBody ? body : Effect.succeed<unknown>({})).pipe(
      Effect.flatMap(bind(operation, labels, url)),
      Effect.flatMap((given) =>
        Either.mapLeft(decode(given), ({ issue }) => faultOf(check.fieldError(name, ...check.invalidFields(issue))))
      ),
      Effect.flatMap((request) => Effect.mapError(api[key](request), faultOf)),
      Effect.flatMap((reply) => Effect.orDie(encode(reply))),
      Effect.map((reply) =>
        Object.keys(reply).length === 0
          ? HttpServerResponse.empty({ status })
          : HttpServerResponse.unsafeJson(reply, { status })
      ),
      Effect.catchAll((fault) => Effect.succeed(refusal(fault)))
    )
}

interface Labels {
  readonly [member: string]: string
}

type Serve = (
  api: IdentityApi.IdentityApi["Type"],
  labels: Labels,
  url: string
) => Effect.Effect<HttpServerResponse.HttpServerResponse, never, HttpServerRequest.HttpServerRequest>

interface Route {
  readonly serve: Serve
  /** The member in which the path ends, if it does. */
  readonly label: string | undefined
}

const routes = new Map(
  Record.keys(IdentityApi.operations).map((key): readonly [string, Route] => {
    const operation: Operation.Any = IdentityApi.operations[key]
    const [prefix = "", label] = operation.path.split(/[{}]/)
    return [`${operation.method} ${prefix}`, { serve: serve(key), label }]
  })
)

/** The operation that a request is, and what its path says: `/tags/{resourceArn}`. */
const match = (method: string, url: string): Option.Option<readonly [Route, Labels]> => {
  const path = url.split("?")[0] ?? url
  const exact = routes.get(`${method} ${path}`)
  if (exact !== undefined) return Option.some([exact, {}])
  const slash = path.indexOf("/", 1) + 1
  const route = routes.get(`${method} ${path.slice(0, slash)}`)
  if (route?.label === undefined) return Option.none()
  const { label } = route
  return Option.map(
    Either.getRight(Encoding.decodeUriComponent(path.slice(slash))),
    (value) => [route, { [label]: value }] as const
  )
}

/**
 * Answers one request, whatever it is.
 *
 * @internal
 */
export const handle = (
  api: IdentityApi.IdentityApi["Type"]
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, HttpServerRequest.HttpServerRequest> =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ method, url }) =>
    Option.match(match(method, url), {
      onNone: () =>
        Effect.succeed(refusal({
          exception: "ResourceNotFoundException",
          status: 404,
          message: "No operation is served here"
        })),
      onSome: ([route, labels]) => route.serve(api, labels, url)
    }))
