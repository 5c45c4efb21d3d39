import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Ref from "effect/Ref"
import { PollBudget } from "../TokenPoller.js"

// Again, since a timer may ring a little early.
const until = (time: number): Effect.Effect<number> =>
  Effect.flatMap(
    Clock.currentTimeMillis,
    (now) => now >= time ? Effect.succeed(now) : Effect.zipRight(Effect.sleep(Math.ceil(time - now)), until(time))
  )

/** A call in a minute. */
const slowest = 1 / 60

/**
 * Lets through as many calls in any second as the budget has, at once while there is room. Who finds none waits, and a
 * little longer at random, so that those who come together spread out. They stand in a line, of which only the first has
 * an eye on the clock, and whoever leaves it early takes no turn from the others.
 *
 * Not a semaphore, which wakes everybody in the line for each that leaves it.
 *
 * @internal
 */
export const make: Effect.Effect<{ readonly turn: Effect.Effect<void> }> = Effect.gen(function*() {
  const nobody = yield* Deferred.make<void>()
  yield* Deferred.succeed(nobody, undefined)
  const last = yield* Ref.make(nobody)
  // When the latest calls went, oldest first; no more than may go in one window.
  const gone = yield* Ref.make<ReadonlyArray<number>>([])

  const first = Effect.gen(function*() {
    const given = yield* PollBudget
    // Whatever is given, everybody gets their turn before a session ends. A budget of less than one call a second is one call in more than a second.
    const budget = given > slowest ? given : slowest
    const calls = Math.max(1, Math.floor(budget))
    const window = 1000 * calls / budget
    const latest = (yield* Ref.get(gone)).slice(-calls)
    const [oldest = 0] = latest
    const now = yield* Clock.currentTimeMillis
    // Never further away than a window, unless the clock has been set back.
    const isFull = latest.length === calls && oldest <= now && now < oldest + window
    const taken = isFull ? yield* until(oldest + window + window / calls * (yield* Random.next)) : now
    yield* Ref.set(gone, [...latest, taken].slice(-calls))
  })

  return {
    turn: Effect.uninterruptibleMask((restore) =>
      Effect.gen(function*() {
        const left = yield* Deferred.make<void>()
        const ahead = yield* Ref.getAndSet(last, left)
        yield* restore(Deferred.await(ahead)).pipe(
          // Whoever is behind waits from now on for those who were ahead.
          Effect.onInterrupt(() => Deferred.completeWith(left, Deferred.await(ahead)))
        )
        yield* Effect.ensuring(restore(first), Deferred.succeed(left, undefined))
      })
    )
  }
})
