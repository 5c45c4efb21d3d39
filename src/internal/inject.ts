import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"

/**
 * The argument of a function that wants a credential in its member `Into`.
 *
 * @internal
 */
export type Injected<Into extends string> = { readonly [K in Into]: Redacted.Redacted }

/**
 * The same argument without that member, which its caller may not pass.
 *
 * @internal
 */
export type Without<Args, Into extends string> = Omit<Args, Into> & { readonly [K in Into]?: never }

/**
 * A function of a record with a credential in it, made into one of the record without.
 *
 * @internal
 */
export type Inject<Into extends string, E2, R2> = <Args extends Injected<Into>, A, E, R>(
  f: (args: Args) => Effect.Effect<A, E, R>
) => (args: Without<Args, Into>) => Effect.Effect<A, E | E2, R | R2>

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
