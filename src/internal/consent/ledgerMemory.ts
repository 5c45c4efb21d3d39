/** Entries in memory. Each method decides and writes in one step, so that nobody comes in between. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { ConsentLedger } from "../../ConsentLedger.js"

/** @internal */
export interface Entry {
  readonly value: string
  readonly expiresAt: DateTime.Utc
}

/**
 * At its deadline an entry has ended.
 *
 * @internal
 */
export const isLive = (entry: Entry, now: DateTime.Utc): boolean => DateTime.lessThan(now, entry.expiresAt)

const fewest = 64

/** @internal */
export const make = (entries: Map<string, Entry> = new Map()): ConsentLedger["Type"] => {
  let most = fewest

  // Looks at all only when there are twice as many as were left the last time, so that an addition costs the same
  // however many there are.
  const sweep = (now: DateTime.Utc) => {
    if (entries.size < most) return
    for (const [key, entry] of entries) if (!isLive(entry, now)) entries.delete(key)
    most = Math.max(fewest, 2 * entries.size)
  }

  const live = (key: string, now: DateTime.Utc) =>
    Option.filter(Option.fromNullable(entries.get(key)), (entry) => {
      const isGood = isLive(entry, now)
      if (!isGood) entries.delete(key)
      return isGood
    })

  return {
    add: (key, value, expiresAt) =>
      Effect.map(DateTime.now, (now) => {
        sweep(now)
        if (Option.isSome(live(key, now))) return false
        entries.set(key, { value, expiresAt })
        return true
      }),
    get: (key) => Effect.map(DateTime.now, (now) => Option.map(live(key, now), ({ value }) => value)),
    replace: (key, before, after) =>
      Effect.map(DateTime.now, (now) => {
        const found = Option.filter(live(key, now), ({ value }) => value === before)
        if (Option.isNone(found)) return false
        entries.set(key, { ...found.value, value: after })
        return true
      }),
    take: (key) =>
      Effect.map(DateTime.now, (now) => {
        const found = live(key, now)
        entries.delete(key)
        return Option.map(found, ({ value }) => value)
      })
  }
}
