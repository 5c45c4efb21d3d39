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

/** The part of the budget that is used: what goes evenly arrives a little less so. */
const used = 9 / 10

/** The part of that that may go at once: who comes alone is not delayed, and a crowd does not come all together. */
const burstShare = 1 / 20

/**
 * Lets through a few calls at once and the others evenly, in any second no more than the budget has (the generic cell rate
 * algorithm). Those who wait go a little late at random, so that processes that began together do not call together. They
 * stand in a line, of which only the first has an eye on the clock, and whoever leaves it early takes no turn from the
 * others.
 *
 * Not a semaphore, which wakes everybody in the line for each that leaves it.
 *
 * @internal
 */
export const make: Effect.Effect<{ readonly turn: Effect.Effect<void> }> = Effect.gen(function*() {
  const nobody = yield* Deferred.make<void>()
  yield* Deferred.succeed(nobody, undefined)
  const last = yield* Ref.make(nobody)
  // When the next call would go if all went evenly.
  const even = yield* Ref.make(0)

  const first = Effect.gen(function*() {
    const given = yield* PollBudget
    // Whatever is given, everybody gets their turn before a session ends.
    const budget = (given > slowest ? given : slowest) * used
    const burst = Math.max(1, Math.floor(budget * burstShare))
    // A second has room for the burst, less the one that is even anyhow, and for what follows it.
    const spacing = 1000 / (budget - burst + 1)
    const ahead = (burst - 1) * spacing
    const now = yield* Clock.currentTimeMillis
    // Never further away than a turn, unless the clock has been set back.
    const time = Math.min(yield* Ref.get(even), now + ahead + spacing)
    const earliest = time - ahead
    const taken = earliest > now
      ? yield* until(earliest + Math.min(spacing, ahead) * (yield* Random.next))
      : now
    // A process that was held up does not catch up all at once.
    yield* Ref.set(even, Math.max(time, taken) + spacing)
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
