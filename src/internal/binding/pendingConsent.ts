/** The record of a consent between the start page and the return page. It is sealed before it is stored. */
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
  /** The user: the key in the application, and the identifier of the service. */
  user: Schema.String,
  userIdentifier: Schema.Union(Schema.Struct({ userId: Schema.String }), Schema.Struct({ userToken: Secret })),
  expiresAt: Schema.DateTimeUtc,
  /** The digest of the verifier in the cookie of the browser that started. */
  verifier: Schema.optional(Schema.String),
  /** The browser that started has returned with the state and the session, while no user was signed in. */
  hasReturned: Schema.optional(Schema.Boolean),
  agentContinues: Schema.optional(Schema.Boolean)
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
  /** The value in the ledger. */
  readonly sealed: string
}

const purpose = "binding"

const Text = Schema.parseJson(Record)

const encode = Schema.encode(Text)

const decode = Schema.decode(Text)

const ledgerKey = (id: string) => `binding/${id}`

/** A record is kept after its expiry, so that a late return gets the reason. */
const retention = { hours: 1 }

// The encoding cannot fail: every record was decoded or made here.
const seal = (record: Record) =>
  Effect.gen(function*() {
    const { seal } = yield* ConsentSeal
    return Redacted.value(yield* seal(purpose, Redacted.make(yield* Effect.orDie(encode(record)))))
  })

/** The id of a consent: the digest of its state, from which the state cannot be derived. */
export const idOf = (state: Redacted.Redacted): Effect.Effect<string> => digest(state)

/** @internal */
export const isId = (text: string): boolean => /^[0-9a-f]{64}$/.test(text)

/** Adds a record. `false` if the state is already in use. */
export const add = (
  id: string,
  record: Pending
): Effect.Effect<boolean, LedgerFailure, ConsentLedger | ConsentSeal> =>
  Effect.gen(function*() {
    const ledger = yield* ConsentLedger
    return yield* ledger.add(ledgerKey(id), yield* seal(record), DateTime.add(record.expiresAt, retention))
  })

/** Finds a record. `None` also if it was sealed with a key that no longer exists. */
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

/** Replaces a record. `None` if it has changed since it was read. */
export const replace = (
  { id, sealed: before }: Entry,
  record: Record
): Effect.Effect<Option.Option<Entry>, LedgerFailure, ConsentLedger | ConsentSeal> =>
  Effect.gen(function*() {
    const ledger = yield* ConsentLedger
    const sealed = yield* seal(record)
    return (yield* ledger.replace(ledgerKey(id), before, sealed)) ? Option.some({ id, record, sealed }) : Option.none()
  })

/** Adds a record, or finds that the same consent was added before. `false` if another consent has the same state. */
export const register = (
  id: string,
  record: Pending
): Effect.Effect<boolean, LedgerFailure, ConsentLedger | ConsentSeal> =>
  Effect.gen(function*() {
    if (yield* add(id, record)) return true
    return Option.exists(
      yield* find(id),
      ({ record: found }) =>
        found._tag === "Pending" && found.user === record.user &&
        Redacted.value(found.sessionUri) === Redacted.value(record.sessionUri)
    )
  })
