import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { isDiscoveryUrl, issuersOf, oauthUrl, openIdUrl, pattern } from "../src/internal/model/discoveryUrl.js"
import { assertEqual } from "./support/equality.js"

const openId = "/.well-known/openid-configuration"
const oauth = "/.well-known/oauth-authorization-server"

describe("a discovery URL", () => {
  const cases: ReadonlyArray<readonly [url: string, issuer: string | undefined]> = [
    [`https://idp.example${openId}`, "https://idp.example"],
    [`https://idp.example${oauth}`, "https://idp.example"],
    [`https://idp.example${oauth}/`, "https://idp.example"],
    [`https://idp.example/tenant1${openId}`, "https://idp.example/tenant1"],
    [`https://idp.example/tenant1${oauth}`, "https://idp.example/tenant1"],
    [`https://idp.example/tenant1${oauth}/`, "https://idp.example/tenant1"],
    [`https://idp.example${oauth}/tenant1`, "https://idp.example/tenant1"],
    [`https://idp.example${oauth}/tenant1/`, "https://idp.example/tenant1"],
    [`https://idp.example${openId}/`, "https://idp.example"],
    [`https://idp.example/${openId}`, "https://idp.example"],
    [`https://idp.example//${openId}`, "https://idp.example/"],
    [`https://idp.example/${openId}/a`, "https://idp.example/a"],
    [`https://idp.example/a/${openId}`, "https://idp.example/a"],
    [`https://idp.example${openId}//`, "https://idp.example/"],
    [`https://idp.example${openId}/a//`, "https://idp.example/a/"],
    [`https://idp.example${openId}/a/b`, "https://idp.example/a/b"],
    [`https://idp.example:8443${oauth}/a`, "https://idp.example:8443/a"],
    // A well-known segment inside the path of an issuer.
    [`https://idp.example${oauth}${openId}`, `https://idp.example${openId}`],
    [`https://idp.example/a${oauth}/b`, undefined],
    [`https://idp.example/a${oauth}/b/`, undefined],
    [`https://idp.example/a/${oauth}/b`, undefined],
    [`idp.example${oauth}/b`, undefined],
    [`https://idp.example${oauth}b/c`, undefined],
    [`https://idp.example/.well-known/other`, undefined],
    [`https://idp.example/xwell-known/openid-configuration`, undefined],
    [`/${oauth}`, undefined],
    [`https://idp.example${oauth}x`, undefined],
    ["https://idp.example", undefined],
    [oauth, undefined],
    [`https://idp.example${oauth}?tenant=1`, undefined],
    [`https://idp.example/?a${oauth}`, undefined],
    [`https://idp.example${oauth}#a`, undefined],
    [`https://idp.example${oauth}/a b`, undefined]
  ]
  for (const [url, issuer] of cases) {
    it(`${url} belongs to ${issuer ?? "no issuer"}`, () =>
      assertEqual(issuersOf(url), issuer === undefined ? [] : [issuer, `${issuer}/`]))
  }

  it("is recognized exactly if it matches the pattern", () => {
    const anchored = new RegExp(`^(?:${pattern.source})$`)
    const piece = FastCheck.constantFrom(openId, oauth, "https://a", "/", "?", "#", " ", "\n", "x", ".well-known")
    FastCheck.assert(FastCheck.property(FastCheck.array(piece, { maxLength: 6 }), (pieces) => {
      const url = pieces.join("")
      assert.strictEqual(isDiscoveryUrl(url), anchored.test(url), JSON.stringify(url))
    }))
  })

  it("of a megabyte is accepted or rejected without delay", () => {
    const long = "https://a" + openId.repeat(32_000)
    for (const url of [`${long}?`, `${long}x`, `https://a${"/".repeat(1_000_000)}`]) {
      const start = performance.now()
      isDiscoveryUrl(url)
      issuersOf(url)
      assert.isBelow(performance.now() - start, 1000)
    }
  })
})

it("the well-known segment follows the issuer's path in OpenID Connect, and precedes it in RFC 8414", () => {
  for (
    const [issuer, openIdConnect, rfc8414] of [
      ["https://idp.example", `https://idp.example${openId}`, `https://idp.example${oauth}`],
      ["https://idp.example/", `https://idp.example${openId}`, `https://idp.example${oauth}`],
      ["https://idp.example/a/b", `https://idp.example/a/b${openId}`, `https://idp.example${oauth}/a/b`],
      ["https://idp.example///", `https://idp.example${openId}`, `https://idp.example${oauth}`],
      ["https://idp.example:8443/a//", `https://idp.example:8443/a${openId}`, `https://idp.example:8443${oauth}/a`],
      ["https://idp.example/a/", `https://idp.example/a${openId}`, `https://idp.example${oauth}/a`]
    ] as const
  ) {
    assert.strictEqual(openIdUrl(issuer), openIdConnect)
    assert.strictEqual(oauthUrl(issuer), rfc8414)
  }
})
