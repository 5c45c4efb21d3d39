import { Cause, Effect, Exit, Inspectable, Layer, Logger, Tracer } from "effect"
import { inspect } from "node:util"

const events = (span: Tracer.Span) => "events" in span ? inspect(span.events, { depth: null }) : ""

const ending = ({ status }: Tracer.Span) =>
  status._tag === "Ended" && Exit.isFailure(status.exit)
    ? Cause.pretty(status.exit.cause, { renderErrorCause: true }) + inspect(status.exit, { depth: null })
    : ""

/** Everything that is logged, and every span with its attributes, its events and its failure, as text. */
export const recording = Effect.map(Effect.tracer, (native) => {
  const lines: Array<string> = []
  const spans: Array<Tracer.Span> = []
  const logger = Logger.make(({ annotations, cause, message }) => {
    lines.push(`${Inspectable.format(message)} ${Inspectable.format([...annotations])} ${Inspectable.format(cause)}`)
  })
  const tracer = Tracer.make({
    span: (...rest) => {
      const span = native.span(...rest)
      spans.push(span)
      return span
    },
    context: (f, fiber) => native.context(f, fiber)
  })
  const text = () =>
    [
      ...lines,
      ...spans.map((span) =>
        [span.name, Inspectable.format([...span.attributes]), events(span), ending(span)].join(" ")
      )
    ].join("\n")
  return { layer: Layer.merge(Logger.replace(Logger.defaultLogger, logger), Layer.setTracer(tracer)), spans, text }
})
