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

const checksumOf = (key: string, value: string): bigint =>
  hash("sha256", JSON.stringify([key, value]), "buffer").readBigUInt64BE()

/** The number of records that are read at a time. */
const batchSize = 4096

/** All records. LevelDB reads the next ones in its own thread, while this one computes the checksums. */
const readRecords = async (db: ClassicLevel) => {
  const records: Array<Entry> = []
  const checksums = new Map<string, bigint>()
  let commit: string | undefined = undefined
  const iterator = db.iterator()
  try {
    let next = iterator.nextv(batchSize)
    for (;;) {
      const batch = await next
      if (batch.length === 0) return { records, checksums, commit }
      next = iterator.nextv(batchSize)
      for (const [key, value] of batch) {
        if (key === commitKey) commit = value
        else {
          records.push([key, value])
          checksums.set(key, checksumOf(key, value))
        }
      }
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
  const { checksums, commit: last, records } = yield* reading(
    () => readRecords(db),
    (error) => unreadable("it cannot be read", error)
  )
  let checksum = [...checksums.values()].reduce((sum, one) => sum ^ one, 0n)
  let number = 0
  if (last !== undefined) {
    const commit = yield* Either.mapLeft(decodeCommit(last), () => damaged("its last commit cannot be read"))
    number = commit.number
    if (commit.sum !== checksum.toString(16)) return yield* damaged("records were lost or changed")
    if (acknowledged === undefined && number > 1) return yield* damaged(`${acknowledgedFile} is missing`)
  } else if (records.length > 0) {
    return yield* new StorageProblem({
      message: "it holds a database that is not of this library; use an empty or a new folder"
    })
  }
  if (number < (acknowledged ?? 0)) {
    return yield* damaged(`the last ${(acknowledged ?? 0) - number} of its commits were lost`)
  }
  const file = yield* openAcknowledged(directory, acknowledged === undefined ? 0 : number)
  yield* restrictFiles(directory)
  yield* Effect.addFinalizer(() => Effect.ignore(restrictFiles(directory)))

  return {
    load: Effect.succeed(records),

    commit: (changes: ReadonlyArray<Change>) =>
      Effect.tryPromise({
        catch: unwritten,
        try: async () => {
          const added = new Map<string, bigint | undefined>()
          let next = checksum
          for (const { key, value } of changes) {
            const now = value === undefined ? undefined : checksumOf(key, value)
            next ^= (checksums.get(key) ?? 0n) ^ (now ?? 0n)
            added.set(key, now)
          }
          await db.batch([
            ...changes.map(({ key, value }) =>
              value === undefined ? { type: "del" as const, key } : { type: "put" as const, key, value }
            ),
            { type: "put", key: commitKey, value: JSON.stringify({ number: number + 1, sum: next.toString(16) }) }
          ], { sync: true })
          await acknowledge(file, number + 1)
          number += 1
          checksum = next
          for (const [key, now] of added) {
            if (now === undefined) checksums.delete(key)
            else checksums.set(key, now)
          }
        }
      })
  }
})
