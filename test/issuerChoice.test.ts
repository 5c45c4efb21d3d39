import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import { expectedText, fromText, toText } from "../src/internal/model/issuerChoice.js"
import { assertEqual } from "./support/equality.js"

const openId = "/.well-known/openid-configuration"
const oauth = "/.well-known/oauth-authorization-server"

describe("a choice of issuer", () => {
  for (const word of ["simulated", "federated"] as const) {
    it(`accepts the keyword ${word}`, () => {
      assertEqual(fromText(word), Option.some(word))
      assert.strictEqual(toText(word), word)
    })
  }

  const urls = [
    `https://idp.example${openId}`,
    `https://idp.example${oauth}`,
    `https://idp.example/tenant${openId}`,
    `https://idp.example${oauth}/tenant`,
    `https://10.0.0.7${openId}`,
    `http://localhost:9000${openId}`,
    `http://127.0.0.1:9000${openId}`,
    `http://[::1]:9000${openId}`,
    `https://localhost${openId}`
  ]
  for (const url of urls) {
    it(`accepts the discovery URL ${url}`, () => {
      assertEqual(fromText(url), Option.some({ discoveryUrl: url }))
      assert.strictEqual(toText({ discoveryUrl: url }), url)
    })
  }

  const others = [
    "",
    "Simulated",
    "real",
    "idp.example",
    `idp.example${openId}`,
    "https://idp.example",
    `http://idp.example${openId}`,
    `http://10.0.0.7${openId}`,
    `http://localhost.example${openId}`,
    `ftp://localhost${openId}`,
    `file://localhost${openId}`,
    `https://idp.example${openId}?a=1`,
    `https://idp.example${openId}#a`,
    `https://idp.example/a${oauth}/b`,
    `https://${openId}`,
    openId
  ]
  for (const text of others) {
    it(`rejects "${text}"`, () => assertEqual(fromText(text), Option.none()))
  }

  it("has a description with both keywords and every part of a discovery URL", () => {
    assert.strictEqual(
      expectedText,
      "simulated, federated, or a URL (https unless on loopback, without ? and #) that ends in "
        + "/.well-known/openid-configuration or /.well-known/oauth-authorization-server, or has one of these between its "
        + "host and its path"
    )
  })
})
