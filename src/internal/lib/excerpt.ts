/** Bounded copies of requests, for the call log. */
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"

/** The size of an excerpt in characters, approximately. A secret counts as its text. */
const maxSize = 8192

/** The length of the longest number, in characters. */
const scalarSize = 24

/** A member gets at least this much, so that its beginning is readable. */
const minShare = 64

/** The number of nested lists, objects and secrets. Limits the stack for deep values, and for values that contain themselves. */
const maxDepth = 20

const tooDeep = "…"

const isPlain = (value: object): value is Record<string, unknown> => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Measures a value, and stops above `limit`. A value that is too deep has no size that is within a limit. */
const sizeOf = (value: unknown, limit: number, depth = 0): number => {
  if (Predicate.isString(value)) return value.length
  const isSecret = Redacted.isRedacted(value)
  if (!isSecret && !Array.isArray(value) && !(Predicate.isObject(value) && isPlain(value))) return scalarSize
  if (depth === maxDepth) return Infinity
  if (isSecret) return sizeOf(Redacted.value(value), limit, depth + 1)
  let size = 2
  for (const [key, member] of Object.entries(value)) {
    size += key.length + sizeOf(member, limit - size, depth + 1) + 4
    if (size > limit) break
  }
  return size
}

const shortenText = (text: string, budget: number): string =>
  text.length <= budget ? text : `${text.slice(0, budget)}… (${text.length} characters)`

/** Shortens the members one after the other. Each gets an equal share of what the earlier ones left. */
const shortenEntries = (entries: ReadonlyArray<readonly [string, unknown]>, budget: number, depth: number) => {
  const shortened: Array<readonly [string, unknown]> = []
  let left = budget
  for (const [index, [key, value]] of entries.entries()) {
    const share = Math.floor(left / (entries.length - index))
    if (left < minShare) break
    const name = shortenText(key, minShare)
    const member = shorten(value, Math.max(minShare, share), depth)
    shortened.push([name, member])
    left -= name.length + sizeOf(member, left) + 4
  }
  return shortened
}

const omitted = (count: number) => `… ${count} more`

const shorten = (value: unknown, budget: number, depth = 0): unknown => {
  if (Predicate.isString(value)) return shortenText(value, budget)
  const isSecret = Redacted.isRedacted(value)
  const isList = Array.isArray(value)
  if (!isSecret && !isList && !(Predicate.isObject(value) && isPlain(value))) return value
  if (depth === maxDepth) return tooDeep
  if (isSecret) return Redacted.make(shorten(Redacted.value(value), budget, depth + 1))
  const entries = Object.entries(value)
  const kept = shortenEntries(entries, budget, depth + 1)
  if (isList) {
    const items = kept.map(([, item]) => item)
    return kept.length === value.length ? items : [...items, omitted(value.length - kept.length)]
  }
  return Object.fromEntries(
    kept.length === entries.length ? kept : [...kept, [omitted(entries.length - kept.length), true]]
  )
}

/**
 * Returns the request itself if it is small. Otherwise returns a copy of about 8 KiB: long texts, lists and objects end with a
 * note of what is missing, what is nested more than 20 levels deep becomes "…", and secrets stay `Redacted`.
 */
export const excerpt = (request: unknown): unknown =>
  sizeOf(request, maxSize) <= maxSize ? request : shorten(request, maxSize)
