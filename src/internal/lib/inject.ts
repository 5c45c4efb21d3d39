import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { Inject } from "../../TokenOptions.js"

/** @internal */
export const inject = <const Into extends string, E2, R2>(
  into: Into,
  credential: Effect.Effect<Redacted.Redacted, E2, R2>
): Inject<Into, E2, R2> =>
(f) =>
(args) =>
  Effect.flatMap(credential, (value) =>
    // What was taken out of the record is put back: that the two make `Args` again is beyond the compiler.
    f({ ...args, [into]: value } as unknown as Parameters<typeof f>[0]))
