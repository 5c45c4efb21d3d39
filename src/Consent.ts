/**
 * Strategies for a call that needs the consent of a user: it fails, it waits, or it is suspended and resumed later.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import type * as Schedule from "effect/Schedule"
import type { ConsentSeal } from "./ConsentSeal.js"
import type { Failure } from "./IdentityApi.js"
import type { ConsentDenied, ConsentPending, ConsentRequired, ConsentTimedOut } from "./IdentityError.js"
import * as handle from "./internal/consent/resumeHandle.js"
import * as oncePerKey from "./internal/lib/oncePerKey.js"
import type { MintFailure } from "./WorkloadAccessToken.js"

/**
 * The errors of a wait for consent.
 *
 * @since 0.1.0
 * @category errors
 */
export type WaitFailure = Failure<"getResourceOauth2Token"> | MintFailure | ConsentDenied | ConsentTimedOut

/**
 * The ways to obtain the token of one consent request.
 *
 * @since 0.1.0
 * @category models
 */
export interface Waiting {
  /**
   * Sends one poll, within the budget of the program (`TokenPoller.layerBudget`). Fails with `ConsentPending` while the user
   * has not answered, and with `ConsentTimedOut` once the session has ended.
   */
  readonly poll: Effect.Effect<Redacted.Redacted, WaitFailure | ConsentPending>
  /**
   * The standard wait: polls on `schedule`, by default the program's `TokenPoller`, and ends at once when the consent is
   * completed in this process, or a `ConsentSignal` reports it.
   */
  readonly wait: (schedule?: Schedule.Schedule<unknown>) => Effect.Effect<Redacted.Redacted, WaitFailure>
}

/**
 * A way to handle consent: receives the consent request and the ways to obtain its token, and gives the token or fails.
 *
 * @since 0.1.0
 * @category models
 */
export interface Strategy<out E = never, out R = never> {
  readonly onConsent: (consent: ConsentRequired, waiting: Waiting) => Effect.Effect<Redacted.Redacted, E, R>
}

/**
 * Makes a strategy. Use it if the token comes another way than by polling.
 *
 * @example
 * ```ts
 * import { Effect, Queue, Redacted } from "effect"
 * import { Consent } from "effect-agentcore-identity"
 *
 * // Another part of the program puts the token into this queue; the standard wait runs beside it.
 * export const fromQueue = (tokens: Queue.Dequeue<Redacted.Redacted>) =>
 *   Consent.make((consent, { wait }) =>
 *     Effect.zipRight(
 *       Effect.log(`Consent for ${consent.providerName} is required`),
 *       Effect.race(Queue.take(tokens), wait())
 *     )
 *   )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <E, R>(onConsent: Strategy<E, R>["onConsent"]): Strategy<E, R> => ({ onConsent })

/**
 * The call fails with `ConsentRequired`, which contains everything that is needed to show the consent and to repeat the call.
 * This is the default.
 *
 * @since 0.1.0
 * @category strategies
 */
export const fail: Strategy<ConsentRequired> = { onConsent: (consent) => Effect.fail(consent) }

/**
 * The call waits. `onAuthUrl` runs with the URL that the user has to open, and can show, send or store it. `tokenPoller` is the schedule of the polls, by default the program's `TokenPoller`: every 5 seconds for at
 * most 10 minutes. The wait ends at once when the consent is completed in this process, or a `ConsentSignal` reports it.
 *
 * Calls that request the same grant at the same time share one session. For each URL, `onAuthUrl` of one strategy value runs
 * once, in the first call; its failure ends every call with that strategy. If that call is interrupted before it has ended, the
 * next call runs it. Strategies that were made separately are each called, with the same URL.
 *
 * Fails with `ConsentDenied` when the user refuses, and with `ConsentTimedOut` when the user does not answer in time.
 *
 * @example
 * ```ts
 * import { Console, Redacted } from "effect"
 * import { AccessToken, Consent } from "effect-agentcore-identity"
 *
 * export const withGitHub = AccessToken.provideAccessToken({
 *   providerName: "github",
 *   scopes: ["repo"],
 *   authFlow: "USER_FEDERATION",
 *   consent: Consent.wait({ onAuthUrl: (url) => Console.log(`Open ${Redacted.value(url)}`) })
 * })
 * ```
 *
 * @since 0.1.0
 * @category strategies
 */
export const wait = <E = never, R = never>({ onAuthUrl, tokenPoller }: {
  readonly onAuthUrl: (
    authorizationUrl: Redacted.Redacted,
    consent: ConsentRequired
  ) => Effect.Effect<unknown, E, R>
  readonly tokenPoller?: Schedule.Schedule<unknown> | undefined
}): Strategy<WaitFailure | E, R> => {
  const once = oncePerKey.make<Redacted.Redacted, E>()
  return make((consent, { wait }) =>
    Effect.zipRight(
      once(consent.authorizationUrl, Effect.suspend(() => onAuthUrl(consent.authorizationUrl, consent))),
      wait(tokenPoller)
    )
  )
}

/**
 * The call fails with a `ConsentRequired` that has a `handle`: an opaque string to store until the user has answered, and
 * to pass to `IdentityService.resume`, in this process or another one that has the same `ConsentSeal`.
 *
 * @since 0.1.0
 * @category strategies
 */
export const suspend: Strategy<ConsentRequired, ConsentSeal> = {
  onConsent: (consent) => Effect.flatMap(handle.attach(consent), Effect.fail)
}

/**
 * The strategy of calls without a strategy of their own; {@link fail} unless provided.
 *
 * @since 0.1.0
 * @category tags
 */
export class ProgramStrategy extends Context.Reference<ProgramStrategy>()(
  "effect-agentcore-identity/Consent/ProgramStrategy",
  { defaultValue: (): Strategy<ConsentRequired | WaitFailure> => fail }
) {}

/**
 * Sets the strategy of a program's calls that have none of their own. The errors of these calls do not change, so
 * `onAuthUrl` has to handle its own failures.
 *
 * @example
 * ```ts
 * import { Console, Layer, Redacted } from "effect"
 * import { Consent, IdentityService } from "effect-agentcore-identity"
 *
 * export const Waiting = Consent.layer(
 *   Consent.wait({ onAuthUrl: (url) => Console.log(`Open ${Redacted.value(url)}`) })
 * ).pipe(Layer.merge(IdentityService.layerTest))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = <R>(
  strategy: Strategy<ConsentRequired | WaitFailure, R>
): Layer.Layer<ProgramStrategy, never, R> =>
  Layer.effect(
    ProgramStrategy,
    Effect.map(Effect.context<R>(), (context) => ({
      onConsent: (consent, waiting) => Effect.provide(strategy.onConsent(consent, waiting), context)
    }))
  )
