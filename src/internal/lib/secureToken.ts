/** Random bytes, unguessable tokens, and their comparison. */
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"

/**
 * Generates random bytes. They come from the platform, because Effect's `Random` is not a cryptographic generator: a test can
 * seed it, and the seed determines every value.
 */
export const randomBytes = (length: number): Uint8Array<ArrayBuffer> =>
  globalThis.crypto.getRandomValues(new Uint8Array(length))

/** Generates a token of 256 bits, as text for URLs and cookies. */
export const token: Effect.Effect<string> = Effect.sync(() => Encoding.encodeBase64Url(randomBytes(32)))

/** @internal */
export const isToken = (text: string): boolean => /^[\w-]{43}$/.test(text)

/** Compares in constant time: reads every character, wherever the first difference is. */
export const timingSafeEqual = (one: string, other: string): boolean => {
  let difference = one.length ^ other.length
  for (let index = 0; index < one.length; index++) {
    difference |= one.charCodeAt(index) ^ (other.charCodeAt(index) || 0)
  }
  return difference === 0
}
