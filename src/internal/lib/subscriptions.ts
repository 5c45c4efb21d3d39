/** Subscriptions to events by key. */
import * as Effect from "effect/Effect"
import { constVoid } from "effect/Function"
import * as LinkedList from "./linkedList.js"

/** State of one subscriber. It is mutable, which costs less than a fiber that awaits the event. */
export interface Subscription extends LinkedList.Node<Subscription> {
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
export const subscription = (onNotify: () => void = constVoid): Subscription => ({
  isNotified: false,
  onNotify,
  isListed: false,
  previous: undefined,
  next: undefined
})

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
  // A native map, because its hash cannot be predicted. Its lists keep the order of their subscribers.
  const subscribersByKey = new Map<string, LinkedList.LinkedList<Subscription>>()

  const subscribe = (key: string, subscription: Subscription) =>
    Effect.sync(() => {
      const subscribers = subscribersByKey.get(key) ?? LinkedList.empty<Subscription>()
      LinkedList.add(subscribers, subscription)
      subscribersByKey.set(key, subscribers)
    })

  // A publication may have removed the subscribers of this key meanwhile, and others may have subscribed.
  const unsubscribe = (key: string, subscription: Subscription) =>
    Effect.sync(() => {
      const subscribers = subscribersByKey.get(key)
      if (subscribers === undefined) return
      LinkedList.remove(subscribers, subscription)
      if (subscribers.first === undefined) subscribersByKey.delete(key)
    })

  return {
    subscribe,
    unsubscribe,
    listening: (key, use) =>
      Effect.acquireUseRelease(
        Effect.tap(Effect.sync(() => subscription()), (one) => subscribe(key, one)),
        (one) => use(notified(one)),
        (one) => unsubscribe(key, one)
      ),
    publish: (key) =>
      Effect.sync(() => {
        const subscribers = subscribersByKey.get(key)
        subscribersByKey.delete(key)
        if (subscribers !== undefined) LinkedList.drain(subscribers, notify)
      }),
    size: Effect.sync(() => subscribersByKey.size)
  }
})
