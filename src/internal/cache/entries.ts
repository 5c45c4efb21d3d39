/** Credentials in memory, bounded in entries and bytes. The least recently used entry goes first. */
import type * as Redacted from "effect/Redacted"

/**
 * Whose credential it is, and from which provider. `Cache` of `effect` has no limit in bytes, and does not find the entries of a
 * user or a provider, so the entries are kept here.
 */
export interface Owner {
  readonly identity: string
  readonly providerName: string | undefined
}

/** The state of the shared store in which an entry was last found valid. */
export interface Confirmed {
  readonly id: string
  readonly generation: string
  /** The subscription to invalidations at that time. */
  readonly subscription: number | undefined
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** @internal */
export interface Entry extends Owner {
  readonly key: string
  readonly credential: Redacted.Redacted
  /** Milliseconds since the epoch, from which the entry is not used. */
  readonly expiresAt: number
  /** From this time a use of the entry refreshes it in the background; `Infinity` while a refresh is in progress. */
  refreshAt: number
  readonly bytes: number
  /** `undefined` without a shared store, and for what was requested while it was not available. */
  confirmed: Confirmed | undefined
}

/** @internal */
export interface Entries {
  readonly get: (key: string, now: number) => Entry | undefined
  readonly set: (entry: Entry) => void
  readonly remove: (key: string) => void
  /** Removes the entries that match, and returns them. */
  readonly removeWhere: (matches: (entry: Entry) => boolean) => ReadonlyArray<Entry>
  readonly size: () => { readonly entries: number; readonly bytes: number }
}

/** @internal */
export const make = ({ maxBytes, maxEntries }: { readonly maxEntries: number; readonly maxBytes: number }): Entries => {
  // A native map: callers choose the keys. Its order is that of the last use.
  const entries = new Map<string, Entry>()
  let bytes = 0

  const remove = (key: string) => {
    bytes -= entries.get(key)?.bytes ?? 0
    entries.delete(key)
  }

  return {
    get: (key, now) => {
      const entry = entries.get(key)
      if (entry === undefined) return undefined
      if (now >= entry.expiresAt) {
        remove(key)
        return undefined
      }
      entries.delete(key)
      entries.set(key, entry)
      return entry
    },
    set: (entry) => {
      remove(entry.key)
      if (entry.bytes > maxBytes) return
      entries.set(entry.key, entry)
      bytes += entry.bytes
      for (const oldest of entries.keys()) {
        if (entries.size <= maxEntries && bytes <= maxBytes) return
        remove(oldest)
      }
    },
    remove,
    removeWhere: (matches) => {
      const removed = Array.from(entries.values()).filter(matches)
      for (const { key } of removed) remove(key)
      return removed
    },
    size: () => ({ entries: entries.size, bytes })
  }
}
