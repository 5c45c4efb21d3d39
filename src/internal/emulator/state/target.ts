/** The scopes, resources and audiences of a token. */
import * as Arr from "effect/Array"
import * as Order from "effect/Order"

/** Sorted and without duplicates, because the order and the number of equal values in a request have no meaning. */
export interface Target {
  readonly scopes: ReadonlyArray<string>
  readonly resources: ReadonlyArray<string>
  readonly audiences: ReadonlyArray<string>
}

/** Sorts the values and removes duplicates. A native set, since its hash cannot be predicted: clients choose the values. */
export const canonical = (values: ReadonlyArray<string> = []): ReadonlyArray<string> =>
  values.length < 2 ? values : Arr.sort(new Set(values), Order.string)

/** @internal */
export const target = (request: {
  readonly scopes: ReadonlyArray<string>
  readonly resources?: ReadonlyArray<string> | undefined
  readonly audiences?: ReadonlyArray<string> | undefined
}): Target => ({
  scopes: canonical(request.scopes),
  resources: canonical(request.resources),
  audiences: canonical(request.audiences)
})

/** Checks that `all` has every one of `values`. */
export const isSubset = (values: ReadonlyArray<string>, all: ReadonlyArray<string>): boolean => {
  const known = new Set(all)
  return values.every((value) => known.has(value))
}

/** Compares two lists of `canonical`. */
export const isSame = (one: ReadonlyArray<string>, other: ReadonlyArray<string>): boolean =>
  one.length === other.length && one.every((value, index) => value === other[index])
