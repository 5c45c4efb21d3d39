/** Encryption of the stored records. The key file is outside the folder, so that a copy of the folder reveals no token. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import { createCipheriv, createDecipheriv, createHmac, createSecretKey, hkdfSync } from "node:crypto"
import { chmod, lstat, open as openFile, readFile, realpath, rename, rm, stat } from "node:fs/promises"
import { dirname, resolve } from "node:path"
import { randomBytes } from "../../lib/secureToken.js"
import { type Storage, StorageProblem } from "./durableStore.js"
import { type Change, type Entry, version } from "./records.js"
import * as storageFailure from "./storageFailure.js"

const keyBytes = 32

/** The key of a folder has the name of the folder. A link to it has the same key, unless it has one of its own. */
const keyFileOf = async (directory: string): Promise<string> => {
  const path = resolve(directory)
  const own = `${path}.key`
  const isLink = await lstat(path).then((info) => info.isSymbolicLink(), () => false)
  if (!isLink || (await stat(own).then(() => true, () => false))) return own
  return realpath(path).then((target) => `${target}.key`, () => own)
}

const isMissing = (error: unknown) => Predicate.hasProperty(error, "code") && error.code === "ENOENT"

const withoutAccess = (mode: number) => (mode & 0o077) === 0

const readKey = (path: string) =>
  Effect.gen(function*() {
    const found = yield* storageFailure.attempt(`the key in ${path} cannot be read`, async () => {
      const text = await readFile(path, "utf8").catch((error: unknown) => {
        if (!isMissing(error)) throw error
      })
      if (text === undefined) return undefined
      const { mode } = await stat(path)
      await chmod(path, 0o600)
      return { text, isPrivate: withoutAccess(mode) }
    })
    if (found === undefined) return undefined
    if (!/^[0-9a-f]{64}\n?$/.test(found.text)) {
      return yield* new StorageProblem({
        message: `${path} holds no key of 64 hexadecimal digits; restore it from a copy`
      })
    }
    if (!found.isPrivate && (yield* storageFailure.currentUser) !== undefined) {
      yield* Effect.logWarning(
        `Other users had access to the key in ${path}; its mode is 0600 now. If one of them has read it, use a new folder.`
      )
    }
    return Buffer.from(found.text.trim(), "hex")
  })

/** Creates the file whole or not at all, and makes its name durable before anything is encrypted with the key. */
const createKey = (path: string) =>
  storageFailure.attempt(`the key cannot be written to ${path}`, async () => {
    const key = Buffer.from(randomBytes(keyBytes))
    const temporary = `${path}.new`
    await rm(temporary, { force: true })
    const file = await openFile(temporary, "wx", 0o600)
    await file.writeFile(`${key.toString("hex")}\n`).then(() => file.sync()).finally(() => file.close())
    await rename(temporary, path)
    const folder = await openFile(dirname(path), "r")
    await folder.sync().finally(() => folder.close())
    return key
  })

const readPair = (text: string): Option.Option<Entry> => {
  const value: unknown = JSON.parse(text)
  if (!Array.isArray(value) || value.length !== 2) return Option.none()
  const [key, record]: ReadonlyArray<unknown> = value
  return Predicate.isString(key) && Predicate.isString(record) ? Option.some([key, record]) : Option.none()
}

const isMeta = (key: string) => key.startsWith("meta/")

const cipherOf = (key: Buffer) => {
  const derive = (use: string) => Buffer.from(hkdfSync("sha256", key, "", use, keyBytes))
  const forNames = derive("names of records")
  const forRecords = createSecretKey(derive("records"))
  return {
    // The table stays readable, and a record always gets the same name.
    name: (key: string) => {
      const slash = key.indexOf("/") + 1
      return `${key.slice(0, slash)}${createHmac("sha256", forNames).update(key).digest("base64url")}`
    },
    encrypt: (name: string, text: string) => {
      const nonce = randomBytes(12)
      const cipher = createCipheriv("aes-256-gcm", forRecords, nonce).setAAD(Buffer.from(name))
      return Buffer.concat([nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]).toString("base64")
    },
    decrypt: (name: string, encrypted: string) => {
      const bytes = Buffer.from(encrypted, "base64")
      const cipher = createDecipheriv("aes-256-gcm", forRecords, bytes.subarray(0, 12)).setAAD(Buffer.from(name))
      cipher.setAuthTag(bytes.subarray(-16))
      const text = cipher.update(bytes.subarray(12, -16))
      // Returns no more bytes, and throws if the text is not the one that was encrypted.
      cipher.final()
      return text.toString("utf8")
    }
  }
}

/** Encrypts the records of `storage`, except those that state their format. */
export const open = (directory: string, storage: Storage): Effect.Effect<Storage, StorageProblem> =>
  Effect.gen(function*() {
    const path = yield* Effect.promise(() => keyFileOf(directory))
    const header = yield* storage.header
    const isCurrent = header.version === version
    // Another format is reported as such, and not as a missing key.
    if (!header.isNew && !isCurrent) return storage
    const found = yield* readKey(path)
    if (isCurrent && found === undefined) {
      return yield* new StorageProblem({
        message:
          `its key ${path} is missing, and its records cannot be read without it; restore the key from a copy, or move ` +
          "the folder away to start with an empty one"
      })
    }
    const { decrypt, encrypt, name } = cipherOf(found ?? (yield* createKey(path)))
    const read = ([key, value]: Entry): Option.Option<Entry> => {
      if (isMeta(key)) return Option.some([key, value])
      try {
        return readPair(decrypt(key, value))
      } catch {
        return Option.none()
      }
    }
    const load: Storage["load"] = (add) =>
      Effect.suspend(() => {
        let damaged: string | undefined = undefined
        const decrypted = storage.load((entry) => {
          const found = read(entry)
          if (Option.isSome(found)) add(found.value)
          else damaged ??= entry[0].slice(0, Math.max(entry[0].indexOf("/"), 0))
        })
        return Effect.zipRight(
          decrypted,
          Effect.suspend(() =>
            damaged === undefined
              ? Effect.void
              : new StorageProblem({
                message: `a record of '${damaged}' is damaged, or is not encrypted with the key in ${path}: restore ` +
                  "both from copies of the same time"
              })
          )
        )
      })
    const encrypted = ({ key, value }: Change): Change => {
      if (isMeta(key)) return { key, value }
      const encryptedKey = name(key)
      const text = JSON.stringify([key, value])
      return { key: encryptedKey, value: value === undefined ? undefined : encrypt(encryptedKey, text) }
    }
    return {
      header: storage.header,
      load,
      commit: (changes) => storage.commit(changes.map(encrypted))
    }
  })
