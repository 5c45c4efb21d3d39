/** The addresses to which requests may be sent: public ones, and the loopback origins that the provider's configuration names. */
import { BlockList, isIP } from "node:net"
import { isHttpsOrLoopback, isLoopback, isLoopbackAddress } from "../lib/loopback.js"

// One list per family: in a common list, Node treats an IPv4 address and its IPv6 form as equal.
const privateNetworks = { ipv4: new BlockList(), ipv6: new BlockList() }

// The special-purpose addresses of IANA (RFC 6890) that are not globally reachable.
for (
  const [net, prefix] of [
    ["0.0.0.0", 8],
    ["10.0.0.0", 8],
    ["100.64.0.0", 10],
    ["127.0.0.0", 8],
    ["169.254.0.0", 16],
    ["172.16.0.0", 12],
    ["192.0.0.0", 24],
    ["192.0.2.0", 24],
    ["192.88.99.0", 24],
    ["192.168.0.0", 16],
    ["198.18.0.0", 15],
    ["198.51.100.0", 24],
    ["203.0.113.0", 24],
    ["224.0.0.0", 3]
  ] as const
) privateNetworks.ipv4.addSubnet(net, prefix, "ipv4")

// Only 2000::/3 of IPv6 is globally reachable, except for networks for protocols (such as Teredo, benchmarking and ORCHID),
// for documentation, and for 6to4. Teredo and 6to4 addresses contain IPv4 addresses.
for (
  const [net, prefix] of [
    ["::", 3],
    ["2001::", 23],
    ["2001:db8::", 32],
    ["2002::", 16],
    ["3fff::", 20],
    ["4000::", 2],
    ["8000::", 1]
  ] as const
) privateNetworks.ipv6.addSubnet(net, prefix, "ipv6")

const familyOf = (address: string) => isIP(address) === 6 ? "ipv6" : "ipv4"

const isPrivate = (address: string) => privateNetworks[familyOf(address)].check(address, familyOf(address))

/** @internal */
export interface AddressPolicy {
  /** Hosts that may have a private address, spelled like `URL.hostname`. */
  readonly hosts: ReadonlyArray<string>
  /** Allowed origins on loopback. */
  readonly loopbackOrigins: ReadonlyArray<string>
  /** The description of a host that messages must not quote, because it comes from a token. */
  readonly hostLabel?: string | undefined
}

/** The error for a loopback origin that the configuration does not name. Another port is another service. */
const originNotNamed = ({ hostname, origin }: URL): string =>
  `${origin} is on loopback, and the configuration of the provider does not name this origin: use the origin of the ` +
  `discovery URL for all endpoints, or allow ${hostname} with --issuer-host HOST (in a program allowedHosts)`

/** The error for a host with a private address. */
export const hostNotAllowed = ({ hostLabel }: AddressPolicy, hostname: string): string =>
  `${hostLabel ?? `the host ${hostname}`} has a private address and is not allowed: ` +
  "allow it with --issuer-host HOST (in a program allowedHosts)"

/** Tests whether a host may have this address. */
export const isAddressAllowed = (
  { hosts, loopbackOrigins }: AddressPolicy,
  hostname: string,
  address: string
): boolean =>
  hosts.includes(hostname) || !isPrivate(address) ||
  (loopbackOrigins.length > 0 && isLoopback(hostname) && isLoopbackAddress(address))

const withoutBrackets = (hostname: string) => hostname.replace(/^\[(.*)\]$/, "$1")

/** The reason to reject a URL, before its host name is resolved. The lookup checks the resolved addresses. */
export const rejectReason = (policy: AddressPolicy, url: URL): string | undefined => {
  const { hostname, origin, password, username } = url
  if (username !== "" || password !== "") return "the URL contains a user name or password: remove it"
  if (!isHttpsOrLoopback(url)) return "the URL is not https: use https, or http on loopback"
  if (isLoopback(hostname)) {
    return policy.loopbackOrigins.includes(origin) || policy.hosts.includes(hostname)
      ? undefined
      : policy.hostLabel === undefined
      ? originNotNamed(url)
      : hostNotAllowed(policy, hostname)
  }
  const address = withoutBrackets(hostname)
  return isIP(address) === 0 || isAddressAllowed(policy, hostname, address)
    ? undefined
    : hostNotAllowed(policy, hostname)
}
