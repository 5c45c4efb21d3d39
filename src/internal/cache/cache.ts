/** Lookups of credentials: from the entries, from a store that processes share, or by a request whose result is kept. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Stats, Store, StoredToken } from "../../TokenCache.js"
import { ofKind, requestKind } from "../service/grantKey.js"
import type { Confirmed, Entry } from "./entries.js"
import * as entries from "./entries.js"
import { type Settings, timesOf } from "./lifetimes.js"
import * as selections from "./selection.js"
import type { Keyed, Selection } from "./selection.js"
import * as shared from "./shared.js"
import * as turns from "./turns.js"

/** A lookup in progress. Its result is not kept if it became stale meanwhile. */
interface Lookup extends Keyed {
  /** Concurrent lookups of one key and kind may share a request. */
  readonly kind: string
  isStale: boolean
  /** The state of the shared store when the request began, or when it was superseded. */
  generation: string | undefined
}

/** One credential: its key, its owner, and how it is requested. */
export interface Wanted<E, R> extends Keyed {
  readonly timeToLive: number | undefined
  /** The credential whose `exp` counts; defaults to the requested one. */
  readonly stated?: Redacted.Redacted | undefined
  /** A credential that is not accepted, wherever it is found. */
  readonly rejected?: Redacted.Redacted | undefined
  /** The request. If it needs a consent, which takes time, it first runs `onConsent`, so that other processes do not wait. */
  readonly request: (onConsent: Effect.Effect<void>) => Effect.Effect<Redacted.Redacted, E, R>
  /** The same request by the service itself, when no caller waits for it. */
  readonly refresh: Effect.Effect<Redacted.Redacted, Tagged>
}

/** @internal */
export interface Cache {
  readonly get: <E, R>(wanted: Wanted<E, R>) => Effect.Effect<Redacted.Redacted, E, R>
  /**
   * Discards what is kept, sends the request, and keeps its result if `isKept` is true for it. Concurrent requests of one kind
   * have the same result.
   */
  readonly replace: <E, R>(
    wanted: Omit<Wanted<E, R>, "refresh">,
    kind: string,
    isKept: (credential: Redacted.Redacted) => boolean
  ) => Effect.Effect<Redacted.Redacted, E, R>
  readonly remove: (selection: Selection) => Effect.Effect<void>
  readonly removeCredential: (credential: Redacted.Redacted) => Effect.Effect<void>
  readonly stats: Effect.Effect<Stats>
}

interface Tagged {
  readonly _tag: string
}

/** Bytes of an entry besides its texts, estimated. */
const overhead = 256

/** Failures of a background refresh that leave the entry: another request may succeed. */
const isTemporary = ({ _tag }: Tagged) =>
  ["Throttled", "InternalServerError", "TransportFailure", "UnknownServiceError", "UndecodableReply"].includes(_tag)

const isSame = (one: Redacted.Redacted, other: Redacted.Redacted) => Redacted.value(one) === Redacted.value(other)

/** @internal */
export const make = (
  settings: Settings,
  limits: { readonly maxEntries: number; readonly maxBytes: number },
  /** Called with the key of a request whose result is out of date. */
  supersede: (key: string) => void,
  store: Store | undefined
): Effect.Effect<Cache, never, Scope.Scope> =>
  Effect.gen(function*() {
    const scope = yield* Effect.scope
    const kept = entries.make(limits)
    const lookups = new Set<Lookup>()
    const sharing = store === undefined ? undefined : shared.make(store)
    const findings = sharing === undefined ? undefined : turns.make(sharing)
    let hits = 0
    let misses = 0

    /**
     * The result of this lookup is not kept. Its request is superseded each time: it may be one that was sent after the lookup became
     * stale. A lookup that begins later may join that request, and sends another one when it ends, so its own result is kept.
     */
    const markStale = (lookup: Lookup) => {
      lookup.isStale = true
      supersede(ofKind(lookup.key, lookup.kind))
    }

    const discard = (matches: (lookup: Lookup) => boolean) => {
      for (const lookup of lookups) if (matches(lookup)) markStale(lookup)
    }

    /**
     * Records that the request of a lookup begins, after the search in the store, which may have waited for another process. An
     * invalidation from before is no reason not to keep its result. But it may join a request that began before an invalidation in
     * another process.
     */
    const begin = (lookup: Lookup, generation: string | undefined) => {
      lookup.isStale = false
      lookup.generation = generation
      if (generation === undefined) return
      for (const other of lookups) {
        const { generation: before, key, kind } = other
        if (before === undefined || before === generation || key !== lookup.key || kind !== lookup.kind) continue
        markStale(other)
        other.generation = generation
      }
    }

    const removeHere = (selection: Selection) =>
      Effect.sync(() => {
        const matches = selections.matches(selection)
        kept.removeWhere(matches)
        discard(matches)
        findings?.discard(matches)
      })

    /** Runs `use` with a lookup, which is stale if the entry is invalidated meanwhile. */
    const withLookup = <A, E, R>(
      { identity, key, providerName }: Keyed,
      kind: string,
      use: (lookup: Lookup) => Effect.Effect<A, E, R>
    ) =>
      Effect.acquireUseRelease(
        Effect.sync(() => {
          const lookup: Lookup = { key, kind, identity, providerName, isStale: false, generation: undefined }
          lookups.add(lookup)
          return lookup
        }),
        use,
        (lookup) => Effect.sync(() => lookups.delete(lookup))
      )

    const keepHere = (lookup: Lookup, token: StoredToken, confirmed: Confirmed | undefined) => {
      if (lookup.isStale) return
      const { identity, key, providerName } = lookup
      const bytes = overhead + 2 * (key.length + identity.length + Redacted.value(token.credential).length)
      kept.set({ key, identity, providerName, bytes, confirmed, ...token })
    }

    /** Keeps a credential here, and in the store if it can be used. */
    const keep = (
      lookup: Lookup,
      wanted: Pick<Wanted<never, never>, "providerName" | "stated" | "timeToLive">,
      credential: Redacted.Redacted,
      grant: shared.Grant | undefined
    ) =>
      Effect.gen(function*() {
        const now = yield* Clock.currentTimeMillis
        const times = yield* timesOf(settings, wanted.stated ?? credential, wanted.timeToLive, now)
        sharing?.noteKept(wanted, Option.isSome(times))
        if (Option.isNone(times) || lookup.isStale) return
        const token = { credential, ...times.value }
        if (sharing === undefined) return keepHere(lookup, token, undefined)
        const put = grant === undefined ? undefined : yield* sharing.put(lookup, token, grant)
        if (put === "invalidated") return
        keepHere(lookup, put === undefined ? sharing.withoutStore(token, now) : token, put)
      })

    const request = <E, R>(
      wanted: Omit<Wanted<E, R>, "refresh">,
      lookup: Lookup,
      grant?: shared.Grant,
      onConsent: Effect.Effect<void> = Effect.void
    ) => Effect.tap(wanted.request(onConsent), (credential) => keep(lookup, wanted, credential, grant))

    /** Finds the credential in the store, or requests it while other processes wait for it. */
    const obtain = <E, R>(
      wanted: Omit<Wanted<E, R>, "refresh">,
      isAccepted: (token: StoredToken, now: number) => boolean,
      kind: string
    ) =>
      withLookup(wanted, requestKind, (lookup) => {
        if (findings === undefined || sharing?.isWorthwhile(wanted) === false) {
          misses++
          return request(wanted, lookup)
        }
        return findings.take(kind, wanted, isAccepted, (found, release) => {
          if (found._tag === "Found") {
            hits++
            keepHere(lookup, found.token, found.confirmed)
            return Effect.succeed(found.token.credential)
          }
          misses++
          begin(lookup, found.grant?.generation)
          return request(wanted, lookup, found.grant, release)
        })
      })

    const fetch = <E, R>(wanted: Wanted<E, R>) =>
      obtain(
        wanted,
        ({ credential, expiresAt }, now) =>
          now < expiresAt && (wanted.rejected === undefined || !isSame(credential, wanted.rejected)),
        "get"
      )

    const remove = (selection: Selection) =>
      store === undefined || sharing === undefined
        ? removeHere(selection)
        : removeHere(selection).pipe(
          Effect.zipRight(sharing.invalidate(selection)),
          // Also what was found in the store meanwhile.
          Effect.zipRight(removeHere(selection))
        )

    /** Refreshes an entry that is used shortly before it ends, once. */
    const refreshed = <E, R>(wanted: Wanted<E, R>, entry: Entry) => {
      entry.refreshAt = Infinity
      return obtain({ ...wanted, request: () => wanted.refresh }, (token, now) => now < token.refreshAt, "refresh")
        .pipe(
          Effect.catchAll((error) => isTemporary(error) ? Effect.void : remove({ key: wanted.key })),
          Effect.catchAllCause((cause) => Effect.logWarning("A credential of the cache was not refreshed", cause)),
          Effect.forkIn(scope)
        )
    }

    const hit = <E, R>(wanted: Wanted<E, R>, entry: Entry, now: number) => {
      hits++
      const credential = Effect.succeed(entry.credential)
      return now < entry.refreshAt ? credential : Effect.zipRight(refreshed(wanted, entry), credential)
    }

    /** Uses an entry if no other process has invalidated it. */
    const confirm = <E, R>(wanted: Wanted<E, R>, entry: Entry, now: number, { isCurrent }: shared.Shared) =>
      Effect.flatMap(isCurrent(entry), (is) => {
        if (is && kept.get(entry.key, now) === entry) return hit(wanted, entry, now)
        if (kept.get(entry.key, now) === entry) kept.remove(entry.key)
        return fetch(wanted)
      })

    if (store !== undefined) {
      yield* store.invalidations.pipe(
        Stream.runForEach((text) =>
          Option.match(selections.decode(text), { onNone: () => Effect.void, onSome: (one) => removeHere(one) })
        ),
        Effect.forkScoped
      )
    }

    return {
      get: (wanted) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => {
          const entry = kept.get(wanted.key, now)
          if (entry === undefined) return fetch(wanted)
          return sharing === undefined || sharing.isConfirmed(entry, now)
            ? hit(wanted, entry, now)
            : confirm(wanted, entry, now, sharing)
        }),
      replace: (wanted, kind, isKept) =>
        withLookup(wanted, kind, (lookup) => {
          // What was requested before the end of this request may be what it replaces.
          const others = Effect.sync(() => {
            kept.remove(wanted.key)
            discard((other) => other.key === wanted.key && other.kind !== kind)
            findings?.discard(({ key }) => key === wanted.key)
          })
          if (sharing === undefined) {
            return Effect.zipRight(others, Effect.ensuring(wanted.request(Effect.void), others)).pipe(
              Effect.tap((credential) => isKept(credential) ? keep(lookup, wanted, credential, undefined) : Effect.void)
            )
          }
          return Effect.zipRight(others, sharing.replacing(wanted, kind, wanted.request(Effect.void))).pipe(
            Effect.ensuring(others),
            Effect.flatMap(([credential, grant]) =>
              Effect.as(
                isKept(credential) && grant !== "invalidated" ? keep(lookup, wanted, credential, grant) : Effect.void,
                credential
              )
            )
          )
        }),
      remove,
      removeCredential: (credential) =>
        Effect.suspend(() => {
          const removed = kept.removeWhere((entry) => isSame(entry.credential, credential))
          return sharing === undefined
            ? Effect.void
            : Effect.forEach(removed, sharing.removeFound, { discard: true })
        }),
      stats: Effect.sync(() => ({ hits, misses, ...kept.size() }))
    }
  })
