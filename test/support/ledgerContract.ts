/** The rules of a consent ledger, for every store. */
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Fiber, type Layer, Option, TestClock } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as ConsentLedger from "../../src/ConsentLedger.js"
import { assertEqual } from "./equality.js"

export const soon = (wait: Duration.DurationInput = "10 minutes") =>
  Effect.map(DateTime.now, DateTime.addDuration(wait))

export const key = "resumed/0a1b"

export const temporaryDirectory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "agentcore-ledger-"))),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
)

const count = (all: ReadonlyArray<boolean>) => all.filter((is) => is).length

/** The contract of every ledger. */
export const suite = <E>(name: string, layer: Layer.Layer<ConsentLedger.ConsentLedger, E>) =>
  describe(`the ledger ${name}`, () => {
    const test = <E>(
      name: string,
      body: (ledger: ConsentLedger.ConsentLedger["Type"]) => Effect.Effect<void, E>
    ) => it.effect(name, () => Effect.provide(Effect.flatMap(ConsentLedger.ConsentLedger, body), layer))

    test("returns an added entry until it is taken", (ledger) =>
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

    test("keeps every value unchanged", (ledger) =>
      Effect.gen(function*() {
        for (const text of ["", "\"", "{}", "\u0000", "\uD800", "ä\u2028", "\uFEFF", "x".repeat(100_000)]) {
          assert.isTrue(yield* ledger.add(key, text, yield* soon()))
          assert.isTrue(yield* ledger.replace(key, text, `${text}!`))
          assertEqual(yield* ledger.take(key), Option.some(`${text}!`))
        }
      }))

    test("accepts any text as a key", (ledger) =>
      Effect.gen(function*() {
        for (const name of ["__proto__", "constructor", "..", "a b/ä?#%", ""]) {
          assertEqual(yield* ledger.get(name), Option.none())
          assert.isTrue(yield* ledger.add(name, name, yield* soon()))
          assertEqual(yield* ledger.take(name), Option.some(name))
        }
      }))

    test("keeps keys apart that differ in case, in a form of Unicode or in half of a surrogate pair", (ledger) =>
      Effect.gen(function*() {
        const names = ["a", "A", "\u00e9", "e\u0301", "\ud800", "\udbff", "\ufffd", "\\ud800", "a*", "a?", "[a]"]
        for (const name of names) assert.isTrue(yield* ledger.add(name, name, yield* soon()), JSON.stringify(name))
        for (const name of names) assertEqual(yield* ledger.take(name), Option.some(name))
      }))

    test("replaces an entry that still exists, and keeps its deadline", (ledger) =>
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
      test(`has an entry before its deadline and not at its deadline, for ${ask}`, (ledger) =>
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

    test("does not keep an entry that is added after its deadline", (ledger) =>
      Effect.gen(function*() {
        assert.isTrue(yield* ledger.add(key, "value", yield* DateTime.now))
        assertEqual(yield* ledger.get(key), Option.none())
        assert.isTrue(yield* ledger.add(key, "value", yield* soon()))
      }))

    test("returns an entry to one of 100 concurrent calls of take", (ledger) =>
      Effect.gen(function*() {
        yield* ledger.add(key, "value", yield* soon())
        const taken = yield* Effect.all(Array.from({ length: 100 }, () => ledger.take(key)), {
          concurrency: "unbounded"
        })
        assert.strictEqual(count(taken.map(Option.isSome)), 1)
      }))

    test("accepts one of 100 concurrent additions, and one of 100 concurrent replacements", (ledger) =>
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

    test("continues to work after some waiting calls are interrupted", (ledger) =>
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
