import { assert, describe, it } from "@effect/vitest"
import { ClassicLevel } from "classic-level"
import { Effect, type Scope } from "effect"
import { mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import type * as FileSystem from "node:fs/promises"
import { join } from "node:path"
import { afterEach, vi } from "vitest"
import * as level from "../src/internal/emulator/persistence/leveldb.js"
import { assertEqual } from "./support/equality.js"
import { temporary } from "./support/temporary.js"

type Operation = "chmod" | "mkdir" | "open" | "readdir" | "readFile" | "stat"

/** The file system operations that fail, each after the given number of calls. */
const failing = vi.hoisted(() => new Map<string, { readonly code: string; left: number }>())

/** Files that a test has opened. */
const handles = vi.hoisted(() => new Array<FileSystem.FileHandle>())

vi.mock("node:fs/promises", async (original) => {
  const files = await original<typeof FileSystem>()
  const orFail =
    <Args extends ReadonlyArray<unknown>, A>(name: string, operation: (...args: Args) => Promise<A>) =>
    async (...args: Args): Promise<A> => {
      const failure = failing.get(name)
      if (failure !== undefined && failure.left-- <= 0) {
        throw Object.assign(new Error(`${failure.code}: the disk`), { code: failure.code })
      }
      return operation(...args)
    }
  return {
    ...files,
    chmod: orFail("chmod", files.chmod),
    mkdir: orFail("mkdir", files.mkdir),
    open: orFail("open", async (...args: Parameters<typeof files.open>) => {
      const handle = await files.open(...args)
      handles.push(handle)
      return handle
    }),
    readdir: orFail("readdir", files.readdir),
    readFile: orFail("readFile", files.readFile),
    stat: orFail("stat", files.stat)
  }
})

const fail = (operation: Operation, code: string, after = 0) => {
  failing.set(operation, { code, left: after })
}

afterEach(() => {
  failing.clear()
  handles.length = 0
  vi.restoreAllMocks()
})

const test = <E>(name: string, body: (directory: string) => Effect.Effect<void, E, Scope.Scope>) =>
  it.scoped(name, () => Effect.flatMap(temporary, body))

const opened = (directory: string) =>
  Effect.scoped(Effect.flatMap(level.open(directory), ({ load }) => load(() => undefined)))

const begun = (directory: string) =>
  Effect.scoped(
    Effect.flatMap(level.open(directory), ({ commit }) =>
      Effect.zipRight(commit([{ key: "a/1", value: "one" }]), commit([{ key: "a/2", value: "two" }])))
  )

const refusal = (directory: string) => Effect.map(Effect.flip(opened(directory)), ({ message }) => message)

const access = "give this user read and write access to the folder, its files and its key file"

const denied = (code: string) => `this user has no access (${code}: the disk); ${access}`

const recoveryHint = "restore the folder from a copy, or move it away to start with an empty one"

describe("the files in the folder of a storage", () => {
  const database = [
    "LOCK",
    "LOG",
    "LOG.old",
    "MANIFEST-000009",
    "000090.log",
    "000090.ldb",
    "000090.sst",
    "000090.dbtmp",
    "CLOCK",
    "CLOCK.new"
  ]

  test("may have every name that LevelDB and this library use", (directory) =>
    Effect.gen(function*() {
      yield* begun(directory)
      for (const name of database) if (name !== "LOCK") writeFileSync(join(directory, name), "")
      yield* opened(directory)
    }))

  const foreign = [
    "letter.txt",
    "XCURRENT",
    "CURRENT.bak",
    "CURRENTS",
    "LOCKED",
    "XLOCK",
    "LOGS",
    "LOG.old.1",
    "LOGxold",
    "MANIFEST-",
    "MANIFEST-a",
    "MANIFEST-1a",
    "XMANIFEST-1",
    "1.txt",
    ".log",
    "a1.log",
    "1xlog",
    "1.logs",
    "ACKNOWLEDGED.new",
    "XACKNOWLEDGED",
    "CLOCKxnew",
    "CLOCK.new.1",
    "XCLOCK"
  ]

  test("must not have any other name, even if it contains such a name", (directory) =>
    Effect.gen(function*() {
      yield* begun(directory)
      for (const name of foreign) {
        writeFileSync(join(directory, name), "")
        assert.strictEqual(
          yield* refusal(directory),
          `it holds a file that is not of this library ('${name}'); use an empty or a new folder`
        )
        rmSync(join(directory, name))
      }
      yield* opened(directory)
    }))

  const beginnings = ["LOCK", "LOG", "LOG.old", "MANIFEST-000001", "MANIFEST-1", "000001.dbtmp", "1.dbtmp"]

  test("may be those that LevelDB writes before the database exists; then the database is created", (directory) =>
    Effect.gen(function*() {
      for (const name of beginnings) writeFileSync(join(directory, name), "")
      yield* begun(directory)
    }))

  test("must include CURRENT if there is a file of a database", (directory) =>
    Effect.gen(function*() {
      for (const name of beginnings) writeFileSync(join(directory, name), "")
      for (const name of ["000001.log", "000001.ldb", "000001.sst", "ACKNOWLEDGED", "CLOCK", "CLOCK.new"]) {
        writeFileSync(join(directory, name), "")
        assert.strictEqual(
          yield* refusal(directory),
          `it is damaged: the file CURRENT is missing; ${recoveryHint}`,
          name
        )
        rmSync(join(directory, name))
      }
    }))

  test("need not include ACKNOWLEDGED after the first commit, but must after the second", (directory) =>
    Effect.gen(function*() {
      const commit = Effect.scoped(
        Effect.flatMap(level.open(directory), ({ commit }) => commit([{ key: "a/1", value: "one" }]))
      )
      yield* commit
      rmSync(join(directory, "ACKNOWLEDGED"))
      yield* commit
      rmSync(join(directory, "ACKNOWLEDGED"))
      assert.strictEqual(yield* refusal(directory), `it is damaged: ACKNOWLEDGED is missing; ${recoveryHint}`)
    }))
})

describe("the folder of a storage", () => {
  test("is created with its parents, with access for the owner only", (directory) =>
    Effect.gen(function*() {
      const folder = join(directory, "a", "b")
      yield* opened(folder)
      for (const created of [join(directory, "a"), folder]) {
        assert.strictEqual(statSync(created).mode & 0o777, 0o700, created)
      }
    }))

  test("can be created at the same time as others with the same missing parents", (directory) =>
    Effect.gen(function*() {
      const folders = ["1", "2", "3", "4"].map((name) => join(directory, "a", "b", name))
      yield* Effect.forEach(folders, opened, { concurrency: "unbounded" })
      for (const folder of folders) assert.isTrue(statSync(folder).isDirectory())
    }))

  test("may be a link to a folder, and is rejected if it is a file or below a file", (directory) =>
    Effect.gen(function*() {
      mkdirSync(join(directory, "real"))
      symlinkSync(join(directory, "real"), join(directory, "link"))
      yield* opened(join(directory, "link"))
      const file = join(directory, "file")
      writeFileSync(file, "")
      assert.strictEqual(
        yield* refusal(file),
        `it cannot be created: a part of its path is a file (EEXIST: file already exists, mkdir '${file}'); use a path of folders`
      )
      assert.strictEqual(
        yield* refusal(join(file, "below")),
        `it cannot be created: a part of its path is a file (EEXIST: file already exists, mkdir '${file}'); use a path of folders`
      )
    }))

  test("is rejected if its path is empty, or a link without a target", (directory) =>
    Effect.gen(function*() {
      assert.strictEqual(yield* refusal(""), "its path is empty; use the path of a folder")
      symlinkSync("missing", join(directory, "dangling"))
      symlinkSync("loop", join(directory, "loop"))
      for (const name of ["dangling", "loop", join("dangling", "below")]) {
        assert.strictEqual(
          yield* refusal(join(directory, name)),
          `it cannot be created: a symbolic link in its path has no target (the link '${
            join(directory, name.replace("/below", ""))
          }'); create the target, or use another path`
        )
      }
    }))

  test("is rejected while it is open, and can be opened after it is closed", (directory) =>
    Effect.gen(function*() {
      const inUse = "it is in use by another process, or opened twice by this one"
      assert.strictEqual(yield* Effect.zipRight(level.open(directory), refusal(directory)).pipe(Effect.scoped), inUse)
      yield* opened(directory)
    }))

  test("is reported as damaged, with LevelDB's message, if LevelDB cannot open it", (directory) =>
    Effect.gen(function*() {
      yield* begun(directory)
      writeFileSync(join(directory, "CURRENT"), "junk")
      assert.strictEqual(
        yield* refusal(directory),
        `it is damaged: Corruption: CURRENT file does not end with newline; ${recoveryHint}`
      )
    }))

  const reading: ReadonlyArray<readonly [title: string, error: Error, message: string]> = [
    [
      "as damaged if a block is corrupt",
      Object.assign(new Error("Corruption: a block"), { code: "LEVEL_CORRUPTION" }),
      `it is damaged: Corruption: a block; ${recoveryHint}`
    ],
    [
      "as damaged if a file is missing",
      Object.assign(new Error("IO error: 5.ldb: No such file or directory"), { code: "LEVEL_IO_ERROR" }),
      `it is damaged: IO error: 5.ldb: No such file or directory; ${recoveryHint}`
    ],
    [
      "with its cause, and not as damaged, if the disk is broken",
      Object.assign(new Error("IO error: 5.ldb: Input/output error"), { code: "LEVEL_IO_ERROR" }),
      "it cannot be read: the disk reports an input or output error (IO error: 5.ldb: Input/output error); check the disk"
    ],
    [
      "with its message, and not as damaged, if the error is unknown",
      new Error("a block"),
      "it cannot be read (a block)"
    ]
  ]
  for (const [title, error, message] of reading) {
    test(`that LevelDB cannot read is reported ${title}`, (directory) =>
      Effect.gen(function*() {
        yield* begun(directory)
        vi.spyOn(ClassicLevel.prototype, "iterator").mockImplementationOnce(() => {
          throw error
        })
        assert.strictEqual(yield* refusal(directory), message)
      }))
  }

  const opening: ReadonlyArray<readonly [code: string, text: string, message: string]> = [
    [
      "LEVEL_IO_ERROR",
      "IO error: /data/LOCK: Permission denied",
      `it cannot be opened: this user has no access (IO error: /data/LOCK: Permission denied); ${access}`
    ],
    [
      "LEVEL_LOCKED",
      "IO error: lock /data/LOCK: No locks available",
      "it cannot be opened: the file system has no file locks (IO error: lock /data/LOCK: No locks available); use a " +
      "folder on a local disk"
    ],
    ["LEVEL_IO_ERROR", "IO error: /data/LOCK: the moon", "it cannot be opened (IO error: /data/LOCK: the moon)"]
  ]
  for (const [code, text, message] of opening) {
    test(`that LevelDB cannot open is not reported as damaged: ${text}`, (directory) =>
      Effect.gen(function*() {
        yield* begun(directory)
        const failed = Object.assign(new Error("Database failed to open"), {
          cause: Object.assign(new Error(text), { code })
        })
        vi.spyOn(ClassicLevel.prototype, "open").mockRejectedValueOnce(failed)
        assert.strictEqual(yield* refusal(directory), message)
      }))
  }

  const failures: ReadonlyArray<
    readonly [operation: Operation, code: string, after: number, isOpen: boolean, message: string]
  > = [
    ["mkdir", "EACCES", 0, false, `it cannot be created: ${denied("EACCES")}`],
    ["stat", "EACCES", 1, false, `it cannot be read: ${denied("EACCES")}`],
    ["readdir", "EACCES", 0, false, `it cannot be read: ${denied("EACCES")}`],
    ["chmod", "EPERM", 0, true, `its mode cannot be set to 0700: ${denied("EPERM")}`],
    ["readFile", "EACCES", 0, false, `its file ACKNOWLEDGED cannot be read: ${denied("EACCES")}`],
    ["open", "EACCES", 0, false, `its file ACKNOWLEDGED cannot be opened: ${denied("EACCES")}`],
    ["open", "EACCES", 1, false, `its file ACKNOWLEDGED cannot be opened: ${denied("EACCES")}`],
    ["readdir", "EACCES", 1, false, `the modes of its files cannot be set to 0600: ${denied("EACCES")}`],
    ["chmod", "EPERM", 0, false, `the modes of its files cannot be set to 0600: ${denied("EPERM")}`]
  ]
  for (const [operation, code, after, isOpen, message] of failures) {
    test(`is rejected if ${operation} fails with ${code} after ${after} calls: ${message}`, (directory) =>
      Effect.gen(function*() {
        const folder = join(directory, "folder")
        if (operation !== "mkdir") mkdirSync(folder, { mode: isOpen ? 0o755 : 0o700 })
        fail(operation, code, after)
        assert.strictEqual(yield* refusal(folder), message)
        // A closed file has no descriptor.
        assert.isTrue(handles.every(({ fd }) => fd === -1))
        failing.clear()
        yield* opened(folder)
      }))
  }

  test("is accepted if LevelDB removes a file before its mode is set", (directory) =>
    Effect.gen(function*() {
      yield* opened(directory)
      fail("chmod", "ENOENT")
      yield* opened(directory)
    }))

  test("closes all its files when it is closed", (directory) =>
    Effect.gen(function*() {
      yield* opened(directory)
      // The file of the acknowledged number, and the folder that names it.
      assertEqual(handles.map(({ fd }) => fd), [-1, -1])
    }))
})
