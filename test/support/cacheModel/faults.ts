// @effect-diagnostics anyUnknownInErrorContext:off
/** Faults that the model has to find. Each of them is a cache, a service or a program that is wrong in one way. */
import { Effect } from "effect"
import { type Fault, getToken } from "./program.js"

let calls = 0

export const faults: Record<string, Fault> = {
  "an invalidation that removes nothing": {
    controls: (controls) => ({ ...controls, invalidate: () => Effect.void })
  },
  "an invalidation of a grant that removes nothing": {
    controls: (controls) => ({ ...controls, invalidateGrant: () => Effect.void })
  },
  "a forced call that leaves the entry": {
    getToken: (cached, inner, options) => getToken(options.forceAuthentication === true ? inner : cached, options)
  },
  "a reauthentication that leaves the entry": {
    above: (cached, { reauthenticate }) => ({ ...cached, reauthenticate })
  },
  "a completion that leaves the entries of the user": {
    above: (cached, { completeResourceTokenAuth }) => ({ ...cached, completeResourceTokenAuth })
  },
  "a change of a provider that leaves its entries": {
    above: (cached, { deleteOauth2CredentialProvider, updateApiKeyCredentialProvider }) => ({
      ...cached,
      deleteOauth2CredentialProvider,
      updateApiKeyCredentialProvider
    })
  },
  "a key without the user": { statedUser: "one" },
  "a key without the scopes": {
    getToken: (cached, _, options) => getToken(cached, { ...options, scopes: ["b"] })
  },
  "a token that is used until its exp": { options: { skew: 0 } },
  "a token that is kept for too long": { options: { providers: { github: "1 hour", keys: "1 hour" } } },
  "more entries than the limit": { options: { maxEntries: 1000 } },
  "more bytes than the limit": { options: { maxBytes: 1_000_000 } },
  "calls of one grant that share no request": {
    getToken: (cached, _, options) => getToken(cached, { ...options, customParameters: { call: `${++calls}` } })
  },
  "a strategy that is made for each call": { remakesStrategies: true }
}
