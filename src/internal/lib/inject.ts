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
    // The compiler cannot prove that the rest of the record and the injected member are `Args`.
    f({ ...args, [into]: value } as unknown as Parameters<typeof f>[0]))
