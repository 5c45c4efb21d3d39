import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import { ConsentLedger } from "../../ConsentLedger.js"
import type { ConsentSeal } from "../../ConsentSeal.js"
import { type ConsentPending, ConsentTimedOut, HandleRejected, isTransient } from "../../IdentityError.js"
import type {
  Resume,
  ResumeFailure,
  ResumeOptions,
  ResumePollFailure,
  WithWorkloadAccessToken
} from "../../TokenOptions.js"
import * as handle from "../consent/resumeHandle.js"
import type { TokenFlow } from "./askForToken.js"
import type { ConsentWaits } from "./waitForConsent.js"
import { workloadTokenOf } from "./workloadToken.js"

/** The first poll: the service may have ended the session before its time. */
const withExpiry = <E>(poll: Effect.Effect<Redacted.Redacted, E | ConsentTimedOut>) =>
  Effect.catchIf(
    poll,
    (error): error is ConsentTimedOut => error instanceof ConsentTimedOut,
    () => new HandleRejected({ reason: "Expired" })
  )

type Resumed<E> = Effect.Effect<Redacted.Redacted, E, ConsentSeal | ConsentLedger>

type Options = Omit<ResumeOptions, "wait"> & { readonly wait?: boolean | undefined } & WithWorkloadAccessToken

/**
 * Resumes the call of a handle: polls at once, since the user may have answered meanwhile, and then waits. If several calls
 * resume one handle, one of them receives the token.
 */
export const make = (flow: TokenFlow, waits: ConsentWaits): Resume => {
  function resume(handle: Redacted.Redacted, options: ResumeOptions & WithWorkloadAccessToken): Resumed<ResumeFailure>
  function resume(
    handle: Redacted.Redacted,
    options: { readonly wait: false } & WithWorkloadAccessToken
  ): Resumed<ResumePollFailure>
  function resume(given: Redacted.Redacted, options: Options): Resumed<ResumeFailure | ConsentPending> {
    return Effect.withSpan(resumed(given, options), "IdentityService.resume")
  }

  const resumed = (given: Redacted.Redacted, options: Options) =>
    Effect.gen(function*() {
      const workloadAccessToken = yield* workloadTokenOf(options)
      const ledger = yield* ConsentLedger
      const { consent, id } = yield* handle.open(given)
      // The handle is consumed, and not the session: callers that share a session have a handle each.
      const key = `resumed/${id}`
      const polled = withExpiry(flow.poll(consent, workloadAccessToken))
      const token = options.wait === false ? polled : waits.subscribed(consent, (waiter) =>
        // A failure that a wait retries does not prevent the wait.
        Effect.catchAll(polled, (error): Effect.Effect<Redacted.Redacted, ResumeFailure> =>
          error._tag === "ConsentPending" || isTransient(error)
            ? waits.waiting(consent, workloadAccessToken, waiter).wait(options.tokenPoller)
            : Effect.fail(error)))
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

  return resume
}
