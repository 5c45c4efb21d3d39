/** The scopes, resources and audiences of a token as request parameters (RFC 6749, RFC 8707). */
import * as Arr from "effect/Array"
import { type HashSet, size } from "effect/HashSet"
import * as Order from "effect/Order"
import type { Target } from "../emulator/state/state.js"

// Sorted, so that equal requests have equal parameters.
const sorted = (values: HashSet<string>) => Arr.sort(values, Order.string)

/** Creates the parameters for a target. RFC 8693 defines `audience`, and some vendors accept it in other requests too. */
export const targetParameters = (
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

/** Encodes a value for a form. */
export const formEncode = (text: string): string => new URLSearchParams({ "": text }).toString().slice(1)
