/** Strings that have the same `Hash.string` of Effect, as an attacker can make them. */

const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/"

/** The state of `Hash.string` after these characters, which it reads from the end. */
const step = (state: number, block: string) => {
  let hash = state
  for (let i = block.length; i > 0;) hash = (hash * 33) ^ block.charCodeAt(--i)
  return hash
}

/** Two blocks of three characters after which the state is the same. */
const pair = (state: number): readonly [string, string] => {
  const seen = new Map<number, string>()
  for (const a of alphabet) {
    for (const b of alphabet) {
      for (const c of alphabet) {
        const block = a + b + c
        const after = step(state, block)
        const other = seen.get(after)
        if (other !== undefined) return [other, block]
        seen.set(after, block)
      }
    }
  }
  throw new Error("no two blocks collide")
}

/** `2 ** levels` different strings of `3 * levels` characters with the same hash. */
export const colliding = (levels: number): ReadonlyArray<string> => {
  let state = 5381
  let found: ReadonlyArray<string> = [""]
  for (let level = 0; level < levels; level++) {
    const [one, other] = pair(state)
    state = step(state, one)
    // The hash reads from the end, so a block precedes those before it.
    found = found.flatMap((text) => [one + text, other + text])
  }
  return found
}

/** As many strings of the same length, with different hashes. */
export const distinct = (levels: number): ReadonlyArray<string> =>
  Array.from({ length: 2 ** levels }, (_, i) => i.toString(36).padStart(3 * levels, "x"))
