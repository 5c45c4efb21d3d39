/**
 * Lets a cache in front of a service state that a request in progress is superseded, so that no later call joins it. The public type
 * of a service has no such method, so a property with a symbol has it: a copy of the service, `{ ...service, getToken }`, has it too.
 */
import * as Predicate from "effect/Predicate"

const key = Symbol("effect-agentcore-identity/supersede")

/** @internal */
export const register = (service: object, supersede: (key: string) => void): void => {
  Object.defineProperty(service, key, { value: supersede, enumerable: true })
}

/** Supersedes the request of this key at a service of this library. */
export const of = (service: object): (key: string) => void => {
  const supersede = Predicate.hasProperty(service, key) ? service[key] : undefined
  return (request) => {
    if (Predicate.isFunction(supersede)) supersede(request)
  }
}
