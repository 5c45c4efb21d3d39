/** How a call waits for a person's answer: by the schedule of its poller, and by the news that they have given it. */
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
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

/** Rings when another process tells of the session: a fiber, if there is a signal to listen to. */
const overSignal = (
  sessionUri: Redacted.Redacted,
  ring: Effect.Effect<unknown>
): Effect.Effect<ReadonlyArray<Fiber.Fiber<unknown>>> =>
  Effect.flatMap(ConsentSignal, (signal) =>
    signal === undefined
      ? Effect.succeed([])
      : Effect.map(
        Effect.fork(digest(sessionUri).pipe(Effect.flatMap(signal.arrival), Effect.zipRight(ring))),
        (fiber) => [fiber]
      ))

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
      listening: ({ sessionUri }, use) => hub.hearing(Redacted.value(sessionUri), use),
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
        // What to go on with: the end of the poller, or a poll of its own. One fiber sleeps here, whoever is awaited.
        const answered = Effect.gen(function*() {
          const answer = yield* Deferred.make<Effect.Effect<Redacted.Redacted, PollFailure>>()
          const poller = yield* Effect.fork(
            Effect.onExit(polled, (exit) => Deferred.succeed(answer, exit))
          )
          // A session is completed once. If its poll fails all the same, the schedule goes on.
          const told = Effect.catchIf(poll, passes, () => Fiber.join(poller))
          const ring = Deferred.succeed(answer, told)
          yield* completed.onRing(ring)
          const listeners = yield* overSignal(sessionUri, ring)
          return yield* Effect.ensuring(
            Effect.flatten(Deferred.await(answer)),
            Fiber.interruptAll([poller, ...listeners])
          )
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
          Effect.flatMap(
            ConsentSignal,
            (signal) => signal === undefined ? Effect.void : Effect.flatMap(digest(sessionUri), signal.publish)
          )
        )
    }
  })
