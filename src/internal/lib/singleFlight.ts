/** One effect for everybody who wants the same at the same time. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"

interface Flight<A, E> {
  readonly fiber: Fiber.RuntimeFiber<A, E>
  readonly callers: number
}

/** @internal */
export interface SingleFlight<A, E> {
  /**
   * Runs `effect`, or joins who runs it for this key already. It goes on while one of them waits, whoever began it, and
   * is interrupted with the last.
   */
  readonly run: <R>(key: string, effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/** @internal */
export const make = <A, E>(): Effect.Effect<SingleFlight<A, E>> =>
  Effect.gen(function*() {
    const flights = yield* Ref.make(HashMap.empty<string, Flight<A, E>>())
    const lock = yield* Effect.makeSemaphore(1)

    const acquire = <R>(key: string, effect: Effect.Effect<A, E, R>) =>
      lock.withPermits(1)(Effect.gen(function*() {
        const found = HashMap.get(yield* Ref.get(flights), key)
        const fiber = Option.isSome(found)
          ? found.value.fiber
          : yield* Effect.forkDaemon(Effect.interruptible(effect))
        const callers = Option.match(found, { onNone: () => 1, onSome: ({ callers }) => callers + 1 })
        yield* Ref.update(flights, HashMap.set(key, { fiber, callers }))
        return fiber
      }))

    const release = (key: string, fiber: Fiber.RuntimeFiber<A, E>) =>
      lock.withPermits(1)(Effect.gen(function*() {
        const found = Option.filter(HashMap.get(yield* Ref.get(flights), key), (flight) => flight.fiber === fiber)
        if (Option.isNone(found)) return false
        const callers = found.value.callers - 1
        yield* Ref.update(
          flights,
          callers === 0 ? HashMap.remove(key) : HashMap.set(key, { fiber, callers })
        )
        return callers === 0
      })).pipe(Effect.flatMap((isEmpty) => isEmpty ? Fiber.interrupt(fiber) : Effect.void))

    // A landed flight takes nobody any more.
    const evict = (key: string, fiber: Fiber.RuntimeFiber<A, E>) =>
      Ref.update(flights, (all) =>
        Option.exists(HashMap.get(all, key), (flight) => flight.fiber === fiber) ? HashMap.remove(all, key) : all)

    return {
      run: (key, effect) =>
        Effect.uninterruptibleMask((restore) =>
          Effect.flatMap(acquire(key, effect), (fiber) =>
            restore(Fiber.await(fiber)).pipe(
              Effect.zipLeft(evict(key, fiber)),
              Effect.onInterrupt(() =>
                release(key, fiber)
              ),
              Effect.flatten
            ))
        )
    }
  })
