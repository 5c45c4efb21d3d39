import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Consent from "../../Consent.js"
import type { ConsentRequired } from "../../IdentityError.js"
import type { AnyTokenOptions, WithWorkloadAccessToken } from "../../TokenOptions.js"
import type { Poller } from "../../TokenPoller.js"
import { within } from "../lib/span.js"
import type { Asked } from "./askForToken.js"
import * as Grant from "./tokenRequest.js"
import { type Seat, seat as seatOf, type Waiting } from "./waitForConsent.js"

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
    seat: Seat
  ): Effect.Effect<Redacted.Redacted, Failure | E, R> => {
    const waits = (poller?: Poller) => waiting.wait(consent, options.workloadAccessToken, seat, poller)
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
    const asked = (seat: Seat) =>
      Grant.ofOptions(options).pipe(
        Effect.flatMap((grant) => ask({ grant, workloadAccessToken })),
        Effect.catchIf(
          (error) => error._tag === "ConsentRequired",
          // Heard from before anybody is told, who may be quick.
          (consent) => Effect.zipRight(waiting.hear(seat, consent), onConsent(options, consent, seat))
        )
      )
    return Effect.suspend(() => {
      const seat = seatOf()
      // What has been done is not kept while the rest of it sleeps.
      return within(span, { providerName, authFlow }, Effect.suspend(() => asked(seat)), waiting.leave(seat))
    })
  }
}
