import { afterEach, assert, describe, it, vi } from "@effect/vitest"
import { ClassicLevel } from "classic-level"
import { Deferred, Effect, Fiber, type Scope } from "effect"
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { type FileHandle, open as openFile } from "node:fs/promises"
import { join } from "node:path"
import type { Storage } from "../src/internal/emulator/persistence/durableStore.js"
import * as level from "../src/internal/emulator/persistence/leveldb.js"
import type { Change, Entry } from "../src/internal/emulator/persistence/records.js"
import { assertContains, assertEqual } from "./support/equality.js"
import { loaded } from "./support/storage.js"
import { temporary } from "./support/temporary.js"

/** Opens the folder, closed again after the body. */
const opened = <A, E>(directory: string, body: (storage: Storage) => Effect.Effect<A, E>) =>
  Effect.scoped(Effect.flatMap(level.open(directory), body))

const test = <E>(name: string, body: (directory: string) => Effect.Effect<void, E, Scope.Scope>) =>
  it.scoped(name, () => Effect.flatMap(temporary, body))

const put = (key: string, value: string): Change => ({ key, value })

const del = (key: string): Change => ({ key, value: undefined })

const load = (directory: string) => opened(directory, loaded)

const acknowledged = (directory: string) => readFileSync(join(directory, "ACKNOWLEDGED"), "utf8")

/** The class of file handles, which Node does not export. */
const fileHandles = (directory: string) =>
  Effect.promise(async (): Promise<FileHandle> => {
    const file = await openFile(directory, "r")
    await file.close()
    return Object.getPrototypeOf(file)
  })

afterEach(() => {
  vi.restoreAllMocks()
})

describe("the folder of a storage", () => {
  test("a commit is one batch, which LevelDB synchronizes to the disk before it returns", (directory) =>
    Effect.gen(function*() {
      const batch = vi.spyOn(ClassicLevel.prototype, "batch")
      yield* opened(directory, ({ commit }) =>
        Effect.zipRight(
          commit([put("workloads/one", "1"), put("workloads/two", "2")]),
          commit([del("workloads/one"), put("workloads/two", "3")])
        ))
      const calls: ReadonlyArray<ReadonlyArray<unknown>> = batch.mock.calls
      assert.lengthOf(calls, 2)
      for (const [, options] of calls) assertEqual(options, { sync: true })
      const [first, second] = calls.map(([operations]) => operations)
      assertContains(first, { type: "put", key: "workloads/one", value: "1" })
      assertContains(second, { type: "del", key: "workloads/one" })
    }))

  test("its file names and its first number are durable before it is used", (directory) =>
    Effect.gen(function*() {
      const sync = vi.spyOn(yield* fileHandles(directory), "sync")
      yield* opened(
        directory,
        () => Effect.sync(() => assert.strictEqual(acknowledged(directory), "0000000000000000\n"))
      )
      // The file and the folder that names it.
      assert.strictEqual(sync.mock.calls.length, 2)
    }))

  test("are read from the folder each time, not kept in memory, and a folder that was written to is not new", (directory) =>
    opened(directory, (storage) =>
      Effect.gen(function*() {
        assertEqual(yield* storage.header, { isNew: true, version: undefined })
        assertEqual(yield* loaded(storage), [])
        yield* storage.commit([put("a/1", "one"), put("meta/version", "2")])
        assertEqual(yield* loaded(storage), [["a/1", "one"], ["meta/version", "2"]])
        yield* storage.commit([put("a/2", "two"), del("a/1")])
        assertEqual(yield* loaded(storage), [["a/2", "two"], ["meta/version", "2"]])
        assertEqual(yield* storage.header, { isNew: false, version: "2" })
      })))

  test("may be changed before they were read", (directory) =>
    Effect.gen(function*() {
      yield* opened(directory, ({ commit }) => commit([put("a/1", "one"), put("a/2", "two"), put("meta/version", "2")]))
      yield* opened(directory, (storage) =>
        Effect.gen(function*() {
          assertEqual(yield* storage.header, { isNew: false, version: "2" })
          yield* storage.commit([put("a/1", "changed"), del("a/2")])
        }))
      assertEqual(yield* load(directory), [["a/1", "changed"], ["meta/version", "2"]])
    }))

  test("keeps added, replaced and removed records over any number of commits and restarts", (directory) =>
    Effect.gen(function*() {
      const steps: ReadonlyArray<readonly [changes: ReadonlyArray<Change>, after: Array<Entry>]> = [
        [[put("a/1", "one"), put("a/2", "two")], [["a/1", "one"], ["a/2", "two"]]],
        [[put("a/1", "changed")], [["a/1", "changed"], ["a/2", "two"]]],
        [[del("a/2"), put("a/3", "three")], [["a/1", "changed"], ["a/3", "three"]]],
        [[], [["a/1", "changed"], ["a/3", "three"]]],
        [[del("a/9")], [["a/1", "changed"], ["a/3", "three"]]],
        [[put("a/2", "two"), del("a/1"), del("a/3")], [["a/2", "two"]]]
      ]
      for (const [index, [changes, after]] of steps.entries()) {
        yield* opened(directory, ({ commit }) => commit(changes))
        assert.strictEqual(acknowledged(directory), `${String(index + 1).padStart(16, "0")}\n`)
        assertEqual(yield* load(directory), after)
      }
      // All commits without a restart.
      yield* opened(directory, ({ commit }) => Effect.forEach(steps, ([changes]) => commit(changes)))
      assert.strictEqual(acknowledged(directory), "0000000000000012\n")
      assertEqual(yield* load(directory), [["a/2", "two"]])
    }))

  test("a commit fails if its number cannot be written, and the folder stays undamaged", (directory) =>
    Effect.gen(function*() {
      const handles = yield* fileHandles(directory)
      yield* opened(directory, ({ commit }) =>
        Effect.gen(function*() {
          yield* commit([put("a/1", "one")])
          vi.spyOn(handles, "write").mockRejectedValueOnce(new Error("disk full"))
          const problem = yield* Effect.flip(commit([put("a/2", "two")]))
          assertEqual([problem._tag, problem.message], ["StorageProblem", "writing failed"])
          assert.include(String(problem.cause), "disk full")
        }))
      assert.strictEqual(acknowledged(directory), "0000000000000001\n")
      // The batch was written, although its commit failed.
      assertEqual(yield* load(directory), [["a/1", "one"], ["a/2", "two"]])
      yield* opened(directory, ({ commit }) => commit([del("a/1")]))
      assert.strictEqual(acknowledged(directory), "0000000000000003\n")
    }))

  test("a commit returns after its number is written", (directory) =>
    Effect.gen(function*() {
      const handles = yield* fileHandles(directory)
      const began = yield* Deferred.make<void>()
      let release = () => {}
      yield* opened(directory, ({ commit }) =>
        Effect.gen(function*() {
          vi.spyOn(handles, "write").mockImplementationOnce(() => {
            Deferred.unsafeDone(began, Effect.void)
            return new Promise<never>((_, reject) => {
              release = () => reject(new Error("too slow"))
            })
          })
          const committed = yield* Effect.fork(Effect.flip(commit([put("a/1", "one")])))
          yield* Deferred.await(began)
          yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
          assert.isNull(committed.unsafePoll())
          release()
          assert.strictEqual((yield* Fiber.join(committed)).message, "writing failed")
        }))
    }))

  test("a failed batch changes nothing, and the next one gets its number", (directory) =>
    Effect.gen(function*() {
      yield* opened(directory, ({ commit }) =>
        Effect.gen(function*() {
          yield* commit([put("a/1", "one")])
          vi.spyOn(ClassicLevel.prototype, "batch").mockImplementationOnce(() => {
            throw new Error("disk full")
          })
          assert.strictEqual((yield* Effect.flip(commit([put("a/1", "two"), del("a/1")])))._tag, "StorageProblem")
          yield* commit([put("a/2", "two")])
        }))
      assert.strictEqual(acknowledged(directory), "0000000000000002\n")
      assertEqual(yield* load(directory), [["a/1", "one"], ["a/2", "two"]])
    }))

  test("the file with the number may be missing after one commit, and the file with the clock at any time", (directory) =>
    Effect.gen(function*() {
      yield* opened(directory, ({ commit }) => commit([put("a/1", "one")]))
      writeFileSync(join(directory, "ACKNOWLEDGED"), "0000000000000000\n")
      for (const name of ["CLOCK", "CLOCK.new"]) writeFileSync(join(directory, name), "")
      assertEqual(yield* load(directory), [["a/1", "one"]])
      for (const text of ["", "1\n", "0000000000000001", "000000000000000a\n", "0000000000000001\n\n"]) {
        writeFileSync(join(directory, "ACKNOWLEDGED"), text)
        const { message } = yield* Effect.flip(load(directory))
        assert.match(message, /^it is damaged: ACKNOWLEDGED does not hold a number; restore the folder from a copy/)
      }
      writeFileSync(join(directory, "ACKNOWLEDGED"), "0000000000000004\n")
      assert.match((yield* Effect.flip(load(directory))).message, /the last 3 of its commits were lost/)
    }))

  test("restricts existing files to their owner when it is opened, and new files when it is closed", (directory) =>
    Effect.gen(function*() {
      const modes = () => readdirSync(directory).map((name) => [name, statSync(join(directory, name)).mode & 0o777])
      const hidden = () => readdirSync(directory).map((name) => [name, 0o600])
      yield* opened(directory, ({ commit }) => commit([put("a/1", "one")]))
      assertEqual(modes(), hidden())
      for (const name of readdirSync(directory)) chmodSync(join(directory, name), 0o644)
      yield* opened(directory, () =>
        Effect.sync(() => {
          assertEqual(modes(), hidden())
          writeFileSync(join(directory, "CLOCK"), "", { mode: 0o644 })
        }))
      assertEqual(modes(), hidden())
    }))

  test("is rejected if it is a file, or if its last commit cannot be read", (directory) =>
    Effect.gen(function*() {
      const file = `${directory}.file`
      writeFileSync(file, "")
      assert.match((yield* Effect.flip(load(file))).message, /^it cannot be created: a part of its path is a file \(/)
      yield* opened(directory, ({ commit }) => commit([put("a/1", "one")]))
      for (const value of ["", "{}", "{\"number\":\"1\",\"sum\":\"0\"}", "{\"number\":1}"]) {
        yield* Effect.promise(async () => {
          const db = new ClassicLevel(directory)
          await db.put("meta/commit", value)
          await db.close()
        })
        assert.match((yield* Effect.flip(load(directory))).message, /its last commit cannot be read/)
      }
    }))
})
