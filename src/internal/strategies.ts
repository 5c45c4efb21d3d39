import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Consent from "../Consent.js"
import type { ConsentRequired } from "../IdentityError.js"
import type { AnyTokenOptions, WithWorkloadAccessToken } from "../TokenOptions.js"
import type { Poller } from "../TokenPoller.js"
import * as Grant from "./grant.js"
import type { Asked } from "./tokenFlow.js"
import type { Waiting } from "./waiting.js"
import type { Bell } from "./wake.js"

type Failure = Consent.WaitFailure | ConsentRequired

/**
 * Asks, and deals with consent as the call, or else the program, would have it.
 *
 * @internal
 */
export const make = (waiting: Waiting) => {
  const onConsent = <E, R>(
    options: AnyTokenOptions<E, R> & WithWorkloadAccessToken,
    consent: ConsentRequired,
    completed: Bell
  ): Effect.Effect<Redacted.Redacted, Failure | E, R> => {
    const waits = (poller?: Poller) => waiting.wait(consent, options.workloadAccessToken, completed, poller)
    if (options.onAuthUrl !== undefined) {
      const { onAuthUrl: announce, tokenPoller: poller } = options
      return Consent.wait({ announce, poller }).onConsent(consent, waits)
    }
    return options.consent === undefined
      ? Effect.flatMap(Consent.ProgramStrategy, (strategy) => strategy.onConsent(consent, waits))
      : options.consent.onConsent(consent, waits)
  }

  return <E, R>(
    span: string,
    options: AnyTokenOptions<E, R> & WithWorkloadAccessToken,
    ask: (asked: Asked) => Effect.Effect<Redacted.Redacted, Failure>
  ): Effect.Effect<Redacted.Redacted, Failure | E, R> => {
    const { authFlow, providerName, workloadAccessToken } = options
    return Grant.ofOptions(options).pipe(
      Effect.flatMap((grant) => ask({ grant, workloadAccessToken })),
      Effect.catchIf(
        (error) => error._tag === "ConsentRequired",
        // Heard from before anybody is told, who may be quick.
        (consent) => waiting.listening(consent, (completed) => onConsent(options, consent, completed))
      ),
      // Nobody's code is between here and the span, and whoever waits would keep the stack in memory all the while.
      Effect.withSpan(span, { attributes: { providerName, authFlow }, captureStackTrace: false })
    )
  }
}
