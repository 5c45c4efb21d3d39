/** A time limit that also holds in a region that cannot be interrupted. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

/**
 * Fails with `onTimeout()` and interrupts `self` when `self` takes longer than `duration`.
 *
 * `Effect.timeoutFail` alone cannot do so in an uninterruptible region, such as every handler of an `HttpApp`: its timer
 * fires, but `self` cannot be interrupted, and the caller waits until `self` ends. `Effect.interruptible` around `self`
 * would let the interruption of the caller into that region too, since a fiber passes it on to its children.
 *
 * So `self` runs in a daemon fiber, where the timer can always interrupt it. The interruption of the caller reaches it
 * only where the caller itself can be interrupted. Fiber references, the context and the clock are those of the caller,
 * and changes of fiber references are kept on success, as with `Effect.timeoutFail`.
 *
 * An infinite `duration` sets no limit: `self` runs as it is.
 */
export const timeLimit = <E2>(options: {
  readonly duration: Duration.Duration
  readonly onTimeout: () => E2
}): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E | E2, R> => {
  if (!Duration.isFinite(options.duration)) return (self) => self
  const limited = Effect.timeoutFail(options)
  return (self) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(
        // As an `Exit`, since a fiber that fails is logged as one whose error is not handled.
        Effect.forkDaemon(Effect.exit(Effect.interruptible(limited(self)))),
        (fiber) => Effect.flatten(Effect.onInterrupt(restore(Fiber.join(fiber)), () => Fiber.interrupt(fiber)))
      )
    )
}
