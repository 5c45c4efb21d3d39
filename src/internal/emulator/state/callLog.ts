/** The last calls. */
import * as Chunk from "effect/Chunk"
import type { JournalEntry } from "../../../IdentityControls.js"

/** How many are told of. */
const length = 1000

/** @internal */
export type Journal = Chunk.Chunk<JournalEntry>

/** @internal */
export const empty: Journal = Chunk.empty()

/**
 * What is too old is thrown away many at a time, since each call would otherwise pay for it.
 *
 * @internal
 */
export const append = (journal: Journal, entry: JournalEntry): Journal =>
  Chunk.append(Chunk.size(journal) < 2 * length ? journal : Chunk.takeRight(journal, length - 1), entry)

/** @internal */
export const entries = (journal: Journal): ReadonlyArray<JournalEntry> =>
  Chunk.toReadonlyArray(Chunk.takeRight(journal, length))
