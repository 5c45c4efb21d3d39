/** The log: one line per event on stderr, as text (logfmt) or as JSON. */
import * as Arr from "effect/Array"
import * as Logger from "effect/Logger"
import { escapeText, toJson } from "./printable.js"

/** An event whose members are fields of the log line. The first one names the event. */
export interface Event {
  readonly event: string
  readonly fields: { readonly [name: string]: string | number | undefined }
}

const isEvent = (part: unknown): part is Event =>
  typeof part === "object" && part !== null && "event" in part && "fields" in part

const quoted = (value: string | number) => {
  const text = String(value)
  return /^[^\s"=\\]+$/.test(text) ? text : `"${text.replaceAll(/["\\]/g, "\\$&")}"`
}

const given = ({ fields }: Event) =>
  Object.entries(fields).flatMap(([name, value]) => value === undefined ? [] : [[name, value] as const])

const format = (part: unknown) =>
  isEvent(part)
    ? [part.event, ...given(part).map(([name, value]) => `${name}=${quoted(value)}`)].join(" ")
    : String(part)

const textLogger = Logger.make<unknown, string>(({ date, logLevel, message }) =>
  escapeText(
    [
      date.toISOString(),
      ...(logLevel._tag === "Info" ? [] : [logLevel.label]),
      ...Arr.map(Arr.ensure(message), format)
    ].join(" ")
  )
)

const jsonLogger = Logger.make<unknown, string>(({ date, logLevel, message }) => {
  const [part] = Arr.ensure(message)
  return toJson({
    at: date.toISOString(),
    level: logLevel.label,
    ...(isEvent(part)
      ? { operation: part.event, ...Object.fromEntries(given(part)) }
      : { message: Arr.ensure(message).map(String).join(" ") })
  })
})

/** Logs to stderr, so that stdout has the results only. */
export const layer = (json: boolean) =>
  Logger.replace(Logger.defaultLogger, Logger.withConsoleError(json ? jsonLogger : textLogger))
