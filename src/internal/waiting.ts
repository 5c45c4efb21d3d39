/** How a call waits for a person's answer: by the schedule of its poller, and by the news that they have given it. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { WaitFailure } from "../Consent.js"
import { ConsentSignal } from "../ConsentSignal.js"
import { type ConsentRequired, ConsentTimedOut, isTransient } from "../IdentityError.js"
import { type Poller, type PollFailure, TokenPoller } from "../TokenPoller.js"
import * as budget from "./budget.js"
import { digest } from "./digest.js"
import type { TokenFlow } from "./tokenFlow.js"
import * as wake from "./wake.js"

const passes = (error: PollFailure) => error._tag === "ConsentPending" || isTransient(error)

/** What ends once a completed session has been told of, here or by another process. */
const news = (sessionUri: Redacted.Redacted, here: Effect.Effect<void>): Effect.Effect<void> =>
  Effect.flatMap(
    ConsentSignal,
    (signal) => signal === undefined ? here : Effect.raceFirst(here, Effect.flatMap(digest(sessionUri), signal.arrival))
  )

/** @internal */
export interface Waiting {
  /** Runs `use` with what ends once the session has been completed in this process, from now on. */
  readonly listening: <A, E, R>(
    consent: ConsentRequired,
    use: (completed: Effect.Effect<void>) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E, R>
  /** Waits for the answer to `consent`. */
  readonly wait: (
    consent: ConsentRequired,
    workloadAccessToken: Redacted.Redacted,
    completed: Effect.Effect<void>,
    poller?: Poller
  ) => Effect.Effect<Redacted.Redacted, WaitFailure>
  /** Wakes whoever waits for this session. */
  readonly completed: (sessionUri: Redacted.Redacted) => Effect.Effect<void>
}

/** @internal */
export const make = (flow: TokenFlow): Effect.Effect<Waiting> =>
  Effect.gen(function*() {
    const hub = yield* wake.make
    const { turn } = yield* budget.make

    return {
      listening: ({ sessionUri }, use) => hub.listening(Redacted.value(sessionUri), use),
      wait: (consent, workloadAccessToken, completed, given) => {
        const { expiresAt, providerName, sessionUri } = consent
        const poll: Effect.Effect<Redacted.Redacted, PollFailure> = flow.poll(consent, workloadAccessToken).pipe(
          // A poller may outlast the session: what it is denied from then on is the session, and nobody will answer.
          Effect.catchIf(
            (error) => error._tag === "AccessDenied" || passes(error),
            (error) =>
              Effect.flatMap(
                DateTime.isPast(expiresAt),
                (isPast) => Effect.fail(isPast ? new ConsentTimedOut({ providerName }) : error)
              )
          )
        )
        const by = (poller: Poller) => poller.poll(consent, Effect.zipRight(turn, poll))
        const polled: Effect.Effect<Redacted.Redacted, PollFailure> = given === undefined
          ? Effect.flatMap(TokenPoller, by)
          : by(given)
        // A session is completed once. If its poll fails all the same, the schedule goes on.
        const told: Effect.Effect<Redacted.Redacted, PollFailure> = Effect.zipRight(
          news(sessionUri, completed),
          poll
        ).pipe(Effect.catchIf(passes, () => Effect.never))
        return Effect.mapError(
          Effect.raceFirst(polled, told),
          (error) =>
            error._tag === "ConsentPending" || isTransient(error) ? new ConsentTimedOut({ providerName }) : error
        )
      },
      completed: (sessionUri) =>
        Effect.zipRight(
          hub.wake(Redacted.value(sessionUri)),
          Effect.flatMap(
            ConsentSignal,
            (signal) => signal === undefined ? Effect.void : Effect.flatMap(digest(sessionUri), signal.publish)
          )
        )
    }
  })
