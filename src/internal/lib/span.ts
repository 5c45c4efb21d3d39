import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as FiberRef from "effect/FiberRef"
import * as Tracer from "effect/Tracer"

const endSpan = <A, E>(span: Tracer.Span, exit: Exit.Exit<A, E>) =>
  Effect.flatMap(
    FiberRef.get(FiberRef.currentTracerTimingEnabled),
    (isTimed) =>
      Effect.clockWith((clock) =>
        Effect.sync(() => {
          if (span.status._tag !== "Ended") span.end(isTimed ? clock.unsafeCurrentTimeNanos() : 0n, exit)
        })
      )
  )

/**
 * What `Effect.withSpan` does, and `finalizer` afterwards, in one frame: whoever sleeps in a span keeps several of them in
 * memory all the while.
 *
 * @internal
 */
export const withSpan = <A, E, R>(
  name: string,
  attributes: Record<string, unknown>,
  use: Effect.Effect<A, E, R>,
  finalizer: Effect.Effect<void>
): Effect.Effect<A, E, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const context = yield* FiberRef.get(FiberRef.currentContext)
      // Nobody's code is between here and the span, and whoever waits would keep the stack in memory.
      const span = yield* Effect.makeSpan(name, { attributes, captureStackTrace: false })
      yield* FiberRef.set(FiberRef.currentContext, Context.add(context, Tracer.ParentSpan, span))
      return runInSpan(restore(use), context, span, finalizer)
    }).pipe(Effect.flatten)
  )

const runInSpan = <A, E, R>(
  use: Effect.Effect<A, E, R>,
  context: Context.Context<never>,
  span: Tracer.Span,
  finalizer: Effect.Effect<void>
) =>
  Effect.flatMap(Effect.exit(use), (exit) =>
    finalizer.pipe(
      Effect.zipRight(FiberRef.set(FiberRef.currentContext, context)),
      Effect.zipRight(endSpan(span, exit)),
      Effect.zipRight(exit)
    ))
