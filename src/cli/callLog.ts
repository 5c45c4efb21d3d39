/**
 * One line per call: when, which operation, how it ended, how long it took. Nothing of what was said.
 */
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
  const ours = table.filter((operation) => operation.method === method)
  const found = ours.find((operation) => operation.path === path) ??
    ours.find((operation) => operation.path.includes("{") && path.startsWith(operation.path.split("{")[0] ?? path))
  return Option.fromNullable(found?.name)
}

/**
 * The operations are logged as information, like whatever is refused; pages and the like, for debugging. A call whose client
 * went away before it had its answer is logged as `disconnected`.
 *
 * @internal
 */
export const logged = <E, R>(app: HttpApp.Default<E, R>): HttpApp.Default<E, R> =>
  Effect.gen(function*() {
    const { method, url } = yield* HttpServerRequest.HttpServerRequest
    const [duration, exit] = yield* Effect.timed(Effect.exit(app))
    // A query may hold what only one person should know.
    const asked = Option.match(target.parse(url), { onNone: () => url, onSome: ({ url }) => url })
    const path = target.pathOf(asked)
    const operation = nameOf(method, path)
    const refusal = Exit.isSuccess(exit)
      ? exit.value.headers["x-amzn-errortype"]
      : Cause.isInterruptedOnly(exit.cause)
      ? "disconnected"
      : "failed"
    const status = Exit.isSuccess(exit) ? exit.value.status : 500
    const isTold = Option.isSome(operation) || status >= 400
    const call = {
      operation: Option.getOrElse(operation, () => `${method} ${path}`),
      outcome: refusal ?? (status < 400 && Option.isSome(operation) ? "ok" : String(status)),
      ms: Math.round(Duration.toMillis(duration))
    }
    yield* Effect.logWithLevel(isTold ? LogLevel.Info : LogLevel.Debug, call)
    return yield* exit
  })

const isCall = (part: unknown): part is { readonly [member: string]: unknown } =>
  typeof part === "object" && part !== null && "operation" in part

const say = (part: unknown) =>
  isCall(part) ? `${String(part["operation"])} ${String(part["outcome"])} ${String(part["ms"])} ms` : String(part)

/** What others have written moves no cursor and begins no line. `JSON` leaves some of it as it is, and reads it so too. */
const escaped = (line: string) =>
  // oxlint-disable-next-line no-control-regex
  line.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (character) =>
    `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`)

const words = Logger.make<unknown, string>(({ date, logLevel, message }) =>
  escaped(
    [
      date.toISOString(),
      ...(logLevel._tag === "Info" ? [] : [logLevel.label]),
      ...Arr.map(Arr.ensure(message), say)
    ].join(" ")
  )
)

const lines = Logger.make<unknown, string>(({ date, logLevel, message }) => {
  const [part] = Arr.ensure(message)
  return escaped(JSON.stringify({
    at: date.toISOString(),
    level: logLevel.label,
    ...(isCall(part) ? part : { message: Arr.ensure(message).map(String).join(" ") })
  }))
})

/**
 * To stderr, in words or in JSON.
 *
 * @internal
 */
export const layerLogger = (json: boolean) =>
  Logger.replace(Logger.defaultLogger, Logger.withConsoleError(json ? lines : words))
