/** Token requests whose consent is handled by the strategy of the call or of the program. */
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import { ProgramStrategy, type Strategy, type WaitFailure } from "../../Consent.js"
import type { ConsentRequired } from "../../IdentityError.js"
import type { AnyTokenOptions, WithWorkloadAccessToken } from "../../TokenOptions.js"
import type { MintFailure } from "../../WorkloadAccessToken.js"
import { withSpan } from "../lib/span.js"
import type { TokenContext } from "./askForToken.js"
import { ofOptions } from "./tokenRequest.js"
import { type ConsentWaits, type Waiter, waiter as makeWaiter } from "./waitForConsent.js"
import { workloadTokenOf } from "./workloadToken.js"

type Failure = WaitFailure | ConsentRequired | MintFailure

/** @internal */
export const make = (waits: ConsentWaits) => {
  const onConsent = <E, R>(
    { consent: strategy }: AnyTokenOptions<E, R>,
    consent: ConsentRequired,
    workloadAccessToken: Redacted.Redacted,
    waiter: Waiter
  ): Effect.Effect<Redacted.Redacted, Failure | E, R> => {
    const apply = <E2, R2>({ onConsent }: Strategy<E2, R2>) =>
      onConsent(consent, waits.waiting(consent, workloadAccessToken, waiter))
    return strategy === undefined ? Effect.flatMap(ProgramStrategy, apply) : apply(strategy)
  }

  return <E, R>(
    span: string,
    options: AnyTokenOptions<E, R> & WithWorkloadAccessToken,
    request: (context: TokenContext) => Effect.Effect<Redacted.Redacted, Failure>
  ): Effect.Effect<Redacted.Redacted, Failure | E, R> => {
    const { authFlow, providerName } = options
    const requested = (waiter: Waiter) =>
      Effect.flatMap(workloadTokenOf(options), (workloadAccessToken) =>
        ofOptions(options).pipe(
          Effect.flatMap((resolved) => request({ options: resolved, workloadAccessToken })),
          Effect.catchIf(
            (error) => error._tag === "ConsentRequired",
            // Subscribes before the strategy shows the URL, since the user may answer at once.
            (consent) =>
              Effect.zipRight(
                waits.subscribe(waiter, consent),
                onConsent(options, consent, workloadAccessToken, waiter)
              )
          )
        ))
    return Effect.suspend(() => {
      const waiter = makeWaiter()
      // Suspended, so that the request can be collected while the call waits.
      return withSpan(
        span,
        { providerName, authFlow },
        Effect.suspend(() => requested(waiter)),
        waits.unsubscribe(waiter)
      )
    })
  }
}
