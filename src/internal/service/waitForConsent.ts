/** How a call waits for a person's answer: by the schedule of its poller, and by the news that they have given it. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import type * as Schedule from "effect/Schedule"
import * as ScheduleDecision from "effect/ScheduleDecision"
import * as ScheduleIntervals from "effect/ScheduleIntervals"
import type { WaitFailure } from "../../Consent.js"
import { ConsentSignal } from "../../ConsentSignal.js"
import { ConsentPending, type ConsentRequired, ConsentTimedOut, isTransient } from "../../IdentityError.js"
import { type Poller, type PollFailure, TokenPoller } from "../../TokenPoller.js"
import * as scheduled from "../consent/scheduled.js"
import { digest } from "../lib/digest.js"
import * as wake from "../lib/subscriptions.js"
import { timeLimit } from "../lib/timeLimit.js"
import { type Polling, polling, type TokenFlow } from "./askForToken.js"
import * as alarm from "./pollScheduler.js"

const passes = (error: PollFailure) => error._tag === "ConsentPending" || isTransient(error)

/** How long telling other processes may take; without it they find out by their schedules. */
const telling = Duration.seconds(10)

/**
 * Where a call waits, if it has to; changed in place, since there may be ten thousand of them.
 *
 * @internal
 */
export interface Seat extends wake.Bell, alarm.Sleeper {
  /** What its bell rings for. */
  name: string | undefined
  /** Rings the bell when another process tells so. */
  listener: Fiber.RuntimeFiber<unknown> | undefined
  /** Whether somebody sleeps here in their own fiber. */
  isTaken: boolean
  /** Whether they have acted on the bell. */
  isHeard: boolean
}

/** @internal */
export interface Waiting {
  /** The bell of `seat` rings once the session has been completed in this process, from now on. */
  readonly hear: (seat: Seat, consent: ConsentRequired) => Effect.Effect<void>
  /** However the call ends. */
  readonly leave: (seat: Seat) => Effect.Effect<void>
  /** Runs `use` with a seat that hears. */
  readonly listening: <A, E, R>(
    consent: ConsentRequired,
    use: (seat: Seat) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E, R>
  /** Waits for the answer to `consent`. */
  readonly wait: (
    consent: ConsentRequired,
    workloadAccessToken: Redacted.Redacted,
    seat: Seat,
    poller?: Poller
  ) => Effect.Effect<Redacted.Redacted, WaitFailure>
  /** Wakes whoever waits for this session. */
  readonly completed: (sessionUri: Redacted.Redacted) => Effect.Effect<void>
  /** The number of sessions that calls wait for. */
  readonly sessions: Effect.Effect<number>
}

/** @internal */
export const seat = (): Seat => ({
  ...wake.bell(),
  ...alarm.sleeper(),
  name: undefined,
  listener: undefined,
  isTaken: false,
  isHeard: false
})

/** All that a wait needs: whatever else came with the consent is not kept while it sleeps. */
interface Waiter {
  readonly seat: Seat
  readonly request: Polling
  readonly expiresAt: DateTime.Utc
  readonly schedule: Schedule.Schedule<unknown>
}

const isRinging = ({ isHeard, isRung }: Seat) => isRung && !isHeard

/** Until the bell rings, or it is time. Whoever is interrupted meanwhile leaves by `leave`, not by a frame of their own. */
const sleep = (seat: Seat) =>
  Effect.async<void>((resume) => {
    if (seat.isDue || isRinging(seat)) return resume(Effect.void)
    const wake = () => resume(Effect.void)
    seat.onDue = wake
    seat.onRing = wake
  })

const pollOf =
  (flow: TokenFlow) => (request: Polling, expiresAt: DateTime.Utc): Effect.Effect<Redacted.Redacted, PollFailure> =>
    flow.answer(request).pipe(
      // A poller may outlast the session: what it is denied from then on is the session, and nobody will answer.
      Effect.catchIf(
        (error) => error._tag === "AccessDenied" || passes(error),
        (error) =>
          Effect.flatMap(
            DateTime.isPast(expiresAt),
            (isPast) =>
              Effect.fail(
                isPast ? new ConsentTimedOut({ providerName: request.resourceCredentialProviderName }) : error
              )
          )
      )
    )

/** @internal */
export const make = (flow: TokenFlow): Effect.Effect<Waiting> =>
  Effect.gen(function*() {
    const hub = yield* wake.make
    const { set, turn } = yield* alarm.make

    const poll = pollOf(flow)

    const polled = (
      { expiresAt, request }: Waiter,
      goOn: (error: PollFailure) => Effect.Effect<Redacted.Redacted, WaitFailure>
    ): Effect.Effect<Redacted.Redacted, WaitFailure> =>
      Effect.catchAll(
        poll(request, expiresAt),
        (error) => error._tag === "ConsentPending" || isTransient(error) ? goOn(error) : Effect.fail(error)
      )

    const asleep = (waiter: Waiter, state: unknown): Effect.Effect<Redacted.Redacted, WaitFailure> =>
      Effect.flatMap(sleep(waiter.seat), () => {
        if (!isRinging(waiter.seat)) return polled(waiter, (error) => scheduling(waiter, state, error))
        waiter.seat.isHeard = true
        // A session is completed once. If its poll fails all the same, the schedule goes on.
        return polled(waiter, () => asleep(waiter, state))
      })

    const scheduling = (
      waiter: Waiter,
      state: unknown,
      error: PollFailure
    ): Effect.Effect<Redacted.Redacted, WaitFailure> =>
      Effect.gen(function*() {
        const { request, schedule, seat } = waiter
        const now = yield* Clock.currentTimeMillis
        const [next, , decision] = yield* schedule.step(now, error, state)
        if (ScheduleDecision.isDone(decision)) {
          return yield* new ConsentTimedOut({ providerName: request.resourceCredentialProviderName })
        }
        yield* set(seat, ScheduleIntervals.start(decision.intervals) - now)
        return asleep(waiter, next)
      }).pipe(Effect.flatten)

    /** A poller may be any effect, which has a fiber of its own. */
    const forked = (poller: Poller, consent: ConsentRequired, request: Polling, seat: Seat) => {
      const ask = poll(request, consent.expiresAt)
      const name = Redacted.value(consent.sessionUri)
      // What to go on with: the end of the poller, or a poll of its own. One fiber sleeps here, whoever is awaited.
      const answered = Effect.uninterruptibleMask((restore) =>
        Effect.gen(function*() {
          const answer = yield* Deferred.make<Effect.Effect<Redacted.Redacted, PollFailure>>()
          // A daemon, which ends with the wait in an uninterruptible region too, and not by the interruption of the caller.
          const polling = yield* Effect.exit(Effect.interruptible(poller.poll(consent, Effect.zipRight(turn, ask))))
            .pipe(
              Effect.tap((exit) => Deferred.succeed(answer, exit)),
              Effect.forkDaemon
            )
          // A session is completed once. If its poll fails all the same, the poller decides.
          const told = Effect.catchIf(ask, passes, () => Effect.flatten(Fiber.join(polling)))
          // A bell of its own, since other waits of the same strategy may need that of the seat.
          const bell = wake.bell()
          bell.onRing = () => Deferred.unsafeDone(answer, Effect.succeed(told))
          yield* hub.enter(name, bell)
          if (seat.isRung) bell.onRing()
          return yield* Effect.ensuring(
            restore(Effect.flatten(Deferred.await(answer))),
            Effect.zipRight(hub.leave(name, bell), Fiber.interrupt(polling))
          )
        })
      )
      const { providerName } = consent
      return Effect.mapError(
        answered,
        (error) => error._tag === "ConsentPending" || isTransient(error) ? new ConsentTimedOut({ providerName }) : error
      )
    }

    const wait = (
      consent: ConsentRequired,
      workloadAccessToken: Redacted.Redacted,
      seat: Seat,
      poller: Poller
    ): Effect.Effect<Redacted.Redacted, WaitFailure> => {
      const request = polling(consent, workloadAccessToken)
      const schedule = scheduled.scheduleOf(poller)
      // A strategy may wait twice.
      if (schedule === undefined || seat.isTaken) return forked(poller, consent, request, seat)
      seat.isTaken = true
      const { expiresAt, providerName } = consent
      // The person has only now been asked, so that a poll is not worth its request yet.
      return scheduling({ seat, request, expiresAt, schedule }, schedule.initial, new ConsentPending({ providerName }))
    }

    const hear = ({ sessionUri }: ConsentRequired, seat: Seat, name: string) => {
      seat.name = name
      return Effect.flatMap(ConsentSignal, (signal) => {
        if (signal === undefined) return hub.enter(name, seat)
        const told = Effect.flatMap(digest(sessionUri), signal.arrival)
        return Effect.zipRight(
          hub.enter(name, seat),
          Effect.map(Effect.fork(Effect.interruptible(Effect.zipRight(told, hub.wake(name)))), (fiber) => {
            seat.listener = fiber
          })
        )
      })
    }

    const leave = (seat: Seat) =>
      Effect.suspend(() => {
        const { listener, name } = seat
        if (name === undefined) return Effect.void
        const left = Effect.zipRight(hub.leave(name, seat), alarm.forget(seat))
        return listener === undefined ? left : Effect.zipRight(Fiber.interrupt(listener), left)
      })

    return {
      hear: (seat, consent) =>
        Effect.uninterruptible(Effect.suspend(() => hear(consent, seat, Redacted.value(consent.sessionUri)))),
      leave,
      listening: (consent, use) =>
        Effect.acquireUseRelease(
          Effect.tap(Effect.sync(seat), (seat) => hear(consent, seat, Redacted.value(consent.sessionUri))),
          use,
          leave
        ),
      wait: (consent, workloadAccessToken, seat, given) =>
        given === undefined
          ? Effect.flatMap(TokenPoller, (poller) => wait(consent, workloadAccessToken, seat, poller))
          : Effect.suspend(() => wait(consent, workloadAccessToken, seat, given)),
      completed: (sessionUri) =>
        Effect.zipRight(
          hub.wake(Redacted.value(sessionUri)),
          Effect.flatMap(ConsentSignal, (signal) =>
            signal === undefined
              ? Effect.void
              : digest(sessionUri).pipe(
                Effect.flatMap((key) => signal.publish(key)),
                timeLimit({
                  duration: telling,
                  onTimeout: () => new Cause.TimeoutException(`publish did not end in ${Duration.format(telling)}`)
                }),
                Effect.catchAllCause((cause) => Effect.logWarning("A completed consent was not told of", cause)),
                // The session is completed, whether others hear of it or not.
                Effect.forkDaemon
              ))
        ),
      sessions: hub.size
    }
  })
