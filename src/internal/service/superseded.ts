/**
 * Lets a cache in front of a service state that a request in progress is superseded, so that no later call joins it. By the
 * object of the service, since its public type has no such method.
 */
const services = new WeakMap<object, (key: string) => void>()

/** @internal */
export const register = (service: object, supersede: (key: string) => void): void => {
  services.set(service, supersede)
}

/** Supersedes the request of this key at a service of this library. */
export const of = (service: object) => (key: string): void => services.get(service)?.(key)
