import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { PollBudget } from "../TokenPoller.js"

/**
 * One turn after the other: whoever comes when others have just gone waits for a turn. Those who wait stand in a line,
 * of which only the first has an eye on the clock, and whoever leaves it early takes no turn from the others.
 *
 * @internal
 */
export const make: Effect.Effect<{ readonly turn: Effect.Effect<void> }> = Effect.sync(() => {
  // In the order in which they came.
  const line = new Set<Deferred.Deferred<void>>()
  let free = 0

  const enter = Effect.flatMap(Deferred.make<void>(), (bell) =>
    Effect.suspend(() => {
      line.add(bell)
      return line.size === 1 ? Effect.as(Deferred.succeed(bell, undefined), bell) : Effect.succeed(bell)
    }))

  // Whoever was first has rung the bell of the next; for the others it has been rung, or comes to nothing.
  const leave = (bell: Deferred.Deferred<void>) =>
    Effect.suspend(() => {
      line.delete(bell)
      const [first] = line
      return first === undefined ? Effect.void : Deferred.succeed(first, undefined)
    })

  const first = Effect.gen(function*() {
    const spacing = 1000 / (yield* PollBudget)
    const early = free - (yield* Clock.currentTimeMillis)
    if (early > 0) yield* Effect.sleep(early)
    // Counted from when the turn is really taken: a process that was held up does not catch up all at once.
    free = (yield* Clock.currentTimeMillis) + spacing
  })

  return {
    turn: Effect.acquireUseRelease(enter, (bell) => Effect.zipRight(Deferred.await(bell), first), leave)
  }
})
