import { Effect, Inspectable, Layer, Logger, Tracer } from "effect"

/** Everything that is logged, and every span with what is on it, as text. */
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
    [...lines, ...spans.map(({ attributes, name }) => `${name} ${Inspectable.format([...attributes])}`)].join("\n")
  return { layer: Layer.merge(Logger.replace(Logger.defaultLogger, logger), Layer.setTracer(tracer)), spans, text }
})
