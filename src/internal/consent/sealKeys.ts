/** Keys of a seal in their text form. */
import * as Arr from "effect/Array"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Redacted from "effect/Redacted"
import type { Key } from "../../ConsentSeal.js"
import { randomBytes } from "../lib/secureToken.js"
import { trimTrailing } from "../lib/text.js"

/** @internal */
export interface KeyMaterial {
  readonly id: string
  readonly bytes: Redacted.Redacted<Uint8Array<ArrayBuffer>>
}

const keySize = 32

/** Limit of the number of keys: keys are replaced one at a time, and a million keys take seconds to parse. */
const maxKeys = 100

/**
 * Names a key in a message. A long id may be a key, because id and key were swapped or the id is missing; then its position
 * names it.
 */
const describeId = (id: string, index: number) => id.length < 22 ? `"${id}"` : `number ${index + 1}`

/** Decodes base64 or base64url, with or without padding. */
const decodeKey = (text: string) =>
  Encoding.decodeBase64Url(trimTrailing(text.trim().replaceAll("+", "-").replaceAll("/", "_"), "="))

/** Validates the keys and decodes them. The error message contains no key. */
export const validate = (
  keys: Arr.NonEmptyReadonlyArray<Key>
): Either.Either<Arr.NonEmptyReadonlyArray<KeyMaterial>, string> => {
  if (keys.length > maxKeys) {
    return Either.left(`expected at most ${maxKeys} keys: remove those that are no longer used`)
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

/** Parses `id:key,id:key`, the newest first. */
export const parse = (text: string): Arr.NonEmptyReadonlyArray<Key> => {
  const entries = text.split(",", maxKeys + 1)
  return Arr.map(Arr.isNonEmptyReadonlyArray(entries) ? entries : Arr.of(text), (entry): Key => {
    const colon = entry.indexOf(":")
    return { id: entry.slice(0, Math.max(colon, 0)).trim(), key: Redacted.make(entry.slice(colon + 1)) }
  })
}

/** Generates the bytes of a key. */
export const randomKey = (): Uint8Array<ArrayBuffer> => randomBytes(keySize)
