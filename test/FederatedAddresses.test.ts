import { assert, describe, it } from "@effect/vitest"
import {
  type AddressPolicy,
  hostNotAllowed,
  isAddressAllowed,
  rejectReason
} from "../src/internal/oauth/addressPolicy.js"

const nothing: AddressPolicy = { hosts: [], loopbackOrigins: [] }
const named = (...loopbackOrigins: ReadonlyArray<string>): AddressPolicy => ({ hosts: [], loopbackOrigins })
const local = named("http://localhost")
const hosts = (...hosts: ReadonlyArray<string>): AddressPolicy => ({ hosts, loopbackOrigins: [] })

const urlOf = (address: string) => new URL(`https://${address.includes(":") ? `[${address}]` : address}/token`)

/** The URL guard and the resolved-address guard must agree. */
const isReached = (address: string) => {
  const byUrl = rejectReason(nothing, urlOf(address)) === undefined
  assert.strictEqual(isAddressAllowed(nothing, "idp.example", address), byUrl, address)
  return byUrl
}

describe("special-purpose networks", () => {
  const ones = (from: string) => `${from}${":ffff".repeat(8 - from.split(":").length)}`
  // A neighbour is undefined if the adjacent network is in the list too, or does not exist.
  const networks: ReadonlyArray<
    readonly [network: string, before: string | undefined, first: string, last: string, after: string | undefined]
  > = [
    ["0.0.0.0/8", undefined, "0.0.0.0", "0.255.255.255", "1.0.0.0"],
    ["10.0.0.0/8", "9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"],
    ["100.64.0.0/10", "100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"],
    ["127.0.0.0/8", "126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"],
    ["169.254.0.0/16", "169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"],
    ["172.16.0.0/12", "172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"],
    ["192.0.0.0/24", "191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"],
    ["192.0.2.0/24", "192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"],
    ["192.88.99.0/24", "192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0"],
    ["192.168.0.0/16", "192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"],
    ["198.18.0.0/15", "198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"],
    ["198.51.100.0/24", "198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0"],
    ["203.0.113.0/24", "203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0"],
    ["224.0.0.0/4", "223.255.255.255", "224.0.0.0", "239.255.255.255", undefined],
    ["240.0.0.0/4", undefined, "240.0.0.0", "255.255.255.255", undefined],
    ["::/128", undefined, "::", "::", undefined],
    ["::1/128", undefined, "::1", "::1", undefined],
    ["::ffff:0:0/96", undefined, "::ffff:0:0", "::ffff:ffff:ffff", undefined],
    ["64:ff9b::/96", undefined, "64:ff9b::", "64:ff9b::ffff:ffff", undefined],
    ["64:ff9b:1::/48", undefined, "64:ff9b:1::", ones("64:ff9b:1"), undefined],
    ["100::/64", undefined, "100::", ones("100:0:0:0"), undefined],
    ["everything below 2000::/3", undefined, "::", ones("1fff"), "2000::"],
    ["2001::/23", ones("2000"), "2001::", ones("2001:1ff"), "2001:200::"],
    ["2001::/32 (Teredo)", undefined, "2001::", ones("2001:0"), undefined],
    ["2001:2::/48 (benchmarking)", undefined, "2001:2::", ones("2001:2:0"), undefined],
    ["2001:10::/28 (ORCHID)", undefined, "2001:10::", ones("2001:1f"), undefined],
    ["2001:db8::/32", ones("2001:db7"), "2001:db8::", ones("2001:db8"), "2001:db9::"],
    ["2002::/16", ones("2001"), "2002::", ones("2002"), "2003::"],
    ["3fff::/20", ones("3ffe"), "3fff::", ones("3fff:fff"), "3fff:1000::"],
    ["5f00::/16", undefined, "5f00::", ones("5f00"), undefined],
    ["fc00::/7", undefined, "fc00::", ones("fdff"), undefined],
    ["fe80::/10", undefined, "fe80::", ones("febf"), undefined],
    ["ff00::/8", undefined, "ff00::", ones("ffff"), undefined],
    ["everything above 2000::/3", ones("3fff"), "4000::", ones("7fff"), undefined],
    ["the upper half of IPv6", undefined, "8000::", ones("ffff"), undefined]
  ]
  for (const [network, before, first, last, after] of networks) {
    it(`${network} is blocked from its first to its last address, and its neighbours are allowed`, () => {
      for (const address of [first, last]) assert.isFalse(isReached(address), address)
      for (const address of [before, after]) {
        if (address !== undefined) assert.isTrue(isReached(address), address)
      }
    })
  }

  it("are recognized in every notation of an address in a URL", () => {
    for (
      const host of ["2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "[::ffff:169.254.169.254]"]
    ) {
      assert.include(
        rejectReason(nothing, new URL(`https://${host}/`)),
        "has a private address and is not allowed",
        host
      )
    }
  })
})

describe("an internal address", () => {
  it("is allowed only through a URL host that is listed exactly", () => {
    for (const [host, other] of [["10.1.2.3", "10.1.2.4"], ["[fd00::1]", "[fd00::2]"]] as const) {
      assert.isUndefined(rejectReason(hosts(host), new URL(`https://${host}/`)))
      assert.isDefined(rejectReason(hosts(host), new URL(`https://${other}/`)))
      assert.isDefined(rejectReason(local, new URL(`https://${host}/`)))
    }
  })

  it("is an allowed resolution for allowed host names only", () => {
    for (const address of ["10.0.0.1", "127.0.0.1", "::1", "fd00::1"]) {
      assert.isTrue(isAddressAllowed(hosts("idp.corp.example"), "idp.corp.example", address), address)
      assert.isFalse(isAddressAllowed(hosts("idp.corp.example"), "other.corp.example", address), address)
    }
  })

  it("on loopback is an allowed resolution for loopback names only, if a loopback origin is allowed", () => {
    for (const address of ["127.0.0.0", "127.0.0.1", "127.255.255.255", "::1"]) {
      assert.isTrue(isAddressAllowed(local, "localhost", address), address)
      assert.isFalse(isAddressAllowed(nothing, "localhost", address), address)
      for (const name of ["rebound.example", "localhost.example", "evillocalhost", "localhost."]) {
        assert.isFalse(isAddressAllowed(local, name, address), `${name} ${address}`)
      }
    }
    for (const address of ["10.0.0.1", "0.0.0.0", "::", "::2", "fe80::1"]) {
      assert.isFalse(isAddressAllowed(local, "localhost", address), address)
    }
  })
})

describe("a URL", () => {
  const here = ["localhost", "localhost:9000", "127.0.0.1", "127.255.0.1:9000", "[::1]", "[::1]:9000"]

  it("on loopback is allowed by http and https, if its origin or its host is allowed", () => {
    for (const host of here) {
      for (const protocol of ["http", "https"]) {
        const url = new URL(`${protocol}://${host}/token`)
        assert.isUndefined(rejectReason(named("http://127.0.0.1:1", url.origin), url), url.href)
        assert.isUndefined(rejectReason(hosts(url.hostname), url), url.href)
        for (const policy of [nothing, hosts("idp.example")]) assert.isDefined(rejectReason(policy, url), url.href)
      }
    }
  })

  it("on loopback is rejected if only another port, scheme or spelling of this machine is named, with the remedy", () => {
    const policy = named("http://127.0.0.1:9000")
    for (
      const origin of ["http://127.0.0.1:9001", "http://127.0.0.1", "https://127.0.0.1:9000", "http://localhost:9000"]
    ) {
      assert.strictEqual(
        rejectReason(policy, new URL(`${origin}/token`)),
        `${origin} is on loopback, and the configuration of the provider does not name this origin: use the origin of ` +
          `the discovery URL for all endpoints, or allow ${new URL(origin).hostname} with --issuer-host HOST ` +
          "(in a program allowedHosts)"
      )
    }
  })

  it("that is not on loopback is allowed by https only, even if its host is allowed", () => {
    for (
      const host of ["idp.example", "93.184.216.34", "10.0.0.1", "localhost.example", "evillocalhost", "localhost."]
    ) {
      for (const allowed of [nothing, local, hosts(host)]) {
        const reason = rejectReason(allowed, new URL(`http://${host}/`))
        assert.strictEqual(reason, "the URL is not https: use https, or http on loopback", host)
      }
    }
    assert.isUndefined(rejectReason(nothing, new URL("https://idp.example/")))
    assert.isUndefined(rejectReason(local, new URL("https://93.184.216.34:8443/")))
  })

  it("with another protocol is rejected, even on loopback", () => {
    for (const url of ["ftp://localhost/", "ws://127.0.0.1/", "file:///etc/passwd", "data:,x", "ftp://idp.example/"]) {
      assert.strictEqual(rejectReason(local, new URL(url)), "the URL is not https: use https, or http on loopback", url)
    }
  })

  it("with a user name, a password or both is rejected", () => {
    for (const userInfo of ["me@", ":secret@", "me:secret@"]) {
      for (const origin of [`https://${userInfo}idp.example/`, `http://${userInfo}localhost/`]) {
        const reason = rejectReason(local, new URL(origin))
        assert.strictEqual(reason, "the URL contains a user name or password: remove it", origin)
      }
    }
  })
})

it("with a rejected host gives a reason that contains the host's name or label and both ways to allow it", () => {
  const how = "has a private address and is not allowed: " +
    "allow it with --issuer-host HOST (in a program allowedHosts)"
  assert.strictEqual(hostNotAllowed(nothing, "10.0.0.1"), `the host 10.0.0.1 ${how}`)
  assert.strictEqual(
    hostNotAllowed({ ...nothing, hostLabel: "the issuer's host" }, "10.0.0.1"),
    `the issuer's host ${how}`
  )
  assert.strictEqual(
    rejectReason({ ...nothing, hostLabel: "the issuer's host" }, new URL("https://10.0.0.1/")),
    `the issuer's host ${how}`
  )
})
