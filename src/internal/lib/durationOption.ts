/** Checks of the durations in options. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"

/** The problem of a duration that must be 0 or more, as a message that names the option; empty if it is valid. */
export const problemsOf = (name: string, value: Duration.DurationInput | undefined): ReadonlyArray<string> => {
  if (value === undefined) return []
  const isNegative = typeof value === "number" ? !(value >= 0) : typeof value === "string" && value.startsWith("-")
  return isNegative || Option.isNone(Duration.decodeUnknown(value))
    ? [`${name} must be a duration of 0 or more, such as "5 minutes", got ${String(value)}`]
    : []
}
