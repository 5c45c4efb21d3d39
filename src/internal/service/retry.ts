import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as IdentityApi from "../../IdentityApi.js"
import { type IdentityError, isIdentityError, isTransient } from "../../IdentityError.js"
import type { Repeat } from "../../Operation.js"
import { RetryCapacity, RetryPolicy } from "../../RetryPolicy.js"
import * as retryBudget from "./retryBudget.js"
import type { RetryBudget } from "./retryBudget.js"

const repeats: {
  readonly [Key in IdentityApi.OperationKey]: {
    readonly repeat: (request: IdentityApi.Request<Key>) => Repeat
  }
} = IdentityApi.operations

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
    const again = (failed: Effect.Effect<never, E>) => {
      // The schedule is started by a failure, so the first of its attempts is the one that has failed already.
      let next: Effect.Effect<A, E> = failed
      const attempt = Effect.suspend(() => {
        const one = next
        next = self
        unsent = 0
        return one
      })
      return Effect.flatMap(
        RetryPolicy,
        (schedule) => Effect.retry(attempt, { schedule: withRetryAfter(schedule), while: isRepeated })
      )
        // Interrupted while it waits: the repetition was not sent.
        .pipe(Effect.onInterrupt(() => Effect.sync(() => budget.refund(unsent))))
    }
    return Effect.map(
      Effect.catchAll(
        self,
        (error) => isIdentityError(error) && isTransient(error) ? again(Effect.fail(error)) : Effect.fail(error)
      ),
      (value) => {
        budget.give(taken)
        return value
      }
    )
  })

/** The same port, with the program's retries. Each operation says what may be sent twice; all of them share one budget. */
export const withRetries = (
  api: IdentityApi.IdentityApi["Type"]
): Effect.Effect<IdentityApi.IdentityApi["Type"]> =>
  Effect.map(RetryCapacity, (capacity) => {
    const budget = retryBudget.make(capacity)
    return IdentityApi.make((key) => (request) => {
      const repeat = repeats[key].repeat(request)
      return repeat === "never" ? api[key](request) : retried(api[key](request), repeat, budget)
    })
  })
