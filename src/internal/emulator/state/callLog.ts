/** The most recent calls. */
import * as Chunk from "effect/Chunk"
import type { JournalEntry } from "../../../IdentityControls.js"
import { excerpt } from "../../lib/excerpt.js"

/** Number of entries that are returned. With the size of an excerpt, it limits the memory of the log to about 16 MiB. */
const maxEntries = 1000

/** @internal */
export type CallLog = Chunk.Chunk<JournalEntry>

/** @internal */
export const empty: CallLog = Chunk.empty()

/** Adds an entry. Old entries are dropped a thousand at a time, since dropping one per call would cost a copy per call. */
export const append = (log: CallLog, entry: JournalEntry): CallLog =>
  Chunk.append(Chunk.size(log) < 2 * maxEntries ? log : Chunk.takeRight(log, maxEntries - 1), {
    ...entry,
    request: excerpt(entry.request)
  })

/** @internal */
export const entries = (log: CallLog): ReadonlyArray<JournalEntry> =>
  Chunk.toReadonlyArray(Chunk.takeRight(log, maxEntries))
