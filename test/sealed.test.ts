import { assert, describe, it, vi } from "@effect/vitest"
import { Effect, Logger, type Scope } from "effect"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { open as openFile } from "node:fs/promises"
import * as sealed from "../src/internal/emulator/persistence/encryption.js"
import * as level from "../src/internal/emulator/persistence/leveldb.js"
import type { Change } from "../src/internal/emulator/persistence/records.js"
import { assertEqual } from "./support/equality.js"
import * as Stored from "./support/storage.js"
import { temporary } from "./support/temporary.js"

const test = <E>(name: string, body: (directory: string) => Effect.Effect<void, E, Scope.Scope>) =>
  it.scoped(name, () => Effect.flatMap(temporary, body))

const version: Change = { key: "meta/version", value: "2" }

const put = (key: string, value: string): Change => ({ key, value })

/** A store with two workloads, as it is below the encryption. */
const two = (directory: string) =>
  Effect.gen(function*() {
    const { records, storage } = yield* Stored.make()
    const { commit } = yield* sealed.open(directory, storage)
    yield* commit([version, put("workloads/one", "the first"), put("workloads/two", "the second")])
    const [one = "", other = ""] = [...records.keys()].filter((key) => key.startsWith("workloads/"))
    const load = Effect.flatMap(sealed.open(directory, storage), Stored.loaded)
    return { commit, records, storage, load, one, other }
  })

const damage = /^a record of 'workloads' is damaged, or is not encrypted with the key in .*data\.key: restore both/

describe("records that are encrypted", () => {
  test("reveal their table and their format, but no key and no value", (directory) =>
    Effect.gen(function*() {
      const { load, records } = yield* two(directory)
      assert.strictEqual(records.get("meta/version"), "2")
      assert.notMatch(JSON.stringify([...records]), /one|two|first|second/)
      assertEqual(new Set([...records.keys()].map((key) => key.split("/")[0])), new Set(["meta", "workloads"]))
      assertEqual(
        new Map(yield* load),
        new Map([["meta/version", "2"], ["workloads/one", "the first"], [
          "workloads/two",
          "the second"
        ]])
      )
    }))

  test("keep their name, and have another value each time they are written", (directory) =>
    Effect.gen(function*() {
      const { commit, load, records } = yield* two(directory)
      const before = new Map(records)
      yield* commit([put("workloads/one", "the first")])
      assertEqual([...records.keys()], [...before.keys()])
      assert.strictEqual([...records].filter(([key, value]) => before.get(key) !== value).length, 1)
      yield* commit([{ key: "workloads/one", value: undefined }])
      assertEqual(yield* load, [["meta/version", "2"], ["workloads/two", "the second"]])
      assert.strictEqual(records.size, 2)
    }))

  test("have other names in another store", (directory) =>
    Effect.gen(function*() {
      const { records } = yield* two(directory)
      const other = yield* two(`${directory}-other`)
      const names = [...records.keys()].filter((key) => key.startsWith("workloads/"))
      assert.lengthOf(names, 2)
      for (const name of names) assert.isFalse(other.records.has(name))
    }))

  test("are damaged if one is stored under the name of another", (directory) =>
    Effect.gen(function*() {
      const { load, one, other, records, storage } = yield* two(directory)
      const copy = records.get(one) ?? ""
      assert.isNotEmpty(copy)
      for (const key of [other, "workloads/new", other.replace("workloads", "policies")]) {
        const kept = records.get(key)
        yield* storage.commit([put(key, copy)])
        const { message } = yield* Effect.flip(load)
        assert.match(message.replace("policies", "workloads"), damage, key)
        assert.notInclude(message, key)
        yield* storage.commit([{ key, value: kept }])
      }
      assert.lengthOf(yield* load, 3)
    }))

  test("are damaged if one is stored under the name of another in a folder whose checksum is right", (directory) =>
    Effect.gen(function*() {
      // A commit below the encryption updates the checksum.
      const below = <A, E>(
        body: (storage: Effect.Effect.Success<ReturnType<typeof level.open>>) => Effect.Effect<A, E>
      ) => Effect.scoped(Effect.flatMap(level.open(directory), body))
      const load = below((storage) => Effect.flatMap(sealed.open(directory, storage), Stored.loaded))
      yield* below((storage) =>
        Effect.flatMap(
          sealed.open(directory, storage),
          ({ commit }) => commit([version, put("workloads/one", "1"), put("workloads/two", "2")])
        )
      )
      assert.lengthOf(yield* load, 3)
      yield* below((storage) =>
        Effect.gen(function*() {
          const [one, other] = (yield* Stored.loaded(storage)).filter(([key]) => key.startsWith("workloads/"))
          if (one === undefined || other === undefined) return assert.fail("there are no two records")
          yield* storage.commit([put(other[0], one[1])])
        })
      )
      assert.match((yield* Effect.flip(load)).message, damage)
    }))

  test("stay readable, with the same names, if they were written in this format", (directory) =>
    Effect.gen(function*() {
      writeFileSync(
        `${directory}.key`,
        `${Array.from({ length: 32 }, (_, byte) => byte.toString(16).padStart(2, "0")).join("")}\n`
      )
      const name = "workloads/3P4YI6wQT02ABzqeA8ntPaRZEjBLhkAdDdPGaFaGiNk"
      const { records, storage } = yield* Stored.make([
        ["meta/version", "2"],
        [name, "BwcHBwcHBwcHBwcHBy0yY5pkH6dUHoJMExOvzyz9wJYboAeKPncSGqNr+2V296whke5Ju7H1pusJ"]
      ])
      const opened = yield* sealed.open(directory, storage)
      assertEqual(yield* Stored.loaded(opened), [["meta/version", "2"], ["workloads/one", "the first"]])
      yield* opened.commit([put("workloads/one", "the second")])
      assertEqual([...records.keys()], ["meta/version", name])
    }))

  test("that cannot be read are reported by their table, with the key file and the remedy", (directory) =>
    Effect.gen(function*() {
      const { load, one, storage } = yield* two(directory)
      for (const [key, table] of [[one, "workloads"], ["none", ""]] as const) {
        yield* storage.commit([put(key, "the first")])
        assert.strictEqual(
          (yield* Effect.flip(load)).message,
          `a record of '${table}' is damaged, or is not encrypted with the key in ${directory}.key: restore both from `
            + "copies of the same time"
        )
        yield* storage.commit([{ key, value: undefined }])
      }
    }))

  test("are damaged if any part of one is changed, truncated or not encrypted", (directory) =>
    Effect.gen(function*() {
      const { load, one, records, storage } = yield* two(directory)
      const right = Buffer.from(records.get(one) ?? "", "base64")
      const flipped = [...right.keys()].map((index) => {
        const bytes = Buffer.from(right)
        bytes[index] = (bytes[index] ?? 0) ^ 1
        return bytes.toString("base64")
      })
      for (
        const value of [...flipped, "", "the first", right.subarray(0, -1).toString("base64"), right.toString("hex")]
      ) {
        yield* storage.commit([put(one, value)])
        assert.match((yield* Effect.flip(load)).message, damage)
      }
      yield* storage.commit([put(one, right.toString("base64"))])
      assert.lengthOf(yield* load, 3)
      yield* storage.commit([put("none", "")])
      assert.match((yield* Effect.flip(load)).message, /^a record of '' is damaged/)
    }))
})

describe("the key of encrypted records", () => {
  test("is created only for a new store, with 32 bytes, readable by its owner", (directory) =>
    Effect.gen(function*() {
      const { commit, records, storage } = yield* two(directory)
      const key = readFileSync(`${directory}.key`, "utf8")
      assert.match(key, /^[0-9a-f]{64}\n$/)
      assert.notStrictEqual(key, `${"0".repeat(64)}\n`)
      assert.strictEqual(statSync(`${directory}.key`).mode & 0o777, 0o600)
      chmodSync(`${directory}.key`, 0o644)
      // The key is the same when the store is opened again.
      yield* sealed.open(directory, storage)
      assert.strictEqual(readFileSync(`${directory}.key`, "utf8"), key)
      assert.strictEqual(statSync(`${directory}.key`).mode & 0o777, 0o600)
      yield* commit([version])
      assert.strictEqual(records.size, 3)
    }))

  test("is durable, with its name, before anything is encrypted with it", (directory) =>
    Effect.gen(function*() {
      const file = yield* Effect.promise(() => openFile(directory, "r"))
      yield* Effect.promise(() => file.close())
      const sync = vi.spyOn(Object.getPrototypeOf(file), "sync")
      const { storage } = yield* Stored.make()
      yield* sealed.open(directory, storage)
      // The file and the folder that names it.
      assert.strictEqual(sync.mock.calls.length, 2)
      sync.mockRestore()
    }))

  test("is found with or without a slash at the end of the folder, or a newline at the end of the file", (directory) =>
    Effect.gen(function*() {
      const { storage } = yield* two(directory)
      writeFileSync(`${directory}.key`, readFileSync(`${directory}.key`, "utf8").trim())
      assert.lengthOf(yield* Effect.flatMap(sealed.open(`${directory}/`, storage), Stored.loaded), 3)
    }))

  test("of a folder that is a link is that of its target, unless the link has one of its own", (directory) =>
    Effect.gen(function*() {
      const { load, storage } = yield* two(directory)
      const link = `${directory}-link`
      symlinkSync(directory, link)
      const opened = (at: string) => Effect.flatMap(sealed.open(at, storage), Stored.loaded)
      const records = yield* load
      assertEqual(yield* opened(link), records)
      assertEqual(yield* opened(`${link}/`), records)
      assert.isFalse(existsSync(`${link}.key`))
      renameSync(`${directory}.key`, `${link}.key`)
      assertEqual(yield* opened(link), records)
      assert.isFalse(existsSync(`${directory}.key`))
    }))

  test("that other users had access to is reported with a warning, without the key, and restricted", (directory) =>
    Effect.gen(function*() {
      const { storage } = yield* two(directory)
      const lines: Array<string> = []
      const logger = Logger.replace(
        Logger.defaultLogger,
        Logger.make(({ logLevel, message }) => lines.push(`${logLevel.label} ${String(message)}`))
      )
      const opened = Effect.provide(sealed.open(directory, storage), logger)
      yield* opened
      assertEqual(lines, [])
      for (const mode of [0o644, 0o620, 0o604]) {
        chmodSync(`${directory}.key`, mode)
        lines.length = 0
        yield* opened
        assertEqual(lines, [
          `WARN Other users had access to the key in ${directory}.key; its mode is 0600 now. If one of them has read it, ` +
          "use a new folder."
        ])
        assert.strictEqual(statSync(`${directory}.key`).mode & 0o777, 0o600)
      }
    }))

  test("is neither read nor created if the records have another format", (directory) =>
    Effect.gen(function*() {
      for (const entry of [["meta/version", "3"], ["workloads/one", "{}"]] as const) {
        const { storage } = yield* Stored.make([entry])
        assertEqual(yield* Effect.flatMap(sealed.open(directory, storage), Stored.loaded), [entry])
      }
      assert.isFalse(existsSync(`${directory}.key`))
    }))

  test("that is missing, malformed or unreadable is reported with the remedy", (directory) =>
    Effect.gen(function*() {
      const other = `${directory}-other`
      const { storage } = yield* two(directory)
      const message = (at: string) => Effect.map(Effect.flip(sealed.open(at, storage)), (problem) => problem.message)
      assert.strictEqual(
        yield* message(other),
        `its key ${other}.key is missing, and its records cannot be read without it; restore the key from a copy, or move `
          + "the folder away to start with an empty one"
      )
      assert.isFalse(existsSync(`${other}.key`))
      for (
        const text of [
          "",
          "none",
          "0".repeat(63),
          "0".repeat(65),
          `${"0".repeat(64)}\n\n`,
          "G".repeat(64),
          "A".repeat(64)
        ]
      ) {
        writeFileSync(`${other}.key`, text)
        assert.match(
          yield* message(other),
          /-other\.key holds no key of 64 hexadecimal digits; restore it from a copy$/
        )
      }
      const folder = `${directory}-folder`
      mkdirSync(`${folder}.key`)
      assert.match(
        yield* message(folder),
        /^the key in .*-folder\.key cannot be read: a folder is in the place of a file \(EISDIR: .*\); move it away$/
      )
    }))

  test("that cannot be written makes the creation of a store fail", (directory) =>
    Effect.gen(function*() {
      const { storage } = yield* Stored.make()
      const { message } = yield* Effect.flip(sealed.open(`${directory}/missing/data`, storage))
      assert.match(message, /^the key cannot be written to .*missing\/data\.key \(ENOENT: /)
    }))

  test("that cannot be reached is reported with the cause and the remedy", (directory) =>
    Effect.gen(function*() {
      writeFileSync(`${directory}.file`, "")
      const { storage } = yield* Stored.make()
      const { message } = yield* Effect.flip(sealed.open(`${directory}.file/data`, storage))
      assert.match(
        message,
        /^the key in .*\.file\/data\.key cannot be read: a part of its path is a file \(ENOTDIR: .*\); use a path of folders$/
      )
    }))
})
