/** Which addresses are asked: those of the internet, and of this machine where the configuration itself names it. */
import { BlockList, isIP } from "node:net"
import { isHttpsOrLoopback, isLoopback, isLoopbackAddress } from "../lib/loopback.js"

// One list a family: in a common one Node takes an IPv4 address for the IPv6 address that stands for it.
const inside = { ipv4: new BlockList(), ipv6: new BlockList() }

// What IANA's registries of special-purpose addresses (RFC 6890) say is not on the internet.
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
) inside.ipv4.addSubnet(net, prefix, "ipv4")

// Of IPv6 only 2000::/3 is the internet. The networks within it are for protocols (Teredo, benchmarking and ORCHID among
// them), for documentation, and for 6to4. Teredo and 6to4 addresses contain IPv4 addresses.
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
) inside.ipv6.addSubnet(net, prefix, "ipv6")

const familyOf = (address: string) => isIP(address) === 6 ? "ipv6" : "ipv4"

const isInside = (address: string) => inside[familyOf(address)].check(address, familyOf(address))

/** @internal */
export interface AddressPolicy {
  /** Hosts that may be inside, as they stand in a URL. */
  readonly hosts: ReadonlyArray<string>
  /** Whether this machine may be asked: the provider's own configuration has to say so. */
  readonly loopback: boolean
  /** How messages refer to a host whose name they must not quote, because it comes from a token. */
  readonly hostLabel?: string | undefined
}

/**
 * Why a host is not asked, and how to allow it.
 *
 * @internal
 */
export const hostNotAllowed = ({ hostLabel }: AddressPolicy, hostname: string): string =>
  `${hostLabel ?? `the host ${hostname}`} is inside this machine's network, and not allowed by name: ` +
  "allow it with --issuer-host HOST (in a program allowedHosts)"

/**
 * Whether a host of this name may have this address.
 *
 * @internal
 */
export const isAddressAllowed = ({ hosts, loopback }: AddressPolicy, hostname: string, address: string): boolean =>
  hosts.includes(hostname) || !isInside(address) || (loopback && isLoopback(hostname) && isLoopbackAddress(address))

const bare = (hostname: string) => hostname.replace(/^\[(.*)\]$/, "$1")

/**
 * Why a URL is not asked, if it is not. What its host's name stands for is seen when it is looked up.
 *
 * @internal
 */
export const rejectReason = (allowed: AddressPolicy, url: URL): string | undefined => {
  const { hostname, password, username } = url
  if (username !== "" || password !== "") return "a URL with a user name or password is not asked"
  if (!isHttpsOrLoopback(url)) return "only https is asked, unless on this machine"
  const isHere = isLoopback(hostname)
  const address = bare(hostname)
  if (isHere ? allowed.loopback || allowed.hosts.includes(hostname) : isIP(address) === 0) return undefined
  return !isHere && isAddressAllowed(allowed, hostname, address)
    ? undefined
    : hostNotAllowed(allowed, hostname)
}
