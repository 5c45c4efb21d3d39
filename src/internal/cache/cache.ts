/** Lookups of credentials: from the entries, or by a request whose result is kept. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type { Stats } from "../../TokenCache.js"
import { ofKind, requestKind } from "../service/grantKey.js"
import type { Entry, Owner } from "./entries.js"
import * as entries from "./entries.js"
import { type Settings, timesOf } from "./lifetimes.js"

/** A lookup in progress. Its result is not kept if it became stale meanwhile. */
interface Lookup extends Owner {
  readonly key: string
  /** Concurrent lookups of one key and kind may share a request. */
  readonly kind: string
  isStale: boolean
}

/** One credential: its key, its owner, and how it is requested. */
export interface Wanted<E, R> extends Owner {
  readonly key: string
  readonly timeToLive: number | undefined
  /** The credential whose `exp` counts; defaults to the requested one. */
  readonly stated?: Redacted.Redacted | undefined
  readonly request: Effect.Effect<Redacted.Redacted, E, R>
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
  readonly remove: (key: string) => Effect.Effect<void>
  readonly removeWhere: (matches: (owner: Owner) => boolean) => Effect.Effect<void>
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

/** @internal */
export const make = (
  settings: Settings,
  limits: { readonly maxEntries: number; readonly maxBytes: number },
  /** Called with the key of a request whose result is out of date. */
  supersede: (key: string) => void
): Effect.Effect<Cache, never, Scope.Scope> =>
  Effect.map(Effect.scope, (scope) => {
    const kept = entries.make(limits)
    const lookups = new Set<Lookup>()
    /** The numbers of the stale lookups in progress, by kind and key. */
    const stale = new Map<string, number>()
    let hits = 0
    let misses = 0

    const requestOf = ({ key, kind }: Lookup) => `${kind} ${key}`

    const markStale = (lookup: Lookup) => {
      if (lookup.isStale) return
      lookup.isStale = true
      supersede(ofKind(lookup.key, lookup.kind))
      const request = requestOf(lookup)
      stale.set(request, (stale.get(request) ?? 0) + 1)
    }

    const discard = (matches: (lookup: Lookup) => boolean) => {
      for (const lookup of lookups) if (matches(lookup)) markStale(lookup)
    }

    const end = (lookup: Lookup) => {
      lookups.delete(lookup)
      if (!lookup.isStale) return
      const request = requestOf(lookup)
      const others = (stale.get(request) ?? 1) - 1
      if (others === 0) stale.delete(request)
      else stale.set(request, others)
    }

    /** Runs `use` with a lookup, which is stale if the entry is invalidated meanwhile. */
    const withLookup = <A, E, R>(
      { identity, key, providerName }: Owner & { readonly key: string },
      kind: string,
      use: (lookup: Lookup) => Effect.Effect<A, E, R>
    ) =>
      Effect.acquireUseRelease(
        Effect.sync(() => {
          const lookup: Lookup = { key, kind, identity, providerName, isStale: false }
          lookups.add(lookup)
          // It may join the request of a stale lookup, and then has its result.
          if (stale.has(requestOf(lookup))) markStale(lookup)
          return lookup
        }),
        use,
        (lookup) => Effect.sync(() => end(lookup))
      )

    const keep = <E, R>(
      lookup: Lookup,
      { stated, timeToLive }: Pick<Wanted<E, R>, "stated" | "timeToLive">,
      credential: Redacted.Redacted
    ) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        Effect.map(timesOf(settings, stated ?? credential, timeToLive, now), (times) => {
          if (Option.isNone(times) || lookup.isStale) {
            return
          }
          const { identity, key, providerName } = lookup
          const bytes = overhead + 2 * (key.length + identity.length + Redacted.value(credential).length)
          kept.set(key, { identity, providerName, credential, bytes, ...times.value })
        }))

    const fetch = <E, R>(wanted: Omit<Wanted<E, R>, "refresh">) =>
      withLookup(wanted, requestKind, (lookup) =>
        Effect.tap(wanted.request, (credential) =>
          keep(lookup, wanted, credential)))

    /** Refreshes an entry that is used shortly before it ends, once. */
    const refreshed = <E, R>(wanted: Wanted<E, R>, entry: Entry) => {
      entry.refreshAt = Infinity
      return fetch({ ...wanted, request: wanted.refresh }).pipe(
        Effect.catchAll((error) =>
          isTemporary(error) ? Effect.void : Effect.sync(() =>
            kept.remove(wanted.key)
          )
        ),
        Effect.catchAllCause((cause) => Effect.logWarning("A credential of the cache was not refreshed", cause)),
        Effect.forkIn(scope)
      )
    }

    const removeWhere = (matches: (owner: Owner) => boolean) =>
      Effect.sync(() => {
        kept.removeWhere(matches)
        discard(matches)
      })

    return {
      get: (wanted) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => {
          const entry = kept.get(wanted.key, now)
          if (entry === undefined) {
            misses++
            return fetch(wanted)
          }
          hits++
          const credential = Effect.succeed(entry.credential)
          return now < entry.refreshAt ? credential : Effect.zipRight(refreshed(wanted, entry), credential)
        }),
      replace: (wanted, kind, isKept) =>
        withLookup(wanted, kind, (lookup) => {
          // What was requested before the end of this request may be what it replaces.
          const others = Effect.sync(() => {
            kept.remove(wanted.key)
            discard((other) => other.key === wanted.key && other.kind !== lookup.kind)
          })
          return Effect.zipRight(others, Effect.ensuring(wanted.request, others)).pipe(
            Effect.tap((credential) => isKept(credential) ? keep(lookup, wanted, credential) : Effect.void)
          )
        }),
      remove: (key) =>
        Effect.sync(() => {
          kept.remove(key)
          discard((lookup) => lookup.key === key)
        }),
      removeWhere,
      removeCredential: (credential) =>
        Effect.sync(() => kept.removeWhere((entry) => Redacted.value(entry.credential) === Redacted.value(credential))),
      stats: Effect.sync(() => ({ hits, misses, ...kept.size() }))
    }
  })
