import { assert, describe, it } from "@effect/vitest"
import { isLocalHost } from "../src/internal/binding/urls.js"
import { isHttpsOrLoopback, isLoopbackAddress, isLoopbackUrl } from "../src/internal/lib/loopback.js"
import { hostnameOf } from "../src/internal/lib/url.js"

describe("the address of this machine", () => {
  const local = ["localhost", "[::1]", "127.0.0.1", "127.255.255.254", "127.1", "[0:0:0:0:0:0:0:1]", "LOCALHOST"]

  const foreign = [
    "evillocalhost",
    "localhostevil",
    "localhost.evil.example",
    "evil.example",
    "127.0.0.1.evil.example",
    "evil127.0.0.1",
    "128.0.0.1",
    "0.0.0.0",
    "10.0.0.1",
    "[::2]",
    "[::127.0.0.1]",
    "x.localhost"
  ]

  it("is known by its names and its addresses, over http and https, on any port", () => {
    for (const host of local) {
      for (const url of [`http://${host}`, `https://${host}/path?a#b`, `http://${host}:4599`]) {
        assert.isTrue(isLoopbackUrl(url), url)
      }
      assert.isTrue(isLocalHost(host), host)
      assert.isTrue(isLocalHost(`${host}:8081`), host)
    }
    for (const scheme of ["ftp", "ws", "wss", "file", "xhttp", "httpx"]) {
      assert.isFalse(isLoopbackUrl(`${scheme}://localhost/`), scheme)
    }
  })

  it("is not a name that only looks like it", () => {
    for (const host of foreign) {
      assert.isFalse(isLoopbackUrl(`http://${host}`), host)
      assert.isFalse(isLocalHost(host), host)
    }
    for (const host of ["", "a@localhost", "localhost/x", "localhost?x", "localhost#x", "localhost\\x", " "]) {
      assert.isFalse(isLocalHost(host), host)
    }
    for (const url of ["", "localhost", "//localhost", "http://"]) assert.isFalse(isLoopbackUrl(url), url)
  })
})

it("an address to listen on is loopback in each of its spellings", () => {
  const loopback = ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "127.1", "::1", "[::1]", "0:0:0:0:0:0:0:1"]
  for (const address of [...loopback, "::ffff:127.0.0.1", "[::FFFF:7f00:1]", "0:0:0:0:0:ffff:127.0.0.1"]) {
    assert.isTrue(isLoopbackAddress(address), address)
  }
  for (const address of ["", "0.0.0.0", "::", "::2", "::ffff:10.0.0.1", "::ffff:128.0.0.1", "10.0.0.1", "app.test"]) {
    assert.isFalse(isLoopbackAddress(address), address)
  }
})

it("https is allowed for every host, and http for a loopback host only", () => {
  for (const url of ["https://app.test", "https://127.0.0.1", "http://localhost:80", "http://[::1]/x"]) {
    assert.isTrue(isHttpsOrLoopback(new URL(url)), url)
  }
  for (const url of ["http://app.test", "ftp://localhost", "ws://localhost", "http://localhost.app.test"]) {
    assert.isFalse(isHttpsOrLoopback(new URL(url)), url)
  }
})

it("a host name has the spelling of URL.hostname", () => {
  assert.strictEqual(hostnameOf("Identity.TEST"), "identity.test")
  assert.strictEqual(hostnameOf("2001:DB8:0::1"), "[2001:db8::1]")
  assert.strictEqual(hostnameOf("[2001:db8::1]"), "[2001:db8::1]")
  assert.strictEqual(hostnameOf("fe80::1%eth0"), "[fe80::1]")
  assert.strictEqual(hostnameOf("A B"), "a b")
})
