/**
 * A memory that outlives the process. Operations are decided on the newest state, one after the other; what they
 * changed is written in batches, in that order, and an operation answers when its batch is durable. Whoever only reads
 * sees what is durable and never waits. So nobody is told of anything that a crash could take back.
 */
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as Ref from "effect/Ref"
import type * as Scope from "effect/Scope"
import type { Settings } from "../state/arns.js"
import type { State } from "../state/state.js"
import type { StateRef } from "../state/store.js"
import * as record from "./records.js"

/**
 * Why there is no state to go on with, or no way to keep it.
 *
 * @internal
 */
export class StorageProblem extends Data.TaggedError("StorageProblem")<{
  readonly message: string
  readonly cause?: unknown
}> {}

/**
 * Where records are kept, one key each.
 *
 * @internal
 */
export interface Storage {
  /** Everything; nothing if it is new. */
  readonly load: Effect.Effect<ReadonlyArray<record.Entry>, StorageProblem>
  /** All or nothing, and durable when it returns. Never called while it runs. */
  readonly commit: (changes: ReadonlyArray<record.Change>) => Effect.Effect<void, StorageProblem>
}

/**
 * The change was not kept, and none will be any more. A defect inside the engine, `InternalServerError` outside.
 *
 * @internal
 */
export class StoreUnavailable extends Data.TaggedError("StoreUnavailable")<{}> {
  override get message(): string {
    return "the change could not be stored, and no other will be until the store is opened anew"
  }
}

type Batch = Deferred.Deferred<void>

interface Cell {
  /** What the last decision left. */
  readonly latest: State
  /** What is durable of it. */
  readonly durable: State
  /** Those who wait for what is being written. */
  readonly writing: Batch | undefined
  /** Those who wait for what is still to be written. */
  readonly next: Batch | undefined
  readonly isRefusing: boolean
}

/**
 * The state that the storage holds, or a new one.
 *
 * @internal
 */
export const make = Effect.fnUntraced(
  function*(
    settings: Settings,
    storage: Storage,
    empty: State
  ): Effect.fn.Return<StateRef, StorageProblem, Scope.Scope> {
    const unwritable = (name: string) => new StorageProblem({ message: `a record of '${name}' cannot be written` })
    const records = yield* storage.load
    if (records.length === 0) {
      yield* storage.commit(yield* Either.mapLeft(record.initialRecords(settings, empty), unwritable))
    }
    const state = records.length === 0
      ? empty
      : yield* Either.mapLeft(record.restore(settings, empty, records), (message) => new StorageProblem({ message }))
    const initial: Cell = { latest: state, durable: state, writing: undefined, next: undefined, isRefusing: false }
    const cell = yield* Ref.make(initial)
    const wake = yield* Effect.makeLatch(false)

    const write = (before: State, after: State) =>
      Effect.flatMap(Either.mapLeft(record.changes(before, after), unwritable), storage.commit)

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
      yield* Effect.logError("A change could not be stored; no other will be.", exit.cause)
      const late = yield* Ref.modify(cell, (now) => [now.next, {
        latest: record.withUnsavedOf(now.durable, now.latest),
        durable: now.durable,
        writing: undefined,
        next: undefined,
        isRefusing: true
      }])
      yield* Effect.forEach(
        [batch, ...(late === undefined ? [] : [late])],
        (batch) => Deferred.die(batch, new StoreUnavailable()),
        { discard: true }
      )
    }))

    // Once the writer is gone, what it has left is written, and from then on nothing is taken any more.
    yield* Effect.addFinalizer(() => Effect.zipRight(flush, Ref.update(cell, (now) => ({ ...now, isRefusing: true }))))
    yield* Effect.forkScoped(
      wake.await.pipe(Effect.zipRight(wake.close), Effect.zipRight(flush), Effect.forever)
    )

    return {
      read: Effect.map(Ref.get(cell), ({ durable, latest }) => record.withUnsavedOf(durable, latest)),

      modify: (f) =>
        Effect.uninterruptibleMask((restore) =>
          Effect.flatten(Ref.modify(cell, (now) => {
            const [reply, after] = f(now.latest)
            if (record.isSame(now.latest, after)) {
              // The reply may tell of what is not durable yet.
              const batch = now.next ?? now.writing
              const later = batch === undefined ? reply : Effect.zipRight(restore(Deferred.await(batch)), reply)
              return [later, { ...now, latest: after }]
            }
            if (now.isRefusing) return [Effect.die(new StoreUnavailable()), now]
            const next = now.next ?? Deferred.unsafeMake<void>(FiberId.none)
            const durably = wake.open.pipe(
              Effect.zipRight(restore(Deferred.await(next))),
              Effect.zipRight(reply)
            )
            return [durably, { ...now, latest: after, next }]
          }))
        ),

      modifyDiagnostics: (f) =>
        Ref.modify(cell, (now) => {
          const [reply, after] = f(now.latest)
          return [reply, { ...now, latest: record.withUnsavedOf(now.latest, { ...now.latest, ...after }) }]
        })
    }
  }
)
