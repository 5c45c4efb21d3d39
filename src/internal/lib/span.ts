/** Spans of calls. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as Tracer from "effect/Tracer"

/**
 * Runs `use` in a span, and then `finalizer`. One stack frame does both: `Effect.withSpan` with a finalizer uses several, which
 * a waiting call keeps in memory.
 *
 * The stack is not captured. It would show no code of the caller, a waiting call would keep it in memory, and capturing it takes
 * more time than the rest of the span.
 */
export const withSpan = <A, E, R>(
  name: string,
  attributes: Record<string, unknown>,
  use: Effect.Effect<A, E, R>,
  finalizer: Effect.Effect<void> = Effect.void,
  kind: Tracer.SpanKind = "internal"
): Effect.Effect<A, E, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.withFiberRuntime((fiber) => {
      const context = fiber.currentContext
      return Effect.flatMap(Effect.makeSpan(name, { attributes, kind, captureStackTrace: false }), (span) =>
        Effect.zipRight(
          FiberRef.set(FiberRef.currentContext, Context.add(context, Tracer.ParentSpan, span)),
          runInSpan(restore(use), context, span, finalizer)
        ))
    })
  )

const runInSpan = <A, E, R>(
  use: Effect.Effect<A, E, R>,
  context: Context.Context<never>,
  span: Tracer.Span,
  finalizer: Effect.Effect<void>
) =>
  Effect.flatMap(Effect.exit(use), (exit) => {
    const end = Effect.withFiberRuntime<A, E>((fiber) => {
      const isTimed = fiber.getFiberRef(FiberRef.currentTracerTimingEnabled)
      const clock = Context.get(fiber.currentDefaultServices, Clock.Clock)
      if (span.status._tag !== "Ended") span.end(isTimed ? clock.unsafeCurrentTimeNanos() : 0n, exit)
      return exit
    })
    return Effect.zipRight(finalizer, Effect.zipRight(FiberRef.set(FiberRef.currentContext, context), end))
  })
