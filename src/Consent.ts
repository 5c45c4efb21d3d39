/**
 * What becomes of a call for which a person has to consent: it fails, it waits, or it is put aside and resumed later.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import type { ConsentSeal } from "./ConsentSeal.js"
import type { Failure } from "./IdentityApi.js"
import type { ConsentDenied, ConsentRequired, ConsentTimedOut } from "./IdentityError.js"
import * as handle from "./internal/consent/resumeHandle.js"
import type { Poller } from "./TokenPoller.js"

/**
 * What a wait for consent can end with, besides the token.
 *
 * @since 0.1.0
 * @category errors
 */
export type WaitFailure = Failure<"getResourceOauth2Token"> | ConsentDenied | ConsentTimedOut

/**
 * A way of dealing with consent. `onConsent` gets what the person is asked, and `waiting`, which waits for their answer
 * with the poller given, or the program's; it gives the token, however it comes by it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Strategy<out E = never, out R = never> {
  readonly onConsent: (
    consent: ConsentRequired,
    waiting: (poller?: Poller) => Effect.Effect<Redacted.Redacted, WaitFailure>
  ) => Effect.Effect<Redacted.Redacted, E, R>
}

/**
 * The call fails with `ConsentRequired`, which says everything needed to show it, and to ask again. The default.
 *
 * @since 0.1.0
 * @category strategies
 */
export const fail: Strategy<ConsentRequired> = { onConsent: (consent) => Effect.fail(consent) }

/**
 * The call waits. `announce` is told once which URL the person has to open, which it may show, send or store; its
 * failure ends the call. `poller` says how to wait, by default the program's `TokenPoller`: every 5 seconds for at most
 * 10 minutes. A consent that is completed in this process, or that a `ConsentSignal` tells of, ends the wait at once.
 *
 * Fails with `ConsentDenied` when the person refuses, and with `ConsentTimedOut` when nobody answers in time.
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
 *   consent: Consent.wait({ announce: (url) => Console.log(`Open ${Redacted.value(url)}`) })
 * })
 * ```
 *
 * @since 0.1.0
 * @category strategies
 */
export const wait = <E = never, R = never>({ announce, poller }: {
  readonly announce: (
    authorizationUrl: Redacted.Redacted,
    consent: ConsentRequired
  ) => Effect.Effect<unknown, E, R>
  readonly poller?: Poller | undefined
}): Strategy<WaitFailure | E, R> => ({
  onConsent: (consent, waiting) => Effect.zipRight(announce(consent.authorizationUrl, consent), waiting(poller))
})

/**
 * The call fails with a `ConsentRequired` that has a `handle`: an opaque string to keep until the person has answered,
 * and to give to `IdentityService.resume`, in this process or another that has the same `ConsentSeal`.
 *
 * @since 0.1.0
 * @category strategies
 */
export const suspend: Strategy<ConsentRequired, ConsentSeal> = {
  onConsent: (consent) => Effect.flatMap(handle.attach(consent), Effect.fail)
}

/**
 * The strategy of calls that bring none; {@link fail} unless a program provides another.
 *
 * @since 0.1.0
 * @category tags
 */
export class ProgramStrategy extends Context.Reference<ProgramStrategy>()(
  "effect-agentcore-identity/Consent/ProgramStrategy",
  { defaultValue: (): Strategy<ConsentRequired | WaitFailure> => fail }
) {}

/**
 * Deals with consent in one way throughout a program, wherever a call does not say. The failures of calls stay what
 * they are, so that what `announce` may fail with has to be dealt with in it.
 *
 * @example
 * ```ts
 * import { Console, Layer, Redacted } from "effect"
 * import { Consent, IdentityService } from "effect-agentcore-identity"
 *
 * export const Waiting = Consent.layer(
 *   Consent.wait({ announce: (url) => Console.log(`Open ${Redacted.value(url)}`) })
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
