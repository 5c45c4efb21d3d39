import { KeyValueStore } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { BadArgument, SystemError } from "@effect/platform/Error"
import { assert, describe, it } from "@effect/vitest"
import { Cause, DateTime, Deferred, Duration, Effect, Fiber, Layer, Option, TestClock } from "effect"
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inspect } from "node:util"
import { ConsentLedger } from "../src/index.js"
import * as ledgerMemory from "../src/internal/ledgerMemory.js"
import { assertEqual } from "./support/equality.js"

const soon = (wait: Duration.DurationInput = "10 minutes") => Effect.map(DateTime.now, DateTime.addDuration(wait))

const key = "resumed/0a1b"

const count = (all: ReadonlyArray<boolean>) => all.filter((is) => is).length

const suite = <E>(name: string, layer: Layer.Layer<ConsentLedger.ConsentLedger, E>) =>
  describe(`the ledger ${name}`, () => {
    const test = <E>(
      name: string,
      body: (ledger: ConsentLedger.ConsentLedger["Type"]) => Effect.Effect<void, E>
    ) => it.effect(name, () => Effect.provide(Effect.flatMap(ConsentLedger.ConsentLedger, body), layer))

    test("gives what was added, until it is taken", (ledger) =>
      Effect.gen(function*() {
        assertEqual(yield* ledger.get(key), Option.none())
        assert.isTrue(yield* ledger.add(key, "value", yield* soon()))
        assertEqual(yield* ledger.get(key), Option.some("value"))
        assertEqual(yield* ledger.get(key), Option.some("value"))
        assertEqual(yield* ledger.get("another"), Option.none())
        assertEqual(yield* ledger.take(key), Option.some("value"))
        assertEqual(yield* ledger.take(key), Option.none())
        assertEqual(yield* ledger.get(key), Option.none())
        assert.isTrue(yield* ledger.add(key, "again", yield* soon()))
      }))

    test("keeps the first of two entries with one key", (ledger) =>
      Effect.gen(function*() {
        assert.isTrue(yield* ledger.add(key, "first", yield* soon("1 minute")))
        assert.isFalse(yield* ledger.add(key, "second", yield* soon("1 hour")))
        assert.isTrue(yield* ledger.add("another", "second", yield* soon()))
        assertEqual(yield* ledger.get(key), Option.some("first"))
        yield* TestClock.adjust("1 minute")
        assertEqual(yield* ledger.get(key), Option.none())
      }))

    test("keeps any value as it is", (ledger) =>
      Effect.gen(function*() {
        for (const text of ["", "\"", "{}", "\u0000", "\uD800", "ä\u2028", "\uFEFF", "x".repeat(100_000)]) {
          assert.isTrue(yield* ledger.add(key, text, yield* soon()))
          assert.isTrue(yield* ledger.replace(key, text, `${text}!`))
          assertEqual(yield* ledger.take(key), Option.some(`${text}!`))
        }
      }))

    test("takes the name of anything for a key", (ledger) =>
      Effect.gen(function*() {
        for (const name of ["__proto__", "constructor", "..", "a b/ä?#%", ""]) {
          assertEqual(yield* ledger.get(name), Option.none())
          assert.isTrue(yield* ledger.add(name, name, yield* soon()))
          assertEqual(yield* ledger.take(name), Option.some(name))
        }
      }))

    test("replaces what is still there, and leaves its deadline", (ledger) =>
      Effect.gen(function*() {
        assert.isFalse(yield* ledger.replace(key, "", "after"))
        assertEqual(yield* ledger.get(key), Option.none())
        yield* ledger.add(key, "before", yield* soon("10 minutes"))
        assert.isFalse(yield* ledger.replace(key, "other", "after"))
        assertEqual(yield* ledger.get(key), Option.some("before"))
        yield* TestClock.adjust("9 minutes")
        assert.isTrue(yield* ledger.replace(key, "before", "after"))
        assert.isFalse(yield* ledger.replace(key, "before", "once more"))
        assertEqual(yield* ledger.get(key), Option.some("after"))
        yield* TestClock.adjust("1 minute")
        assert.isFalse(yield* ledger.replace(key, "after", "too late"))
        assertEqual(yield* ledger.get(key), Option.none())
      }))

    for (
      const [ask, body] of [
        ["get", (ledger) => Effect.map(ledger.get(key), Option.isSome)],
        ["take", (ledger) => Effect.map(ledger.take(key), Option.isSome)],
        ["replace", (ledger) => ledger.replace(key, "value", "after")],
        ["add", (ledger) => Effect.flatMap(soon(), (later) => Effect.map(ledger.add(key, "next", later), (is) => !is))]
      ] satisfies ReadonlyArray<
        [string, (ledger: ConsentLedger.ConsentLedger["Type"]) => Effect.Effect<boolean, unknown>]
      >
    ) {
      test(`has an entry until its deadline and not at it, for who asks by ${ask}`, (ledger) =>
        Effect.gen(function*() {
          yield* ledger.add(key, "value", yield* soon("10 minutes"))
          yield* TestClock.adjust(Duration.millis(10 * 60_000 - 1))
          assert.isTrue(yield* body(ledger))
          yield* ledger.take(key)
          yield* ledger.add(key, "value", yield* soon("10 minutes"))
          yield* TestClock.adjust("10 minutes")
          assert.isFalse(yield* body(ledger))
        }))
    }

    test("has nothing of an entry that was added after its deadline", (ledger) =>
      Effect.gen(function*() {
        assert.isTrue(yield* ledger.add(key, "value", yield* DateTime.now))
        assertEqual(yield* ledger.get(key), Option.none())
        assert.isTrue(yield* ledger.add(key, "value", yield* soon()))
      }))

    test("gives an entry to one of a hundred takers", (ledger) =>
      Effect.gen(function*() {
        yield* ledger.add(key, "value", yield* soon())
        const taken = yield* Effect.all(Array.from({ length: 100 }, () => ledger.take(key)), {
          concurrency: "unbounded"
        })
        assert.strictEqual(count(taken.map(Option.isSome)), 1)
      }))

    test("lets one of a hundred add, and one of a hundred replace", (ledger) =>
      Effect.gen(function*() {
        const later = yield* soon()
        const each = { concurrency: "unbounded" } as const
        const names = Array.from({ length: 100 }, (_, index) => `by ${index}`)
        const added = yield* Effect.forEach(names, (name) => ledger.add(key, name, later), each)
        assert.strictEqual(count(added), 1)
        const before = names[added.indexOf(true)] ?? ""
        assertEqual(yield* ledger.get(key), Option.some(before))
        const replaced = yield* Effect.forEach(names, (name) => ledger.replace(key, before, `after ${name}`), each)
        assert.strictEqual(count(replaced), 1)
        assertEqual(yield* ledger.get(key), Option.some(`after by ${replaced.indexOf(true)}`))
      }))

    test("goes on after some of those who wait were interrupted", (ledger) =>
      Effect.gen(function*() {
        const later = yield* soon()
        const fibers = yield* Effect.forEach(Array.from({ length: 50 }, (_, index) => index), (index) =>
          Effect.fork(Effect.zipRight(Effect.yieldNow(), ledger.add(`${key}${index}`, "value", later))))
        yield* Effect.yieldNow()
        yield* Fiber.interruptAll(fibers.filter((_, index) =>
          index % 2 === 0
        ))
        yield* Fiber.awaitAll(fibers)
        assertEqual(yield* ledger.get(`${key}1`), Option.some("value"))
        assert.isTrue(yield* ledger.add("afterwards", "value", later))
      }))
  })

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

const directory = Layer.unwrapScoped(
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "agentcore-ledger-"))),
      (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
    ),
    KeyValueStore.layerFileSystem
  )
).pipe(Layer.provide(NodeContext.layer))

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
    it.effect(`removes an entry that has ended when it meets it by ${ask}`, () =>
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

  it.effect("gives nothing to who comes to remove an entry that another process has removed", () =>
    Effect.gen(function*() {
      const gone = new SystemError({ reason: "NotFound", module: "FileSystem", method: "remove" })
      const ledger = yield* rig({ remove: () => gone }).open()
      yield* ledger.add(key, "value", yield* soon())
      assertEqual(yield* ledger.take(key), Option.none())
    }))

  it.effect("fails with LedgerFailure where the store does, whatever was asked", () =>
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
          assert.match(failure.message, /keys "agentcore-identity\/consent\/…", could not be (read|written)$/)
          assert.notInclude(printed(failure), "canary")
        }
        // Who failed holds up nobody.
        assertEqual(yield* ledger.get(key), Option.some("canary-value"))
      }
    }))

  it.effect("leaves alone what is no entry, and says where it is and not what it is", () =>
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
          assert.include(failure.message, `"mine:…"`)
          assert.notInclude(printed(failure), "canary")
        }
        assert.strictEqual(values.get(`mine:${key}`), text)
      }
    }))

  it.effect("lets a reader go at once who is interrupted, and lets a write end", () =>
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

  it.effect("forgets an entry that has ended when it is asked for", () =>
    Effect.gen(function*() {
      const entries = new Map<string, ledgerMemory.Entry>()
      const ledger = ledgerMemory.make(entries)
      yield* ledger.add(key, "value", yield* soon())
      yield* TestClock.adjust("10 minutes")
      yield* ledger.get(key)
      assert.strictEqual(entries.size, 0)
    }))
})
