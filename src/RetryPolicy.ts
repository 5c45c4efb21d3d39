/**
 * Schedule and budget of the retries after transient failures: throttling, 5xx, a lost connection.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"

/**
 * Retries at most 4 times, after random delays of at most 200, 400, 800 and 1,600 milliseconds (exponential back-off with full
 * jitter).
 *
 * @since 0.1.0
 * @category schedules
 */
export const defaultSchedule: Schedule.Schedule<unknown> = Schedule.exponential("200 millis").pipe(
  Schedule.jitteredWith({ min: 0, max: 1 }),
  Schedule.intersect(Schedule.recurs(4))
)

/**
 * Schedule of the retries of `IdentityService`; defaults to {@link defaultSchedule}. A request that may have opened or completed
 * a session, or created a resource, is repeated only after throttling, because a throttled request was not executed. The
 * retries of the AWS SDK are off, so that the two do not multiply.
 *
 * @since 0.1.0
 * @category tags
 */
export class RetryPolicy extends Context.Reference<RetryPolicy>()("effect-agentcore-identity/RetryPolicy", {
  defaultValue: () => defaultSchedule
}) {}

/**
 * Capacity of the retry budget of an `IdentityService`, in tokens; by default 500, as in the standard retry mode of the AWS SDKs.
 *
 * A repetition takes 5 tokens, or 10 after a timeout, and is not sent if there are too few. A success gives back what its last
 * repetition took, or 1. So while the service answers every call with HTTP 503, at most 100 requests are repetitions. First attempts
 * are never limited, polls of a wait have a budget of their own (`TokenPoller.PollBudget`), and what `AwsIdentity` sends once more
 * within a call is not counted. `Infinity` turns the limit off. The value is read when the service is made.
 *
 * @since 0.1.0
 * @category tags
 */
export class RetryCapacity
  extends Context.Reference<RetryCapacity>()("effect-agentcore-identity/RetryPolicy/RetryCapacity", {
    defaultValue: () => 500
  })
{}

/**
 * Sets the schedule of the retries of a program. `Schedule.stop` turns retries off.
 *
 * @example
 * ```ts
 * import { Schedule } from "effect"
 * import { RetryPolicy } from "effect-agentcore-identity"
 *
 * export const NoRetries = RetryPolicy.layer(Schedule.stop)
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (schedule: Schedule.Schedule<unknown>): Layer.Layer<RetryPolicy> =>
  Layer.succeed(RetryPolicy, schedule)
