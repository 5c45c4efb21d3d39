/** Searches of the shared store that the calls of this process share. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import type { Keyed } from "./selection.js"
import type { Finding, Held, IsAccepted, Shared } from "./shared.js"

/** A search, and the lease that it took for the request of these calls. */
interface Turn extends Keyed {
  callers: number
  readonly held: Held
  readonly finding: Deferred.Deferred<Finding>
  fiber: Fiber.RuntimeFiber<unknown> | undefined
}

/** @internal */
export interface Turns {
  /**
   * Runs `use` with what the search finds. The calls for one key and kind share it, and the lease ends with the last of them, or
   * with `release`.
   */
  readonly take: <A, E, R>(
    kind: string,
    keyed: Keyed,
    isAccepted: IsAccepted,
    use: (finding: Finding, release: Effect.Effect<void>) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E, R>
  /** Later calls for these entries search again. */
  readonly discard: (matches: (keyed: Keyed) => boolean) => void
}

/** @internal */
export const make = (shared: Shared): Turns => {
  // A native map: callers choose the keys. Each step that changes it is synchronous.
  const turns = new Map<string, Turn>()

  const start = (name: string, { identity, key, providerName }: Keyed, isAccepted: IsAccepted) => {
    const turn: Turn = {
      key,
      identity,
      providerName,
      callers: 1,
      held: { lease: undefined, keeper: undefined },
      finding: Deferred.unsafeMake(FiberId.none),
      fiber: undefined
    }
    turns.set(name, turn)
    return shared.find(turn, isAccepted, turn.held).pipe(
      Effect.interruptible,
      Effect.intoDeferred(turn.finding),
      Effect.forkDaemon,
      Effect.map((fiber) => {
        turn.fiber = fiber
        return turn
      })
    )
  }

  return {
    take: (kind, keyed, isAccepted, use) => {
      const name = `${kind} ${keyed.key}`
      return Effect.acquireUseRelease(
        Effect.suspend(() => {
          const found = turns.get(name)
          if (found === undefined) return start(name, keyed, isAccepted)
          found.callers++
          return Effect.succeed(found)
        }),
        (turn) =>
          Effect.flatMap(Deferred.await(turn.finding), (finding) => use(finding, shared.release(turn, turn.held))),
        (turn) =>
          Effect.suspend(() => {
            if (--turn.callers > 0) return Effect.void
            if (turns.get(name) === turn) turns.delete(name)
            return Effect.zipRight(
              turn.fiber === undefined ? Effect.void : Fiber.interrupt(turn.fiber),
              shared.release(turn, turn.held)
            )
          })
      )
    },
    discard: (matches) => {
      for (const [name, turn] of turns) if (matches(turn)) turns.delete(name)
    }
  }
}
