/** What a token is for, in the parameters of RFC 6749 and RFC 8707. */
import * as HashSet from "effect/HashSet"
import type { Target } from "../engine/state.js"

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
  if (HashSet.size(scopes) > 0) parameters.set(scopeName, HashSet.toValues(scopes).join(scopeSeparator))
  for (const resource of resources) parameters.append("resource", resource)
  for (const audience of audiences) parameters.append("audience", audience)
  return parameters
}
