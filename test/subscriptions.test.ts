import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Ref } from "effect"
import * as subscriptions from "../src/internal/lib/subscriptions.js"
import { assertEqual } from "./support/equality.js"

/** Lets every fiber run until it waits. */
const idle = Effect.repeatN(Effect.yieldNow(), 100)

/** A subscription that counts its notifications. */
const counting = () => {
  const subscription = { ...subscriptions.subscription(), count: 0 }
  subscription.onNotify = () => {
    subscription.count++
  }
  return subscription
}

describe("subscriptions", () => {
  it.effect("notifies every subscription of the key once, and none of another key", () =>
    Effect.gen(function*() {
      const registry = yield* subscriptions.make
      const all = [counting(), counting()]
      const other = counting()
      for (const subscription of all) yield* registry.subscribe("a", subscription)
      yield* registry.subscribe("b", other)
      yield* registry.publish("a")
      for (const subscription of all) assertEqual([subscription.isNotified, subscription.count], [true, 1])
      assertEqual([other.isNotified, other.count], [false, 0])
      yield* registry.publish("a")
      yield* registry.publish("nothing")
      for (const subscription of all) assert.strictEqual(subscription.count, 1)
      assert.strictEqual(other.count, 0)
      yield* registry.publish("b")
      assert.strictEqual(other.count, 1)
    }))

  it.effect("sets the state of a subscription, since it may have no callback yet", () =>
    Effect.gen(function*() {
      const registry = yield* subscriptions.make
      const subscription = subscriptions.subscription()
      assert.isFalse(subscription.isNotified)
      yield* registry.subscribe("a", subscription)
      yield* registry.publish("a")
      assert.isTrue(subscription.isNotified)
    }))

  it.effect("does not notify a subscription that is made after the event, until the next one", () =>
    Effect.gen(function*() {
      const registry = yield* subscriptions.make
      yield* registry.subscribe("a", counting())
      yield* registry.publish("a")
      const late = counting()
      yield* registry.subscribe("a", late)
      assert.strictEqual(late.count, 0)
      yield* registry.publish("a")
      assert.strictEqual(late.count, 1)
    }))

  it.effect("of two subscriptions of a key, one that is removed is not notified and the other is", () =>
    Effect.gen(function*() {
      for (const removed of [0, 1]) {
        const registry = yield* subscriptions.make
        const all = [counting(), counting()]
        for (const subscription of all) yield* registry.subscribe("a", subscription)
        yield* registry.unsubscribe("a", all[removed] ?? subscriptions.subscription())
        yield* registry.publish("a")
        assertEqual(all.map(({ count }) => count), removed === 0 ? [0, 1] : [1, 0])
      }
    }))

  it.effect("a subscription that is removed from its key, or from one that it never had, does not affect the others", () =>
    Effect.gen(function*() {
      const registry = yield* subscriptions.make
      const subscription = counting()
      yield* registry.subscribe("a", subscription)
      yield* registry.unsubscribe("a", subscriptions.subscription())
      yield* registry.unsubscribe("b", subscription)
      yield* registry.publish("a")
      assert.strictEqual(subscription.count, 1)
      // Its key has another subscription by now.
      const next = counting()
      yield* registry.subscribe("a", next)
      yield* registry.unsubscribe("a", subscription)
      yield* registry.publish("a")
      assert.strictEqual(next.count, 1)
      yield* registry.unsubscribe("a", next)
    }))

  it.effect("an effect that listens ends with an event meanwhile, whether it waits for it before or afterwards", () =>
    Effect.gen(function*() {
      const registry = yield* subscriptions.make
      const waits = yield* Effect.fork(registry.listening("a", (event) => Effect.as(event, "notified")))
      const busy = yield* Effect.fork(
        registry.listening("a", (event) => Effect.zipRight(registry.publish("a"), Effect.as(event, "notified")))
      )
      assertEqual([yield* Fiber.join(waits), yield* Fiber.join(busy)], ["notified", "notified"])
    }))

  it.effect("an effect that listens does not end with an earlier event, or with that of another key", () =>
    Effect.gen(function*() {
      const registry = yield* subscriptions.make
      yield* registry.publish("a")
      const waits = yield* Effect.fork(registry.listening("a", (event) => event))
      yield* idle
      yield* registry.publish("b")
      yield* idle
      assert.isNull(waits.unsafePoll())
      yield* registry.publish("a")
      yield* Fiber.join(waits)
    }))

  it.effect("of two effects that listen one is interrupted, and the other ends", () =>
    Effect.gen(function*() {
      const registry = yield* subscriptions.make
      const notified = yield* Ref.make(0)
      const listen = registry.listening("a", (event) => Effect.zipRight(event, Ref.update(notified, (n) => n + 1)))
      const one = yield* Effect.fork(listen)
      const other = yield* Effect.fork(listen)
      yield* idle
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(one)))
      yield* registry.publish("a")
      yield* Fiber.join(other)
      assert.strictEqual(yield* Ref.get(notified), 1)
    }))

  it.effect("keeps nothing of subscriptions that were notified or removed, and of effects that have ended", () =>
    Effect.gen(function*() {
      const registry = yield* subscriptions.make
      const all = [counting(), counting(), counting()]
      for (const subscription of all) yield* registry.subscribe("a", subscription)
      yield* registry.subscribe("b", counting())
      const listener = yield* Effect.fork(registry.listening("c", (event) => event))
      yield* registry.listening("d", () => Effect.void)
      yield* idle
      assert.strictEqual(yield* registry.size, 3)
      for (const subscription of all) yield* registry.unsubscribe("a", subscription)
      assert.strictEqual(yield* registry.size, 2)
      yield* registry.publish("b")
      yield* Fiber.interrupt(listener)
      assert.strictEqual(yield* registry.size, 0)
    }))
})
