/** Ledger entries in a `KeyValueStore`. */
import type { PlatformError } from "@effect/platform/Error"
import type { KeyValueStore } from "@effect/platform/KeyValueStore"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { ConsentLedger } from "../../ConsentLedger.js"
import { LedgerFailure } from "../../IdentityError.js"
import { isLive } from "../lib/expiringMap.js"
import { wellFormed } from "../lib/text.js"
import type { Entry } from "./ledgerMemory.js"

const Stored = Schema.parseJson(Schema.Struct({ value: Schema.String, expiresAt: Schema.DateTimeUtc }))

const encode = Schema.encode(Stored)

const decode = Schema.decode(Stored)

const storeFailure = (prefix: string, done: "read" | "written") => (cause: PlatformError) =>
  new LedgerFailure({ message: `the store of ConsentLedger, keys "${prefix}…", could not be ${done}`, cause })

const makeLedger = (store: KeyValueStore, prefix: string, lock: Effect.Semaphore): ConsentLedger["Type"] => {
  const exclusively = lock.withPermits(1)

  const read = (key: string) =>
    Effect.flatMap(
      Effect.mapError(store.get(prefix + wellFormed(key)), storeFailure(prefix, "read")),
      Option.match({
        onNone: () => Effect.succeedNone,
        onSome: (text) =>
          // Without the error of the schema, which contains the value.
          Effect.mapError(Effect.asSome(decode(text)), () =>
            new LedgerFailure({
              message:
                `a value in the store of ConsentLedger, keys "${prefix}…", is not an entry of a ConsentLedger: remove ` +
                "it, or give the ledger a prefix of its own"
            }))
      })
    )

  // A read can be interrupted; an interrupted write could leave a damaged entry.
  const write = (key: string, entry: Entry) =>
    Effect.flatMap(Effect.orDie(encode(entry)), (text) => store.set(prefix + wellFormed(key), text)).pipe(
      Effect.mapError(storeFailure(prefix, "written")),
      Effect.uninterruptible
    )

  /** Returns whether this call removed the entry, as far as the store reports it. */
  const remove = (key: string) =>
    store.remove(prefix + wellFormed(key)).pipe(
      Effect.as(true),
      Effect.catchTag(
        "SystemError",
        (error) => error.reason === "NotFound" ? Effect.succeed(false) : Effect.fail(error)
      ),
      Effect.mapError(storeFailure(prefix, "written")),
      Effect.uninterruptible
    )

  /** Reads an entry and removes it if it has expired. Only for callers that hold the lock. */
  const readLive = Effect.fnUntraced(function*(key: string) {
    const found = yield* read(key)
    if (Option.isNone(found) || isLive(found.value, yield* DateTime.now)) return found
    yield* remove(key)
    return Option.none<Entry>()
  })

  return {
    add: Effect.fnUntraced(function*(key, value, expiresAt) {
      if (Option.isSome(yield* readLive(key))) return false
      yield* write(key, { value, expiresAt })
      return true
    }, exclusively),
    get: Effect.fnUntraced(function*(key) {
      const found = yield* read(key)
      const isEnded = Option.isSome(found) && !isLive(found.value, yield* DateTime.now)
      // Reads again before it removes: another call may have added an entry meanwhile.
      return Option.map(isEnded ? yield* exclusively(readLive(key)) : found, ({ value }) => value)
    }),
    replace: Effect.fnUntraced(function*(key, before, after) {
      const found = yield* readLive(key)
      if (Option.isNone(found) || found.value.value !== before) return false
      yield* write(key, { ...found.value, value: after })
      return true
    }, exclusively),
    take: Effect.fnUntraced(function*(key) {
      const found = yield* readLive(key)
      return Option.isSome(found) && (yield* remove(key)) ? Option.some(found.value.value) : Option.none()
    }, exclusively)
  }
}

/** @internal */
export const make = (store: KeyValueStore, prefix: string): Effect.Effect<ConsentLedger["Type"]> =>
  Effect.map(Effect.makeSemaphore(1), (lock) => makeLedger(store, prefix, lock))
