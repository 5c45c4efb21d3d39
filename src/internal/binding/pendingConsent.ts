/** What is remembered of one consent between its start and its return, sealed wherever it lies. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { ConsentLedger } from "../../ConsentLedger.js"
import { ConsentSeal } from "../../ConsentSeal.js"
import type { LedgerFailure } from "../../IdentityError.js"
import { digest } from "../lib/digest.js"

const Secret = Schema.Redacted(Schema.String)

const Pending = Schema.TaggedStruct("Pending", {
  providerName: Schema.String,
  sessionUri: Secret,
  authorizationUrl: Secret,
  callbackUrl: Schema.String,
  state: Secret,
  /** Who started, as the application knows them, and as the service does. */
  user: Schema.String,
  userIdentifier: Schema.Union(Schema.Struct({ userId: Schema.String }), Schema.Struct({ userToken: Secret })),
  expiresAt: Schema.DateTimeUtc,
  /** The digest of what the browser that started keeps in its cookie. */
  verifier: Schema.optional(Schema.String)
})

const Record = Schema.Union(Pending, Schema.TaggedStruct("Spent", {}))

/** @internal */
export type Pending = typeof Pending.Type

/** @internal */
export type Record = typeof Record.Type

/** @internal */
export interface Entry<R extends Record = Record> {
  readonly id: string
  readonly record: R
  /** As it lies in the ledger. */
  readonly sealed: string
}

const purpose = "binding"

const Text = Schema.parseJson(Record)

const encode = Schema.encode(Text)

const decode = Schema.decode(Text)

const ledgerKey = (id: string) => `binding/${id}`

/** How long a consent that is over is still known as such, and a late return told so. */
const retention = { hours: 1 }

// What is encoded has been decoded before, or made here.
const seal = (record: Record) =>
  Effect.gen(function*() {
    const { seal } = yield* ConsentSeal
    return Redacted.value(yield* seal(purpose, Redacted.make(yield* Effect.orDie(encode(record)))))
  })

/**
 * The name under which a consent is remembered: its state, which nobody can tell from it.
 *
 * @internal
 */
export const idOf = (state: Redacted.Redacted): Effect.Effect<string> => digest(state)

/** @internal */
export const isId = (text: string): boolean => /^[0-9a-f]{64}$/.test(text)

/**
 * `false` if there is one of this state already.
 *
 * @internal
 */
export const add = (
  id: string,
  record: Pending
): Effect.Effect<boolean, LedgerFailure, ConsentLedger | ConsentSeal> =>
  Effect.gen(function*() {
    const ledger = yield* ConsentLedger
    return yield* ledger.add(ledgerKey(id), yield* seal(record), DateTime.add(record.expiresAt, retention))
  })

/**
 * What cannot be opened is not known: it was sealed with a key that is no longer there.
 *
 * @internal
 */
export const find = (
  id: string
): Effect.Effect<Option.Option<Entry>, LedgerFailure, ConsentLedger | ConsentSeal> =>
  Effect.gen(function*() {
    const ledger = yield* ConsentLedger
    const seal = yield* ConsentSeal
    const found = yield* ledger.get(ledgerKey(id))
    if (Option.isNone(found)) return Option.none()
    const sealed = found.value
    return yield* seal.open(purpose, Redacted.make(sealed)).pipe(
      Effect.flatMap((text) => decode(Redacted.value(text))),
      Effect.map((record): Entry => ({ id, record, sealed })),
      Effect.option
    )
  })

/**
 * The entry as it is then; none if somebody else has changed it since it was found.
 *
 * @internal
 */
export const replace = (
  { id, sealed: before }: Entry,
  record: Record
): Effect.Effect<Option.Option<Entry>, LedgerFailure, ConsentLedger | ConsentSeal> =>
  Effect.gen(function*() {
    const ledger = yield* ConsentLedger
    const sealed = yield* seal(record)
    return (yield* ledger.replace(ledgerKey(id), before, sealed)) ? Option.some({ id, record, sealed }) : Option.none()
  })
