/** Pages of long lists: an answer has a limit in bytes, and says how many entries it omits. */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import { excerpt } from "../../lib/excerpt.js"
import { parseQuery } from "../../lib/url.js"
import { ApiError } from "./json.js"

/** The size of the list in one answer, in bytes. */
const maxBytes = 900_000

/** The size of each of several lists in one answer, in bytes. */
export const maxBytesOfSeveral = 150_000

const byteLength = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value) ?? "").length

/** A larger entry is shortened, so that it does not hide the others. */
const maxEntryBytes = 32_768

/** Whether the texts in the lists of an entry alone are too large, which is found without writing it as JSON. */
const hasLargeList = (entry: unknown): boolean =>
  Predicate.isRecord(entry) && Object.values(entry).some((member) => {
    if (!Array.isArray(member)) return false
    let length = 0
    for (const item of member) if (Predicate.isString(item)) length += item.length
    return length > maxEntryBytes
  })

const bounded = (entry: unknown): unknown =>
  !hasLargeList(entry) && byteLength(entry) <= maxEntryBytes ? entry : excerpt(entry)

/** The last entries that have at most `bytes` bytes as JSON, the large ones among them shortened. */
export const newest = (entries: ReadonlyArray<unknown>, bytes: number): ReadonlyArray<unknown> => {
  const kept: Array<unknown> = []
  let left = bytes
  for (let index = entries.length - 1; index >= 0; index--) {
    const entry = bounded(entries[index])
    left -= byteLength(entry) + 1
    if (left < 0) break
    kept.push(entry)
  }
  return Arr.reverse(kept)
}

const parameter = (name: "limit" | "skip", otherwise: number) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }): Effect.Effect<number, ApiError> => {
    const text = parseQuery(url.split("?")[1] ?? "").get(name)
    if (text === null) return Effect.succeed(otherwise)
    return /^\d{1,15}$/.test(text) ? Effect.succeed(Number(text)) : new ApiError({
      status: 400,
      error: "InvalidQuery",
      message: `${name}: expected a number of entries, 0 or more`
    })
  })

/** The parameters of a page, for the description of an endpoint. */
export const query = {
  "limit?": "at most this many entries, the newest ones; by default as many as fit into 900 KB",
  "skip?": "without this many of the newest entries, 0 by default"
}

/** An entry of a list has more bytes than this, so more entries than `bytes` divided by it are never returned. */
const minBytes = 100

/** The number of entries of which at most `bytes` bytes are returned. */
export const enough = (bytes: number): number => Math.ceil(bytes / minBytes)

/** One page of a list of which only the needed part is read: `read` returns the newest entries without `skip`, newest first. */
export const pageOf = <A, R>(
  total: number,
  read: (part: { readonly limit: number; readonly skip: number }) => Effect.Effect<ReadonlyArray<A>, never, R>
): Effect.Effect<
  { readonly entries: ReadonlyArray<unknown>; readonly total: number },
  ApiError,
  R | HttpServerRequest.HttpServerRequest
> =>
  Effect.gen(function*() {
    const limit = yield* parameter("limit", total)
    const entries = yield* read({ limit: Math.min(limit, enough(maxBytes)), skip: yield* parameter("skip", 0) })
    return { entries: newest(Arr.reverse(entries), maxBytes), total }
  })

/** One page of the entries of a list, of which the newest is the last. */
export const page = (
  entries: ReadonlyArray<unknown>
): Effect.Effect<
  { readonly entries: ReadonlyArray<unknown>; readonly total: number },
  ApiError,
  HttpServerRequest.HttpServerRequest
> =>
  Effect.gen(function*() {
    const limit = yield* parameter("limit", entries.length)
    const end = Math.max(0, entries.length - (yield* parameter("skip", 0)))
    return { entries: newest(entries.slice(Math.max(0, end - limit), end), maxBytes), total: entries.length }
  })
