/** Hosts of this machine. */

/**
 * Whether a host name, as `URL.hostname` spells it, is `localhost` or a loopback address.
 *
 * @internal
 */
export const isLoopback = (hostname: string): boolean => /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname)
