/**
 * The records of the state: one per entity, as JSON, under `<table>/<key>`. Keys and values contain bare secrets, so the
 * storage must protect both. Injected failures, the call log, provider failures and machine tokens (a cache) are not
 * stored.
 */
import * as Arr from "effect/Array"
import * as Either from "effect/Either"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { ConsentPortal } from "../../../ConsentPortal.js"
import { IssuerChoice } from "../../../IdentityControls.js"
import { TokenVault } from "../../../TokenVault.js"
import { callbackUrl, portalUrl, type Settings } from "../state/arns.js"
import { releaseAll } from "../state/session.js"
import type { State } from "../state/state.js"
import {
  ApiKeyProvider,
  Grant,
  GrantKey,
  Oauth2Provider,
  PaymentProvider,
  RedactedString,
  SessionRecord,
  Workload,
  WorkloadToken
} from "./schemas.js"

/** A record to write, or, without a value, to remove. */
export interface Change {
  readonly key: string
  readonly value: string | undefined
}

/** @internal */
export type Entry = readonly [key: string, value: string]

/** One part of the state. Errors name the part and not the key, which may be a secret. */
interface Part {
  readonly name: string
  readonly isSame: (before: State, after: State) => boolean
  readonly changes: (before: State, after: State) => Either.Either<ReadonlyArray<Change>, string>
  /** Adds `entries`, whose keys are without the name, to the state. */
  readonly load: (state: State, entries: ReadonlyArray<Entry>) => Either.Either<State, string>
}

const keyedTable = <K, V, I>(
  name: string,
  key: Schema.Schema<K, string>,
  value: Schema.Schema<V, I>,
  get: (state: State) => HashMap.HashMap<K, V>,
  set: (state: State, entries: HashMap.HashMap<K, V>) => State
): Part => {
  const json = Schema.parseJson(value)
  const encodeKey = Schema.encodeEither(key)
  const encode = Schema.encodeEither(json)
  const decodeKey = Schema.decodeEither(key)
  const decode = Schema.decodeEither(json)
  const toName = () => name
  return {
    name,
    isSame: (before, after) => get(before) === get(after),
    changes: (before, after) => {
      const [old, current] = [get(before), get(after)]
      if (old === current) return Either.right([])
      const written: Array<readonly [K, V]> = []
      let kept = 0
      HashMap.forEach(current, (entry, key) => {
        const known = HashMap.get(old, key)
        if (Option.isSome(known)) kept++
        if (Option.isNone(known) || known.value !== entry) written.push([key, entry])
      })
      const removed = kept === HashMap.size(old)
        ? []
        : Arr.filter(Arr.fromIterable(HashMap.keys(old)), (key) => !HashMap.has(current, key))
      return Either.all([
        ...written.map(([key, entry]) =>
          Either.zipWith(encodeKey(key), encode(entry), (key, value): Change => ({ key: `${name}/${key}`, value }))
        ),
        ...removed.map((key) =>
          Either.map(encodeKey(key), (key): Change => ({ key: `${name}/${key}`, value: undefined }))
        )
      ]).pipe(Either.mapLeft(toName))
    },
    load: (state, entries) =>
      Either.all(
        entries.map(([key, value]) =>
          Either.zipWith(decodeKey(key), decode(value), (key, value): readonly [K, V] => [key, value])
        )
      ).pipe(
        Either.mapBoth({ onLeft: toName, onRight: (entries) => set(state, HashMap.fromIterable(entries)) })
      )
  }
}

const table = <V, I>(
  name: string,
  value: Schema.Schema<V, I>,
  get: (state: State) => HashMap.HashMap<string, V>,
  set: (state: State, entries: HashMap.HashMap<string, V>) => State
): Part => keyedTable(name, Schema.String, value, get, set)

/** A part with one value, stored under the empty key. */
const single = <V, I>(
  name: string,
  value: Schema.Schema<V, I>,
  get: (state: State) => V,
  set: (state: State, value: V) => State
): Part => ({
  ...keyedTable(
    name,
    Schema.String.pipe(Schema.maxLength(0)),
    value,
    (state) => HashMap.make(["", get(state)]),
    (state, entries) =>
      Option.match(HashMap.get(entries, ""), { onNone: () => state, onSome: (value) => set(state, value) })
  ),
  isSame: (before, after) => get(before) === get(after)
})

const vault = single("vault", TokenVault, (state) => state.vault, (state, vault) => ({ ...state, vault }))

const parts: ReadonlyArray<Part> = [
  table("workloads", Workload, (state) => state.workloads, (state, workloads) => ({ ...state, workloads })),
  table(
    "oauth2Providers",
    Oauth2Provider,
    (state) => state.oauth2Providers,
    (state, oauth2Providers) => ({ ...state, oauth2Providers })
  ),
  table(
    "apiKeyProviders",
    ApiKeyProvider,
    (state) => state.apiKeyProviders,
    (state, apiKeyProviders) => ({ ...state, apiKeyProviders })
  ),
  table(
    "paymentProviders",
    PaymentProvider,
    (state) => state.paymentProviders,
    (state, paymentProviders) => ({ ...state, paymentProviders })
  ),
  table("portals", ConsentPortal.omit("status"), (state) => state.portals, (state, portals) => ({ ...state, portals })),
  table(
    "tags",
    Schema.Record({ key: Schema.String, value: Schema.String }),
    (state) => state.tags,
    (state, tags) => ({ ...state, tags })
  ),
  table("policies", Schema.String, (state) => state.policies, (state, policies) => ({ ...state, policies })),
  table(
    "workloadTokens",
    WorkloadToken,
    (state) => state.workloadTokens,
    (state, workloadTokens) => ({ ...state, workloadTokens })
  ),
  table(
    "sessions",
    SessionRecord,
    (state) => state.sessions,
    (state, sessions) => ({ ...state, sessions: releaseAll(sessions) })
  ),
  keyedTable("grants", GrantKey, Grant, (state) => state.grants, (state, grants) => ({ ...state, grants })),
  keyedTable(
    "secrets",
    // An id may be any text, including text that is not well-formed UTF-16.
    Schema.parseJson(Schema.String),
    RedactedString,
    (state) => state.secrets,
    (state, secrets) => ({ ...state, secrets })
  ),
  table("issuers", IssuerChoice, (state) => state.issuers, (state, issuers) => ({ ...state, issuers })),
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

/** The changes from one state to another. Entries are compared by reference, and only in the tables that differ. */
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
  oauth2Providers: HashMap.map(state.oauth2Providers, (provider) => ({
    ...provider,
    callbackUrl: callbackUrl(settings, provider.callbackUrl.slice(provider.callbackUrl.lastIndexOf("/") + 1))
  })),
  portals: HashMap.map(state.portals, (portal) => ({
    ...portal,
    portalUrl: portalUrl(settings, portal.consentPortalId)
  }))
})

/** The state in the records, or the reason why they cannot be read. */
export const restore = (
  settings: Settings,
  state: State,
  records: ReadonlyArray<Entry>
): Either.Either<State, string> =>
  Either.gen(function*() {
    const { meta = [], ...rest } = Arr.groupBy(
      records.map(([key, value]) => {
        const slash = key.indexOf("/")
        return { name: key.slice(0, Math.max(slash, 0)), entry: [key.slice(slash + 1), value] satisfies Entry }
      }),
      ({ name }) => name
    )
    const metadata = new Map(meta.map(({ entry }) => entry))
    const found = metadata.get("version")
    if (found === undefined) {
      return yield* Either.left("it holds records that are not of this library; use an empty or a new folder")
    }
    if (found !== version) {
      return yield* Either.left(
        `it was written in format ${found}, and this version reads format ${version}; use another folder or another version`
      )
    }
    if (metadata.get("owner") !== account(settings)) {
      return yield* Either.left(
        `it belongs to another account or region (${
          metadata.get("owner")
        }), which its ARNs contain; use the same account and region`
      )
    }
    if (Object.keys(rest).some((name) => !parts.some((part) => part.name === name))) {
      return yield* Either.left("it holds records that are not of this library; use an empty or a new folder")
    }
    let restored = state
    for (const part of parts) {
      restored = yield* Either.mapLeft(
        part.load(restored, (rest[part.name] ?? []).map(({ entry }) => entry)),
        (name) => `a record of '${name}' is damaged`
      )
    }
    return relocated(settings, restored)
  })
