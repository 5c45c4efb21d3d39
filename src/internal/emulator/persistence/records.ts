/**
 * The records of the state: one per entity, as JSON, under `<table>/<key>`. Keys and values contain bare secrets, so the
 * storage must protect both. Injected failures, the call log, provider failures and machine tokens (a cache) are not
 * stored.
 */
import * as Arr from "effect/Array"
import * as Either from "effect/Either"
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { ConsentPortal } from "../../../ConsentPortal.js"
import { IssuerChoice } from "../../../IdentityControls.js"
import { TokenVault } from "../../../TokenVault.js"
import { callbackUrl, portalUrl, type Settings } from "../state/arns.js"
import { withoutClaim } from "../state/session.js"
import type { State } from "../state/state.js"
import * as Table from "../state/table.js"
import { grantKey } from "../state/user.js"
import { decodeGrant, decodeOwner } from "./grantRecord.js"
import {
  ApiKeyProvider,
  Grant,
  GrantOwner,
  Oauth2Provider,
  PaymentProvider,
  RedactedString,
  SessionRecord,
  Workload,
  WorkloadToken
} from "./schemas.js"
import { decodeSession } from "./sessionRecord.js"
import { decodeToken } from "./tokenRecord.js"

/** A record to write, or, without a value, to remove. */
export interface Change {
  readonly key: string
  readonly value: string | undefined
}

/** @internal */
export type Entry = readonly [key: string, value: string]

/** Reads the records of one part, of which there may be many. */
interface Reader {
  readonly add: (entry: Entry) => Either.Either<void, unknown>
  readonly result: (state: State) => State
}

/** One part of the state. Errors name the part and not the key, which may be a secret. */
interface Part {
  readonly name: string
  readonly isSame: (before: State, after: State) => boolean
  readonly changes: (before: State, after: State) => Either.Either<ReadonlyArray<Change>, string>
  /** Reads one record, whose key is without the name. The result adds the records that were read to the state. */
  readonly reader: () => Reader
}

/** Writes the key and the row of a table as the key and the value of a record, and reads them. */
interface Codec<Row> {
  readonly encode: (key: string, row: Row) => Either.Either<Entry, unknown>
  readonly encodeKey: (key: string) => Either.Either<string, unknown>
  readonly decode: (entry: Entry) => Either.Either<readonly [key: string, row: Row], unknown>
}

/** `faster` may read rows in another way, with the same result. */
const codec = <Row, I>(
  schema: Schema.Schema<Row, I>,
  key: Schema.Schema<string, string> = Schema.String,
  faster: (decode: (text: string) => Either.Either<Row, unknown>) => (text: string) => Either.Either<Row, unknown> =
    identity
): Codec<Row> => {
  const json = Schema.parseJson(schema)
  const encodeKey = Schema.encodeEither(key)
  const encodeRow = Schema.encodeEither(json)
  // The schema of most keys changes nothing.
  const decodeKey: (text: string) => Either.Either<string, unknown> = key === Schema.String
    ? Either.right
    : Schema.decodeEither(key)
  const decodeRow = faster(Schema.decodeEither(json))
  return {
    encode: (key, row) => Either.zipWith(encodeKey(key), encodeRow(row), (key, value) => [key, value]),
    encodeKey,
    decode: ([key, value]) => Either.zipWith(decodeKey(key), decodeRow(value), (key, row) => [key, row])
  }
}

const table = <Row, Index extends string>(
  name: string,
  { decode, encode, encodeKey }: Codec<Row>,
  get: (state: State) => Table.Table<Row, Index>,
  set: (state: State, rows: Table.Table<Row, Index>) => State
): Part => {
  const toName = () => name
  const change = (key: string, value?: string): Change => ({ key: `${name}/${key}`, value })
  return {
    name,
    isSame: (before, after) => get(before) === get(after),
    changes: (before, after) =>
      Either.all(
        Table.differences(get(before), get(after)).map(({ after, key }) =>
          Option.match(after, {
            onNone: () => Either.map(encodeKey(key), (key) => change(key)),
            onSome: (row) => Either.map(encode(key, row), ([key, value]) => change(key, value))
          })
        )
      ).pipe(Either.mapLeft(toName)),
    reader: () => {
      const rows: Array<readonly [key: string, row: Row]> = []
      return {
        add: (entry) => Either.map(decode(entry), (row) => void rows.push(row)),
        result: (state) => set(state, Table.withEntries(get(state), rows))
      }
    }
  }
}

/** A part with one value, stored under the empty key. */
const single = <V, I>(
  name: string,
  value: Schema.Schema<V, I>,
  get: (state: State) => V,
  set: (state: State, value: V) => State
): Part => {
  const { decode, encode } = codec(value, Schema.String.pipe(Schema.maxLength(0)))
  const toName = () => name
  const isSame = (before: State, after: State) => get(before) === get(after)
  return {
    name,
    isSame,
    changes: (before, after) =>
      isSame(before, after)
        ? Either.right([])
        : Either.mapBoth(encode("", get(after)), {
          onLeft: toName,
          onRight: ([key, value]) => [{ key: `${name}/${key}`, value }]
        }),
    reader: () => {
      let found = Option.none<V>()
      return {
        add: (entry) =>
          Either.map(decode(entry), ([, value]) => {
            found = Option.some(value)
          }),
        result: (state) => Option.match(found, { onNone: () => state, onSome: (value) => set(state, value) })
      }
    }
  }
}

const vault = single("vault", TokenVault, (state) => state.vault, (state, vault) => ({ ...state, vault }))

/** The owner of a grant is in the key of its record, and not in the value. */
const grantCodec: Codec<State["grants"] extends Table.Table<infer Row, infer _> ? Row : never> = (() => {
  const { decode, encode, encodeKey } = codec(Grant, Schema.String, decodeGrant)
  const ownerOf = decodeOwner(Schema.decodeEither(GrantOwner))
  return {
    encode,
    encodeKey,
    decode: (entry) =>
      Either.zipWith(
        ownerOf(entry[0]),
        decode(entry),
        (owner, [, grant]) => [grantKey(owner), { ...owner, ...grant }]
      )
  }
})()

const sessionCodec = codec(SessionRecord, Schema.String, decodeSession)

const parts: ReadonlyArray<Part> = [
  table("workloads", codec(Workload), (state) => state.workloads, (state, workloads) => ({ ...state, workloads })),
  table(
    "oauth2Providers",
    codec(Oauth2Provider),
    (state) => state.oauth2Providers,
    (state, oauth2Providers) => ({ ...state, oauth2Providers })
  ),
  table(
    "apiKeyProviders",
    codec(ApiKeyProvider),
    (state) => state.apiKeyProviders,
    (state, apiKeyProviders) => ({ ...state, apiKeyProviders })
  ),
  table(
    "paymentProviders",
    codec(PaymentProvider),
    (state) => state.paymentProviders,
    (state, paymentProviders) => ({ ...state, paymentProviders })
  ),
  table(
    "portals",
    codec(ConsentPortal.omit("status")),
    (state) => state.portals,
    (state, portals) => ({ ...state, portals })
  ),
  table(
    "tags",
    codec(Schema.Record({ key: Schema.String, value: Schema.String })),
    (state) => state.tags,
    (state, tags) => ({ ...state, tags })
  ),
  table("policies", codec(Schema.String), (state) => state.policies, (state, policies) => ({ ...state, policies })),
  table(
    "workloadTokens",
    codec(WorkloadToken, Schema.String, decodeToken),
    (state) => state.workloadTokens,
    (state, workloadTokens) => ({ ...state, workloadTokens })
  ),
  table(
    "sessions",
    {
      ...sessionCodec,
      decode: (entry) => Either.map(sessionCodec.decode(entry), ([uri, session]) => [uri, withoutClaim(session)])
    },
    (state) => state.sessions,
    (state, sessions) => ({ ...state, sessions })
  ),
  table("grants", grantCodec, (state) => state.grants, (state, grants) => ({ ...state, grants })),
  table(
    "secrets",
    // An id may be any text, including text that is not well-formed UTF-16.
    codec(RedactedString, Schema.parseJson(Schema.String)),
    (state) => state.secrets,
    (state, secrets) => ({ ...state, secrets })
  ),
  table("issuers", codec(IssuerChoice), (state) => state.issuers, (state, issuers) => ({ ...state, issuers })),
  vault,
  single(
    "sessionsOpened",
    Schema.Finite,
    (state) => state.sessionsOpened,
    (state, sessionsOpened) => ({ ...state, sessionsOpened })
  )
]

/** Checks that the stored parts of two states are the same. */
export const isSame = (before: State, after: State): boolean =>
  before === after || parts.every((part) => part.isSame(before, after))

/** Combines the stored parts of one state with the parts of another that are not stored. */
export const withUnsavedOf = (stored: State, { faults, journal, machineTokens, providerFailures }: State): State => ({
  ...stored,
  faults,
  journal,
  machineTokens,
  providerFailures
})

/** The changes from one state to another. Their cost follows the number of changed rows, not the size of the tables. */
export const changes = (before: State, after: State): Either.Either<ReadonlyArray<Change>, string> =>
  Either.map(Either.all(parts.map((part) => part.changes(before, after))), Arr.flatten)

/** The version of the format, stored as `meta/version`. */
export const version = "2"

const account = ({ accountId, region }: Settings) => JSON.stringify({ accountId, region })

/** The first records of a new store. */
export const initialRecords = (settings: Settings, state: State): Either.Either<ReadonlyArray<Change>, string> =>
  Either.map(vault.changes({ ...state, vault: { ...state.vault } }, state), (changes) => [
    { key: "meta/version", value: version },
    { key: "meta/owner", value: account(settings) },
    ...changes
  ])

/** Replaces the stored base of URLs with the current endpoint. */
const relocated = (settings: Settings, state: State): State => ({
  ...state,
  oauth2Providers: Table.map(state.oauth2Providers, (provider) => ({
    ...provider,
    callbackUrl: callbackUrl(settings, provider.callbackUrl.slice(provider.callbackUrl.lastIndexOf("/") + 1))
  })),
  portals: Table.map(state.portals, (portal) => ({
    ...portal,
    portalUrl: portalUrl(settings, portal.consentPortalId)
  }))
})

/** Reads the records of a state, in any order. */
interface Restorer {
  readonly add: (entry: Entry) => void
  /** The state in the records, or the reason why they cannot be read. */
  readonly result: () => Either.Either<State, string>
}

const foreign = "it holds records that are not of this library; use an empty or a new folder"

/** Restores a state from its records, which are decoded one by one, and added to `state`. */
export const restorer = (settings: Settings, state: State): Restorer => {
  const metadata = new Map<string, string>()
  const readers = new Map(parts.map(({ name, reader }) => [name, reader()]))
  let problem: string | undefined = undefined
  const read = ([key, value]: Entry): string | undefined => {
    const slash = Math.max(key.indexOf("/"), 0)
    const name = key.slice(0, slash)
    if (name === "meta") {
      metadata.set(key, value)
      return undefined
    }
    const reader = readers.get(name)
    if (reader === undefined) return foreign
    return Either.isLeft(reader.add([key.slice(slash + 1), value])) ? `a record of '${name}' is damaged` : undefined
  }
  return {
    add: (entry) => {
      const found = read(entry)
      problem ??= found
    },
    result: () =>
      Either.flatMap(checkMetadata(settings, metadata), () => {
        if (problem !== undefined) return Either.left(problem)
        let restored = state
        for (const reader of readers.values()) restored = reader.result(restored)
        return Either.right(relocated(settings, restored))
      })
  }
}

/** Checks that the records have this format, and are of this account. */
const checkMetadata = (settings: Settings, metadata: ReadonlyMap<string, string>): Either.Either<void, string> =>
  Either.gen(function*() {
    const found = metadata.get("meta/version")
    if (found === undefined) return yield* Either.left(foreign)
    if (found !== version) {
      return yield* Either.left(
        `it was written in format ${found}, and this version reads format ${version}; use another folder or another version`
      )
    }
    if (metadata.get("meta/owner") !== account(settings)) {
      return yield* Either.left(
        `it belongs to another account or region (${
          metadata.get("meta/owner")
        }), which its ARNs contain; use the same account and region`
      )
    }
  })
