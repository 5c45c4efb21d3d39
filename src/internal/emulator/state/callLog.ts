/** The most recent calls. */
import * as Chunk from "effect/Chunk"
import type { JournalEntry } from "../../../IdentityControls.js"

/** Number of entries that are returned. */
const maxEntries = 1000

/** @internal */
export type CallLog = Chunk.Chunk<JournalEntry>

/** @internal */
export const empty: CallLog = Chunk.empty()

/** Adds an entry. Old entries are dropped a thousand at a time, since dropping one per call would cost a copy per call. */
export const append = (log: CallLog, entry: JournalEntry): CallLog =>
  Chunk.append(Chunk.size(log) < 2 * maxEntries ? log : Chunk.takeRight(log, maxEntries - 1), entry)

/** @internal */
export const entries = (log: CallLog): ReadonlyArray<JournalEntry> =>
  Chunk.toReadonlyArray(Chunk.takeRight(log, maxEntries))
