/**
 * Ledger entries in a folder that several processes share. The versions of an entry are files with consecutive numbers, and
 * each change creates the next one. A file system creates a name once, so one of several concurrent changes succeeds, in one
 * process or in several. No lock can be left behind.
 */
import type { PlatformError } from "@effect/platform/Error"
import type { FileSystem } from "@effect/platform/FileSystem"
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { ConsentLedger } from "../../ConsentLedger.js"
import { LedgerFailure } from "../../IdentityError.js"
import { digest } from "../lib/digest.js"
import * as diskProblem from "../lib/diskProblem.js"
import { isLive } from "../lib/expiringMap.js"
import { token } from "../lib/secureToken.js"
import { wellFormed } from "../lib/text.js"

/** One version of an entry. Without a value, the entry was taken. */
const Version = Schema.Struct({ value: Schema.NullOr(Schema.String), expiresAt: Schema.DateTimeUtc })

type Version = typeof Version.Type

const Stored = Schema.parseJson(Version)

const encode = Schema.encode(Stored)

const decode = Schema.decode(Stored)

interface Latest {
  readonly version: Version | undefined
  /** The number of the next version. */
  readonly next: number
}

/** The part of a path before its last name. `undefined` if the path is one name, or a root. */
const parentOf = (path: string): string | undefined => /^(.*[^/\\])[/\\]+[^/\\]+[/\\]*$/s.exec(path)?.[1]

/** Recovers from a name that exists already, or does not exist. */
const unless = <A, B>(reason: "AlreadyExists" | "NotFound", otherwise: B) => (self: Effect.Effect<A, PlatformError>) =>
  Effect.catchTag(
    self,
    "SystemError",
    (error): Effect.Effect<B, PlatformError> => error.reason === reason ? Effect.succeed(otherwise) : Effect.fail(error)
  )

/** In each round one of the concurrent calls succeeds. */
const maxAttempts = 200

/** A name that exists and cannot be read, such as a link without a target, never becomes the next version. */
const unstable = (directory: string) =>
  new LedgerFailure({
    message:
      `an entry in the folder of ConsentLedger, "${directory}", could not be changed in ${maxAttempts} attempts: use ` +
      "a folder in which only ConsentLedger writes"
  })

const fileName = /^([0-9a-f]{64})\.(\d{1,9})$/

const temporaryName = /^tmp\.(\d{1,16})\./

/**
 * Files that expired this long ago, in milliseconds, are removed. A call that reads a version and creates the next one takes
 * much less time, so it does not add to an entry that is being removed.
 */
const retention = 60 * 60 * 1000

/** @internal */
export const make = (fs: FileSystem, directory: string) => {
  const pathOf = (name: string) => `${directory}/${name}`

  const ownerOf = (path: string) =>
    Effect.map(
      fs.stat(path),
      ({ mode, uid }) =>
        Option.getOrUndefined(Option.map(uid, (owner): diskProblem.Place => ({ path, owner, mode, user: undefined })))
    )

  /** The file to which access is denied. One that is to be created has no owner: its folder denies the access. */
  const placeOf = (error: unknown): Effect.Effect<diskProblem.Place | undefined> => {
    const path = diskProblem.deniedPath(error)
    if (path === undefined) return Effect.succeed(undefined)
    return Effect.orElseSucceed(Effect.orElse(ownerOf(path), () => ownerOf(parentOf(path) ?? ".")), () => undefined)
  }

  const folderFailure = (done: "read" | "written") => (cause: unknown): Effect.Effect<never, LedgerFailure> =>
    Effect.flatMap(placeOf(cause), (place) =>
      new LedgerFailure({
        message: diskProblem.describe(
          `the folder of ConsentLedger, "${directory}", could not be ${done}`,
          cause,
          place
        ),
        cause
      }))

  const read = (name: string, number: number): Effect.Effect<Version | undefined, LedgerFailure> =>
    fs.readFileString(pathOf(`${name}.${number}`)).pipe(
      unless("NotFound", undefined),
      Effect.catchAll(folderFailure("read")),
      Effect.flatMap((text) =>
        text === undefined
          ? Effect.succeed(undefined)
          // Without the error of the schema, which contains the value.
          : Effect.mapError(decode(text), () =>
            new LedgerFailure({
              message:
                `the file ${name}.${number} in the folder of ConsentLedger, "${directory}", is not an entry of a ` +
                "ConsentLedger: remove it, or use another folder"
            }))
      )
    )

  const exists = (name: string, number: number) =>
    Effect.catchAll(fs.exists(pathOf(`${name}.${number}`)), folderFailure("read"))

  /** The first missing number from `low`, which exists, to `high`, which does not. */
  const firstMissing = (name: string, low: number, high: number): Effect.Effect<number, LedgerFailure> => {
    if (high - low <= 1) return Effect.succeed(high)
    const middle = Math.floor((low + high) / 2)
    return Effect.flatMap(
      exists(name, middle),
      (is) => is ? firstMissing(name, middle, high) : firstMissing(name, low, middle)
    )
  }

  /** Searches in growing steps, so that an entry with many versions is found in few reads. */
  const count = (name: string, number = 0, step = 1): Effect.Effect<number, LedgerFailure> =>
    Effect.flatMap(
      exists(name, number),
      (is) =>
        is
          ? count(name, number + step, 2 * step)
          : firstMissing(name, Math.max(-1, number - Math.floor(step / 2)), number)
    )

  const latest = (name: string): Effect.Effect<Latest, LedgerFailure> =>
    Effect.flatMap(count(name), (next) =>
      next === 0
        ? Effect.succeed({ version: undefined, next })
        : Effect.map(read(name, next - 1), (version) => ({ version, next })))

  const temporaryPath = Effect.gen(function*() {
    return pathOf(`tmp.${DateTime.toEpochMillis(yield* DateTime.now)}.${yield* token}`)
  })

  const writeWhole = (path: string, text: string) =>
    Effect.scoped(Effect.gen(function*() {
      const file = yield* fs.open(path, { flag: "wx", mode: 0o600 })
      yield* file.writeAll(new TextEncoder().encode(text))
      yield* file.sync
    }))

  /** Creates a version with its whole content, or returns `false` if another call has created this version. */
  const create = (name: string, number: number, version: Version): Effect.Effect<boolean, LedgerFailure> =>
    Effect.gen(function*() {
      const text = yield* Effect.orDie(encode(version))
      const temporary = yield* temporaryPath
      return yield* writeWhole(temporary, text).pipe(
        Effect.zipRight(fs.link(temporary, pathOf(`${name}.${number}`))),
        Effect.as(true),
        unless("AlreadyExists", false),
        Effect.ensuring(Effect.ignore(fs.remove(temporary))),
        Effect.catchAll(folderFailure("written"))
      )
    }).pipe(Effect.uninterruptible)

  /** Decides on the latest version, and decides again if another call has created the next version meanwhile. */
  const change = <A>(
    key: string,
    decide: (value: Option.Option<string>, expiresAt: DateTime.Utc | undefined) => {
      readonly result: A
      readonly version?: Version | undefined
    },
    attempts = maxAttempts
  ): Effect.Effect<A, LedgerFailure> =>
    Effect.gen(function*() {
      if (attempts === 0) return yield* unstable(directory)
      const name = yield* digest(Redacted.make(wellFormed(key)))
      const { next, version } = yield* latest(name)
      const live = version !== undefined && isLive(version, yield* DateTime.now) ? version : undefined
      const decision = decide(Option.fromNullable(live?.value), live?.expiresAt)
      return decision.version === undefined || (yield* create(name, next, decision.version))
        ? decision.result
        : yield* change(key, decide, attempts - 1)
    })

  const ledger: ConsentLedger["Type"] = {
    add: (key, value, expiresAt) =>
      change(
        key,
        (found) => Option.isSome(found) ? { result: false } : { result: true, version: { value, expiresAt } }
      ),
    get: (key) => change(key, (found) => ({ result: found })),
    replace: (key, before, after) =>
      change(key, (found, expiresAt) =>
        expiresAt !== undefined && Option.contains(found, before)
          ? { result: true, version: { value: after, expiresAt } }
          : { result: false }),
    take: (key) =>
      change(key, (found, expiresAt) =>
        expiresAt !== undefined && Option.isSome(found)
          ? { result: found, version: { value: null, expiresAt } }
          : { result: Option.none() })
  }

  const remove = (name: string) => Effect.ignore(fs.remove(pathOf(name)))

  /**
   * Removes expired entries, and the temporary files of processes that ended. The highest version goes first, so that the
   * remaining ones are still an expired entry.
   */
  const removeExpired = Effect.gen(function*() {
    const names = yield* Effect.catchAll(fs.readDirectory(directory), folderFailure("read"))
    const now = DateTime.toEpochMillis(yield* DateTime.now)
    const isOld = (time: number) => time + retention < now
    yield* Effect.forEach(names.filter((name) => isOld(Number(temporaryName.exec(name)?.[1]))), remove)
    const numbers = new Map<string, Array<number>>()
    for (const name of names) {
      const [, entry = "", number] = fileName.exec(name) ?? []
      if (number === undefined) continue
      const all = numbers.get(entry)
      if (all === undefined) numbers.set(entry, [Number(number)])
      else all.push(Number(number))
    }
    for (const [entry, all] of numbers) {
      const [last = 0, ...others] = Arr.sort(all, Order.reverse(Order.number))
      const version = yield* read(entry, last).pipe(
        // A file that is not an entry does not prevent the removal of the others.
        Effect.catchAll((failure) => Effect.as(Effect.logWarning(failure.message), undefined))
      )
      if (version === undefined || !isOld(DateTime.toEpochMillis(version.expiresAt))) continue
      yield* Effect.forEach([last, ...others], (number) => remove(`${entry}.${number}`))
    }
  })

  /**
   * Creates a folder and its parents. The option `recursive` of Node loops forever, uninterruptibly, where the system reports
   * that an existing parent is missing, as `/proc` does.
   */
  const createFolder = (path: string, hasParent = false): Effect.Effect<void, PlatformError | Error> =>
    Effect.gen(function*() {
      const made = yield* Effect.either(fs.makeDirectory(path, { mode: 0o700 }))
      if (Either.isRight(made)) return
      const error = made.left
      const parent = parentOf(path)
      if (!hasParent && parent !== undefined && error._tag === "SystemError" && error.reason === "NotFound") {
        yield* createFolder(parent)
        return yield* createFolder(path, true)
      }
      const info = yield* Effect.option(fs.stat(path))
      // Also if another process has created it in the meantime.
      if (Option.exists(info, ({ type }) => type === "Directory")) return
      const isLink = Option.isNone(info) && Option.isSome(yield* Effect.option(fs.readLink(path)))
      return yield* Effect.fail(isLink ? diskProblem.withoutTarget(path) : error)
    })

  /** Creates the folder, and checks that entries can be created in it. */
  const prepare = Effect.gen(function*() {
    yield* createFolder(directory)
    const [file, link] = [yield* temporaryPath, yield* temporaryPath]
    yield* writeWhole(file, "probe").pipe(
      Effect.zipRight(fs.link(file, link)),
      Effect.ensuring(Effect.ignore(Effect.zipRight(fs.remove(file), fs.remove(link))))
    )
  }).pipe(Effect.catchAll(folderFailure("written")), Effect.uninterruptible)

  return { ledger, prepare, removeExpired }
}
