/** The header `Retry-After` of a response (RFC 9110, section 10.2.3). */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"

/** The form of a date that RFC 9110 section 5.6.7 prefers, and AWS sends. */
const httpDate = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2}) GMT$/

const millisOf = (text: string | undefined): Option.Option<number> =>
  Option.fromNullable(httpDate.exec(text?.trim() ?? "")).pipe(
    Option.flatMap(([, date = ""]) => DateTime.make(date)),
    Option.map(DateTime.toEpochMillis)
  )

/**
 * The seconds to wait, at least 0. A date is compared with the `Date` of the response, so that the clock of this machine does
 * not matter; without one, with `now`. A value that is neither seconds nor such a date is ignored.
 */
export const seconds = (headers: Readonly<Record<string, string>>, now: number): number | undefined => {
  const value = headers["retry-after"]?.trim() ?? ""
  if (/^\d{1,9}$/.test(value)) return Number(value)
  const sent = Option.getOrElse(millisOf(headers["date"]), () => now)
  return Option.getOrUndefined(
    Option.map(millisOf(value), (at) => Math.max(0, Math.ceil((at - sent) / 1000)))
  )
}
