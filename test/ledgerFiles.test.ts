import { FileSystem } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Either, Layer, Option, Schedule, TestClock } from "effect"
import { existsSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as ConsentLedger from "../src/ConsentLedger.js"
import type { LedgerFailure } from "../src/IdentityError.js"
import * as ledgerFiles from "../src/internal/consent/ledgerFiles.js"
import { assertEqual } from "./support/equality.js"
import { key, soon, suite, temporaryDirectory } from "./support/ledgerContract.js"

const over = (directory: string) => ConsentLedger.layerFileSystem(directory).pipe(Layer.provide(NodeContext.layer))

const opened = (directory: string) =>
  Effect.map(Layer.build(over(directory)), (context) => Layer.succeedContext(context)).pipe(
    Effect.flatMap((layer) => Effect.provide(ConsentLedger.ConsentLedger, layer))
  )

suite("in a folder of several processes", Layer.unwrapScoped(Effect.map(temporaryDirectory, over)))

describe("a ledger in files", () => {
  it.scoped("is shared by its instances, and one of their concurrent changes succeeds", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const ledgers = yield* Effect.all(Array.from({ length: 5 }, () => opened(directory)))
      for (let round = 0; round < 20; round++) {
        const name = `${key}${round}`
        const later = yield* soon()
        const concurrently = <A>(
          f: (ledger: ConsentLedger.ConsentLedger["Type"], index: number) => Effect.Effect<A, LedgerFailure>
        ) => Effect.all(ledgers.map(f), { concurrency: "unbounded" })
        const added = yield* concurrently((ledger, index) => ledger.add(name, `by ${index}`, later))
        assert.strictEqual(added.filter((is) => is).length, 1)
        const before = `by ${added.indexOf(true)}`
        const replaced = yield* concurrently((ledger, index) => ledger.replace(name, before, `after ${index}`))
        assert.strictEqual(replaced.filter((is) => is).length, 1)
        const taken = yield* concurrently((ledger) => ledger.take(name))
        assertEqual(taken.flatMap(Option.toArray), [`after ${replaced.indexOf(true)}`])
      }
    }))

  it.scoped("creates the folder for its owner only, and the files too, without their keys", () =>
    Effect.gen(function*() {
      const directory = join(yield* temporaryDirectory, "a", "consents")
      const ledger = yield* opened(directory)
      yield* ledger.add(key, "value", yield* soon())
      assert.strictEqual(statSync(directory).mode & 0o777, 0o700)
      const names = readdirSync(directory)
      assert.lengthOf(names, 1)
      for (const name of names) {
        assert.match(name, /^[0-9a-f]{64}\.0$/)
        assert.strictEqual(statSync(join(directory, name)).mode & 0o777, 0o600)
        assertEqual(JSON.parse(readFileSync(join(directory, name), "utf8")), {
          value: "value",
          expiresAt: "1970-01-01T00:10:00.000Z"
        })
      }
    }))

  it.scoped("removes entries and temporary files an hour after they expire, and keeps all others", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const { ledger, removeExpired } = ledgerFiles.make(yield* FileSystem.FileSystem, directory)
      yield* ledger.add("short", "value", yield* soon("10 minutes"))
      yield* ledger.replace("short", "value", "after")
      yield* ledger.take("short")
      yield* ledger.add("long", "value", yield* soon("3 hours"))
      writeFileSync(join(directory, "tmp.0.crashed"), "")
      writeFileSync(join(directory, "notes.txt"), "")
      const filesAfter = (minutes: number, millis: number) =>
        TestClock.setTime(minutes * 60_000 + millis).pipe(
          Effect.zipRight(removeExpired),
          Effect.map(() => readdirSync(directory).length)
        )
      assert.strictEqual(yield* filesAfter(60, 0), 6)
      assert.strictEqual(yield* filesAfter(60, 1), 5)
      assert.strictEqual(yield* filesAfter(70, 0), 5)
      assert.strictEqual(yield* filesAfter(70, 1), 2)
      assert.include(readdirSync(directory), "notes.txt")
      assertEqual(yield* ledger.get("long"), Option.some("value"))
    }).pipe(Effect.provide(NodeContext.layer)))

  it.scopedLive("removes expired files when it is built", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const file = join(directory, "tmp.0.crashed")
      writeFileSync(file, "")
      yield* opened(directory)
      yield* Effect.repeat(Effect.sync(() => existsSync(file)), {
        while: (exists) => exists,
        schedule: Schedule.spaced(10)
      })
    }))

  it.scoped("removes expired entries also if a file is not an entry", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const { ledger, removeExpired } = ledgerFiles.make(yield* FileSystem.FileSystem, directory)
      yield* ledger.add(key, "value", yield* soon("10 minutes"))
      const garbage = `${"0".repeat(64)}.0`
      writeFileSync(join(directory, garbage), "canary")
      yield* TestClock.setTime(70 * 60_000 + 1)
      yield* removeExpired
      assertEqual(readdirSync(directory), [garbage])
    }).pipe(Effect.provide(NodeContext.layer)))

  it.scoped("finds the last of many versions in few reads", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const fs = yield* FileSystem.FileSystem
      let reads = 0
      const counting = {
        ...fs,
        exists: (path: string) => Effect.zipRight(Effect.sync(() => reads++), fs.exists(path)),
        readFileString: (path: string) => Effect.zipRight(Effect.sync(() => reads++), fs.readFileString(path))
      }
      const { ledger } = ledgerFiles.make(counting, directory)
      yield* ledger.add(key, "0", yield* soon())
      for (let i = 1; i < 300; i++) {
        assert.isTrue(yield* ledger.replace(key, String(i - 1), String(i)))
        reads = 0
        assertEqual(yield* ledger.get(key), Option.some(String(i)))
        assert.isAtMost(reads, 20)
      }
    }).pipe(Effect.provide(NodeContext.layer)))

  it.scoped("fails if a name exists that cannot be read, and does not try forever", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const ledger = yield* opened(directory)
      yield* ledger.add(key, "value", yield* soon())
      const [name = ""] = readdirSync(directory)
      rmSync(join(directory, name))
      symlinkSync(join(directory, "missing"), join(directory, name))
      const failure = yield* Effect.flip(ledger.add(key, "value", yield* soon()))
      assert.include(failure.message, "could not be changed in 200 attempts")
    }))

  it.scoped("does not change a file that is not an entry, and the error names the file and not its content", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const ledger = yield* opened(directory)
      yield* ledger.add(key, "value", yield* soon())
      const [name = ""] = readdirSync(directory)
      for (const text of ["", "canary", "{", "null", `{"value":"canary"}`, `{"value":1,"expiresAt":"canary"}`]) {
        writeFileSync(join(directory, name), text)
        for (
          const failure of [
            yield* Effect.flip(ledger.get(key)),
            yield* Effect.flip(ledger.take(key)),
            yield* Effect.flip(ledger.replace(key, "value", "after")),
            yield* Effect.flip(ledger.add(key, "other", yield* soon()))
          ]
        ) {
          assert.strictEqual(
            failure.message,
            `the file ${name} in the folder of ConsentLedger, "${directory}", is not an entry of a ConsentLedger: remove it, ` +
              "or use another folder"
          )
          assert.notInclude(Cause.pretty(Cause.fail(failure), { renderErrorCause: true }), "canary")
        }
        assert.strictEqual(readFileSync(join(directory, name), "utf8"), text)
      }
    }))

  const unusable: ReadonlyArray<readonly [title: string, path: string, expected: RegExp]> = [
    [
      "a link without a target",
      "dangling",
      /: a symbolic link in its path has no target \(the link '.*dangling'\); create/
    ],
    [
      "a folder below such a link",
      "dangling/a/b",
      /: a symbolic link in its path has no target \(the link '.*dangling'\)/
    ],
    ["a link to itself", "loop", /: a symbolic link in its path has no target \(.*loop'\); create the target/],
    ["a link to a file", "link", /: a part of its path is a file \(EEXIST: .*link'\); use a path of folders$/],
    ["a folder below a file", "file/a/b", /: a part of its path is a file \(ENOTDIR: .*\); use a path of folders$/],
    ["a name of 300 characters", "a".repeat(300), /: its path is too long \(ENAMETOOLONG: .*\); use a shorter path$/]
  ]
  for (const [title, path, expected] of unusable) {
    it.scoped(`fails with the cause and the remedy if the folder is ${title}`, () =>
      Effect.gen(function*() {
        const home = yield* temporaryDirectory
        writeFileSync(join(home, "file"), "")
        for (const [link, target] of [["dangling", "missing"], ["loop", "loop"], ["link", "file"]] as const) {
          symlinkSync(target, join(home, link))
        }
        assert.match((yield* Effect.flip(opened(join(home, path)))).message, expected)
      }))
  }

  if (existsSync("/proc/self")) {
    it.scoped("fails at once where the system reports that an existing parent is missing", () =>
      Effect.gen(function*() {
        // The recursive creation of Node never returns here.
        const { message } = yield* Effect.flip(opened("/proc/no/such"))
        assert.match(message, /"\/proc\/no\/such", could not be written \(ENOENT: /)
      }))
  }

  it.scoped("can be created at the same time as others with the same missing parents", () =>
    Effect.gen(function*() {
      const home = yield* temporaryDirectory
      yield* Effect.forEach(["1", "2", "3", "4"], (name) => opened(join(home, "a", "b", name)), {
        concurrency: "unbounded"
      })
      assertEqual(readdirSync(join(home, "a", "b")).length, 4)
    }))

  it.scoped("fails with LedgerFailure that names the folder, when it is built or later", () =>
    Effect.gen(function*() {
      const directory = join(yield* temporaryDirectory, "consents")
      writeFileSync(directory, "")
      const built = yield* Effect.either(opened(directory))
      assert.strictEqual(
        Either.isLeft(built) ? built.left.message : "built",
        `the folder of ConsentLedger, "${directory}", could not be written: a part of its path is a file ` +
          `(EEXIST: file already exists, mkdir '${directory}'); use a path of folders`
      )
      const unwritable = yield* Effect.either(opened("/proc/self"))
      assert.match(
        Either.isLeft(unwritable) ? unwritable.left.message : "built",
        /^the folder of ConsentLedger, "\/proc\/self", could not be written \(ENOENT: .*\)$/
      )
      const lost = join(yield* temporaryDirectory, "consents")
      const ledger = yield* opened(lost)
      rmSync(lost, { recursive: true })
      const failure = yield* Effect.flip(ledger.add(key, "canary", yield* soon()))
      assert.include(failure.message, `the folder of ConsentLedger, "${lost}", could not be written (ENOENT: `)
      assert.notInclude(String(failure), "canary")
    }))
})
