/** What goes on to its end once it has begun, whoever waits for it, and is not begun again meanwhile. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"

/** @internal */
export interface DetachedFlight<A, E> {
  /** Runs `effect`, or waits for what is run for this key. Nobody's interruption ends it, so it has to end by itself. */
  readonly run: <R>(key: string, effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/** @internal */
export const make = <A, E>(): Effect.Effect<DetachedFlight<A, E>> =>
  Effect.map(Ref.make(HashMap.empty<string, Deferred.Deferred<A, E>>()), (flights) => ({
    run: (key, effect) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.gen(function*() {
          const own = yield* Deferred.make<A, E>()
          const others = yield* Ref.modify(flights, (all) => {
            const found = HashMap.get(all, key)
            return [found, Option.isSome(found) ? all : HashMap.set(all, key, own)]
          })
          if (Option.isSome(others)) return yield* restore(Deferred.await(others.value))
          // By itself it may be interrupted, as by a limit of its own; but nobody has its fiber.
          yield* Effect.exit(Effect.interruptible(effect)).pipe(
            Effect.zipLeft(Ref.update(flights, HashMap.remove(key))),
            Effect.flatMap((exit) => Deferred.done(own, exit)),
            Effect.forkDaemon
          )
          return yield* restore(Deferred.await(own))
        })
      )
  }))
