/** A map whose entries expire. */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"

/** @internal */
export interface Expiring {
  readonly expiresAt: DateTime.Utc
}

/** @internal */
export interface ExpiringMap<V> {
  /** The entry, unless it has expired. */
  readonly get: (key: string, now: DateTime.Utc) => Option.Option<V>
  readonly set: (key: string, value: V, now: DateTime.Utc) => void
  readonly remove: (key: string) => void
  /** Tests if there is no entry. Expired entries count. */
  readonly isEmpty: () => boolean
}

/** Tests if an entry has not expired. An entry expires at its deadline. */
export const isLive = ({ expiresAt }: Expiring, now: DateTime.Utc): boolean => DateTime.lessThan(now, expiresAt)

const minSweepSize = 64

/**
 * Keeps its entries in `entries`. An addition removes the expired entries only when there are twice as many entries as the
 * last removal left, so that its average cost does not depend on the number of entries.
 */
export const make = <V extends Expiring>(entries: Map<string, V> = new Map()): ExpiringMap<V> => {
  let sweepSize = minSweepSize

  const sweep = (now: DateTime.Utc) => {
    if (entries.size < sweepSize) return
    for (const [key, entry] of entries) if (!isLive(entry, now)) entries.delete(key)
    sweepSize = Math.max(minSweepSize, 2 * entries.size)
  }

  return {
    get: (key, now) =>
      Option.filter(Option.fromNullable(entries.get(key)), (entry) => {
        const isFound = isLive(entry, now)
        if (!isFound) entries.delete(key)
        return isFound
      }),
    set: (key, value, now) => {
      sweep(now)
      entries.set(key, value)
    },
    remove: (key) => {
      entries.delete(key)
    },
    isEmpty: () => entries.size === 0
  }
}
