/** Spans of calls. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as Tracer from "effect/Tracer"

/** What runs in a span. */
export interface Spanned<A, E, R> {
  readonly use: Effect.Effect<A, E, R>
  /** Called after `use`, also after an interruption. The effect that it returns runs before the span ends. */
  readonly finalizer: () => Effect.Effect<void> | undefined
}

/**
 * Runs an effect in a span, and then its finalizer. One stack frame does both: `Effect.withSpan` with a finalizer uses several,
 * which a waiting call keeps in memory. The span is the parent of others after `activate`.
 *
 * The stack is not captured. It would show no code of the caller, a waiting call would keep it in memory, and capturing it takes
 * more time than the rest of the span.
 */
export const withSpan = <A, E, R>(
  name: string,
  options: { readonly attributes: Record<string, unknown>; readonly kind: Tracer.SpanKind },
  spanned: (span: Tracer.Span) => Spanned<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.withFiberRuntime((fiber) => {
      const context = fiber.currentContext
      return Effect.flatMap(
        Effect.makeSpan(name, { ...options, captureStackTrace: false }),
        (span) => {
          const { finalizer, use } = spanned(span)
          return ending(restore(use), context, span, finalizer)
        }
      )
    })
  )

const ending = <A, E, R>(
  use: Effect.Effect<A, E, R>,
  context: Context.Context<never>,
  span: Tracer.Span,
  finalizer: () => Effect.Effect<void> | undefined
) =>
  Effect.flatMap(Effect.exit(use), (exit) => {
    const last = finalizer()
    const end = Effect.withFiberRuntime<A, E>((fiber) => {
      const isTimed = fiber.getFiberRef(FiberRef.currentTracerTimingEnabled)
      const clock = Context.get(fiber.currentDefaultServices, Clock.Clock)
      if (span.status._tag !== "Ended") span.end(isTimed ? clock.unsafeCurrentTimeNanos() : 0n, exit)
      return fiber.currentContext === context
        ? exit
        : Effect.zipRight(FiberRef.set(FiberRef.currentContext, context), exit)
    })
    return last === undefined ? end : Effect.zipRight(last, end)
  })

/** The context in which this span is the parent of others. */
export const contextIn = (
  fiber: Fiber.RuntimeFiber<unknown, unknown>,
  span: Tracer.Span
): Context.Context<never> => Context.add(fiber.currentContext, Tracer.ParentSpan, span)

/**
 * Makes the span of `withSpan` the parent of other spans, until its call ends. A call that runs nothing of the program skips it,
 * since each change of the context copies the references of the fiber.
 */
export const activate = (span: Tracer.Span): Effect.Effect<void> =>
  Effect.withFiberRuntime((fiber) => FiberRef.set(FiberRef.currentContext, contextIn(fiber, span)))
