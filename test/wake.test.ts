import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Ref } from "effect"
import * as wake from "../src/internal/lib/subscriptions.js"
import { assertEqual } from "./support/equality.js"

/** Lets every fiber run until it waits. */
const idle = Effect.repeatN(Effect.yieldNow(), 100)

/** A bell that counts how often it rings. */
const counting = () => {
  const bell = { ...wake.bell(), count: 0 }
  bell.onRing = () => {
    bell.count++
  }
  return bell
}

describe("wake-up by name", () => {
  it.effect("rings every bell of the name once, and none of another name", () =>
    Effect.gen(function*() {
      const hub = yield* wake.make
      const bells = [counting(), counting()]
      const other = counting()
      for (const bell of bells) yield* hub.enter("a", bell)
      yield* hub.enter("b", other)
      yield* hub.wake("a")
      for (const bell of bells) assertEqual([bell.isRung, bell.count], [true, 1])
      assertEqual([other.isRung, other.count], [false, 0])
      yield* hub.wake("a")
      yield* hub.wake("nothing")
      for (const bell of bells) assert.strictEqual(bell.count, 1)
      assert.strictEqual(other.count, 0)
      yield* hub.wake("b")
      assert.strictEqual(other.count, 1)
    }))

  it.effect("rings a bell by its state too, since it may have no listener yet", () =>
    Effect.gen(function*() {
      const hub = yield* wake.make
      const bell = wake.bell()
      assert.isFalse(bell.isRung)
      yield* hub.enter("a", bell)
      yield* hub.wake("a")
      assert.isTrue(bell.isRung)
    }))

  it.effect("does not ring a bell that enters after the event, until the next one", () =>
    Effect.gen(function*() {
      const hub = yield* wake.make
      yield* hub.enter("a", counting())
      yield* hub.wake("a")
      const late = counting()
      yield* hub.enter("a", late)
      assert.strictEqual(late.count, 0)
      yield* hub.wake("a")
      assert.strictEqual(late.count, 1)
    }))

  it.effect("of two bells of a name, one that leaves does not ring and the other does", () =>
    Effect.gen(function*() {
      for (const leaving of [0, 1]) {
        const hub = yield* wake.make
        const bells = [counting(), counting()]
        for (const bell of bells) yield* hub.enter("a", bell)
        yield* hub.leave("a", bells[leaving] ?? wake.bell())
        yield* hub.wake("a")
        assertEqual(bells.map(({ count }) => count), leaving === 0 ? [0, 1] : [1, 0])
      }
    }))

  it.effect("a bell that leaves the name, or one that it never entered, does not affect the others", () =>
    Effect.gen(function*() {
      const hub = yield* wake.make
      const bell = counting()
      yield* hub.enter("a", bell)
      yield* hub.leave("a", wake.bell())
      yield* hub.leave("b", bell)
      yield* hub.wake("a")
      assert.strictEqual(bell.count, 1)
      // Its name is another's by now.
      const next = counting()
      yield* hub.enter("a", next)
      yield* hub.leave("a", bell)
      yield* hub.wake("a")
      assert.strictEqual(next.count, 1)
      yield* hub.leave("a", next)
    }))

  it.effect("a listener ends with an event during it, whether it waits for it before or afterwards", () =>
    Effect.gen(function*() {
      const hub = yield* wake.make
      const waits = yield* Effect.fork(hub.listening("a", (happened) => Effect.as(happened, "woken")))
      const busy = yield* Effect.fork(
        hub.listening("a", (happened) => Effect.zipRight(hub.wake("a"), Effect.as(happened, "woken")))
      )
      assertEqual([yield* Fiber.join(waits), yield* Fiber.join(busy)], ["woken", "woken"])
    }))

  it.effect("a listener does not end with an event before it, or with that of another name", () =>
    Effect.gen(function*() {
      const hub = yield* wake.make
      yield* hub.wake("a")
      const waits = yield* Effect.fork(hub.listening("a", (happened) => happened))
      yield* idle
      yield* hub.wake("b")
      yield* idle
      assert.isNull(waits.unsafePoll())
      yield* hub.wake("a")
      yield* Fiber.join(waits)
    }))

  it.effect("of two listeners one is interrupted, and the other is woken", () =>
    Effect.gen(function*() {
      const hub = yield* wake.make
      const woken = yield* Ref.make(0)
      const listen = hub.listening("a", (happened) => Effect.zipRight(happened, Ref.update(woken, (n) => n + 1)))
      const one = yield* Effect.fork(listen)
      const other = yield* Effect.fork(listen)
      yield* idle
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(one)))
      yield* hub.wake("a")
      yield* Fiber.join(other)
      assert.strictEqual(yield* Ref.get(woken), 1)
    }))

  it.effect("keeps nothing of bells that have rung or left, and of listeners that have ended", () =>
    Effect.gen(function*() {
      const hub = yield* wake.make
      const bells = [counting(), counting(), counting()]
      for (const bell of bells) yield* hub.enter("a", bell)
      yield* hub.enter("b", counting())
      const listener = yield* Effect.fork(hub.listening("c", (happened) => happened))
      yield* hub.listening("d", () => Effect.void)
      yield* idle
      assert.strictEqual(yield* hub.size, 3)
      for (const bell of bells) yield* hub.leave("a", bell)
      assert.strictEqual(yield* hub.size, 2)
      yield* hub.wake("b")
      yield* Fiber.interrupt(listener)
      assert.strictEqual(yield* hub.size, 0)
    }))
})
