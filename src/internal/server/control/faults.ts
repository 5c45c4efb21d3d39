/** The endpoints of the control API for injected failures, delays and lost connections. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { IdentityControls } from "../../../IdentityControls.js"
import { integer, text as limited } from "../../model/smithy.js"
import * as failures from "../state/errorsOf.js"
import { FaultInjection } from "../state/faultInjection.js"
import * as pendingLimit from "../state/pendingLimit.js"
import { type Endpoint, post, withControls } from "./endpoint.js"
import { ApiError, invalid } from "./json.js"

const name = Schema.optional(limited({ min: 1, max: 2048 }))

const times = Schema.optionalWith(integer(0, 1000), { default: () => 1 })

const seconds = Schema.Number.pipe(
  Schema.filter((n) => n >= 0 && n <= 3600 || "Member must be between 0 and 3600, inclusive")
)

const requiredName = limited({ min: 1, max: 2048 })

const Failing = Schema.Struct({ operation: requiredName, error: name, times, message: name })

const Delaying = Schema.Struct({ operation: requiredName, times, seconds: Schema.optional(seconds) })

const Dropping = Schema.Struct({
  operation: requiredName,
  times,
  lost: Schema.optionalWith(Schema.Literal("request", "answer"), { default: () => "request" })
})

const Reset = Schema.Struct({ journal: Schema.optionalWith(Schema.Boolean, { default: () => false }) })

const operationOf = (name: string) => {
  const key = failures.keyOf(name)
  return key === undefined
    ? Effect.fail(
      invalid({ name: "operation", message: "Member must be the name of an operation, such as GetWorkloadAccessToken" })
    )
    : Effect.succeed(key)
}

const done = {}

const withinLimit = pendingLimit.check(() =>
  new ApiError({
    status: 409,
    error: "TooManyPending",
    message: `${pendingLimit.reachedText}: cancel some, or all with POST /_local/reset`
  })
)

const fail = ({ error, message, operation, times }: typeof Failing.Type) =>
  Effect.gen(function*() {
    const key = yield* operationOf(operation)
    if (times === 0) {
      yield* withControls((controls) => controls.clearFailures(key))
      return done
    }
    const tag = error === undefined ? undefined : failures.errorOf(key, error)
    if (tag === undefined) {
      const allowed = failures.namesOf(key).join(", ")
      return yield* invalid({ name: "error", message: `Member must satisfy enum value set: [${allowed}]` })
    }
    yield* withinLimit
    yield* failures.failNext(key, tag, times, message)
    return done
  })

const delay = ({ operation, seconds, times }: typeof Delaying.Type) =>
  Effect.gen(function*() {
    const key = yield* operationOf(operation)
    if (seconds === undefined && times > 0) {
      return yield* invalid({ name: "seconds", message: "Member must not be null" })
    }
    if (times > 0) yield* withinLimit
    yield* (yield* FaultInjection).delayNext(key, times, Duration.seconds(seconds ?? 0))
    return done
  })

const reset = ({ journal }: typeof Reset.Type) =>
  Effect.gen(function*() {
    const controls = yield* IdentityControls
    yield* controls.clearFailures()
    yield* (yield* FaultInjection).reset
    if (journal) yield* controls.clearJournal
    return done
  })

const operation = "the name of an operation"

const calls = "the number of calls, 1 by default; 0 cancels the pending ones of the operation"

/** @internal */
export const endpoints: ReadonlyArray<Endpoint> = [
  post(
    "/_local/fail",
    {
      does: "Makes the next calls of an operation fail",
      body: {
        operation,
        error: "an error of the operation, by the name of the library or of AWS; not required if times is 0",
        "times?": calls,
        "message?": "the message of the error"
      },
      answer: "{}"
    },
    Failing,
    fail
  ),
  post(
    "/_local/delay",
    {
      does: "Delays the next calls of an operation",
      body: { operation, seconds: "0 to 3600; 0 cancels the pending delays of the operation", "times?": calls },
      answer: "{}"
    },
    Delaying,
    delay
  ),
  post(
    "/_local/drop",
    {
      does: "Drops the connection of the next calls of an operation",
      body: {
        operation,
        "lost?": "request (nothing is executed; the default) or answer (the response is lost)",
        "times?": calls
      },
      answer: "{}"
    },
    Dropping,
    ({ lost, operation, times }) =>
      Effect.gen(function*() {
        const key = yield* operationOf(operation)
        if (times > 0) yield* withinLimit
        yield* (yield* FaultInjection).dropNext(key, times, lost)
        return done
      })
  ),
  post(
    "/_local/reset",
    {
      does: "Cancels all pending failures, delays and drops; the clock keeps its time",
      body: { "journal?": "true also clears the list of calls" },
      answer: "{}"
    },
    Reset,
    reset
  )
]
