/** The header `Retry-After` of a response (RFC 9110, section 10.2.3). */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"

// `DateTime` appends the zone `Z` to a text whose zone has another form.
const millisOf = (date: string): Option.Option<number> =>
  Option.map(DateTime.make(date.replace(/ GMT$/, "")), DateTime.toEpochMillis)

/**
 * The seconds to wait, at least 0. A date is compared with the `Date` of the response, so that the clock of this machine does
 * not matter; without one, with `now`. A value that is neither seconds nor a date is ignored.
 */
export const seconds = (headers: Readonly<Record<string, string>>, now: number): number | undefined => {
  const value = headers["retry-after"]?.trim() ?? ""
  if (/^\d{1,9}$/.test(value)) return Number(value)
  // Only a date of HTTP starts with the name of a day.
  if (!/^[A-Z][a-z]+, /.test(value)) return undefined
  const sent = Option.getOrElse(millisOf(headers["date"] ?? ""), () => now)
  return Option.getOrUndefined(
    Option.map(millisOf(value), (at) => Math.max(0, Math.ceil((at - sent) / 1000)))
  )
}
