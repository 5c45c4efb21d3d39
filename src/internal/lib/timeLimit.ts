/** A time limit that also holds in a region that cannot be interrupted. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Runtime from "effect/Runtime"

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

/** A promise, its time limit, and the errors of both. */
export interface LimitedPromise<A, E> {
  readonly try: (signal: AbortSignal) => Promise<A>
  /** The error of a promise that is rejected at the time `now`. */
  readonly catch: (thrown: unknown, now: number) => E
  readonly duration: Duration.Duration
  readonly onTimeout: () => E
}

/**
 * `Effect.tryPromise` with a time limit that also holds in an uninterruptible region. After the limit, and when the caller is
 * interrupted where it can be, the signal is aborted and the promise is ignored.
 *
 * A promise needs no fiber that can be interrupted, so the timer is the only fiber. `timeLimit` starts three for each call.
 */
export const tryPromise = <A, E>({ duration, onTimeout, ...promise }: LimitedPromise<A, E>): Effect.Effect<A, E> => {
  const sleep = Duration.isFinite(duration)
    // Interruptible, since the fiber of the timer starts with the flags of the caller.
    ? Effect.interruptible(Effect.sleep(duration))
    : undefined
  return Effect.flatMap(Effect.runtime<never>(), (runtime) =>
    Effect.async((resume) => {
      const controller = new AbortController()
      // The timer has the clock and the fiber references of the caller.
      const timer = sleep && Runtime.runFork(runtime, sleep)
      timer?.addObserver((exit) => {
        if (Exit.isInterrupted(exit)) return
        resume(Effect.zipRight(exit, Effect.failSync(onTimeout)))
        controller.abort()
      })
      const stop = () => timer?.unsafeInterruptAsFork(FiberId.none)
      const settle = (result: Effect.Effect<A, E>) => {
        stop()
        resume(result)
      }
      const fail = (thrown: unknown) =>
        settle(Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.failSync(() => promise.catch(thrown, now))))
      try {
        promise.try(controller.signal).then((value) => settle(Effect.succeed(value)), fail)
      } catch (thrown) {
        fail(thrown)
      }
      return Effect.sync(() => {
        stop()
        controller.abort()
      })
    }))
}
