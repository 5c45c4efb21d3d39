/**
 * How an agent waits for a person's consent.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import type { Failure } from "./IdentityApi.js"
import {
  type ConsentDenied,
  ConsentPending,
  type ConsentRequired,
  type ConsentTimedOut,
  isTransient
} from "./IdentityError.js"
import * as scheduled from "./internal/consent/scheduled.js"

/**
 * What one poll can fail with: `ConsentPending` while nobody has answered.
 *
 * @since 0.1.0
 * @category models
 */
export type PollFailure = ConsentPending | ConsentDenied | ConsentTimedOut | Failure<"getResourceOauth2Token">

/**
 * A way of waiting. `poll` gets what the person was asked, and `ask`, which sends one poll; it gives the token, however
 * it comes by it. When it fails with `ConsentPending`, or with an error that may pass, the wait is over:
 * `ConsentTimedOut`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Poller {
  readonly poll: (
    consent: ConsentRequired,
    ask: Effect.Effect<Redacted.Redacted, PollFailure>
  ) => Effect.Effect<Redacted.Redacted, PollFailure>
}

/**
 * Every five seconds for at most ten minutes, which is as long as a session lives. The first wait comes before the
 * first poll.
 *
 * @since 0.1.0
 * @category schedules
 */
export const defaultSchedule: Schedule.Schedule<unknown> = Schedule.spaced("5 seconds").pipe(
  Schedule.upTo("10 minutes")
)

/**
 * Polls on a schedule. A poll that is throttled or fails in another way that may pass does not end the wait; a refusal
 * does, at once.
 *
 * @example
 * ```ts
 * import { Schedule } from "effect"
 * import { TokenPoller } from "effect-agentcore-identity"
 *
 * export const eager = TokenPoller.fromSchedule(
 *   Schedule.exponential("250 millis", 1.5).pipe(Schedule.jittered, Schedule.upTo("2 minutes"))
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromSchedule = (schedule: Schedule.Schedule<unknown>): Poller => ({
  // This is for whoever calls it; a wait only takes the schedule from it.
  poll: scheduled.mark(
    schedule,
    Effect.fnUntraced(function*(consent: ConsentRequired, ask: Effect.Effect<Redacted.Redacted, PollFailure>) {
      const justAsked = yield* Ref.make(true)
      return yield* Ref.getAndSet(justAsked, false).pipe(
        // The person has only now been asked, so the first attempt of the retry is not worth a request.
        Effect.flatMap((first) => first ? new ConsentPending({ providerName: consent.providerName }) : ask),
        Effect.retry({ schedule, while: (error) => error._tag === "ConsentPending" || isTransient(error) })
      )
    })
  )
})

/**
 * The poller of a program, {@link defaultSchedule} unless it provides another. A call may bring its own.
 *
 * @since 0.1.0
 * @category tags
 */
export class TokenPoller extends Context.Reference<TokenPoller>()("effect-agentcore-identity/TokenPoller", {
  defaultValue: () => fromSchedule(defaultSchedule)
}) {}

/**
 * How many polls a second all waits of one `IdentityService` may send together; default 100, which is half of what an
 * account may call. They go at once while there is room, and then take turns. A poll that follows the news of a completed consent is not
 * counted: it is the last.
 *
 * @since 0.1.0
 * @category tags
 */
export class PollBudget extends Context.Reference<PollBudget>()("effect-agentcore-identity/TokenPoller/PollBudget", {
  defaultValue: () => 100
}) {}

/**
 * Another budget, throughout a program. `Infinity` sets no limit; 0 or less is a defect when the layer is built.
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
      : Effect.dieMessage("TokenPoller.layerBudget: expected more than 0 calls a second")
  )

/**
 * Waits in another way, throughout a program.
 *
 * @example
 * ```ts
 * import { Schedule } from "effect"
 * import { TokenPoller } from "effect-agentcore-identity"
 *
 * export const EverySecond = TokenPoller.layer(
 *   TokenPoller.fromSchedule(Schedule.spaced("1 second").pipe(Schedule.upTo("5 minutes")))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (poller: Poller): Layer.Layer<TokenPoller> => Layer.succeed(TokenPoller, poller)
