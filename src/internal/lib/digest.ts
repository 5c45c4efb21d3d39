import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Redacted from "effect/Redacted"

/**
 * The SHA-256 of a secret, in hexadecimal: a name for it that does not reveal it.
 *
 * @internal
 */
export const digest = (secret: Redacted.Redacted): Effect.Effect<string> =>
  Effect.map(
    Effect.promise(() => globalThis.crypto.subtle.digest("SHA-256", new TextEncoder().encode(Redacted.value(secret)))),
    (hash) => Encoding.encodeHex(new Uint8Array(hash))
  )
