import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/** @internal */
export const base62 = (length: number): Effect.Effect<string> =>
  Effect.map(
    Effect.replicateEffect(Random.nextIntBetween(0, alphabet.length), length),
    (indexes) => indexes.map((index) => alphabet.charAt(index)).join("")
  )

/** A random token whose prefix names its kind. */
export const simulated = (kind: string): Effect.Effect<Redacted.Redacted> =>
  Effect.map(base62(32), (value) => Redacted.make(`simulated-${kind}-${value}`))
