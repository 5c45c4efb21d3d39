/** Runs an effect once for each key, for all callers that share the key. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

/**
 * Runs the effect in the fiber of the first caller; the others wait for it and have its result, also if it fails. If the caller
 * that runs it is interrupted, the next caller runs its own effect. Later callers have the result at once.
 */
export type OncePerKey<K extends object, E> = <R>(
  key: K,
  effect: Effect.Effect<unknown, E, R>
) => Effect.Effect<void, E, R>

/** The keys are held weakly: a result is forgotten with its key. */
export const make = <K extends object, E>(): OncePerKey<K, E> => {
  // The result of a key, or the lock under which the first caller runs.
  const states = new WeakMap<K, Exit.Exit<void, E> | Effect.Semaphore>()

  const run = <R>(key: K, effect: Effect.Effect<unknown, E, R>) =>
    Effect.onExit(Effect.asVoid(effect), (exit) =>
      Effect.sync(() => {
        // An effect that fails may also interrupt parts of itself.
        if (Exit.isSuccess(exit) || !Cause.isInterruptedOnly(exit.cause)) states.set(key, exit)
      }))

  return (key, effect) => {
    const next: Effect.Effect<void, E, Effect.Effect.Context<typeof effect>> = Effect.suspend(() => {
      const state = states.get(key) ?? Effect.unsafeMakeSemaphore(1)
      if (Exit.isExit(state)) return state
      states.set(key, state)
      return state.withPermits(1)(Effect.suspend(() => states.get(key) === state ? run(key, effect) : next))
    })
    return next
  }
}
