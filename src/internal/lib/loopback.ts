/** Loopback: this machine, reachable from this machine only. */
import * as Option from "effect/Option"
import { hostnameOf, parseUrl } from "./url.js"

/** Tests a host name as `URL.hostname` spells it: `localhost`, 127.0.0.0/8 and `[::1]` are loopback. */
export const isLoopback = (hostname: string): boolean => /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname)

/**
 * Tests an address to listen on or to connect to, in any spelling. An IPv4 loopback address in IPv6 form
 * (`::ffff:127.0.0.1`) is loopback too.
 */
export const isLoopbackAddress = (address: string): boolean => {
  const hostname = hostnameOf(address)
  return isLoopback(hostname) || /^\[::ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4}\]$/.test(hostname)
}

/** Tests a URL: http or https, on a loopback host. */
export const isLoopbackUrl = (url: string | undefined): boolean =>
  Option.exists(parseUrl(url), ({ hostname, protocol }) => /^https?:$/.test(protocol) && isLoopback(hostname))

/** Tests the transport of a URL: https, or http on a loopback host, which no other machine can read. */
export const isHttpsOrLoopback = ({ hostname, protocol }: URL): boolean =>
  protocol === "https:" || (protocol === "http:" && isLoopback(hostname))
