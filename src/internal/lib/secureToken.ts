/** Unguessable tokens, and their comparison. */
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"

/**
 * Generates a token of 256 bits, as text for URLs and cookies. The bits come from the platform, because Effect's `Random` is
 * not a cryptographic generator: a test can seed it, and the seed determines every token.
 */
export const token: Effect.Effect<string> = Effect.sync(() =>
  Encoding.encodeBase64Url(globalThis.crypto.getRandomValues(new Uint8Array(32)))
)

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
