/** Subscriptions to events by key. */
import * as Effect from "effect/Effect"
import { constVoid } from "effect/Function"

/** State of one subscriber. It is mutable, which costs less than a fiber that awaits the event. */
export interface Subscription {
  isNotified: boolean
  /** Called on the event. A subscriber that sets it afterwards looks at `isNotified` first. */
  onNotify: () => void
}

/** @internal */
export interface SubscriptionRegistry {
  /** Registers `subscription` for the next event of this key. */
  readonly subscribe: (key: string, subscription: Subscription) => Effect.Effect<void>
  readonly unsubscribe: (key: string, subscription: Subscription) => Effect.Effect<void>
  /** Runs `use` with an effect that ends on the event, counted from now. */
  readonly listening: <A, E, R>(
    key: string,
    use: (event: Effect.Effect<void>) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E, R>
  /** Notifies and removes all subscribers of this key. */
  readonly publish: (key: string) => Effect.Effect<void>
  /** The number of keys that have subscribers: all that the registry keeps. */
  readonly size: Effect.Effect<number>
}

/** @internal */
export const subscription = (): Subscription => ({ isNotified: false, onNotify: constVoid })

const notify = (subscription: Subscription) => {
  subscription.isNotified = true
  subscription.onNotify()
}

const notified = (subscription: Subscription) =>
  Effect.async<void>((resume) => {
    if (subscription.isNotified) resume(Effect.void)
    else subscription.onNotify = () => resume(Effect.void)
  })

/** @internal */
export const make: Effect.Effect<SubscriptionRegistry> = Effect.sync(() => {
  // A native map, because its hash cannot be predicted. Its sets keep the order of their subscribers.
  const subscribersByKey = new Map<string, Set<Subscription>>()

  const subscribe = (key: string, subscription: Subscription) =>
    Effect.sync(() => {
      const subscribers = subscribersByKey.get(key) ?? new Set()
      subscribersByKey.set(key, subscribers.add(subscription))
    })

  // A publication may have removed the subscribers of this key meanwhile, and others may have subscribed.
  const unsubscribe = (key: string, subscription: Subscription) =>
    Effect.sync(() => {
      const subscribers = subscribersByKey.get(key)
      subscribers?.delete(subscription)
      if (subscribers?.size === 0) subscribersByKey.delete(key)
    })

  return {
    subscribe,
    unsubscribe,
    listening: (key, use) =>
      Effect.acquireUseRelease(
        Effect.tap(Effect.sync(subscription), (one) => subscribe(key, one)),
        (one) => use(notified(one)),
        (one) => unsubscribe(key, one)
      ),
    publish: (key) =>
      Effect.sync(() => {
        const subscribers = subscribersByKey.get(key)
        subscribersByKey.delete(key)
        subscribers?.forEach(notify)
      }),
    size: Effect.sync(() => subscribersByKey.size)
  }
})
