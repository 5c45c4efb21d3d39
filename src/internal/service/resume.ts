import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type { WaitFailure } from "../../Consent.js"
import { ConsentLedger } from "../../ConsentLedger.js"
import type { ConsentSeal } from "../../ConsentSeal.js"
import { HandleRejected, isTransient, type LedgerFailure } from "../../IdentityError.js"
import type { Poller } from "../../TokenPoller.js"
import * as handle from "../consent/resumeHandle.js"
import { digest } from "../lib/digest.js"
import type { TokenFlow } from "./askForToken.js"
import type { Waiting } from "./waitForConsent.js"

/** @internal */
export type ResumeFailure = WaitFailure | HandleRejected | LedgerFailure

/**
 * Goes on with the consent of a handle: asks at once, since the person may have answered in the meantime, and then waits.
 * Of several who do, one gets the token.
 *
 * @internal
 */
export const make = (flow: TokenFlow, waiting: Waiting) =>
(
  given: Redacted.Redacted,
  options: { readonly workloadAccessToken: Redacted.Redacted; readonly tokenPoller?: Poller | undefined }
): Effect.Effect<Redacted.Redacted, ResumeFailure, ConsentSeal | ConsentLedger> =>
  Effect.gen(function*() {
    const { workloadAccessToken } = options
    const ledger = yield* ConsentLedger
    const consent = yield* handle.open(given)
    const key = `resumed/${yield* digest(consent.sessionUri)}`
    const token = waiting.listening(consent, (completed) =>
      flow.poll(consent, workloadAccessToken).pipe(
        // A transient failure does not end a wait, so it does not prevent one either.
        Effect.catchAll((error) =>
          error._tag === "ConsentPending" || isTransient(error)
            ? waiting.wait(consent, workloadAccessToken, completed, options.tokenPoller)
            : Effect.fail(error)
        )
      ))
    const replayed = new HandleRejected({ reason: "Replayed" })
    if (Option.isSome(yield* ledger.get(key))) return yield* replayed
    const accessToken = yield* token
    // Used when it gives a token, and not before: whoever is stopped while they wait, or while it is noted, leaves it good.
    return yield* Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(
        ledger.add(key, "", DateTime.add(consent.expiresAt, { minutes: 1 })),
        (isFirst): Effect.Effect<Redacted.Redacted, HandleRejected> =>
          isFirst
            ? Effect.onInterrupt(restore(Effect.succeed(accessToken)), () => Effect.ignore(ledger.take(key)))
            : replayed
      )
    )
  })
