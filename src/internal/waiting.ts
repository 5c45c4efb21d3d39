/** How a call waits for a person's answer: by the schedule of its poller, and by the news that they have given it. */
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import type { WaitFailure } from "../Consent.js"
import { ConsentSignal } from "../ConsentSignal.js"
import { type ConsentRequired, ConsentTimedOut, isTransient } from "../IdentityError.js"
import { type Poller, type PollFailure, TokenPoller } from "../TokenPoller.js"
import * as budget from "./budget.js"
import { digest } from "./digest.js"
import type { TokenFlow } from "./tokenFlow.js"
import * as wake from "./wake.js"
import type { Bell } from "./wake.js"

const passes = (error: PollFailure) => error._tag === "ConsentPending" || isTransient(error)

/** How long telling other processes may take; without it they find out by their schedules. */
const telling = Duration.seconds(10)

/** @internal */
export interface Waiting {
  /** Runs `use` with what rings once the session has been completed in this process, from now on. */
  readonly listening: <A, E, R>(
    consent: ConsentRequired,
    use: (completed: Bell) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E, R>
  /** Waits for the answer to `consent`. */
  readonly wait: (
    consent: ConsentRequired,
    workloadAccessToken: Redacted.Redacted,
    completed: Bell,
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
      listening: ({ sessionUri }, use) =>
        hub.hearing(Redacted.value(sessionUri), (bell) =>
          Effect.flatMap(ConsentSignal, (signal) => {
            if (signal === undefined) return use(bell)
            const told = Effect.flatMap(digest(sessionUri), signal.arrival)
            return Effect.acquireUseRelease(
              Effect.fork(Effect.interruptible(Effect.zipRight(told, hub.wake(Redacted.value(sessionUri))))),
              () => use(bell),
              Fiber.interrupt
            )
          })),
      wait: (consent, workloadAccessToken, completed, given) => {
        const { expiresAt, providerName } = consent
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
        // What to go on with: the end of the poller, or a poll of its own. One fiber sleeps here, whoever is awaited.
        const answered = Effect.gen(function*() {
          const answer = yield* Deferred.make<Effect.Effect<Redacted.Redacted, PollFailure>>()
          const poller = yield* Effect.fork(
            Effect.onExit(polled, (exit) => Deferred.succeed(answer, exit))
          )
          // A session is completed once. If its poll fails all the same, the schedule goes on.
          const told = Effect.raceFirst(Effect.catchIf(poll, passes, () => Effect.never), Fiber.join(poller))
          const ring = Deferred.succeed(answer, told)
          yield* completed.onRing(ring)
          return yield* Effect.ensuring(Effect.flatten(Deferred.await(answer)), Fiber.interrupt(poller))
        })
        return Effect.mapError(
          answered,
          (error) =>
            error._tag === "ConsentPending" || isTransient(error) ? new ConsentTimedOut({ providerName }) : error
        )
      },
      completed: (sessionUri) =>
        Effect.zipRight(
          hub.wake(Redacted.value(sessionUri)),
          Effect.flatMap(ConsentSignal, (signal) =>
            signal === undefined
              ? Effect.void
              : digest(sessionUri).pipe(
                Effect.flatMap((key) => signal.publish(key)),
                Effect.timeout(telling),
                Effect.catchAllCause((cause) => Effect.logWarning("A completed consent was not told of", cause)),
                // The session is completed, whether others hear of it or not.
                Effect.interruptible,
                Effect.forkDaemon
              ))
        )
    }
  })
