/**
 * Records in a folder, stored by LevelDB. LevelDB opens a damaged folder without an error: a truncated log loses its end,
 * and a damaged block loses its records. So every commit has a number and a checksum of all records, and a separate file
 * has the number of the last acknowledged commit.
 */
import type { ClassicLevel } from "classic-level"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { hash } from "node:crypto"
import { chmod, type FileHandle, lstat, mkdir, open as openFile, readdir, readFile, stat } from "node:fs/promises"
import { dirname, join } from "node:path"
import * as diskProblem from "../../lib/diskProblem.js"
import * as classicLevel from "./classicLevel.js"
import { type Storage, StorageProblem } from "./durableStore.js"
import type { Change, Entry } from "./records.js"
import * as storageFailure from "./storageFailure.js"

const acknowledgedFile = "ACKNOWLEDGED"

/**
 * The file in which a server that uses the folder stores the offset of its clock. The database does not need it: it may be
 * removed.
 */
export const clockFile = "CLOCK"

// Files that LevelDB creates before the database exists; they may be removed.
const initialFiles = /^(LOCK|LOG(\.old)?|MANIFEST-\d+|\d+\.dbtmp)$/

const knownFiles = /^(CURRENT|LOCK|LOG(\.old)?|MANIFEST-\d+|\d+\.(log|ldb|sst|dbtmp)|ACKNOWLEDGED|CLOCK(\.new)?)$/

const recoveryHint = "restore the folder from a copy, or move it away to start with an empty one"

const damaged = (what: string, cause?: unknown) =>
  new StorageProblem({ message: `it is damaged: ${what}; ${recoveryHint}`, cause })

const { attempt } = storageFailure

const code = (error: unknown): unknown => Predicate.hasProperty(error, "code") ? error.code : undefined

const cause = (error: unknown): unknown => Predicate.hasProperty(error, "cause") ? error.cause : undefined

/** LevelDB reports "Invalid argument" for a read beyond the end of a file, which was cut short. */
const fileTexts = [": No such file or directory", ": Invalid argument"]

/** A file with bad content or a missing file, and no problem of the disk. */
const isCorruption = (error: unknown): boolean =>
  code(error) === "LEVEL_CORRUPTION" || fileTexts.some((text) => diskProblem.rootMessage(error).endsWith(text)) ||
  (cause(error) !== undefined && isCorruption(cause(error)))

/** Reports a corruption as such, and any other error with its cause: a restored folder would not help. */
const unreadable = (what: string, error: unknown): Effect.Effect<never, StorageProblem> =>
  isCorruption(error) ? damaged(diskProblem.rootMessage(error), error) : storageFailure.fail(what, error)

const unread = (error: unknown) => unreadable("it cannot be read", error)

/** Runs an operation of LevelDB. */
const reading = <A>(
  body: () => Promise<A>,
  onError: (error: unknown) => Effect.Effect<never, StorageProblem>
): Effect.Effect<A, StorageProblem> =>
  Effect.catchAll(Effect.tryPromise({ try: body, catch: (error) => ({ error }) }), ({ error }) => onError(error))

/**
 * Creates the folder and its parents. The option `recursive` of Node loops forever, uninterruptibly, where the system
 * reports that an existing parent is missing, as `/proc` does.
 */
const create = async (directory: string): Promise<void> => {
  const exists = () => stat(directory).then((info) => info.isDirectory(), () => false)
  const isMissing = () => stat(directory).then(() => false, () => true)
  const isLink = () => lstat(directory).then((info) => info.isSymbolicLink(), () => false)
  if (await exists()) return
  const parent = dirname(directory)
  if (parent !== directory) await create(parent)
  await mkdir(directory, { mode: 0o700 }).catch(async (error: unknown) => {
    // Another process may have created it in the meantime.
    if (await exists()) return
    throw code(error) === "EEXIST" && (await isLink()) && (await isMissing())
      ? diskProblem.withoutTarget(directory)
      : error
  })
}

/** Creates the folder if it is missing, and checks that it holds a database or nothing. */
const inspect = Effect.fnUntraced(function*(directory: string) {
  if (directory === "") return yield* new StorageProblem({ message: "its path is empty; use the path of a folder" })
  yield* attempt("it cannot be created", () => create(directory))
  const info = yield* attempt("it cannot be read", () => stat(directory))
  const names = yield* attempt("it cannot be read", () => readdir(directory))
  const foreign = names.find((name) => !knownFiles.test(name))
  if (foreign !== undefined) {
    return yield* new StorageProblem({
      message: `it holds a file that is not of this library ('${foreign}'); use an empty or a new folder`
    })
  }
  const hasDatabase = names.some((name) => !initialFiles.test(name))
  if (hasDatabase && !names.includes("CURRENT")) return yield* damaged("the file CURRENT is missing")
  // LevelDB creates its files readable, so the mode of the folder keeps other users out.
  if ((info.mode & 0o077) !== 0) yield* attempt("its mode cannot be set to 0700", () => chmod(directory, 0o700))
  return hasDatabase
})

const restrictFiles = (directory: string) =>
  attempt("the modes of its files cannot be set to 0600", async () => {
    for (const name of await readdir(directory)) {
      await chmod(join(directory, name), 0o600).catch((error: unknown) => {
        // LevelDB may remove a file at any time.
        if (code(error) !== "ENOENT") throw error
      })
    }
  })

const openDatabase = (Level: typeof ClassicLevel, directory: string, createIfMissing: boolean) => {
  const db = new Level(directory, { keyEncoding: "utf8", valueEncoding: "utf8" })
  return Effect.as(
    reading(
      () => db.open({ createIfMissing }),
      (error) =>
        code(cause(error)) === "LEVEL_LOCKED" && diskProblem.find(error) === undefined
          ? new StorageProblem({
            message: "it is in use by another process, or opened twice by this one",
            cause: error
          })
          : unreadable("it cannot be opened", error)
    ),
    db
  )
}

const readAcknowledged = (directory: string) =>
  attempt(
    `its file ${acknowledgedFile} cannot be read`,
    () =>
      readFile(join(directory, acknowledgedFile), "utf8").catch((error: unknown) => {
        if (code(error) !== "ENOENT") throw error
      })
  ).pipe(
    Effect.flatMap((text) =>
      text === undefined
        ? Effect.succeed(undefined)
        : /^\d{16}\n$/.test(text)
        ? Effect.succeed(Number(text))
        : Effect.fail(damaged(`${acknowledgedFile} does not hold a number`))
    )
  )

const Commit = Schema.parseJson(Schema.Struct({ number: Schema.Finite, sum: Schema.String }))

const commitKey = "meta/commit"

const decodeCommit = Schema.decodeEither(Commit)

const firstBytes = Buffer.alloc(8)

/** The first 8 bytes of a hash. Hexadecimal digits are read faster than a buffer per record is allocated. */
const checksumOf = (key: string, value: string): bigint => {
  firstBytes.write(hash("sha256", JSON.stringify([key, value])), "hex")
  return firstBytes.readBigUInt64BE()
}

/** The number of records that are read at a time, and their bytes. */
const batchSize = 4096
const batchBytes = 2 ** 20

/** Reads all records. LevelDB reads the next ones in its own thread, while this one adds those before. */
const readRecords = async (db: ClassicLevel, add: (entry: Entry) => void) => {
  const iterator = db.iterator({ highWaterMarkBytes: batchBytes })
  try {
    let next = iterator.nextv(batchSize)
    for (;;) {
      const batch = await next
      if (batch.length === 0) return
      next = iterator.nextv(batchSize)
      for (const entry of batch) if (entry[0] !== commitKey) add(entry)
    }
  } finally {
    await iterator.close()
  }
}

const formatted = (number: number) => `${String(number).padStart(16, "0")}\n`

const openAcknowledged = (directory: string, number: number) => {
  const prepare = async (file: FileHandle, isNew: boolean) => {
    if (isNew) await acknowledge(file, number)
    // Makes its name durable, so that it is there after a power failure.
    await file.sync()
    const folder = await openFile(directory, "r")
    await folder.sync().finally(() => folder.close())
    return file
  }
  return Effect.acquireRelease(
    attempt(`its file ${acknowledgedFile} cannot be opened`, async () => {
      const isNew = number === 0
      const file = await openFile(join(directory, acknowledgedFile), isNew ? "w" : "r+", 0o600)
      return prepare(file, isNew).catch(async (error: unknown) => {
        await file.close()
        throw error
      })
    }),
    (file) => Effect.promise(() => file.close())
  )
}

const acknowledge = (file: FileHandle, number: number) => file.write(formatted(number), 0, "utf8")

/** A write that failed. Callers of the service see its message, so it names no path. */
const unwritten = (cause: unknown) => {
  const known = diskProblem.find(cause)
  return new StorageProblem({
    message: known === undefined ? "writing failed" : `${known.what}; ${known.remedy}`,
    cause
  })
}

/** Opens the folder, and closes it with the scope. */
export const open = Effect.fnUntraced(function*(
  directory: string
): Effect.fn.Return<Storage, StorageProblem, Scope.Scope> {
  const Level = yield* classicLevel.load
  const hasDatabase = yield* inspect(directory)
  const db = yield* Effect.acquireRelease(
    openDatabase(Level, directory, !hasDatabase),
    (db) => Effect.promise(() => db.close())
  )
  const acknowledged = yield* readAcknowledged(directory)
  const last = yield* reading(() => db.get(commitKey), unread)
  if (last === undefined && (yield* reading(() => db.iterator({ limit: 1 }).all(), unread)).length > 0) {
    return yield* new StorageProblem({
      message: "it holds a database that is not of this library; use an empty or a new folder"
    })
  }
  const lastCommit = last === undefined
    ? { number: 0, sum: "0" }
    : yield* Either.mapLeft(decodeCommit(last), () => damaged("its last commit cannot be read"))
  let { number } = lastCommit
  if (acknowledged === undefined && number > 1) return yield* damaged(`${acknowledgedFile} is missing`)
  if (number < (acknowledged ?? 0)) {
    return yield* damaged(`the last ${(acknowledged ?? 0) - number} of its commits were lost`)
  }
  const file = yield* openAcknowledged(directory, acknowledged === undefined ? 0 : number)
  yield* restrictFiles(directory)
  yield* Effect.addFinalizer(() => Effect.ignore(restrictFiles(directory)))

  let { sum } = lastCommit
  // The checksum of each record. Known when all were read.
  let known = last === undefined ? new Map<string, bigint>() : undefined

  const load: Storage["load"] = (add) =>
    Effect.suspend(() => {
      const checksums = new Map<string, bigint>()
      let total = 0n
      const read = (entry: Entry) => {
        const one = checksumOf(...entry)
        checksums.set(entry[0], one)
        total ^= one
        add(entry)
      }
      return Effect.flatMap(
        reading(() => readRecords(db, read), unread),
        () => {
          if (total.toString(16) !== sum) return damaged("records were lost or changed")
          known = checksums
          return Effect.void
        }
      )
    })

  const write = async (checksums: Map<string, bigint>, changes: ReadonlyArray<Change>) => {
    const added = new Map<string, bigint | undefined>()
    let next = BigInt(`0x${sum}`)
    for (const { key, value } of changes) {
      const now = value === undefined ? undefined : checksumOf(key, value)
      next ^= (checksums.get(key) ?? 0n) ^ (now ?? 0n)
      added.set(key, now)
    }
    const nextSum = next.toString(16)
    await db.batch([
      ...changes.map(({ key, value }) =>
        value === undefined ? { type: "del" as const, key } : { type: "put" as const, key, value }
      ),
      { type: "put", key: commitKey, value: JSON.stringify({ number: number + 1, sum: nextSum }) }
    ], { sync: true })
    await acknowledge(file, number + 1)
    number += 1
    sum = nextSum
    for (const [key, now] of added) {
      if (now === undefined) checksums.delete(key)
      else checksums.set(key, now)
    }
  }

  const commit = (changes: ReadonlyArray<Change>): Effect.Effect<void, StorageProblem> =>
    Effect.suspend(() => {
      const checksums = known
      return checksums === undefined
        // The checksums of the replaced records are needed.
        ? Effect.zipRight(load(() => undefined), commit(changes))
        : Effect.tryPromise({ try: () => write(checksums, changes), catch: unwritten })
    })

  return {
    header: Effect.map(
      reading(() => db.get("meta/version"), unread),
      (version) => ({ isNew: number === 0, version })
    ),
    load,
    commit
  }
})
