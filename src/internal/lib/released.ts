import * as Effect from "effect/Effect"

const ranBefore = Effect.dieMessage("a released effect runs once")

/**
 * Runs `effect`, once, without keeping it in memory meanwhile: the stack frame of an operator otherwise keeps the effect that it
 * runs, with all that the effect refers to.
 */
export const released = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
  let next: Effect.Effect<A, E, R> = effect
  return Effect.suspend(() => {
    const current = next
    next = ranBefore
    return current
  })
}
