import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { ConsentLedger } from "../../ConsentLedger.js"
import type { ConsentSeal } from "../../ConsentSeal.js"
import {
  type ConsentPending,
  type ConsentRequired,
  ConsentTimedOut,
  HandleRejected,
  isTransient
} from "../../IdentityError.js"
import type {
  Resume,
  ResumeFailure,
  ResumeOptions,
  ResumePollFailure,
  WithWorkloadAccessToken
} from "../../TokenOptions.js"
import * as handle from "../consent/resumeHandle.js"
import type { TokenFlow } from "./askForToken.js"
import type { ConsentSession } from "./consentSession.js"
import { nextNumber, pollFrom } from "./consentSession.js"
import type { Flights } from "./flights.js"
import { grantKey, requestKind } from "./grantKey.js"
import { type ConsentWaits, stop, waiter } from "./waitForConsent.js"
import { renewing, workloadTokenOf } from "./workloadToken.js"

/** The first poll: the service may have ended the session before its time. */
const withExpiry = <E>(poll: Effect.Effect<Redacted.Redacted, E | ConsentTimedOut>) =>
  Effect.catchIf(
    poll,
    (error): error is ConsentTimedOut => error instanceof ConsentTimedOut,
    () => new HandleRejected({ reason: "Expired" })
  )

type Resumed<E> = Effect.Effect<Redacted.Redacted, E, ConsentSeal | ConsentLedger>

type WithoutContext = Effect.Effect<Redacted.Redacted, ResumeFailure | ConsentPending>

type Options = Omit<ResumeOptions, "wait"> & { readonly wait?: boolean | undefined } & WithWorkloadAccessToken

/**
 * Resumes the call of a handle: polls at once, since the user may have answered meanwhile, and then waits. If several calls
 * resume one handle, one of them receives the token. Calls that resume handles of one session share its polls.
 */
export const make = (flow: TokenFlow, flights: Flights, waits: ConsentWaits): Resume => {
  function resume(handle: Redacted.Redacted, options: ResumeOptions & WithWorkloadAccessToken): Resumed<ResumeFailure>
  function resume(
    handle: Redacted.Redacted,
    options: { readonly wait: false } & WithWorkloadAccessToken
  ): Resumed<ResumePollFailure>
  function resume(given: Redacted.Redacted, options: Options): Resumed<ResumeFailure | ConsentPending> {
    return Effect.withSpan(resumed(given, options), "IdentityService.resume")
  }

  /** Runs `use` with the session of the consent, as one of the calls that wait for it. */
  const withSession = <E>(
    consent: ConsentRequired,
    token: Redacted.Redacted,
    options: Options,
    use: (session: ConsentSession) => Effect.Effect<Redacted.Redacted, E>
  ) => {
    const keyOf = (kind: string) => grantKey(options, token, consent, kind)
    return Effect.acquireUseRelease(
      flights.joinSession(keyOf(`resume ${Redacted.value(consent.sessionUri)}`), keyOf(requestKind), consent),
      ({ session }) => session === undefined ? Effect.dieMessage("a resumed call has a session") : use(session),
      (flight) => Effect.suspend(() => flights.leave(flight) ?? Effect.void)
    )
  }

  const waitFor = (session: ConsentSession, options: Options) =>
    Effect.acquireUseRelease(
      Effect.sync(() => waiter(session, options)),
      (own) => waits.waiting(own).wait(options.tokenPoller),
      stop
    )

  const resumed = (given: Redacted.Redacted, options: Options) =>
    Effect.gen(function*() {
      const workloadAccessToken = yield* workloadTokenOf(options)
      const ledger = yield* ConsentLedger
      const { consent, id } = yield* handle.open(given)
      // The handle is consumed, and not the session: callers that share a session have a handle each.
      const key = `resumed/${id}`
      const token = withSession(consent, workloadAccessToken, options, (session): WithoutContext => {
        const poll = renewing(options, workloadAccessToken, (token) =>
          pollFrom(session, { number: nextNumber(session), since: session.currentFrom }, {
            token: Effect.succeed(token),
            send: (token) =>
              flow.poll(consent, token)
          }))
        const polled = withExpiry(poll)
        // A failure that a wait retries does not prevent the wait.
        return options.wait === false
          ? polled
          : Effect.catchAll(polled, (error): Effect.Effect<Redacted.Redacted, ResumeFailure> =>
            error._tag === "ConsentPending" || isTransient(error) ? waitFor(session, options) : Effect.fail(error))
      })
      const replayed = new HandleRejected({ reason: "Replayed" })
      if (Option.isSome(yield* ledger.get(key))) {
        return yield* replayed
      }
      const accessToken = yield* token
      // The handle is consumed only when a token is returned: an interruption, also during the recording, leaves it valid.
      return yield* Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(
          ledger.add(key, "", DateTime.add(consent.expiresAt, { minutes: 1 })),
          (isFirst): Effect.Effect<Redacted.Redacted, HandleRejected> =>
            isFirst
              ? Effect.onInterrupt(restore(Effect.succeed(accessToken)), () =>
                Effect.ignore(ledger.take(key)))
              : replayed
        )
      )
    })

  return resume
}
