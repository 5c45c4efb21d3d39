/** Waits for consent: polls on a schedule, and ends at the completion event. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import type * as Schedule from "effect/Schedule"
import * as ScheduleDecision from "effect/ScheduleDecision"
import * as ScheduleIntervals from "effect/ScheduleIntervals"
import type { WaitFailure, Waiting } from "../../Consent.js"
import { ConsentSignal } from "../../ConsentSignal.js"
import { ConsentPending, type ConsentRequired, ConsentTimedOut, isTransient } from "../../IdentityError.js"
import { TokenPoller } from "../../TokenPoller.js"
import { digest } from "../lib/digest.js"
import * as subscriptions from "../lib/subscriptions.js"
import { timeLimit } from "../lib/timeLimit.js"
import { CompletionEvents } from "../model/completionEvents.js"
import { type PollRequest, pollRequest, type TokenFlow } from "./askForToken.js"
import * as pollScheduler from "./pollScheduler.js"
import { retryAfterOf } from "./retry.js"

type PollFailure = WaitFailure | ConsentPending

/** The time limit of `ConsentSignal.publish`; without the signal other processes poll. */
const publishLimit = Duration.seconds(10)

/** State of a call that may wait. It is mutable, since there may be ten thousand waiters. */
export interface Waiter extends subscriptions.Subscription, pollScheduler.Timer {
  /** Key of its subscription. */
  key: string | undefined
  /** Publishes a completion event that another process reports. */
  listener: Fiber.RuntimeFiber<unknown> | undefined
  isWaiting: boolean
  isNotificationHandled: boolean
}

/** @internal */
export interface ConsentWaits {
  /** Subscribes `waiter` to the completion event of this session. */
  readonly subscribe: (waiter: Waiter, consent: ConsentRequired) => Effect.Effect<void>
  /** Releases the subscription and the timer. Call it when the call ends, also by interruption. */
  readonly unsubscribe: (waiter: Waiter) => Effect.Effect<void>
  /** Runs `use` with a subscribed waiter. */
  readonly subscribed: <A, E, R>(
    consent: ConsentRequired,
    use: (waiter: Waiter) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E, R>
  /** The ways to obtain the token of `consent`. */
  readonly waiting: (consent: ConsentRequired, workloadAccessToken: Redacted.Redacted, waiter: Waiter) => Waiting
  /** Publishes the completion event of a session. */
  readonly notifyCompleted: (sessionUri: Redacted.Redacted) => Effect.Effect<void>
  /** The number of sessions that calls wait for. */
  readonly sessions: Effect.Effect<number>
}

/** @internal */
export const waiter = (): Waiter => ({
  ...subscriptions.subscription(),
  ...pollScheduler.timer(),
  key: undefined,
  listener: undefined,
  isWaiting: false,
  isNotificationHandled: false
})

/** State that a sleeping wait keeps; the rest of the consent can be garbage-collected. */
interface Wait {
  readonly waiter: Waiter
  readonly request: PollRequest
  readonly expiresAt: DateTime.Utc
  readonly schedule: Schedule.Schedule<unknown>
}

const isWokenByCompletion = ({ isNotificationHandled, isNotified }: Waiter) => isNotified && !isNotificationHandled

/** Sleeps until the completion event or the timer. `unsubscribe` cleans up, which saves a stack frame for each sleep. */
const sleep = (waiter: Waiter) =>
  Effect.async<void>((resume) => {
    if (waiter.isFired || isWokenByCompletion(waiter)) return resume(Effect.void)
    const wake = () => resume(Effect.void)
    waiter.onFire = wake
    waiter.onNotify = wake
  })

/** Runs `retry` after a failure that is retried. */
const orRetry = (
  poll: Effect.Effect<Redacted.Redacted, PollFailure>,
  retry: (error: PollFailure) => Effect.Effect<Redacted.Redacted, WaitFailure>
): Effect.Effect<Redacted.Redacted, WaitFailure> =>
  Effect.catchAll(
    poll,
    // `isTransient` includes `ConsentPending`; the comparison narrows the type.
    (error) => error._tag === "ConsentPending" || isTransient(error) ? retry(error) : Effect.fail(error)
  )

/** Sends one poll. After the session has expired, a failure that would be retried becomes `ConsentTimedOut`. */
const pollOf =
  (flow: TokenFlow) => (request: PollRequest, expiresAt: DateTime.Utc): Effect.Effect<Redacted.Redacted, PollFailure> =>
    Effect.catchIf(
      flow.readPoll(request),
      // The service denies access to a session that has ended.
      (error) => error._tag === "AccessDenied" || isTransient(error),
      (error) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) =>
          Effect.fail(
            now >= DateTime.toEpochMillis(expiresAt)
              ? new ConsentTimedOut({ providerName: request.resourceCredentialProviderName })
              : error
          ))
    )

/** @internal */
export const make = (flow: TokenFlow): Effect.Effect<ConsentWaits> =>
  Effect.gen(function*() {
    const registry = (yield* CompletionEvents) ?? (yield* subscriptions.make)
    const { acquire, schedule } = yield* pollScheduler.make
    const poll = pollOf(flow)

    /** Sleeps until the next time of the schedule or the completion event, polls, and repeats. */
    const retry = (wait: Wait, state: unknown, error: PollFailure): Effect.Effect<Redacted.Redacted, WaitFailure> =>
      Effect.gen(function*() {
        const now = yield* Clock.currentTimeMillis
        const [next, , decision] = yield* wait.schedule.step(now, error, state)
        if (ScheduleDecision.isDone(decision)) {
          return yield* new ConsentTimedOut({ providerName: wait.request.resourceCredentialProviderName })
        }
        const earliest = now + Duration.toMillis(retryAfterOf(error))
        const at = Math.min(
          Math.max(ScheduleIntervals.start(decision.intervals), earliest),
          DateTime.toEpochMillis(wait.expiresAt)
        )
        yield* schedule(wait.waiter, at - now)
        return sleepAndPoll(wait, next)
      }).pipe(Effect.flatten)

    const sleepAndPoll = (wait: Wait, state: unknown): Effect.Effect<Redacted.Redacted, WaitFailure> =>
      Effect.flatMap(sleep(wait.waiter), () => {
        const { expiresAt, request, waiter } = wait
        const isCompletion = isWokenByCompletion(waiter)
        if (isCompletion) waiter.isNotificationHandled = true
        // There is one completion event. If its poll returns no token, the schedule continues.
        return orRetry(
          poll(request, expiresAt),
          (error) => isCompletion ? sleepAndPoll(wait, state) : retry(wait, state, error)
        )
      })

    const run = (wait: Wait): Effect.Effect<Redacted.Redacted, WaitFailure> => {
      wait.waiter.isWaiting = true
      const { resourceCredentialProviderName: providerName } = wait.request
      // The URL has just been shown: the first poll is after the first delay.
      return retry(wait, wait.schedule.initial, new ConsentPending({ providerName }))
    }

    const subscribe = ({ sessionUri }: ConsentRequired, waiter: Waiter, key: string) => {
      waiter.key = key
      return Effect.flatMap(ConsentSignal, (signal) => {
        if (signal === undefined) return registry.subscribe(key, waiter)
        // Computes the digest before the URL is shown, so that the signal of a user who answers at once is not missed.
        return registry.subscribe(key, waiter).pipe(
          Effect.zipRight(digest(sessionUri)),
          Effect.flatMap((name) =>
            Effect.fork(Effect.interruptible(Effect.zipRight(signal.arrival(name), registry.publish(key))))
          ),
          Effect.map((fiber) => {
            waiter.listener = fiber
          })
        )
      })
    }

    const unsubscribe = (waiter: Waiter) =>
      Effect.suspend(() => {
        const { key, listener } = waiter
        if (key === undefined) return Effect.void
        const left = Effect.zipRight(registry.unsubscribe(key, waiter), pollScheduler.cancel(waiter))
        return listener === undefined ? left : Effect.zipRight(Fiber.interrupt(listener), left)
      })

    /** Runs a further wait of the same strategy with a waiter of its own. */
    const runWithOwnWaiter = (wait: Wait, consent: ConsentRequired) =>
      Effect.acquireUseRelease(
        Effect.tap(Effect.sync(waiter), (own) => {
          own.key = Redacted.value(consent.sessionUri)
          return Effect.map(registry.subscribe(own.key, own), () => {
            own.isNotified = own.isNotified || wait.waiter.isNotified
          })
        }),
        (own) => run({ ...wait, waiter: own }),
        unsubscribe
      )

    return {
      subscribe: (waiter, consent) =>
        Effect.uninterruptible(Effect.suspend(() => subscribe(consent, waiter, Redacted.value(consent.sessionUri)))),
      unsubscribe,
      subscribed: (consent, use) =>
        Effect.acquireUseRelease(
          Effect.tap(Effect.sync(waiter), (own) => subscribe(consent, own, Redacted.value(consent.sessionUri))),
          use,
          unsubscribe
        ),
      waiting: (consent, workloadAccessToken, waiter) => {
        const request = pollRequest(consent, workloadAccessToken)
        const { expiresAt } = consent
        const wait = (schedule: Schedule.Schedule<unknown>) => {
          const one = { waiter, request, expiresAt, schedule }
          // The timer is cancelled when the call ends. A finalizer here would add 5 KB to each wait. It would only save one slot
          // of the budget if a strategy interrupts a wait and continues.
          return waiter.isWaiting ? runWithOwnWaiter(one, consent) : run(one)
        }
        return {
          poll: Effect.zipRight(acquire, poll(request, expiresAt)),
          wait: (schedule) =>
            schedule === undefined ? Effect.flatMap(TokenPoller, wait) : Effect.suspend(() => wait(schedule))
        }
      },
      notifyCompleted: (sessionUri) =>
        Effect.zipRight(
          registry.publish(Redacted.value(sessionUri)),
          Effect.flatMap(ConsentSignal, (signal) =>
            signal === undefined
              ? Effect.void
              : digest(sessionUri).pipe(
                Effect.flatMap((key) => signal.publish(key)),
                timeLimit({
                  duration: publishLimit,
                  onTimeout: () => new Cause.TimeoutException(`publish did not end in ${Duration.format(publishLimit)}`)
                }),
                Effect.catchAllCause((cause) =>
                  Effect.logWarning("The completion of a consent was not published", cause)
                ),
                // In the background: the session is completed even if other processes do not receive the signal.
                Effect.forkDaemon
              ))
        ),
      sessions: registry.size
    }
  })
