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
 * Runs `use` in a span, and then `finalizer`. One stack frame does both: `Effect.withSpan` with a finalizer uses several, which
 * a waiting call keeps in memory.
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
      // The stack would show no code of the caller, and a waiting call would keep it in memory.
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
