/** A store of tokens in memory, that the caches of one test share as processes share one in Redis. */
import { Duration, Effect, Option, PubSub, Stream } from "effect"
import type * as TokenCache from "../../src/TokenCache.js"

interface Kept {
  readonly id: string
  readonly generation: string
  readonly token: TokenCache.StoredToken
}

export const memoryStore: Effect.Effect<TokenCache.Store> = Effect.gen(function*() {
  const messages = yield* PubSub.unbounded<string>()
  const tags = new Map<string, number>()
  const tokens = new Map<string, Kept>()
  const leases = new Map<string, { readonly id: string; readonly generation: string }>()
  let ids = 0

  const generationOf = (address: TokenCache.StoreAddress) => address.tags.map((tag) => tags.get(tag) ?? 0).join(" ")

  const change = (changed: ReadonlyArray<string>, message: string) => {
    for (const tag of changed) tags.set(tag, (tags.get(tag) ?? 0) + 1)
    return Effect.asVoid(PubSub.publish(messages, message))
  }

  const endLease = (key: string, id: string | undefined) => {
    if (leases.get(key)?.id === id) leases.delete(key)
  }

  return {
    find: (address, except) =>
      Effect.sync((): TokenCache.StoreResult => {
        const { key } = address
        const generation = generationOf(address)
        const found = tokens.get(key)
        if (found?.generation === generation && found.id !== except) return { _tag: "Found", ...found }
        if (leases.get(key)?.generation === generation) return { _tag: "Busy", generation }
        const lease = `lease-${++ids}`
        leases.set(key, { id: lease, generation })
        return { _tag: "Leased", lease, generation }
      }),
    put: (address, { generation, lease, token }) =>
      Effect.sync(() => {
        endLease(address.key, lease)
        if (generationOf(address) !== generation) return Option.none()
        const id = `token-${++ids}`
        tokens.set(address.key, { id, generation, token })
        return Option.some(id)
      }),
    keep: () => Effect.void,
    maxLease: Duration.minutes(1),
    release: (key, lease) => Effect.sync(() => endLease(key, lease)),
    released: () => Effect.sleep("10 millis"),
    generation: (address) => Effect.sync(() => generationOf(address)),
    change: (address, message) =>
      Effect.suspend(() => {
        const before = generationOf(address)
        const published = change(address.tags.slice(0, 1), message)
        return Effect.as(published, { before, after: generationOf(address) })
      }),
    removeFound: (address, id, message) =>
      Effect.suspend(() =>
        tokens.get(address.key)?.id === id ? change(address.tags.slice(0, 1), message) : Effect.void
      ),
    invalidate: (changed, message) => Effect.suspend(() => change(changed, message)),
    invalidations: Stream.fromPubSub(messages),
    subscription: () => 1
  }
})
