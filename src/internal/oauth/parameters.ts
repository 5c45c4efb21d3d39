/** What a token is for, in the parameters of RFC 6749 and RFC 8707. */
import * as Arr from "effect/Array"
import { type HashSet, size } from "effect/HashSet"
import * as Order from "effect/Order"
import type { Target } from "../emulator/state/state.js"

// The same request is the same text, whatever the order it was asked in.
const sorted = (values: HashSet<string>) => Arr.sort(values, Order.string)

/**
 * An audience is asked for by a parameter that RFC 8693 defines, and some vendors know it elsewhere.
 *
 * @internal
 */
export const targeted = (
  { audiences, resources, scopes }: Target,
  { scopeName = "scope", scopeSeparator = " " }: {
    readonly scopeName?: string | undefined
    readonly scopeSeparator?: string | undefined
  } = {}
): URLSearchParams => {
  const parameters = new URLSearchParams()
  if (size(scopes) > 0) parameters.set(scopeName, sorted(scopes).join(scopeSeparator))
  for (const resource of sorted(resources)) parameters.append("resource", resource)
  for (const audience of sorted(audiences)) parameters.append("audience", audience)
  return parameters
}

/**
 * A value as it is written in a form.
 *
 * @internal
 */
export const form = (text: string): string => new URLSearchParams({ "": text }).toString().slice(1)
