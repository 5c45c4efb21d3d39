/** Single flight: concurrent calls with one key share one run of an effect. */
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"

interface Flight<A, E> {
  /** Ends with an `Exit`, since a fiber that fails is logged as one whose error is not handled. */
  readonly fiber: Fiber.RuntimeFiber<Exit.Exit<A, E>>
  readonly callers: number
}

/** @internal */
export interface SingleFlight<A, E> {
  /** Runs `effect`, or waits for the run that is in progress for this key. */
  readonly run: <R>(key: string, effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

const start = <A, E>(isDetached: boolean): Effect.Effect<SingleFlight<A, E>> =>
  Effect.gen(function*() {
    // A native map, because callers choose the keys: its hash cannot be predicted. Changed only under the lock.
    const flights = new Map<string, Flight<A, E>>()
    const lock = yield* Effect.makeSemaphore(1)

    const find = (key: string, id: FiberId.FiberId) =>
      Option.filter(Option.fromNullable(flights.get(key)), ({ fiber }) => Equal.equals(fiber.id(), id))

    /** The lock keeps a run that ends at once from being evicted before it is recorded. */
    const evict = (key: string, id: FiberId.FiberId) =>
      lock.withPermits(1)(Effect.sync(() => {
        if (Option.isSome(find(key, id))) flights.delete(key)
      }))

    const acquire = <R>(key: string, effect: Effect.Effect<A, E, R>) =>
      lock.withPermits(1)(Effect.gen(function*() {
        const found = flights.get(key)
        const fiber = found !== undefined
          ? found.fiber
          : yield* Effect.exit(Effect.interruptible(effect)).pipe(
            Effect.zipLeft(Effect.flatMap(Effect.fiberId, (id) => evict(key, id))),
            Effect.forkDaemon
          )
        flights.set(key, { fiber, callers: (found?.callers ?? 0) + 1 })
        return fiber
      }))

    const release = (key: string, fiber: Flight<A, E>["fiber"]) =>
      lock.withPermits(1)(Effect.sync(() => {
        const found = find(key, fiber.id())
        if (Option.isNone(found)) return false
        const callers = found.value.callers - 1
        if (callers === 0) flights.delete(key)
        else flights.set(key, { fiber, callers })
        return callers === 0
      })).pipe(Effect.flatMap((isLast) => isLast ? Fiber.interrupt(fiber) : Effect.void))

    return {
      run: (key, effect) =>
        Effect.uninterruptibleMask((restore) =>
          Effect.flatMap(acquire(key, effect), (fiber) => {
            const exit = Effect.flatten(restore(Fiber.await(fiber)))
            return Effect.flatten(isDetached ? exit : Effect.onInterrupt(exit, () => release(key, fiber)))
          })
        )
    }
  })

/** The run continues while a caller waits for it, whichever caller started it, and is interrupted with its last caller. */
export const make = <A, E>(): Effect.Effect<SingleFlight<A, E>> => start(false)

/**
 * Detached: the run continues to its end when its callers are interrupted, so it needs a time limit. For requests that
 * cannot be repeated, such as the exchange of an authorization code.
 */
export const makeDetached = <A, E>(): Effect.Effect<SingleFlight<A, E>> => start(true)
