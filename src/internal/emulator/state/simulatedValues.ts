import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/** The characters of one random number. With more, some texts would be noticeably more frequent than others. */
const blockLength = 5

const randomBlock = Random.nextIntBetween(0, alphabet.length ** blockLength)

const toText = (blocks: ReadonlyArray<number>, length: number): string => {
  let text = ""
  for (const block of blocks) {
    let rest = block
    for (let i = 0; i < blockLength && text.length < length; i++) {
      text += alphabet.charAt(rest % alphabet.length)
      rest = Math.floor(rest / alphabet.length)
    }
  }
  return text
}

/** A random text. Draws few random numbers, since each is an effect. */
export const base62 = (length: number): Effect.Effect<string> =>
  Effect.map(
    Effect.replicateEffect(randomBlock, Math.ceil(length / blockLength)),
    (blocks) => toText(blocks, length)
  )

/** A random token whose prefix names its kind. */
export const simulated = (kind: string): Effect.Effect<Redacted.Redacted> =>
  Effect.map(base62(32), (value) => Redacted.make(`simulated-${kind}-${value}`))
