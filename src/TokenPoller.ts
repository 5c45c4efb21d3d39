/**
 * Schedule and rate limit of the polls of a call that waits for consent.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { sessionLifetime } from "./internal/model/session.js"

/**
 * Polls every 5 seconds for at most 10 minutes, the lifetime of a session. The first poll is sent after the first delay.
 *
 * @since 0.1.0
 * @category schedules
 */
export const defaultSchedule: Schedule.Schedule<unknown> = /* @__PURE__ */ Schedule.upTo(
  /* @__PURE__ */ Schedule.spaced("5 seconds"),
  sessionLifetime
)

/**
 * Does not poll. The wait ends when the consent is completed in this process or a `ConsentSignal` reports it. It polls once
 * when the session expires, and fails with `ConsentTimedOut` if there is no token.
 *
 * @since 0.1.0
 * @category schedules
 */
export const completionOnly: Schedule.Schedule<unknown> = /* @__PURE__ */ Schedule.spaced(Duration.infinity)

/**
 * The schedule of a program's waits for consent; {@link defaultSchedule} unless provided. `Consent.wait({ tokenPoller })`
 * sets another one for a call.
 *
 * A wait is a retry on this schedule: a poll that finds no answer, or fails with a transient error, is repeated. When the
 * schedule or the session ends, the wait fails with `ConsentTimedOut`. The last poll is sent when the session expires, at the
 * latest.
 *
 * @since 0.1.0
 * @category tags
 */
export class TokenPoller extends Context.Reference<TokenPoller>()("effect-agentcore-identity/TokenPoller", {
  defaultValue: () => defaultSchedule
}) {}

/**
 * Polls per second that all waits of one `IdentityService` may send together. Defaults to 100, half the quota of an account.
 * Further polls are delayed. The poll after the completion event does not count, since it is the last of its wait.
 *
 * @since 0.1.0
 * @category tags
 */
export class PollBudget extends Context.Reference<PollBudget>()("effect-agentcore-identity/TokenPoller/PollBudget", {
  defaultValue: () => 100
}) {}

/**
 * Sets the poll budget of a program, in polls per second. `Infinity` sets no limit. 0 or less is a defect when the layer is
 * built.
 *
 * @example
 * ```ts
 * import { TokenPoller } from "effect-agentcore-identity"
 *
 * export const Modest = TokenPoller.layerBudget(20)
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerBudget = (callsPerSecond: number): Layer.Layer<PollBudget> =>
  Layer.effect(
    PollBudget,
    callsPerSecond > 0
      ? Effect.succeed(callsPerSecond)
      : Effect.dieMessage("TokenPoller.layerBudget: callsPerSecond must be more than 0")
  )

/**
 * Sets the schedule of the waits of a program.
 *
 * @example
 * ```ts
 * import { Schedule } from "effect"
 * import { TokenPoller } from "effect-agentcore-identity"
 *
 * export const EverySecond = TokenPoller.layer(Schedule.spaced("1 second").pipe(Schedule.upTo("5 minutes")))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (schedule: Schedule.Schedule<unknown>): Layer.Layer<TokenPoller> =>
  Layer.succeed(TokenPoller, schedule)
