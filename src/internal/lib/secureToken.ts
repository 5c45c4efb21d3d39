/** What nobody may guess. */
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"

/**
 * 256 bits, as text that fits into URLs and cookies. They come from the platform and not from Effect's `Random`, which
 * is no cryptographic generator, and which a test may seed: whoever knows the seed would know every token.
 *
 * @internal
 */
export const token: Effect.Effect<string> = Effect.sync(() =>
  Encoding.encodeBase64Url(globalThis.crypto.getRandomValues(new Uint8Array(32)))
)

/** @internal */
export const isToken = (text: string): boolean => /^[\w-]{43}$/.test(text)

/**
 * Looks at every character, wherever the first difference is.
 *
 * @internal
 */
export const timingSafeEqual = (one: string, other: string): boolean => {
  let difference = one.length ^ other.length
  for (let index = 0; index < one.length; index++) {
    difference |= one.charCodeAt(index) ^ (other.charCodeAt(index) || 0)
  }
  return difference === 0
}
