/** Timer queue for waiting calls, rate-limited. */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { constVoid } from "effect/Function"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import * as Random from "effect/Random"
import * as RedBlackTree from "effect/RedBlackTree"
import { PollBudget } from "../../TokenPoller.js"
import * as rateLimit from "../lib/rateLimit.js"

/** Timer of one waiting call. It is mutable, since there may be ten thousand timers. */
export interface Timer {
  /** Called when the timer fires. */
  onFire: () => void
  /** Set when the timer has fired, possibly before `onFire` was set. */
  isFired: boolean
  queue: ClockQueue | undefined
  /** Time by the clock of the queue. */
  dueAt: number
  /** Order of timers that are due at the same time. */
  sequence: number
  rate: number
  jitter: number
}

/** Timers of one clock. */
interface ClockQueue {
  readonly clock: Clock.Clock
  /** Monotonic time: it advances even when the clock is set back. */
  time: number
  /** Milliseconds by which the clock has been set back. */
  clockSkew: number
  pending: RedBlackTree.RedBlackTree<Timer, undefined>
  theoreticalArrivalTime: number
  fiber: Fiber.RuntimeFiber<void> | undefined
  /** Number of the current fiber; a fiber with an earlier number stops. */
  generation: number
}

/** @internal */
export interface PollScheduler {
  /** Fires `timer` after `delay` milliseconds, and later if the rate requires it. */
  readonly schedule: (timer: Timer, delay: number) => Effect.Effect<void>
  /** Waits until the rate allows another call. */
  readonly acquire: Effect.Effect<void>
}

/** @internal */
export const timer = (): Timer => ({
  onFire: constVoid,
  isFired: false,
  queue: undefined,
  dueAt: 0,
  sequence: 0,
  rate: 0,
  jitter: 0
})

/** Removes a timer from its queue, so that it does not use a slot of the rate limit. */
export const cancel = (timer: Timer): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { queue } = timer
    if (queue === undefined) return Effect.void
    timer.queue = undefined
    queue.pending = RedBlackTree.removeFirst(queue.pending, timer)
    const { fiber } = queue
    if (fiber === undefined || RedBlackTree.size(queue.pending) > 0) return Effect.void
    queue.fiber = undefined
    queue.generation++
    return Effect.asVoid(Fiber.interrupt(fiber))
  })

const timeAt = (queue: ClockQueue, now: number) => {
  queue.clockSkew = Math.max(queue.clockSkew, queue.time - now)
  queue.time = now + queue.clockSkew
  return queue.time
}

const first = ({ pending }: ClockQueue) => Option.getOrUndefined(RedBlackTree.first(pending))?.[0]

const run = (queue: ClockQueue, generation: number): Effect.Effect<void> =>
  Effect.flatMap(queue.clock.currentTimeMillis, (millis) => {
    if (queue.generation !== generation) return Effect.void
    const now = timeAt(queue, millis)
    const timer = first(queue)
    if (timer === undefined) {
      queue.fiber = undefined
      return Effect.void
    }
    const { jitter, rate } = timer
    const slot = rateLimit.nextSlot({ rate, theoreticalArrivalTime: queue.theoreticalArrivalTime, jitter, now })
    const at = Math.max(timer.dueAt, slot.at)
    if (at > now) {
      // Then checks again, since a clock may end a sleep early, and another timer may be the first.
      return Effect.zipRight(queue.clock.sleep(Duration.millis(Math.ceil(at - now))), run(queue, generation))
    }
    queue.theoreticalArrivalTime = slot.theoreticalArrivalTime
    queue.pending = RedBlackTree.removeFirst(queue.pending, timer)
    timer.queue = undefined
    timer.isFired = true
    timer.onFire()
    return run(queue, generation)
  })

const order = Order.combine(
  Order.mapInput(Order.number, ({ dueAt }: Timer) => dueAt),
  Order.mapInput(Order.number, ({ sequence }: Timer) => sequence)
)

/**
 * Makes a scheduler. One fiber per clock serves all timers: a fiber for each timer would need several times the memory of the
 * rest of a waiting call.
 */
export const make: Effect.Effect<PollScheduler> = Effect.sync(() => {
  // A queue for each clock: tests have clocks of their own.
  const queues = new WeakMap<Clock.Clock, ClockQueue>()
  let sequence = 0

  const queueOf = (clock: Clock.Clock): ClockQueue => {
    const found = queues.get(clock)
    if (found !== undefined) return found
    const queue = {
      clock,
      time: 0,
      clockSkew: 0,
      pending: RedBlackTree.empty<Timer, undefined>(order),
      theoreticalArrivalTime: 0,
      fiber: undefined,
      generation: 0
    }
    queues.set(clock, queue)
    return queue
  }

  const schedule = Effect.fnUntraced(
    function*(timer: Timer, delay: number) {
      yield* cancel(timer)
      const clock = yield* Effect.clock
      const queue = queueOf(clock)
      timer.rate = yield* PollBudget
      timer.jitter = yield* Random.next
      timer.dueAt = timeAt(queue, yield* clock.currentTimeMillis) + delay
      timer.sequence = sequence++
      timer.isFired = false
      timer.queue = queue
      queue.pending = RedBlackTree.insert(queue.pending, timer, undefined)
      if (first(queue) !== timer) return
      const generation = ++queue.generation
      const before = queue.fiber
      const fiber = yield* Effect.forkDaemon(Effect.interruptible(run(queue, generation)))
      // A timer that is due earlier may have been scheduled meanwhile.
      const isCurrent = queue.generation === generation
      if (isCurrent) queue.fiber = fiber
      const old = isCurrent ? before : fiber
      if (old !== undefined) yield* Fiber.interruptAsFork(old, yield* Effect.fiberId)
    },
    Effect.uninterruptible
  )

  return {
    schedule,
    acquire: Effect.suspend(() => {
      const own = timer()
      return Effect.ensuring(
        Effect.zipRight(
          schedule(own, 0),
          Effect.async<void>((resume) => {
            if (own.isFired) resume(Effect.void)
            else own.onFire = () => resume(Effect.void)
          })
        ),
        cancel(own)
      )
    })
  }
})
