/** The log of calls: one line with time, operation, outcome and duration, without requests and responses. */
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import { operations } from "../IdentityApi.js"
import * as target from "../internal/lib/requestTarget.js"
import type { Operation } from "../Operation.js"

const table: ReadonlyArray<Operation.Any> = Object.values(operations)

const nameOf = (method: string, path: string): Option.Option<string> => {
  const candidates = table.filter((operation) => operation.method === method)
  const found = candidates.find((operation) => operation.path === path) ??
    candidates.find((operation) =>
      operation.path.includes("{") && path.startsWith(operation.path.split("{")[0] ?? path)
    )
  return Option.fromNullable(found?.name)
}

/**
 * Logs each request. Operations and errors have the level info, other requests the level debug. A request whose client
 * disconnects before the response is logged as `disconnected`.
 */
export const logCalls = <E, R>(app: HttpApp.Default<E, R>): HttpApp.Default<E, R> =>
  Effect.gen(function*() {
    const { method, url } = yield* HttpServerRequest.HttpServerRequest
    const [duration, exit] = yield* Effect.timed(Effect.exit(app))
    // Without the query, which may contain secrets.
    const pathAndQuery = Option.match(target.parse(url), { onNone: () => url, onSome: ({ url }) => url })
    const path = target.pathOf(pathAndQuery)
    const operation = nameOf(method, path)
    const error = Exit.isSuccess(exit)
      ? exit.value.headers["x-amzn-errortype"]
      : Cause.isInterruptedOnly(exit.cause)
      ? "disconnected"
      : "failed"
    const status = Exit.isSuccess(exit) ? exit.value.status : 500
    const isInfo = Option.isSome(operation) || status >= 400
    const call = {
      operation: Option.getOrElse(operation, () => `${method} ${path}`),
      outcome: error ?? (status < 400 && Option.isSome(operation) ? "ok" : String(status)),
      ms: Math.round(Duration.toMillis(duration))
    }
    yield* Effect.logWithLevel(isInfo ? LogLevel.Info : LogLevel.Debug, call)
    return yield* exit
  })

const isCall = (part: unknown): part is { readonly [member: string]: unknown } =>
  typeof part === "object" && part !== null && "operation" in part

const format = (part: unknown) =>
  isCall(part) ? `${String(part["operation"])} ${String(part["outcome"])} ${String(part["ms"])} ms` : String(part)

/** Escapes control characters and line separators in text of others. `JSON.stringify` leaves some of them unescaped. */
const escaped = (line: string) =>
  // oxlint-disable-next-line no-control-regex
  line.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (character) =>
    `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`)

const textLogger = Logger.make<unknown, string>(({ date, logLevel, message }) =>
  escaped(
    [
      date.toISOString(),
      ...(logLevel._tag === "Info" ? [] : [logLevel.label]),
      ...Arr.map(Arr.ensure(message), format)
    ].join(" ")
  )
)

const jsonLogger = Logger.make<unknown, string>(({ date, logLevel, message }) => {
  const [part] = Arr.ensure(message)
  return escaped(JSON.stringify({
    at: date.toISOString(),
    level: logLevel.label,
    ...(isCall(part) ? part : { message: Arr.ensure(message).map(String).join(" ") })
  }))
})

/** Logs to stderr, as text or as JSON. */
export const layerLogger = (json: boolean) =>
  Logger.replace(Logger.defaultLogger, Logger.withConsoleError(json ? jsonLogger : textLogger))
