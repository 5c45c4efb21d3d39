/**
 * A state that outlives the process. Operations are decided one after the other on the newest state. Their changes are
 * written in batches, in that order, and an operation returns when its batch is durable. Reads see only durable state and
 * never wait. So no caller sees a result that a crash could undo.
 */
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import type * as Scope from "effect/Scope"
import type { Settings } from "../state/arns.js"
import type { State } from "../state/state.js"
import type { StateRef } from "../state/store.js"
import * as records from "./records.js"

/** The state cannot be read, or changes cannot be stored. */
export class StorageProblem extends Data.TaggedError("StorageProblem")<{
  readonly message: string
  readonly cause?: unknown
}> {}

/** The beginning of a storage. */
export interface Header {
  /** The storage has no records. */
  readonly isNew: boolean
  /** The value of the record `meta/version`. */
  readonly version: string | undefined
}

/** A store of records, each with its own key. */
export interface Storage {
  /** What is known without reading all records. */
  readonly header: Effect.Effect<Header, StorageProblem>
  /**
   * Reads all records and calls `add` with each, so that they are not all in memory at once. Fails at the end if records were
   * lost or changed: until then, `add` reports no problem.
   */
  readonly load: (add: (entry: records.Entry) => void) => Effect.Effect<void, StorageProblem>
  /** Writes all changes or none, and returns when they are durable. Not called while another commit runs. */
  readonly commit: (changes: ReadonlyArray<records.Change>) => Effect.Effect<void, StorageProblem>
}

/**
 * The change was not stored, and later changes are refused. A defect inside the emulator, reported as
 * `InternalServerError`.
 */
export class StoreUnavailable extends Data.TaggedError("StoreUnavailable")<{ readonly reason: string }> {
  override get message(): string {
    return `the change could not be stored (${this.reason}), and later changes are refused until the store is opened again`
  }
}

const reasonOf = (cause: Cause.Cause<StorageProblem>): string =>
  Option.match(Cause.failureOption(cause), { onNone: () => "a defect", onSome: ({ message }) => message })

type Batch = Deferred.Deferred<void>

interface Cell {
  /** The state after the last decision. */
  readonly latest: State
  /** The state that is stored. */
  readonly durable: State
  /** Completed when the changes that are being written are durable. */
  readonly writing: Batch | undefined
  /** Completed when the changes that are not being written yet are durable. */
  readonly next: Batch | undefined
  /** The reason why changes are refused. */
  readonly refusal: StoreUnavailable | undefined
}

/** The state that the storage holds, or `empty` in a new storage. */
export const make = Effect.fnUntraced(
  function*(
    settings: Settings,
    storage: Storage,
    empty: State
  ): Effect.fn.Return<StateRef, StorageProblem, Scope.Scope> {
    const unwritable = (name: string) => new StorageProblem({ message: `a record of '${name}' cannot be written` })
    const restored = Effect.gen(function*() {
      const { add, result } = records.restorer(settings, empty)
      yield* storage.load(add)
      return yield* Either.mapLeft(result(), (message) => new StorageProblem({ message }))
    })
    const created = Either.mapLeft(records.initialRecords(settings, empty), unwritable).pipe(
      Effect.flatMap(storage.commit),
      Effect.as(empty)
    )
    const { isNew } = yield* storage.header
    const state = yield* isNew ? created : restored
    const initial: Cell = { latest: state, durable: state, writing: undefined, next: undefined, refusal: undefined }
    const cell = yield* Ref.make(initial)
    const hasChanges = yield* Effect.makeLatch(false)

    const write = (before: State, after: State) =>
      Effect.flatMap(Either.mapLeft(records.changes(before, after), unwritable), storage.commit)

    const flush = Effect.uninterruptible(Effect.gen(function*() {
      const { after, batch, before } = yield* Ref.modify(cell, (now) => [
        { before: now.durable, after: now.latest, batch: now.next },
        now.next === undefined ? now : { ...now, next: undefined, writing: now.next }
      ])
      if (batch === undefined) return
      const exit = yield* Effect.exit(write(before, after))
      if (Exit.isSuccess(exit)) {
        yield* Ref.update(cell, (now) => ({ ...now, durable: after, writing: undefined }))
        return yield* Deferred.succeed(batch, undefined)
      }
      yield* Effect.logError("A change could not be stored, and later changes are refused.", exit.cause)
      const refusal = new StoreUnavailable({ reason: reasonOf(exit.cause) })
      const nextBatch = yield* Ref.modify(cell, (now) => [now.next, {
        latest: records.withUnsavedOf(now.durable, now.latest),
        durable: now.durable,
        writing: undefined,
        next: undefined,
        refusal
      }])
      yield* Effect.forEach(
        [batch, ...(nextBatch === undefined ? [] : [nextBatch])],
        (batch) => Deferred.die(batch, refusal),
        { discard: true }
      )
    }))

    // Runs after the writer has stopped: writes the remaining changes, and refuses later ones.
    const closed = new StoreUnavailable({ reason: "the store is closed" })
    yield* Effect.addFinalizer(() =>
      Effect.zipRight(flush, Ref.update(cell, (now) => ({ ...now, refusal: now.refusal ?? closed })))
    )
    yield* Effect.forkScoped(
      hasChanges.await.pipe(Effect.zipRight(hasChanges.close), Effect.zipRight(flush), Effect.forever)
    )

    return {
      read: Effect.map(Ref.get(cell), ({ durable, latest }) => records.withUnsavedOf(durable, latest)),

      modify: (f) =>
        Effect.uninterruptibleMask((restore) =>
          Effect.flatten(Ref.modify(cell, (now) => {
            const [reply, after] = f(now.latest)
            if (records.isSame(now.latest, after)) {
              // The reply may depend on a change that is not durable yet.
              const batch = now.next ?? now.writing
              const later = batch === undefined ? reply : Effect.zipRight(restore(Deferred.await(batch)), reply)
              return [later, { ...now, latest: after }]
            }
            if (now.refusal !== undefined) return [Effect.die(now.refusal), now]
            const next = now.next ?? Deferred.unsafeMake<void>(FiberId.none)
            const durably = hasChanges.open.pipe(
              Effect.zipRight(restore(Deferred.await(next))),
              Effect.zipRight(reply)
            )
            return [durably, { ...now, latest: after, next }]
          }))
        ),

      modifyDiagnostics: (f) =>
        Ref.modify(cell, (now) => {
          const [reply, after] = f(now.latest)
          return [reply, { ...now, latest: records.withUnsavedOf(now.latest, { ...now.latest, ...after }) }]
        })
    }
  }
)
