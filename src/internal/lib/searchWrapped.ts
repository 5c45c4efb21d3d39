/** Searches a value that a framework caught or wrapped. */
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Either from "effect/Either"
import * as Iterable from "effect/Iterable"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Runtime from "effect/Runtime"

/** The values that are searched at most, so that an unusual value costs little. */
const maxSearched = 1000

const firstOf = (values: Iterable<unknown>): ReadonlyArray<unknown> => Array.from(Iterable.take(values, maxSearched))

const wrapped = (value: object): ReadonlyArray<unknown> => [
  ...(Cause.isCause(value) ? firstOf(Chunk.appendAll(Cause.failures(value), Cause.defects(value))) : []),
  ...(Runtime.isFiberFailure(value) ? [value[Runtime.FiberFailureCauseId]] : []),
  ...["cause", "error", "errors", "reason", "inner", "originalError"].flatMap((key) => {
    const inner: unknown = Predicate.hasProperty(value, key) ? value[key] : undefined
    return Array.isArray(inner) ? firstOf(inner) : inner === undefined ? [] : [inner]
  })
]

/** A value may have getters, or be a proxy, that throw. */
const inspected = <A>(inspect: () => A, otherwise: A): A => Either.getOrElse(Either.try(inspect), () => otherwise)

/** Finds the first value, with the fewest wrappers, that `recognise` accepts. Never throws. */
export const searchWrapped = <A>(
  value: unknown,
  recognise: (value: object) => Option.Option<A>
): Option.Option<A> => {
  const seen = new Set<unknown>()
  const queue = [value]
  for (let index = 0; index < Math.min(queue.length, maxSearched); index++) {
    const next = queue[index]
    if (!Predicate.isObject(next) || seen.has(next)) continue
    seen.add(next)
    const found = inspected(() => recognise(next), Option.none())
    if (Option.isSome(found)) return found
    if (queue.length < maxSearched) queue.push(...inspected(() => wrapped(next), []))
  }
  return Option.none()
}
