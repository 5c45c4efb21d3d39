/** Values that are made at their first use, such as a module and its client. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as SynchronizedRef from "effect/SynchronizedRef"
import { TransportFailure } from "../../IdentityError.js"
import { timeLimit } from "../lib/timeLimit.js"

/** A value for an operation, by AWS's name of the operation. */
export type OnUse<A> = (operation: string) => Effect.Effect<A, TransportFailure>

/**
 * Makes the value at its first use, in the scope of this effect, and keeps it. Concurrent first uses wait for the same attempt.
 * It runs in a fiber of its own, so that an interrupted caller does not interrupt it for the others. An attempt that fails is
 * not kept: the next use starts another one.
 *
 * A use that takes longer than `duration` fails with `TransportFailure`, reason `Timeout`, also in a region that cannot be
 * interrupted. The attempt continues for later uses.
 */
export const make = <A>(
  value: Effect.Effect<A, never, Scope.Scope>,
  duration: Duration.Duration
): Effect.Effect<OnUse<A>, never, Scope.Scope> =>
  Effect.gen(function*() {
    const scope = yield* Effect.scope
    const attempt = yield* SynchronizedRef.make(Option.none<Fiber.RuntimeFiber<A>>())

    const start = Effect.uninterruptible(Effect.forkIn(
      Effect.onError(Scope.extend(value, scope), () => SynchronizedRef.set(attempt, Option.none())),
      scope
    ))
    const started = SynchronizedRef.modifyEffect(
      attempt,
      Option.match({
        onNone: () => Effect.map(start, (fiber) => [fiber, Option.some(fiber)] as const),
        onSome: (fiber) => Effect.succeed([fiber, Option.some(fiber)] as const)
      })
    )
    // Awaited and not joined, so that callers do not inherit the fiber references of the first one.
    const awaited = Effect.flatten(Effect.flatMap(started, Fiber.await))

    return (operation) => {
      const limited = timeLimit({
        duration,
        onTimeout: () =>
          new TransportFailure({
            operation,
            reason: "Timeout",
            message: `nothing was sent: the client was not loaded within ${Duration.format(duration)}. Try again`
          })
      })(awaited)
      return Effect.flatMap(SynchronizedRef.get(attempt), (current) => {
        const exit = Option.isSome(current) ? current.value.unsafePoll() : null
        return exit !== null && Exit.isSuccess(exit) ? exit : limited
      })
    }
  })
