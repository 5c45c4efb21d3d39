/** Invalidations that Redis has not executed yet. */
import * as Effect from "effect/Effect"

/** The tags to change, and the message for other processes. Without a message they have to ask for each token. */
export interface Invalidation {
  readonly tags: ReadonlyArray<string>
  readonly message: string | undefined
}

/** More than these are replaced by one that invalidates everything. */
const maxPending = 1000

/** @internal */
export interface Pending<E> {
  readonly add: (invalidation: Invalidation) => Effect.Effect<void>
  /** Sends what is pending. What could not be sent stays. */
  readonly flush: Effect.Effect<void, E>
}

/** @internal */
export const make = <E>(
  send: (invalidation: Invalidation) => Effect.Effect<unknown, E>,
  everything: Invalidation
): Pending<E> => {
  const pending = new Map<string, Invalidation>()

  const insert = (invalidation: Invalidation) => pending.set(JSON.stringify(invalidation), invalidation)

  return {
    add: (invalidation) =>
      Effect.sync(() => {
        if (pending.size >= maxPending) {
          pending.clear()
          insert(everything)
        }
        insert(invalidation)
      }),
    flush: Effect.suspend(() =>
      pending.size === 0 ? Effect.void : Effect.forEach(
        Array.from(pending),
        ([key, invalidation]) =>
          Effect.map(send(invalidation), () => {
            // Not one that was added again meanwhile.
            if (pending.get(key) === invalidation) pending.delete(key)
          }),
        { discard: true }
      )
    )
  }
}
