/** The keys of a seal, as people write them. */
import * as Arr from "effect/Array"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Redacted from "effect/Redacted"
import type { Key } from "../../ConsentSeal.js"
import { trimTrailing } from "../lib/text.js"

/** @internal */
export interface KeyMaterial {
  readonly id: string
  readonly bytes: Redacted.Redacted<Uint8Array<ArrayBuffer>>
}

const keySize = 32

/** Keys are replaced one at a time: a longer list is a mistake, and one of a million keys takes seconds. */
const maxKeys = 100

/**
 * An id may stand in a message. One as long as a key may be a key: the two were written the wrong way round, or the id
 * was left out.
 */
const describeId = (id: string, index: number) => id.length < 22 ? `"${id}"` : `number ${index + 1}`

/** Base64 of either alphabet, with its padding or without. */
const decodeKey = (text: string) =>
  Encoding.decodeBase64Url(trimTrailing(text.trim().replaceAll("+", "-").replaceAll("/", "_"), "="))

/**
 * The keys as bytes, or what is wrong with them, in words that give none of them away.
 *
 * @internal
 */
export const validate = (
  keys: Arr.NonEmptyReadonlyArray<Key>
): Either.Either<Arr.NonEmptyReadonlyArray<KeyMaterial>, string> => {
  if (keys.length > maxKeys) {
    return Either.left(`expected at most ${maxKeys} keys: remove those that are not used any more`)
  }
  const seen = new Set<string>()
  return Either.all(Arr.map(keys, ({ id, key }, index): Either.Either<KeyMaterial, string> => {
    if (!/^[\w-]{1,64}$/.test(id)) {
      return Either.left(`key number ${index + 1} needs an id of 1 to 64 letters, digits, "_" and "-", as in id:key`)
    }
    if (seen.has(id)) {
      return Either.left(`two keys have the id ${describeId(id, index)}: give each key an id of its own`)
    }
    seen.add(id)
    const bytes = Either.getOrElse(decodeKey(Redacted.value(key)), () => new Uint8Array())
    return bytes.length === keySize
      ? Either.right({ id, bytes: Redacted.make(new Uint8Array(bytes)) })
      : Either.left(
        `key ${
          describeId(id, index)
        } is not ${keySize} bytes in base64: make one with "openssl rand -base64 ${keySize}"`
      )
  }))
}

/**
 * `id:key,id:key`, the newest first.
 *
 * @internal
 */
export const parse = (text: string): Arr.NonEmptyReadonlyArray<Key> => {
  const entries = text.split(",", maxKeys + 1)
  return Arr.map(Arr.isNonEmptyReadonlyArray(entries) ? entries : Arr.of(text), (entry): Key => {
    const colon = entry.indexOf(":")
    return { id: entry.slice(0, Math.max(colon, 0)).trim(), key: Redacted.make(entry.slice(colon + 1)) }
  })
}

/**
 * As many bytes that nobody can guess. They come from the platform and not from Effect's `Random`, which is no
 * cryptographic generator, and which a test may seed.
 *
 * @internal
 */
export const randomBytes = (length: number = keySize): Uint8Array<ArrayBuffer> =>
  globalThis.crypto.getRandomValues(new Uint8Array(length))
