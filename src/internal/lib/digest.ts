import { sha256 } from "@noble/hashes/sha2.js"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Redacted from "effect/Redacted"

/** Computes the SHA-256 of a secret in hexadecimal, which identifies the secret and does not reveal it. */
export const digest = (secret: Redacted.Redacted): Effect.Effect<string> =>
  Effect.map(
    Effect.promise(() => globalThis.crypto.subtle.digest("SHA-256", new TextEncoder().encode(Redacted.value(secret)))),
    (hash) => Encoding.encodeHex(new Uint8Array(hash))
  )

/** The same digest, synchronous: for the key of a call, which is known before anything else happens. */
export const digestSync = (secret: Redacted.Redacted): string =>
  Encoding.encodeHex(sha256(new TextEncoder().encode(Redacted.value(secret))))
