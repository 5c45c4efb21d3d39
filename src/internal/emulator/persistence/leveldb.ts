/**
 * Records in a folder, by LevelDB. LevelDB opens what is left of a damaged folder without a word: a cut log loses its
 * end, a damaged block what was in it. So every commit counts itself and carries the sum of all records, and the number
 * of the last one that was acknowledged stands in a file of its own.
 */
import type { ClassicLevel } from "classic-level"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { createHash } from "node:crypto"
import { chmod, type FileHandle, mkdir, open as openFile, readdir, readFile, stat } from "node:fs/promises"
import { dirname, join } from "node:path"
import * as classicLevel from "./classicLevel.js"
import { type Storage, StorageProblem } from "./durableStore.js"
import type { Change, Entry } from "./records.js"

const acknowledgedFile = "ACKNOWLEDGED"

/**
 * Where a server that uses the folder notes how far its clock was moved. Nothing of the database: it may be removed.
 *
 * @internal
 */
export const clockFile = "CLOCK"

// What LevelDB writes before there is a database: all of it may go.
const beginnings = /^(LOCK|LOG(\.old)?|MANIFEST-\d+|\d+\.dbtmp)$/

const ours = /^(CURRENT|LOCK|LOG(\.old)?|MANIFEST-\d+|\d+\.(log|ldb|sst|dbtmp)|ACKNOWLEDGED|CLOCK(\.new)?)$/

const recoveryHint = "restore the folder from a copy, or move it away to begin with an empty one"

const damaged = (what: string, cause?: unknown) =>
  new StorageProblem({ message: `it is damaged: ${what}; ${recoveryHint}`, cause })

const attempt = <A>(
  what: string,
  body: () => Promise<A>
): Effect.Effect<A, StorageProblem> =>
  Effect.tryPromise({ try: body, catch: (cause) => new StorageProblem({ message: what, cause }) })

const code = (error: unknown): unknown => Predicate.hasProperty(error, "code") ? error.code : undefined

const cause = (error: unknown): unknown => Predicate.hasProperty(error, "cause") ? error.cause : undefined

const words = (error: unknown): string =>
  Predicate.hasProperty(error, "message") && Predicate.isString(error.message) ? error.message : String(error)

/**
 * The folder, and those above it. Node's own `recursive` asks again and again where the system says that the folder above
 * is missing although it is there, as `/proc` does; and nothing can interrupt it.
 */
const create = async (directory: string): Promise<void> => {
  const isThere = () => stat(directory).then((info) => info.isDirectory(), () => false)
  if (await isThere()) return
  const above = dirname(directory)
  if (above !== directory) await create(above)
  await mkdir(directory, { mode: 0o700 }).catch(async (error: unknown) => {
    // Somebody else may have been faster.
    if (!(await isThere())) throw error
  })
}

/** Whether there is something in the folder already, all of it ours. */
const inspect = Effect.fnUntraced(function*(directory: string) {
  yield* Effect.tryPromise({
    try: () => create(directory),
    catch: (cause) => new StorageProblem({ message: `it cannot be created (${words(cause)})`, cause })
  })
  const info = yield* attempt("it cannot be read", () => stat(directory))
  const names = yield* attempt("it cannot be read", () => readdir(directory))
  const foreign = names.find((name) => !ours.test(name))
  if (foreign !== undefined) {
    return yield* new StorageProblem({
      message: `it holds something that is not of this library ('${foreign}'); name an empty or a new folder`
    })
  }
  const isBegun = names.some((name) => !beginnings.test(name))
  if (isBegun && !names.includes("CURRENT")) return yield* damaged("the file CURRENT is missing")
  // Others on this machine are kept out by the folder, since LevelDB creates its files readable.
  if ((info.mode & 0o077) !== 0) yield* attempt("its mode cannot be set to 0700", () => chmod(directory, 0o700))
  return isBegun
})

const hideFiles = (directory: string) =>
  attempt("the modes of its files cannot be set to 0600", async () => {
    for (const name of await readdir(directory)) {
      await chmod(join(directory, name), 0o600).catch((error: unknown) => {
        // LevelDB removes files on its own time.
        if (code(error) !== "ENOENT") throw error
      })
    }
  })

const openDatabase = (Level: typeof ClassicLevel, directory: string, createIfMissing: boolean) => {
  const db = new Level(directory, { keyEncoding: "utf8", valueEncoding: "utf8" })
  return Effect.as(
    Effect.tryPromise({
      try: () => db.open({ createIfMissing }),
      catch: (error) =>
        code(cause(error)) === "LEVEL_LOCKED"
          ? new StorageProblem({
            message: "it is in use by another process, or opened twice by this one",
            cause: error
          })
          : damaged(words(cause(error) ?? error), error)
    }),
    db
  )
}

const readAcknowledged = (directory: string) =>
  Effect.tryPromise({
    try: () => readFile(join(directory, acknowledgedFile), "utf8"),
    catch: (error) => code(error) === "ENOENT" ? undefined : damaged(`${acknowledgedFile} cannot be read`, error)
  }).pipe(
    Effect.catchAll((problem) => problem === undefined ? Effect.succeed(undefined) : Effect.fail(problem)),
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

const sumOf = (key: string, value: string): bigint =>
  createHash("sha256").update(JSON.stringify([key, value])).digest().readBigUInt64BE()

const noted = (number: number) => `${String(number).padStart(16, "0")}\n`

const begin = (directory: string, number: number) => {
  const prepare = async (file: FileHandle, isNew: boolean) => {
    if (isNew) await note(file, number)
    // Its name is to be there after a power failure, too.
    await file.sync()
    const folder = await openFile(directory, "r")
    await folder.sync().finally(() => folder.close())
    return file
  }
  return Effect.acquireRelease(
    attempt(`${acknowledgedFile} cannot be opened`, async () => {
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

const note = (file: FileHandle, number: number) => file.write(noted(number), 0, "utf8")

/**
 * Opens the folder, which is closed with the scope.
 *
 * @internal
 */
export const open = Effect.fnUntraced(function*(
  directory: string
): Effect.fn.Return<Storage, StorageProblem, Scope.Scope> {
  const Level = yield* classicLevel.load
  const isBegun = yield* inspect(directory)
  const db = yield* Effect.acquireRelease(
    openDatabase(Level, directory, !isBegun),
    (db) => Effect.promise(() => db.close())
  )
  const acknowledged = yield* readAcknowledged(directory)
  const stored = yield* Effect.tryPromise({
    try: () => db.iterator().all(),
    catch: (error) => damaged(words(error), error)
  })
  const records = stored.filter(([key]) => key !== commitKey)
  const sums = new Map(records.map(([key, value]) => [key, sumOf(key, value)]))
  let sum = [...sums.values()].reduce((sum, one) => sum ^ one, 0n)
  const last = stored.find(([key]) => key === commitKey)
  let number = 0
  if (last !== undefined) {
    const commit = yield* Either.mapLeft(decodeCommit(last[1]), () => damaged("its last commit cannot be read"))
    number = commit.number
    if (commit.sum !== sum.toString(16)) return yield* damaged("records were lost or changed")
    if (acknowledged === undefined && number > 1) return yield* damaged(`${acknowledgedFile} is missing`)
  } else if (records.length > 0) {
    return yield* new StorageProblem({
      message: "it holds a database that is not of this library; name an empty or a new folder"
    })
  }
  if (number < (acknowledged ?? 0)) {
    return yield* damaged(`the last ${(acknowledged ?? 0) - number} of its commits were lost`)
  }
  const file = yield* begin(directory, acknowledged === undefined ? 0 : number)
  yield* hideFiles(directory)
  yield* Effect.addFinalizer(() => Effect.ignore(hideFiles(directory)))

  return {
    load: Effect.succeed(records.map(([key, value]): Entry => [key, value])),

    commit: (changes: ReadonlyArray<Change>) =>
      attempt("writing failed", async () => {
        const added = new Map<string, bigint | undefined>()
        let next = sum
        for (const { key, value } of changes) {
          const now = value === undefined ? undefined : sumOf(key, value)
          next ^= (sums.get(key) ?? 0n) ^ (now ?? 0n)
          added.set(key, now)
        }
        await db.batch([
          ...changes.map(({ key, value }) =>
            value === undefined ? { type: "del" as const, key } : { type: "put" as const, key, value }
          ),
          { type: "put", key: commitKey, value: JSON.stringify({ number: number + 1, sum: next.toString(16) }) }
        ], { sync: true })
        await note(file, number + 1)
        number += 1
        sum = next
        for (const [key, now] of added) {
          if (now === undefined) sums.delete(key)
          else sums.set(key, now)
        }
      })
  }
})
