import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type * as Schedule from "effect/Schedule"
import type { WaitFailure } from "../../Consent.js"
import { ConsentLedger } from "../../ConsentLedger.js"
import type { ConsentSeal } from "../../ConsentSeal.js"
import { HandleRejected, type LedgerFailure } from "../../IdentityError.js"
import type { WithWorkloadAccessToken } from "../../TokenOptions.js"
import type { MintFailure } from "../../WorkloadAccessToken.js"
import * as handle from "../consent/resumeHandle.js"
import { digest } from "../lib/digest.js"
import type { TokenFlow } from "./askForToken.js"
import { type ConsentWaits, orRetry } from "./waitForConsent.js"
import { workloadTokenOf } from "./workloadToken.js"

/** @internal */
export type ResumeFailure = WaitFailure | MintFailure | HandleRejected | LedgerFailure

/**
 * Resumes the call of a handle: polls at once, since the user may have answered meanwhile, and then waits. If several calls
 * resume one handle, one of them receives the token.
 *
 * @internal
 */
export const make = (flow: TokenFlow, waits: ConsentWaits) =>
(
  given: Redacted.Redacted,
  options: WithWorkloadAccessToken & {
    readonly tokenPoller?: Schedule.Schedule<unknown> | undefined
  }
): Effect.Effect<Redacted.Redacted, ResumeFailure, ConsentSeal | ConsentLedger> =>
  Effect.gen(function*() {
    const workloadAccessToken = yield* workloadTokenOf(options)
    const ledger = yield* ConsentLedger
    const consent = yield* handle.open(given)
    const key = `resumed/${yield* digest(consent.sessionUri)}`
    const token = waits.subscribed(consent, (waiter) =>
      // A failure that a wait retries does not prevent the wait.
      orRetry(
        flow.poll(consent, workloadAccessToken),
        () => waits.waiting(consent, workloadAccessToken, waiter).wait(options.tokenPoller)
      ))
    const replayed = new HandleRejected({ reason: "Replayed" })
    if (Option.isSome(yield* ledger.get(key))) return yield* replayed
    const accessToken = yield* token
    // The handle is consumed only when a token is returned: an interruption, also during the recording, leaves it valid.
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
