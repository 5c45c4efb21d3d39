/** Those who sleep until it is time, and then until it is their turn. */
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
import * as budget from "../lib/rateLimit.js"

/**
 * Who sleeps; changed in place, since there may be ten thousand of them.
 *
 * @internal
 */
export interface Sleeper {
  /** What wakes them. */
  onDue: () => void
  /** Whether it is their turn, of which `onDue` may not have told anybody. */
  isDue: boolean
  watch: Watch | undefined
  /** By the watch. */
  due: number
  /** Who was there before goes before, of those who are due together. */
  place: number
  budget: number
  late: number
}

/** All who sleep by one clock. The first of them is the next to be woken. */
interface Watch {
  readonly clock: Clock.Clock
  /** The time, which goes on when the clock is set back. */
  time: number
  /** How far the clock has been set back. */
  back: number
  asleep: RedBlackTree.RedBlackTree<Sleeper, undefined>
  /** When the next call would go if all went evenly. */
  even: number
  fiber: Fiber.RuntimeFiber<void> | undefined
  /** Which fiber that is; an earlier one has nothing to do any more. */
  generation: number
}

/** @internal */
export interface Alarm {
  /** Has `sleeper` woken in its turn, after so many milliseconds or later. */
  readonly set: (sleeper: Sleeper, delay: number) => Effect.Effect<void>
  /** Ends when it is the caller's turn. */
  readonly turn: Effect.Effect<void>
}

/** @internal */
export const sleeper = (): Sleeper => ({
  onDue: constVoid,
  isDue: false,
  watch: undefined,
  due: 0,
  place: 0,
  budget: 0,
  late: 0
})

/**
 * Takes no turn from the others.
 *
 * @internal
 */
export const forget = (sleeper: Sleeper): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { watch } = sleeper
    if (watch === undefined) return Effect.void
    sleeper.watch = undefined
    watch.asleep = RedBlackTree.removeFirst(watch.asleep, sleeper)
    const { fiber } = watch
    if (fiber === undefined || RedBlackTree.size(watch.asleep) > 0) return Effect.void
    watch.fiber = undefined
    watch.generation++
    return Effect.asVoid(Fiber.interrupt(fiber))
  })

const timeAt = (watch: Watch, now: number) => {
  watch.back = Math.max(watch.back, watch.time - now)
  watch.time = now + watch.back
  return watch.time
}

const first = ({ asleep }: Watch) => Option.getOrUndefined(RedBlackTree.first(asleep))?.[0]

const watching = (watch: Watch, generation: number): Effect.Effect<void> =>
  Effect.flatMap(watch.clock.currentTimeMillis, (millis) => {
    if (watch.generation !== generation) return Effect.void
    const now = timeAt(watch, millis)
    const sleeper = first(watch)
    if (sleeper === undefined) {
      watch.fiber = undefined
      return Effect.void
    }
    const turn = budget.turn({ budget: sleeper.budget, even: watch.even, late: sleeper.late, now })
    const at = Math.max(sleeper.due, turn.at)
    if (at > now) {
      // Then looks again, since a timer may ring a little early, and another may be first.
      return Effect.zipRight(watch.clock.sleep(Duration.millis(Math.ceil(at - now))), watching(watch, generation))
    }
    watch.even = turn.even
    watch.asleep = RedBlackTree.removeFirst(watch.asleep, sleeper)
    sleeper.watch = undefined
    sleeper.isDue = true
    sleeper.onDue()
    return watching(watch, generation)
  })

const order = Order.combine(
  Order.mapInput(Order.number, ({ due }: Sleeper) => due),
  Order.mapInput(Order.number, ({ place }: Sleeper) => place)
)

/**
 * One fiber has an eye on the clock for everybody: a timer and a fiber each would cost several times as much as all the
 * rest that waits.
 *
 * @internal
 */
export const make: Effect.Effect<Alarm> = Effect.sync(() => {
  // Whoever brings another clock, as tests do, does not sleep by that of the others.
  const watches = new WeakMap<Clock.Clock, Watch>()
  let places = 0

  const watchOf = (clock: Clock.Clock): Watch => {
    const found = watches.get(clock)
    if (found !== undefined) return found
    const watch = {
      clock,
      time: 0,
      back: 0,
      asleep: RedBlackTree.empty<Sleeper, undefined>(order),
      even: 0,
      fiber: undefined,
      generation: 0
    }
    watches.set(clock, watch)
    return watch
  }

  const set = Effect.fnUntraced(
    function*(sleeper: Sleeper, delay: number) {
      yield* forget(sleeper)
      const clock = yield* Effect.clock
      const watch = watchOf(clock)
      sleeper.budget = yield* PollBudget
      sleeper.late = yield* Random.next
      sleeper.due = timeAt(watch, yield* clock.currentTimeMillis) + delay
      sleeper.place = places++
      sleeper.isDue = false
      sleeper.watch = watch
      watch.asleep = RedBlackTree.insert(watch.asleep, sleeper, undefined)
      if (first(watch) !== sleeper) return
      const generation = ++watch.generation
      const before = watch.fiber
      const fiber = yield* Effect.forkDaemon(Effect.interruptible(watching(watch, generation)))
      // Unless somebody who is due still earlier has come in between.
      const isCurrent = watch.generation === generation
      if (isCurrent) watch.fiber = fiber
      const old = isCurrent ? before : fiber
      if (old !== undefined) yield* Fiber.interruptAsFork(old, yield* Effect.fiberId)
    },
    Effect.uninterruptible
  )

  return {
    set,
    turn: Effect.suspend(() => {
      const caller = sleeper()
      return Effect.ensuring(
        Effect.zipRight(
          set(caller, 0),
          Effect.async<void>((resume) => {
            if (caller.isDue) resume(Effect.void)
            else caller.onDue = () => resume(Effect.void)
          })
        ),
        forget(caller)
      )
    })
  }
})
