/** The scopes, resources and audiences of a token as request parameters (RFC 6749, RFC 8707). */
import type { Target } from "../emulator/state/target.js"

/** Creates the parameters for a target, whose values are sorted, so that equal requests have equal parameters. RFC 8693 defines `audience`, and some vendors accept it in other requests too. */
export const targetParameters = (
  { audiences, resources, scopes }: Target,
  { scopeName = "scope", scopeSeparator = " " }: {
    readonly scopeName?: string | undefined
    readonly scopeSeparator?: string | undefined
  } = {}
): URLSearchParams => {
  const parameters = new URLSearchParams()
  if (scopes.length > 0) parameters.set(scopeName, scopes.join(scopeSeparator))
  for (const resource of resources) parameters.append("resource", resource)
  for (const audience of audiences) parameters.append("audience", audience)
  return parameters
}

/** Encodes a value for a form. */
export const formEncode = (text: string): string => new URLSearchParams({ "": text }).toString().slice(1)
