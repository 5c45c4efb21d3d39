/** Waits for consent: polls on a schedule, and ends at the completion event. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { constVoid } from "effect/Function"
import * as Redacted from "effect/Redacted"
import type * as Schedule from "effect/Schedule"
import * as ScheduleDecision from "effect/ScheduleDecision"
import * as ScheduleIntervals from "effect/ScheduleIntervals"
import type { WaitFailure, Waiting } from "../../Consent.js"
import { ConsentSignal } from "../../ConsentSignal.js"
import { ConsentPending, ConsentTimedOut } from "../../IdentityError.js"
import type { WithWorkloadAccessToken } from "../../TokenOptions.js"
import { TokenPoller } from "../../TokenPoller.js"
import { digest } from "../lib/digest.js"
import * as LinkedList from "../lib/linkedList.js"
import type { SubscriptionRegistry } from "../lib/subscriptions.js"
import { timeLimit } from "../lib/timeLimit.js"
import type { ConsentSession, Listener, PollFailure } from "./consentSession.js"
import { isRetried, nextNumber } from "./consentSession.js"
import * as pollScheduler from "./pollScheduler.js"
import type { Poll } from "./pollSession.js"
import { retryAfterOf } from "./retry.js"

/** The time limit of `ConsentSignal.publish`; without the signal other processes poll. */
const publishLimit = Duration.seconds(10)

/** State of a call that waits. It is mutable, since there may be ten thousand of them. */
export interface Waiter extends Listener, pollScheduler.Timer, WithWorkloadAccessToken {
  readonly session: ConsentSession
  /** The first poll whose answer counts for this call. */
  readonly since: number
  isWaiting: boolean
  /** The completion that this call has polled for. */
  handledAt: number | undefined
  /** The number of the next poll that this call has not seen. */
  unseen: number
  /** When the schedule was last consulted, by which a poll of another call is recent enough. */
  steppedAt: number
}

/** @internal */
export const waiter = (session: ConsentSession, { workloadAccessToken }: WithWorkloadAccessToken): Waiter => ({
  // Written out: an object that is spread would need several times the memory.
  onFire: constVoid,
  isFired: false,
  queue: undefined,
  dueAt: 0,
  sequence: 0,
  rate: 0,
  jitter: 0,
  session,
  workloadAccessToken,
  onNotify: constVoid,
  isListed: false,
  previous: undefined,
  next: undefined,
  since: session.currentFrom,
  isWaiting: false,
  handledAt: undefined,
  unseen: 0,
  steppedAt: 0
})

const isCompleted = ({ handledAt, session }: Waiter) =>
  session.completedAt !== undefined && handledAt !== session.completedAt

const isAnswered = ({ session: { answer }, since }: Waiter) => answer !== undefined && answer.number >= since

/** Sleeps until there is an answer, the completion event, or the timer. */
const sleep = (waiter: Waiter) =>
  Effect.async<void>((resume) => {
    if (waiter.isFired || isAnswered(waiter) || isCompleted(waiter)) return resume(Effect.void)
    const wake = () => resume(Effect.void)
    waiter.onFire = wake
    waiter.onNotify = wake
  })

/** @internal */
export interface ConsentWaits {
  /** The ways to obtain the token of the session, for a call. */
  readonly waiting: (waiter: Waiter) => Waiting
  /** Publishes the completion event of a session. */
  readonly notifyCompleted: (sessionUri: Redacted.Redacted) => Effect.Effect<void>
}

/** Publishes completion events in this process and to others. */
const notifying = (registry: SubscriptionRegistry) => (sessionUri: Redacted.Redacted) =>
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
          Effect.catchAllCause((cause) => Effect.logWarning("The completion of a consent was not published", cause)),
          // In the background: the session is completed even if other processes do not receive the signal.
          Effect.forkDaemon
        ))
  )

/** The number from which a poll counts that is due now: that of the next one, or of one that another call sent recently. */
const dueNumber = ({ session, steppedAt, unseen }: Waiter, now: number): number => {
  const { last } = session
  const isRecent = last !== undefined && now >= last.at && now - last.at <= (now - steppedAt) / 2
  return isRecent && now < DateTime.toEpochMillis(session.expiresAt) ? unseen : nextNumber(session)
}

/** Polls, or uses the poll of another call. */
const pollingWith = (poll: Poll) => (waiter: Waiter, number: number) =>
  Effect.ensuring(
    poll(waiter.session, waiter, { number, since: waiter.since }),
    Effect.sync(() => {
      waiter.unseen = nextNumber(waiter.session)
    })
  )

const timedOut = ({ session }: Waiter) => new ConsentTimedOut({ providerName: session.options.providerName })

/** @internal */
export const make = (registry: SubscriptionRegistry, poll: Poll): Effect.Effect<ConsentWaits> =>
  Effect.map(pollScheduler.make, ({ acquire, schedule }) => {
    const pollOnce = pollingWith(poll)

    /** Sleeps until the next time of the schedule or the completion event, polls, and repeats. */
    const retry = (
      waiter: Waiter,
      policy: Schedule.Schedule<unknown>,
      state: unknown,
      error: PollFailure
    ): Effect.Effect<Redacted.Redacted, WaitFailure> =>
      Effect.gen(function*() {
        const now = yield* Clock.currentTimeMillis
        const [next, , decision] = yield* policy.step(now, error, state)
        if (ScheduleDecision.isDone(decision)) return yield* timedOut(waiter)
        const earliest = now + Duration.toMillis(retryAfterOf(error))
        const at = Math.min(
          Math.max(ScheduleIntervals.start(decision.intervals), earliest),
          DateTime.toEpochMillis(waiter.session.expiresAt)
        )
        waiter.steppedAt = now
        yield* schedule(waiter, at - now)
        return sleepAndPoll(waiter, policy, next)
      }).pipe(Effect.flatten)

    const sleepAndPoll = (
      waiter: Waiter,
      policy: Schedule.Schedule<unknown>,
      state: unknown
    ): Effect.Effect<Redacted.Redacted, WaitFailure> =>
      Effect.flatMap(Effect.zipRight(sleep(waiter), Clock.currentTimeMillis), (now) => {
        const { completedAt } = waiter.session
        const isCompletion = isCompleted(waiter)
        waiter.handledAt = completedAt
        const number = isCompletion && completedAt !== undefined ? completedAt : dueNumber(waiter, now)
        return Effect.catchAll(
          pollOnce(waiter, number),
          (error) =>
            // The comparison narrows the type.
            error._tag !== "ConsentPending" && !isRetried(error)
              ? Effect.fail(error)
              // There is one completion event. If its poll returns no token, the schedule continues.
              : isCompletion
              ? sleepAndPoll(waiter, policy, state)
              : retry(waiter, policy, state, error)
        )
      })

    const run = (waiter: Waiter, policy: Schedule.Schedule<unknown>): Effect.Effect<Redacted.Redacted, WaitFailure> => {
      waiter.isWaiting = true
      waiter.unseen = nextNumber(waiter.session)
      LinkedList.add(waiter.session.listeners, waiter)
      // The URL has just been shown: the first poll is after the first delay.
      const { providerName } = waiter.session.options
      return retry(waiter, policy, policy.initial, new ConsentPending({ providerName }))
    }

    /** Runs a further wait of the same strategy with a waiter of its own. */
    const runWithOwnWaiter = (other: Waiter, policy: Schedule.Schedule<unknown>) =>
      Effect.acquireUseRelease(Effect.sync(() => waiter(other.session, other)), (own) => run(own, policy), stop)

    return {
      waiting: (waiter) => {
        const wait = (policy: Schedule.Schedule<unknown>) =>
          // The timer is cancelled when the call ends. A finalizer here would add 5 KB to each wait. It would only save one slot
          // of the budget if a strategy interrupts a wait and continues.
          Effect.suspend(() => waiter.isWaiting ? runWithOwnWaiter(waiter, policy) : run(waiter, policy))
        return {
          poll: Effect.zipRight(
            acquire,
            Effect.suspend(() => pollOnce(waiter, waiter.session.polls))
          ),
          wait: (policy) => policy === undefined ? Effect.flatMap(TokenPoller, wait) : wait(policy)
        }
      },
      notifyCompleted: notifying(registry)
    }
  })

/** Ends a wait: its timer, and its interest in the session. Call it when the call ends, also by interruption. */
export const stop = (waiter: Waiter): Effect.Effect<void> =>
  Effect.suspend(() => {
    LinkedList.remove(waiter.session.listeners, waiter)
    return pollScheduler.cancel(waiter)
  })
