// @effect-diagnostics anyUnknownInErrorContext:off
import { KeyValueStore } from "@effect/platform"
import { SystemError } from "@effect/platform/Error"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Deferred, type Duration, Effect, Exit, Fiber, Option, TestClock } from "effect"
import type * as ConsentLedger from "../src/ConsentLedger.js"
import * as ledgerStore from "../src/internal/consent/ledgerKeyValueStore.js"
import * as ledgerMemory from "../src/internal/consent/ledgerMemory.js"
import { assertEqual } from "./support/equality.js"

type Ledger = ConsentLedger.ConsentLedger["Type"]

const key = "key"

const soon = (wait: Duration.DurationInput = "10 minutes") => Effect.map(DateTime.now, DateTime.addDuration(wait))

/** A ledger over a store that exposes its values and calls to the test, with some methods replaced. */
const opened = (replace: (store: KeyValueStore.KeyValueStore) => Partial<KeyValueStore.KeyValueStore> = () => ({})) => {
  const values = new Map<string, string>()
  const calls: Array<string> = []
  const called = <A>(name: string, use: () => A) =>
    Effect.sync(() => {
      calls.push(name)
      return use()
    })
  const store = KeyValueStore.makeStringOnly({
    get: (key) => called("get", () => Option.fromNullable(values.get(key))),
    set: (key, value) => called("set", () => void values.set(key, value)),
    remove: (key) => called("remove", () => void values.delete(key)),
    clear: called("clear", () => values.clear()),
    size: called("size", () => values.size)
  })
  return Effect.map(
    ledgerStore.make({ ...store, ...replace(store) }, ""),
    (ledger) => ({ ledger, values, calls })
  )
}

const denied = new SystemError({ reason: "PermissionDenied", module: "FileSystem", method: "open" })

const gone = new SystemError({ reason: "NotFound", module: "FileSystem", method: "remove" })

/** Every method of a ledger, each applied to the entry of `key`. */
const questions: ReadonlyArray<readonly [name: string, ask: (ledger: Ledger) => Effect.Effect<unknown, unknown>]> = [
  ["get", (ledger) => ledger.get(key)],
  ["take", (ledger) => ledger.take(key)],
  ["replace", (ledger) => ledger.replace(key, "value", "after")],
  ["add", (ledger) => Effect.flatMap(soon(), (later) => ledger.add(key, "next", later))]
]

describe("an entry in a store", () => {
  /** A removal that waits until the test continues it. */
  const hanging = Effect.gen(function*() {
    const begun = yield* Deferred.make<void>()
    const proceed = yield* Deferred.make<void>()
    const { ledger, values } = yield* opened((store) => ({
      remove: (key) =>
        Effect.zipRight(Effect.zipRight(Deferred.succeed(begun, undefined), Deferred.await(proceed)), store.remove(key))
    }))
    yield* ledger.add(key, "value", yield* soon())
    return { ledger, values, begun: Deferred.await(begun), proceed: Deferred.succeed(proceed, undefined) }
  })

  /** Interrupts a call during its removal, and then continues the removal. */
  const interrupted = (
    call: Effect.Effect<unknown, unknown>,
    begun: Effect.Effect<void>,
    proceed: Effect.Effect<unknown>
  ) =>
    Effect.gen(function*() {
      const fiber = yield* Effect.fork(call)
      yield* begun
      const interrupting = yield* Effect.fork(Fiber.interrupt(fiber))
      yield* Effect.repeatN(Effect.yieldNow(), 20)
      assert.isNull(fiber.unsafePoll())
      yield* proceed
      assert.isTrue(Exit.isInterrupted(yield* Fiber.join(interrupting)))
    })

  it.effect("is removed even if the caller of take is interrupted during the removal", () =>
    Effect.gen(function*() {
      const { begun, ledger, proceed, values } = yield* hanging
      yield* interrupted(ledger.take(key), begun, proceed)
      assert.strictEqual(values.size, 0)
      assertEqual(yield* ledger.take(key), Option.none())
    }))

  for (const [name, ask] of questions) {
    it.effect(`that has expired is removed even if the caller of ${name} is interrupted during the removal`, () =>
      Effect.gen(function*() {
        const { begun, ledger, proceed, values } = yield* hanging
        yield* TestClock.adjust("10 minutes")
        yield* interrupted(ask(ledger), begun, proceed)
        assert.strictEqual(values.size, 0)
      }))
  }
  it.effect("that is added during the removal of an expired entry is not removed", () =>
    Effect.gen(function*() {
      const looked = yield* Deferred.make<void>()
      const proceed = yield* Deferred.make<void>()
      let reads = 0
      const { ledger } = yield* opened((store) => ({
        // The second read of the reader precedes the removal.
        get: (key) =>
          Effect.flatMap(store.get(key), (found) =>
            ++reads === 3
              ? Effect.zipRight(Deferred.succeed(looked, undefined), Effect.as(Deferred.await(proceed), found))
              : Effect.succeed(found))
      }))
      yield* ledger.add(key, "old", yield* soon())
      yield* TestClock.adjust("10 minutes")
      const reader = yield* Effect.fork(ledger.get(key))
      yield* Deferred.await(looked)
      const adding = yield* Effect.fork(Effect.flatMap(soon(), (later) => ledger.add(key, "new", later)))
      yield* Effect.repeatN(Effect.yieldNow(), 20)
      yield* Deferred.succeed(proceed, undefined)
      assertEqual(yield* Fiber.join(reader), Option.none())
      assert.isTrue(yield* Fiber.join(adding))
      assertEqual(yield* ledger.get(key), Option.some("new"))
    }))

  it.effect("can be read during the write of another entry, and an addition waits for this write", () =>
    Effect.gen(function*() {
      const begun = yield* Deferred.make<void>()
      const { ledger } = yield* opened((store) => ({
        set: (key, value) =>
          key === "hanging" ? Effect.zipRight(Deferred.succeed(begun, undefined), Effect.never) : store.set(key, value)
      }))
      yield* ledger.add(key, "value", yield* soon())
      yield* Effect.forkDaemon(Effect.flatMap(soon(), (later) => ledger.add("hanging", "value", later)))
      yield* Deferred.await(begun)
      assertEqual(yield* ledger.get(key), Option.some("value"))
      const adding = yield* Effect.forkDaemon(Effect.flatMap(soon(), (later) => ledger.add("another", "value", later)))
      yield* Effect.repeatN(Effect.yieldNow(), 20)
      assert.isNull(adding.unsafePoll())
    }))

  it.effect("is removed only if it is taken or has expired", () =>
    Effect.gen(function*() {
      const { calls, ledger } = yield* opened()
      yield* ledger.take(key)
      yield* ledger.add(key, "value", yield* soon())
      yield* ledger.add(key, "other", yield* soon())
      yield* ledger.get(key)
      yield* ledger.replace(key, "none", "after")
      assertEqual(calls, ["get", "get", "set", "get", "get", "get"])
      yield* ledger.take(key)
      assertEqual(calls.slice(6), ["get", "remove"])
    }))

  it.effect("that has expired and that another process has removed is absent", () =>
    Effect.gen(function*() {
      for (const [name, ask] of questions) {
        const { ledger } = yield* opened(() => ({ remove: () => gone }))
        yield* ledger.add(key, "value", yield* soon())
        yield* TestClock.adjust("10 minutes")
        assertEqual(yield* ask(ledger), name === "add" ? true : name === "replace" ? false : Option.none())
      }
    }))

  it.effect("that cannot be read or written fails with an error that distinguishes the two", () =>
    Effect.gen(function*() {
      for (const [, ask] of questions) {
        const unreadable = yield* opened(() => ({ get: () => denied }))
        assert.match(String(yield* Effect.flip(ask(unreadable.ledger))), /could not be read/)
        const readOnly = yield* opened(() => ({ remove: () => denied }))
        yield* readOnly.ledger.add(key, "value", yield* soon())
        yield* TestClock.adjust("10 minutes")
        assert.match(String(yield* Effect.flip(ask(readOnly.ledger))), /could not be written/)
      }
      const { ledger } = yield* opened(() => ({ set: () => denied }))
      assert.match(String(yield* Effect.flip(ledger.add(key, "value", yield* soon()))), /could not be written/)
    }))
})

describe("entries in memory", () => {
  it.effect("that have expired are removed by an addition at 64 entries, and then at twice the number of remaining entries", () =>
    Effect.gen(function*() {
      const entries = new Map<string, ledgerMemory.Entry>()
      const ledger = ledgerMemory.make(entries)
      const add = (count: number, wait: Duration.DurationInput) =>
        Effect.flatMap(
          soon(wait),
          (later) => Effect.forEach(Array.from({ length: count }), () => ledger.add(`${key}${names++}`, "value", later))
        )
      let names = 0
      yield* add(63, "1 minute")
      yield* TestClock.adjust("1 minute")
      yield* add(1, "1 minute")
      assert.strictEqual(entries.size, 64)
      yield* TestClock.adjust("59 seconds")
      yield* add(1, "1 hour")
      assert.strictEqual(entries.size, 2)
      yield* add(62, "1 hour")
      assert.strictEqual(entries.size, 64)
      // One of these expires and 63 remain, so the next removal is at 126.
      yield* TestClock.adjust("1 second")
      yield* add(1, "1 second")
      assert.strictEqual(entries.size, 64)
      yield* TestClock.adjust("1 second")
      yield* add(62, "1 hour")
      assert.strictEqual(entries.size, 126)
      yield* add(1, "1 hour")
      assert.strictEqual(entries.size, 126)
    }))
})
