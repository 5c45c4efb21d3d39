/**
 * Records that only whoever has the key can read. It lies beside the folder, so that a copy of the folder tells nothing
 * of the tokens in it.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from "node:crypto"
import { chmod, open as openFile, readFile, rename, rm } from "node:fs/promises"
import { dirname, resolve } from "node:path"
import { type Storage, StorageProblem } from "./durableStore.js"
import type { Change, Entry } from "./records.js"
import { version } from "./records.js"

const keyBytes = 32

const fileOf = (directory: string) => `${resolve(directory)}.key`

const isMissing = (error: unknown) => Predicate.hasProperty(error, "code") && error.code === "ENOENT"

const readKey = (path: string) =>
  Effect.tryPromise({
    try: () =>
      readFile(path, "utf8").then(async (text) => {
        await chmod(path, 0o600)
        return text
      }, (error: unknown) => {
        if (isMissing(error)) return undefined
        throw error
      }),
    catch: (cause) => new StorageProblem({ message: `the key in ${path} cannot be read`, cause })
  }).pipe(
    Effect.filterOrFail(
      (text) => text === undefined || /^[0-9a-f]{64}\n?$/.test(text),
      () => new StorageProblem({ message: `${path} holds no key of 64 hexadecimal digits; restore it from a copy` })
    ),
    Effect.map((text) => text === undefined ? undefined : Buffer.from(text.trim(), "hex"))
  )

/** There is the whole of it or nothing, and its name is durable too before anything is encrypted with it. */
const createKey = (path: string) =>
  Effect.tryPromise({
    try: async () => {
      const key = randomBytes(keyBytes)
      const unfinished = `${path}.new`
      await rm(unfinished, { force: true })
      const file = await openFile(unfinished, "wx", 0o600)
      await file.writeFile(`${key.toString("hex")}\n`).then(() => file.sync()).finally(() => file.close())
      await rename(unfinished, path)
      const folder = await openFile(dirname(path), "r")
      await folder.sync().finally(() => folder.close())
      return key
    },
    catch: (cause) => new StorageProblem({ message: `the key cannot be written to ${path}`, cause })
  })

const Pair = Schema.parseJson(Schema.Tuple(Schema.String, Schema.String))

const isMeta = (key: string) => key.startsWith("meta/")

const cipherOf = (key: Buffer) => {
  const derived = (use: string) => Buffer.from(hkdfSync("sha256", key, "", use, keyBytes))
  const forNames = derived("names of records")
  const forRecords = derived("records")
  return {
    // The table stays readable; the same record gets the same name.
    name: (key: string) => {
      const slash = key.indexOf("/") + 1
      return `${key.slice(0, slash)}${createHmac("sha256", forNames).update(key).digest("base64url")}`
    },
    seal: (name: string, text: string) => {
      const nonce = randomBytes(12)
      const cipher = createCipheriv("aes-256-gcm", forRecords, nonce).setAAD(Buffer.from(name))
      return Buffer.concat([nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]).toString("base64")
    },
    open: (name: string, sealed: string) => {
      const bytes = Buffer.from(sealed, "base64")
      const cipher = createDecipheriv("aes-256-gcm", forRecords, bytes.subarray(0, 12)).setAAD(Buffer.from(name))
      cipher.setAuthTag(bytes.subarray(-16))
      return Buffer.concat([cipher.update(bytes.subarray(12, -16)), cipher.final()]).toString("utf8")
    }
  }
}

/**
 * The records of `storage`, which are encrypted there, except what says of what format they are.
 *
 * @internal
 */
export const open = (directory: string, storage: Storage): Effect.Effect<Storage, StorageProblem> =>
  Effect.gen(function*() {
    const path = fileOf(directory)
    const stored = yield* storage.load
    const isOurs = new Map(stored).get("meta/version") === version
    // What is of another format is told by the format, and not by its key.
    if (stored.length > 0 && !isOurs) return storage
    const found = yield* readKey(path)
    if (isOurs && found === undefined) {
      return yield* new StorageProblem({
        message:
          `its key ${path} is missing, without which nothing in it can be read; restore it from a copy, or move ` +
          "the folder away to begin with an empty one"
      })
    }
    const { name, open, seal } = cipherOf(found ?? (yield* createKey(path)))
    const opened = Effect.forEach(stored, ([key, value]) => {
      if (isMeta(key)) return Effect.succeed<Entry>([key, value])
      const problem = new StorageProblem({
        message: `a record of '${key.slice(0, Math.max(key.indexOf("/"), 0))}' is damaged, or is not encrypted ` +
          `with the key in ${path}: restore both from copies of the same time`
      })
      return Effect.try({ try: () => open(key, value), catch: () => problem }).pipe(
        Effect.flatMap(Schema.decode(Pair)),
        Effect.mapBoth({ onFailure: () => problem, onSuccess: (entry): Entry => entry })
      )
    })
    const sealed = ({ key, value }: Change): Change => {
      if (isMeta(key)) return { key, value }
      const as = name(key)
      return { key: as, value: value === undefined ? undefined : seal(as, JSON.stringify([key, value])) }
    }
    return {
      load: opened,
      commit: (changes) => storage.commit(changes.map(sealed))
    }
  })
