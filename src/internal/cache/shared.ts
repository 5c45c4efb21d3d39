/** The store that processes share, as the cache uses it. While it is not available, each process works on its own. */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import type * as TokenCache from "../../TokenCache.js"
import type { Confirmed, Entry, Owner } from "./entries.js"
import { encode, type Keyed, type Selection, tagsOf, tagsToChange } from "./selection.js"

/** The lease of a request, until it ends. */
export interface Held {
  lease: string | undefined
  /** Renews the lease. */
  keeper: Fiber.RuntimeFiber<void> | undefined
}

/** What a request needs to store its result: the state of the store when it began. */
export interface Grant {
  readonly generation: string
  readonly held: Held
}

/** A token in the store, or the permission to request one; without `grant` the store is not available. */
export type Finding =
  | { readonly _tag: "Found"; readonly token: TokenCache.StoredToken; readonly confirmed: Confirmed }
  | { readonly _tag: "Request"; readonly grant: Grant | undefined }

export type IsAccepted = (token: TokenCache.StoredToken, now: number) => boolean

/** The requests of one kind that replace a token, and what changes before and after them. */
interface Replacement {
  readonly name: string
  callers: number
  readonly before: Effect.Effect<Option.Option<TokenCache.StoreChange>>
  readonly after: Effect.Effect<Option.Option<TokenCache.StoreChange>>
}

/** How long an entry in memory is used without asking the store, in case an invalidation did not arrive. */
const confirmMillis = 10_000

/** How long a token is used at most without an answer of the store, since an invalidation in another process is not noticed. */
const aloneMillis = 60_000

/** Limit of the providers without a lifetime that are remembered. */
const maxUnkept = 1000

/** What decides if a credential is kept: its provider, a configured lifetime, and another credential that states one. */
export interface Kind extends Pick<Owner, "providerName"> {
  readonly timeToLive: number | undefined
  readonly stated?: unknown
}

/** Tests if only the credential itself can state a lifetime. */
const mayBeUnkept = ({ stated, timeToLive }: Kind) => timeToLive === undefined && stated === undefined

/** @internal */
export interface Shared {
  /** Tests if the entry was found valid recently, and invalidations have arrived since. */
  readonly isConfirmed: (entry: Entry, now: number) => boolean
  /** Asks the store if the entry is valid. Without an answer it is for at most a minute. */
  readonly isCurrent: (entry: Entry) => Effect.Effect<boolean>
  /** The token as it is kept if it could not be stored: for at most a minute. */
  readonly withoutStore: (token: TokenCache.StoredToken, now: number) => TokenCache.StoredToken
  /** Finds a token, or takes the lease to request one; waits while another process has it. */
  readonly find: (
    keyed: Keyed,
    isAccepted: IsAccepted,
    held: Held
  ) => Effect.Effect<Finding>
  /** Ends the lease, so that another process can request the token. */
  readonly release: (keyed: Keyed, held: Held) => Effect.Effect<void>
  /** Stores a token, unless it was invalidated since its request began. `undefined` if the store is not available. */
  readonly put: (
    keyed: Keyed,
    token: TokenCache.StoredToken,
    grant: Grant
  ) => Effect.Effect<Confirmed | "invalidated" | undefined>
  /**
   * Invalidates the token before and after the request that replaces it. Concurrent requests of one kind, which have the same result,
   * do so together.
   */
  readonly replacing: <A, E, R>(
    keyed: Keyed,
    kind: string,
    request: Effect.Effect<A, E, R>
  ) => Effect.Effect<readonly [A, Grant | "invalidated" | undefined], E, R>
  readonly invalidate: (selection: Selection) => Effect.Effect<void>
  /** Removes the token of an entry, unless another one has replaced it. */
  readonly removeFound: (entry: Entry) => Effect.Effect<void>
  /** Records if a credential of this kind was kept. */
  readonly noteKept: (kind: Kind, isKept: boolean) => void
  /** Tests if a result may be kept: otherwise processes would only wait for each other. */
  readonly isWorthwhile: (kind: Kind) => boolean
}

const confirmedAt = (id: string, generation: string, subscription: number | undefined) =>
  Effect.map(Clock.currentTimeMillis, (at): Confirmed => ({ id, generation, subscription, at }))

/** Forgets a lease, and ends its renewal. */
const letGo = (held: Held) =>
  Effect.suspend(() => {
    const { keeper } = held
    held.lease = undefined
    held.keeper = undefined
    return keeper === undefined ? Effect.void : Fiber.interrupt(keeper)
  })

const addressOf = (keyed: Keyed): TokenCache.StoreAddress => ({ key: keyed.key, tags: tagsOf(keyed) })

/** Runs an effect for all callers, in a fiber that no caller interrupts. */
const once = <A>(effect: Effect.Effect<A>): Effect.Effect<A> => {
  const result = Deferred.unsafeMake<A>(FiberId.none)
  let isStarted = false
  return Effect.suspend(() => {
    if (isStarted) return Deferred.await(result)
    isStarted = true
    return Effect.zipRight(Effect.forkDaemon(Effect.intoDeferred(effect, result)), Deferred.await(result))
  })
}

/** @internal */
export const make = (store: TokenCache.Store): Shared => {
  const unkept = new Set<string | undefined>()
  const replacements = new Map<string, Replacement>()

  const startReplacement = (keyed: Keyed, kind: string) =>
    Effect.suspend(() => {
      const name = `${kind} ${keyed.key}`
      const found = replacements.get(name)
      if (found !== undefined) {
        found.callers++
        return Effect.succeed(found)
      }
      const change = Effect.option(store.change(addressOf(keyed), encode({ key: keyed.key })))
      const replacement: Replacement = { name, callers: 1, before: once(change), after: once(change) }
      replacements.set(name, replacement)
      return Effect.succeed(replacement)
    })

  const find = Effect.fnUntraced(
    function*(keyed: Keyed, isAccepted: IsAccepted, held: Held) {
      const address = addressOf(keyed)
      const until = (yield* Clock.currentTimeMillis) + Duration.toMillis(store.maxLease)
      let except: string | undefined
      while (true) {
        const subscription = store.subscription()
        // Not interrupted between the lease and its record.
        const result = yield* Effect.uninterruptible(
          Effect.tap(store.find(address, except), (result) =>
            Effect.suspend(() => {
              if (result._tag !== "Leased") return Effect.void
              held.lease = result.lease
              return Effect.map(
                Effect.forkDaemon(Effect.interruptible(store.keep(address.key, result.lease))),
                (fiber) => {
                  held.keeper = fiber
                }
              )
            }))
        )
        switch (result._tag) {
          case "Leased":
            return { _tag: "Request", grant: { generation: result.generation, held } } satisfies Finding
          case "Found": {
            const confirmed = yield* confirmedAt(result.id, result.generation, subscription)
            if (isAccepted(result.token, confirmed.at)) {
              return { _tag: "Found", token: result.token, confirmed } satisfies Finding
            }
            except = result.id
            break
          }
          case "Busy": {
            if ((yield* Clock.currentTimeMillis) >= until) {
              return { _tag: "Request", grant: { generation: result.generation, held } } satisfies Finding
            }
            yield* store.released(address.key)
          }
        }
      }
    },
    Effect.orElseSucceed((): Finding => ({ _tag: "Request", grant: undefined }))
  )

  return {
    isConfirmed: ({ confirmed }, now) => {
      const subscription = store.subscription()
      return confirmed !== undefined && subscription !== undefined && confirmed.subscription === subscription &&
        now - confirmed.at < confirmMillis
    },
    isCurrent: (entry) =>
      Effect.suspend(() => {
        const subscription = store.subscription()
        return Effect.flatMap(store.generation(addressOf(entry)), (generation) => {
          const { confirmed } = entry
          if (confirmed?.generation !== generation) return Effect.succeed(false)
          return Effect.map(confirmedAt(confirmed.id, generation, subscription), (next) => {
            entry.confirmed = next
            return true
          })
        })
      }).pipe(
        Effect.catchAll(() =>
          // An entry that the store has never confirmed has an end of its own, see `withoutStore`.
          Effect.map(
            Clock.currentTimeMillis,
            (now) => entry.confirmed === undefined || now - entry.confirmed.at < aloneMillis
          )
        )
      ),
    withoutStore: (token, now) => ({ ...token, expiresAt: Math.min(token.expiresAt, now + aloneMillis) }),
    find,
    release: (keyed, held) =>
      Effect.suspend(() => {
        const { lease } = held
        return lease === undefined ? Effect.void : Effect.zipRight(letGo(held), store.release(keyed.key, lease))
      }),
    put: (keyed, token, { generation, held }) =>
      Effect.suspend(() => {
        const subscription = store.subscription()
        const put = store.put(addressOf(keyed), { token, generation, lease: held.lease })
        return Effect.flatMap(Effect.zipLeft(put, letGo(held)), (id): Effect.Effect<Confirmed | "invalidated"> =>
          Option.isNone(id)
            ? Effect.succeed("invalidated")
            : confirmedAt(id.value, generation, subscription))
      }).pipe(Effect.orElseSucceed(() =>
        undefined
      )),
    replacing: (keyed, kind, request) =>
      Effect.acquireUseRelease(
        startReplacement(keyed, kind),
        (replacement) =>
          Effect.uninterruptibleMask((restore) =>
            Effect.gen(function*() {
              const before = yield* replacement.before
              const exit = yield* Effect.exit(restore(request))
              // The last call changes the tags, or the first one that has a token.
              if (Exit.isFailure(exit) && replacement.callers > 1) return [yield* exit, undefined] as const
              const after = yield* replacement.after
              const result = yield* exit
              if (Option.isNone(before) || Option.isNone(after)) return [result, undefined] as const
              const grant = { generation: after.value.after, held: { lease: undefined, keeper: undefined } }
              return [result, before.value.after === after.value.before ? grant : "invalidated"] as const
            })
          ),
        (replacement) =>
          Effect.sync(() => {
            if (--replacement.callers === 0) replacements.delete(replacement.name)
          })
      ),
    invalidate: (selection) => store.invalidate(tagsToChange(selection), encode(selection)),
    removeFound: (entry) =>
      entry.confirmed === undefined
        ? Effect.void
        : store.removeFound(addressOf(entry), entry.confirmed.id, encode({ key: entry.key })),
    noteKept: (kind, isKept) => {
      if (!mayBeUnkept(kind)) return
      if (isKept) return void unkept.delete(kind.providerName)
      if (unkept.size >= maxUnkept) unkept.clear()
      unkept.add(kind.providerName)
    },
    isWorthwhile: (kind) => !mayBeUnkept(kind) || !unkept.has(kind.providerName)
  }
}
