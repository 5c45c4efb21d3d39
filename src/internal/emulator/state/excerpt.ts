/** Bounded copies of requests, for the call log. */
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"

/** The size of an excerpt in characters, approximately. A secret counts as its text. */
const maxSize = 8192

/** The length of the longest number, in characters. */
const scalarSize = 24

/** A member gets at least this much, so that its beginning is readable. */
const minShare = 64

const isPlain = (value: object): value is Record<string, unknown> => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Measures a value, and stops above `limit`. */
const sizeOf = (value: unknown, limit: number): number => {
  if (Predicate.isString(value)) return value.length
  if (Redacted.isRedacted(value)) return sizeOf(Redacted.value(value), limit)
  if (!Array.isArray(value) && !(Predicate.isObject(value) && isPlain(value))) return scalarSize
  let size = 2
  for (const [key, member] of Object.entries(value)) {
    size += key.length + sizeOf(member, limit - size) + 4
    if (size > limit) break
  }
  return size
}

const shortenText = (text: string, budget: number): string =>
  text.length <= budget ? text : `${text.slice(0, budget)}… (${text.length} characters)`

/** Shortens the members one after the other. Each gets an equal share of what the earlier ones left. */
const shortenEntries = (entries: ReadonlyArray<readonly [string, unknown]>, budget: number) => {
  const shortened: Array<readonly [string, unknown]> = []
  let left = budget
  for (const [index, [key, value]] of entries.entries()) {
    const share = Math.floor(left / (entries.length - index))
    if (left < minShare) break
    const name = shortenText(key, minShare)
    const member = shorten(value, Math.max(minShare, share))
    shortened.push([name, member])
    left -= name.length + sizeOf(member, left) + 4
  }
  return shortened
}

const omitted = (count: number) => `… ${count} more`

const shorten = (value: unknown, budget: number): unknown => {
  if (Predicate.isString(value)) return shortenText(value, budget)
  if (Redacted.isRedacted(value)) return Redacted.make(shorten(Redacted.value(value), budget))
  if (Array.isArray(value)) {
    const kept = shortenEntries(Object.entries(value), budget)
    return kept.length === value.length
      ? kept.map(([, item]) => item)
      : [...kept.map(([, item]) => item), omitted(value.length - kept.length)]
  }
  if (!Predicate.isObject(value) || !isPlain(value)) return value
  const entries = Object.entries(value)
  const kept = shortenEntries(entries, budget)
  return Object.fromEntries(
    kept.length === entries.length ? kept : [...kept, [omitted(entries.length - kept.length), true]]
  )
}

/**
 * Returns the request itself if it is small. Otherwise returns a copy of about 8 KiB: long texts, lists and objects end with a
 * note of what is missing, and secrets stay `Redacted`.
 */
export const excerpt = (request: unknown): unknown =>
  sizeOf(request, maxSize) <= maxSize ? request : shorten(request, maxSize)
