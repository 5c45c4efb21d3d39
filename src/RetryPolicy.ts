/**
 * How a request is sent again after a fault that may pass: throttling, 5xx, a lost connection.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"

/**
 * Four more attempts at most, after random waits of up to 200, 400, 800 and 1600 milliseconds (exponential back-off
 * with full jitter).
 *
 * @since 0.1.0
 * @category schedules
 */
export const defaultSchedule: Schedule.Schedule<unknown> = Schedule.exponential("200 millis").pipe(
  Schedule.jitteredWith({ min: 0, max: 1 }),
  Schedule.intersect(Schedule.recurs(4))
)

/**
 * The schedule of `IdentityService`'s retries; {@link defaultSchedule} unless a program provides another. A request
 * that may have opened a consent session, or completed one, is sent again only after throttling, which says that
 * nothing was done. The AWS SDK's own retries are off, so that they do not multiply.
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
 * repetition took, or 1. So an outage causes at most 100 requests more than there are calls. First attempts are never limited,
 * and polls of a wait have a budget of their own (`TokenPoller.PollBudget`). `Infinity` turns the limit off. The value is read
 * when the service is made.
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
 * Retries on another schedule, throughout a program; `Schedule.stop` retries nothing.
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
