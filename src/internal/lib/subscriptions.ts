/** Subscriptions to events by key. */
import * as Effect from "effect/Effect"
import { constVoid } from "effect/Function"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"

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
export const make: Effect.Effect<SubscriptionRegistry> = Effect.map(
  Ref.make(HashMap.empty<string, ReadonlyArray<Subscription>>()),
  (subscribersByKey) => {
    const subscribe = (key: string, subscription: Subscription) =>
      Ref.update(
        subscribersByKey,
        (all) => HashMap.set(all, key, [...Option.getOrElse(HashMap.get(all, key), () => []), subscription])
      )

    // A publication may have removed the subscribers of this key meanwhile, and others may have subscribed.
    const unsubscribe = (key: string, subscription: Subscription) =>
      Ref.update(subscribersByKey, (all) =>
        HashMap.modifyAt(all, key, (found) =>
          Option.filter(
            Option.map(found, (subscribers) => subscribers.filter((other) => other !== subscription)),
            (subscribers) => subscribers.length > 0
          )))

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
        Effect.map(
          Ref.modify(subscribersByKey, (all) => [
            Option.getOrElse(HashMap.get(all, key), () => []),
            HashMap.remove(all, key)
          ]),
          (subscribers) => subscribers.forEach(notify)
        ),
      size: Effect.map(Ref.get(subscribersByKey), HashMap.size)
    }
  }
)
