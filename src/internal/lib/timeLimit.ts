/** A time limit that also holds in a region that cannot be interrupted. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as timers from "./timers.js"

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

/** A signal, and what aborts it: an `AbortController` or the like. */
export interface Aborter<Signal> {
  readonly signal: Signal
  readonly abort: () => void
}

/** A promise, and the errors of its rejection and of its time limit. */
export interface LimitedPromise<A, E, Signal> {
  readonly try: (signal: Signal) => Promise<A>
  /** The error of a promise that is rejected at the time `now`, in milliseconds. */
  readonly catch: (thrown: unknown, now: number) => E
  readonly onTimeout: () => E
}

/** A promise that has started. */
export interface Pending {
  /** Aborts the signal, and stops the timer. `undefined` before the promise has started, and after it has ended. */
  cancel: (() => void) | undefined
}

/**
 * Makes an `Effect.tryPromise` with a time limit that also holds in an uninterruptible region. After the limit, the signal is
 * aborted and the promise is ignored. When the caller is interrupted, its finalizer must call `cancel` of `pending`: one that
 * the caller has anyway costs less than one of the promise.
 *
 * A promise needs no fiber that can be interrupted, so there is only a timer, where `timeLimit` starts three fibers for each call.
 * Promises that are pending at the same time share the fiber of the timer.
 */
export const makeTryPromise = <Signal>(
  duration: Duration.Duration,
  makeAborter: () => Aborter<Signal>
): <A, E>(promise: LimitedPromise<A, E, Signal>, pending: Pending) => Effect.Effect<A, E> => {
  const startTimer = Duration.isFinite(duration) ? timers.make(duration) : () => () => undefined
  return <A, E>(promise: LimitedPromise<A, E, Signal>, pending: Pending) =>
    Effect.withFiberRuntime<A, E>((caller) =>
      Effect.async((resume) => {
        const controller = makeAborter()
        const cancelTimer = startTimer(caller, () => {
          pending.cancel = undefined
          resume(Effect.failSync(promise.onTimeout))
          controller.abort()
        })
        pending.cancel = () => {
          pending.cancel = undefined
          cancelTimer()
          controller.abort()
        }
        const settle = (result: Effect.Effect<A, E>) => {
          pending.cancel = undefined
          cancelTimer()
          resume(result)
        }
        const fail = (thrown: unknown) =>
          settle(Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.fail(promise.catch(thrown, now))))
        try {
          promise.try(controller.signal).then((value) => settle(Effect.succeed(value)), fail)
        } catch (thrown) {
          fail(thrown)
        }
      })
    )
}

/** Makes the same, with a finalizer of its own. */
export const makeCancelledPromise = <Signal>(
  duration: Duration.Duration,
  makeAborter: () => Aborter<Signal>
): <A, E>(promise: LimitedPromise<A, E, Signal>) => Effect.Effect<A, E> => {
  const tryPromise = makeTryPromise(duration, makeAborter)
  return (promise) =>
    Effect.suspend(() => {
      const pending: Pending = { cancel: undefined }
      return Effect.onInterrupt(tryPromise(promise, pending), () => Effect.sync(() => pending.cancel?.()))
    })
}
