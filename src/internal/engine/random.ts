import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"

const from = (alphabet: string) => (length: number): Effect.Effect<string> =>
  Effect.map(
    Effect.replicateEffect(Random.nextIntBetween(0, alphabet.length), length),
    (positions) => positions.map((position) => alphabet.charAt(position)).join("")
  )

/** @internal */
export const base62 = from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

/** @internal */
export const hex = from("0123456789abcdef")

/**
 * A token that shows what it is.
 *
 * @internal
 */
export const simulated = (kind: string): Effect.Effect<Redacted.Redacted> =>
  Effect.map(base62(32), (value) => Redacted.make(`simulated-${kind}-${value}`))

/** @internal */
export const uuid: Effect.Effect<string> = Effect.map(
  hex(30),
  (digits) =>
    [
      digits.slice(0, 8),
      digits.slice(8, 12),
      `4${digits.slice(12, 15)}`,
      `a${digits.slice(15, 18)}`,
      digits.slice(18)
    ].join("-")
)
