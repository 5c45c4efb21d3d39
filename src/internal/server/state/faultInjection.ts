/** Faults that a developer injects, besides the errors of `IdentityControls`: slow responses and lost connections. */
import type { HttpServerResponse } from "@effect/platform/HttpServerResponse"
import * as ServerResponse from "@effect/platform/HttpServerResponse"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import type { OperationKey } from "../../../IdentityApi.js"

/** The shortest delay, in seconds. A delay of zero cancels the pending delays. */
export const minDelaySeconds = 0.001

/** The next `times` calls of an operation. */
interface NextCalls {
  readonly operation: OperationKey
  readonly times: number
}

interface Delay extends NextCalls {
  readonly duration: Duration.Duration
}

interface Drop extends NextCalls {
  /** `request`: nothing is executed. `answer`: the operation is executed, and its response is lost. */
  readonly lost: "request" | "answer"
}

/** @internal */
export interface PendingFaults {
  readonly delays: ReadonlyArray<Delay>
  readonly drops: ReadonlyArray<Drop>
}

/** @internal */
export class FaultInjection extends Context.Tag("effect-agentcore-identity/internal/FaultInjection")<FaultInjection, {
  /** A duration of zero, or zero calls, cancels the pending delays of the operation. */
  readonly delayNext: (operation: OperationKey, times: number, duration: Duration.Duration) => Effect.Effect<void>
  /** Closes the connection without a response. Zero calls cancel the pending drops of the operation. */
  readonly dropNext: (operation: OperationKey, times: number, lost?: "request" | "answer") => Effect.Effect<void>
  /** Cancels all pending delays and drops. */
  readonly reset: Effect.Effect<void>
  readonly pending: Effect.Effect<PendingFaults>
  /** Applies the pending faults to one call of an operation. */
  readonly aroundOperation: (
    key: OperationKey
  ) => <E, R>(
    effect: Effect.Effect<HttpServerResponse, E, R>
  ) => Effect.Effect<HttpServerResponse, E, R>
}>() {}

/**
 * A response that closes the connection before its first byte. A server of Effect has no operation for this: interrupting
 * the handler gives 503, and a body that is an Effect stream and fails ends as if it were complete. A raw body is passed on
 * unchanged. A fetch-like server receives a `ReadableStream` that fails. `NodeHttpServer` passes a value that has `pipe` to
 * Node's `pipeline`, which accepts a `ReadableStream` too, and destroys the response and its socket when the stream fails.
 * The head waits for the first chunk of the body, so it is never sent. `pipe` itself is never called.
 */
const closeConnection = Effect.sync(() =>
  ServerResponse.raw(
    Object.assign(
      new ReadableStream({ start: (controller) => controller.error(new Error("dropped on purpose")) }),
      { pipe: () => undefined }
    )
  )
)

/** The first fault for this operation, and the list with one call less in it. */
const next = <A extends NextCalls>(
  pending: ReadonlyArray<A>,
  operation: OperationKey
): readonly [A | undefined, ReadonlyArray<A>] => {
  const first = pending.find((fault) => fault.operation === operation)
  const rest = pending.map((fault) => fault === first ? { ...fault, times: fault.times - 1 } : fault)
  return [first, rest.filter(({ times }) => times > 0)]
}

const without = <A extends NextCalls>(pending: ReadonlyArray<A>, operation: OperationKey): ReadonlyArray<A> =>
  pending.filter((fault) => fault.operation !== operation)

/** @internal */
export const make: Effect.Effect<FaultInjection["Type"]> = Effect.gen(function*() {
  const delays = yield* Ref.make<ReadonlyArray<Delay>>([])
  const drops = yield* Ref.make<ReadonlyArray<Drop>>([])
  return FaultInjection.of({
    delayNext: (operation, times, duration) =>
      Ref.update(delays, (all) =>
        times === 0 || Duration.toMillis(duration) === 0
          ? without(all, operation)
          : [...all, { operation, times, duration }]),
    dropNext: (operation, times, lost = "request") =>
      Ref.update(drops, (all) => times === 0 ? without(all, operation) : [...all, { operation, times, lost }]),
    reset: Effect.zipRight(Ref.set(delays, []), Ref.set(drops, [])),
    pending: Effect.all({ delays: Ref.get(delays), drops: Ref.get(drops) }),
    aroundOperation: (key) => (effect) =>
      Effect.gen(function*() {
        const delay = yield* Ref.modify(delays, (all) => next(all, key))
        const drop = yield* Ref.modify(drops, (all) => next(all, key))
        if (delay !== undefined) yield* Effect.sleep(delay.duration)
        if (drop?.lost !== "request") {
          const response = yield* effect
          if (drop === undefined) return response
        }
        return yield* closeConnection
      })
  })
})
