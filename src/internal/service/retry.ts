import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Credential from "../../Credential.js"
import type { OperationKey, Request } from "../../IdentityApi.js"
import { type IdentityError, isIdentityError, isTransient } from "../../IdentityError.js"
import { type IdentityApi, make } from "../../IdentityPort.js"
import type { Repeat } from "../../Operation.js"
import { RetryCapacity, RetryPolicy } from "../../RetryPolicy.js"
import { repeats } from "../model/repeats.js"
import * as retryBudget from "./retryBudget.js"
import type { RetryBudget } from "./retryBudget.js"

type Repeats = { readonly [Key in OperationKey]?: { readonly repeat: (request: Request<Key>) => Repeat } }

const dataRepeats: Repeats = Credential.operations

const controlRepeats: { readonly [Key in OperationKey]?: Repeat } = repeats

/** When a request is repeated, as its operation says, without loading the operations of the control plane. */
export const repeatOf = <Key extends OperationKey>(key: Key, request: Request<Key>): Repeat =>
  dataRepeats[key]?.repeat(request) ?? controlRepeats[key] ?? "always"

const isThrottle = (error: IdentityError) =>
  error._tag === "Throttled" || (error._tag === "UnknownServiceError" && error.status === 429)

/** The longest wait that the service's `Retry-After` causes. */
const longest = Duration.minutes(1)

/** The least delay after this error: the service's `Retry-After`, at most one minute. */
export const retryAfterOf = (error: unknown): Duration.Duration =>
  Duration.min(longest, Duration.seconds(isIdentityError(error) && "retryAfter" in error ? error.retryAfter ?? 0 : 0))

const withRetryAfter = (schedule: Schedule.Schedule<unknown>) =>
  Schedule.identity<unknown>().pipe(
    Schedule.intersect(schedule),
    Schedule.modifyDelay(([error], delay) => Duration.max(delay, retryAfterOf(error)))
  )

const retried = <A, E>(self: Effect.Effect<A, E>, repeat: Repeat, budget: RetryBudget): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    let taken = 0
    let unsent = 0
    const isRepeated = (error: E) => {
      if (!isIdentityError(error) || !isTransient(error) || (repeat === "throttled" && !isThrottle(error))) return false
      taken = unsent = budget.take(error)
      return taken > 0
    }
    /** Repeats a call that has failed. Its failure is the first attempt of the schedule. */
    const again = (failed: Effect.Effect<never, E>) => {
      let next: Effect.Effect<A, E> = failed
      const attempt = Effect.suspend(() => {
        const one = next
        next = self
        unsent = 0
        return one
      })
      return RetryPolicy.pipe(
        Effect.flatMap((schedule) => Effect.retry(attempt, { schedule: withRetryAfter(schedule), while: isRepeated })),
        // Interrupted while it waits: the repetition was not sent.
        Effect.onInterrupt(() => Effect.sync(() => budget.refund(unsent)))
      )
    }
    const given = (value: A) => {
      budget.give(taken)
      return value
    }
    return Effect.matchEffect(self, {
      // Most calls succeed, and the driver of a schedule takes longer than the rest of this.
      onFailure: (error) =>
        isIdentityError(error) && isTransient(error)
          ? Effect.map(again(Effect.fail(error)), given)
          : Effect.fail(error),
      onSuccess: (value) => Effect.succeed(given(value))
    })
  })

/** The same port, with the program's retries. Each operation says what may be sent twice; all of them share one budget. */
export const withRetries = (
  api: IdentityApi["Type"]
): Effect.Effect<IdentityApi["Type"]> =>
  Effect.map(RetryCapacity, (capacity) => {
    const budget = retryBudget.make(capacity)
    return make((key) => (request) => {
      const repeat = repeatOf(key, request)
      return repeat === "never" ? api[key](request) : retried(api[key](request), repeat, budget)
    })
  })
