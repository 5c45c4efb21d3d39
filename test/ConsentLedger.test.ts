import { KeyValueStore } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { BadArgument, SystemError } from "@effect/platform/Error"
import { assert, describe, it } from "@effect/vitest"
import { Cause, DateTime, Deferred, Effect, Fiber, Layer, Option, TestClock } from "effect"
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inspect } from "node:util"
import * as ConsentLedger from "../src/ConsentLedger.js"
import * as ledgerMemory from "../src/internal/consent/ledgerMemory.js"
import { assertEqual } from "./support/equality.js"
import { key, soon, suite, temporaryDirectory } from "./support/ledgerContract.js"

/** A store over which others come in between what one does. */
const slow = Layer.effect(
  KeyValueStore.KeyValueStore,
  Effect.map(KeyValueStore.KeyValueStore, (store) =>
    KeyValueStore.make({
      get: (key) => Effect.tap(store.get(key), () => Effect.yieldNow()),
      getUint8Array: store.getUint8Array,
      set: (key, value) => Effect.zipRight(Effect.yieldNow(), store.set(key, value)),
      remove: (key) => Effect.zipRight(Effect.yieldNow(), store.remove(key)),
      clear: store.clear,
      size: store.size
    }))
).pipe(Layer.provide(KeyValueStore.layerMemory))

const directory = Layer.unwrapScoped(Effect.map(temporaryDirectory, KeyValueStore.layerFileSystem)).pipe(
  Layer.provide(NodeContext.layer)
)

suite("in memory", ConsentLedger.layerMemory)

suite(
  "in a store in memory",
  Layer.provide(ConsentLedger.layerKeyValueStore(), KeyValueStore.layerMemory)
)

suite("in a store that lets others come in between", Layer.provide(ConsentLedger.layerKeyValueStore(), slow))

suite("in a folder", Layer.provide(ConsentLedger.layerKeyValueStore(), directory))

/** A store in which a test looks, with some of its methods replaced. */
const rig = (replaced: Partial<KeyValueStore.KeyValueStore> = {}) => {
  const values = new Map<string, string>()
  const store = KeyValueStore.makeStringOnly({
    get: (key) => Effect.sync(() => Option.fromNullable(values.get(key))),
    set: (key, value) => Effect.sync(() => void values.set(key, value)),
    remove: (key) => Effect.sync(() => void values.delete(key)),
    clear: Effect.sync(() => values.clear()),
    size: Effect.sync(() => values.size)
  })
  const over = Layer.succeed(KeyValueStore.KeyValueStore, { ...store, ...replaced })
  const open = (options?: { readonly prefix?: string }) =>
    Effect.provide(ConsentLedger.ConsentLedger, Layer.provide(ConsentLedger.layerKeyValueStore(options), over))
  return { open, values, store }
}

const printed = (value: unknown) =>
  [
    String(value),
    JSON.stringify(value),
    inspect(value, { depth: 10, showHidden: true }),
    Cause.pretty(Cause.fail(value), { renderErrorCause: true })
  ].join("\n")

describe("a ledger in a store", () => {
  it.effect("writes under its prefix and nowhere else, and shares its entries with the next process", () =>
    Effect.gen(function*() {
      const { open, values } = rig()
      const ledger = yield* open()
      yield* ledger.add(key, "value", DateTime.unsafeMake(60_000))
      assertEqual([...values], [
        [`agentcore-identity/consent/${key}`, `{"value":"value","expiresAt":"1970-01-01T00:01:00.000Z"}`]
      ])
      assertEqual(yield* (yield* open()).get(key), Option.some("value"))
      const other = yield* open({ prefix: "mine:" })
      assertEqual(yield* other.get(key), Option.none())
      assert.isTrue(yield* other.add(key, "mine", yield* soon()))
      assert.isTrue(values.has(`mine:${key}`))
      assertEqual(yield* ledger.get(key), Option.some("value"))
    }))

  for (const ask of ["get", "take", "replace"] as const) {
    it.effect(`removes an expired entry when ${ask} reads it`, () =>
      Effect.gen(function*() {
        const { open, values } = rig()
        const ledger = yield* open()
        yield* ledger.add(key, "value", yield* soon())
        yield* TestClock.adjust("10 minutes")
        assert.strictEqual(values.size, 1)
        yield* ask === "replace" ? ledger.replace(key, "value", "after") : ledger[ask](key)
        assert.strictEqual(values.size, 0)
      }))
  }

  it.effect("does not remove an entry that was added while another looked at the one before", () =>
    Effect.gen(function*() {
      const looked = yield* Deferred.make<void>()
      const proceed = yield* Deferred.make<void>()
      let isFirst = false
      const { open, store } = rig({
        get: (key) =>
          Effect.flatMap(store.get(key), (found) => {
            if (!isFirst) return Effect.succeed(found)
            isFirst = false
            return Deferred.succeed(looked, void 0).pipe(Effect.zipRight(Deferred.await(proceed)), Effect.as(found))
          })
      })
      const ledger = yield* open()
      yield* ledger.add(key, "old", yield* soon())
      yield* TestClock.adjust("10 minutes")
      isFirst = true
      const reader = yield* Effect.fork(ledger.get(key))
      yield* Deferred.await(looked)
      assert.isTrue(yield* ledger.add(key, "new", yield* soon()))
      yield* Deferred.succeed(proceed, void 0)
      assertEqual(yield* Fiber.join(reader), Option.some("new"))
      assertEqual(yield* ledger.get(key), Option.some("new"))
    }))

  it.effect("returns nothing for an entry that another process has removed", () =>
    Effect.gen(function*() {
      const gone = new SystemError({ reason: "NotFound", module: "FileSystem", method: "remove" })
      const ledger = yield* rig({ remove: () => gone }).open()
      yield* ledger.add(key, "value", yield* soon())
      assertEqual(yield* ledger.take(key), Option.none())
    }))

  it.effect("fails with LedgerFailure if the store fails, for every method", () =>
    Effect.gen(function*() {
      const denied = new SystemError({ reason: "PermissionDenied", module: "FileSystem", method: "open" })
      const wrong = new BadArgument({ module: "KeyValueStore", method: "get" })
      const expiresAt = yield* soon()
      for (const cause of [denied, wrong]) {
        const unreadable = yield* rig({ get: () => cause }).open()
        const failures = [
          yield* Effect.flip(unreadable.get(key)),
          yield* Effect.flip(unreadable.take(key)),
          yield* Effect.flip(unreadable.replace(key, "before", "after")),
          yield* Effect.flip(unreadable.add(key, "canary-value", expiresAt))
        ]
        const readOnly = rig({ set: () => cause, remove: () => cause })
        const ledger = yield* readOnly.open()
        failures.push(yield* Effect.flip(ledger.add(key, "canary-value", expiresAt)))
        readOnly.values.set(
          `agentcore-identity/consent/${key}`,
          `{"value":"canary-value","expiresAt":"2100-01-01T00:00:00.000Z"}`
        )
        failures.push(yield* Effect.flip(ledger.take(key)))
        failures.push(yield* Effect.flip(ledger.replace(key, "canary-value", "after")))
        for (const failure of failures) {
          assert.strictEqual(failure._tag, "LedgerFailure")
          assert.strictEqual(failure.cause, cause)
          assert.match(
            failure.message,
            /^the store of ConsentLedger, keys "agentcore-identity\/consent\/…", could not be (read|written)$/
          )
          assert.notInclude(printed(failure), "canary")
        }
        // Who failed holds up nobody.
        assertEqual(yield* ledger.get(key), Option.some("canary-value"))
      }
    }))

  it.effect("does not change a value that is not an entry, and the error names its key and not its value", () =>
    Effect.gen(function*() {
      const { open, values } = rig()
      const ledger = yield* open({ prefix: "mine:" })
      const strange = [
        "",
        "canary",
        "{",
        "null",
        `"canary"`,
        `{"value":"canary"}`,
        `{"value":1,"expiresAt":"canary"}`,
        `{"value":"canary","expiresAt":"canary"}`,
        `{"value":"canary","expiresAt":"2100-01-01T00:00:00.0`
      ]
      for (const text of strange) {
        values.set(`mine:${key}`, text)
        const failures = [
          yield* Effect.flip(ledger.get(key)),
          yield* Effect.flip(ledger.take(key)),
          yield* Effect.flip(ledger.replace(key, "before", "after")),
          yield* Effect.flip(ledger.add(key, "value", yield* soon()))
        ]
        for (const failure of failures) {
          assert.strictEqual(failure._tag, "LedgerFailure")
          assert.strictEqual(
            failure.message,
            "a value in the store of ConsentLedger, keys \"mine:…\", is not an entry of a ConsentLedger: remove it, or give the " +
              "ledger a prefix of its own"
          )
          assert.notInclude(printed(failure), "canary")
        }
        assert.strictEqual(values.get(`mine:${key}`), text)
      }
    }))

  it.effect("interrupts a read at once, and lets a write end", () =>
    Effect.gen(function*() {
      const begun = yield* Deferred.make<void>()
      const proceed = yield* Deferred.make<void>()
      const hanging = yield* rig({ get: () => Effect.never }).open()
      const reader = yield* Effect.fork(hanging.take(key))
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(reader)

      const { open, store, values } = rig({
        set: (key, value) =>
          Deferred.succeed(begun, void 0).pipe(
            Effect.zipRight(Deferred.await(proceed)),
            Effect.zipRight(store.set(key, value))
          )
      })
      const ledger = yield* open()
      const writer = yield* Effect.fork(ledger.add(key, "value", yield* soon()))
      yield* Deferred.await(begun)
      const next = yield* Effect.fork(ledger.take(key))
      const interrupting = yield* Effect.fork(Fiber.interrupt(writer))
      yield* Effect.yieldNow()
      assert.strictEqual(values.size, 0)
      yield* Deferred.succeed(proceed, void 0)
      yield* Fiber.join(interrupting)
      assertEqual(yield* Fiber.join(next), Option.some("value"))
    }))

  it("writes in a folder what a folder takes as a name", async () => {
    const at = mkdtempSync(join(tmpdir(), "agentcore-ledger-"))
    try {
      await Effect.runPromise(
        Effect.gen(function*() {
          const ledger = yield* ConsentLedger.ConsentLedger
          yield* ledger.add(key, "value", yield* soon())
        }).pipe(
          Effect.provide(
            ConsentLedger.layerKeyValueStore().pipe(
              Layer.provide(KeyValueStore.layerFileSystem(at)),
              Layer.provide(NodeContext.layer)
            )
          )
        )
      )
      assertEqual(readdirSync(at), [encodeURIComponent(`agentcore-identity/consent/${key}`)])
    } finally {
      rmSync(at, { recursive: true, force: true })
    }
  })
})

describe("a ledger in memory", () => {
  it.effect("does not grow with entries that have ended", () =>
    Effect.gen(function*() {
      const entries = new Map<string, ledgerMemory.Entry>()
      const ledger = ledgerMemory.make(entries)
      yield* ledger.add("lasting", "value", yield* soon("30 days"))
      let most = 0
      for (let minute = 0; minute < 30; minute++) {
        const later = yield* soon("1 minute")
        for (let index = 0; index < 200; index++) yield* ledger.add(`${key}${minute}/${index}`, "value", later)
        most = Math.max(most, entries.size)
        yield* TestClock.adjust("1 minute")
      }
      assert.isAtMost(most, 2 * 201 + 1)
      assertEqual(yield* ledger.get("lasting"), Option.some("value"))
    }))

  it.effect("keeps every entry that has not ended, however many there are", () =>
    Effect.gen(function*() {
      const ledger = ledgerMemory.make()
      const later = yield* soon()
      const names = Array.from({ length: 50_000 }, (_, index) => `${key}${index}`)
      yield* Effect.forEach(names, (name) => ledger.add(name, name, later), { discard: true })
      const found = yield* Effect.forEach(names, ledger.take)
      assert.isTrue(found.every((value, index) => Option.getOrNull(value) === names[index]))
    }))

  it.effect("removes an expired entry when it is read", () =>
    Effect.gen(function*() {
      const entries = new Map<string, ledgerMemory.Entry>()
      const ledger = ledgerMemory.make(entries)
      yield* ledger.add(key, "value", yield* soon())
      yield* TestClock.adjust("10 minutes")
      yield* ledger.get(key)
      assert.strictEqual(entries.size, 0)
    }))
})
