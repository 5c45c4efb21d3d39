import { assert, describe, it } from "@effect/vitest"
import { Redacted, Schema } from "effect"
import * as secrets from "../src/internal/aws/secrets.js"
import * as signed from "../src/internal/aws/signed.js"
import { assertEqual } from "./support/equality.js"

describe("the secrets of a request", () => {
  const deep = {
    plain: "plain value",
    secret: Redacted.make("first secret"),
    list: [Redacted.make("second"), { map: { key: Redacted.make("third") } }, "more"],
    short: Redacted.make("abc"),
    four: Redacted.make("abcd"),
    nested: Redacted.make({ not: "text" }),
    number: 5,
    none: undefined
  }

  it("are found at any depth if they have at least four characters", () => {
    assertEqual(secrets.ofRequest(deep), ["first secret", "second", "third", "abcd"])
    assertEqual(secrets.ofRequest(undefined), [])
  })

  it("are unwrapped in an unchecked request, and all other members are unchanged", () => {
    const given = { ...deep, twice: Redacted.make(Redacted.make("inner")), date: "d" }
    assertEqual(Schema.encodeUnknownSync(secrets.asGiven(Schema.Unknown))(given), {
      plain: "plain value",
      secret: "first secret",
      list: ["second", { map: { key: "third" } }, "more"],
      short: "abc",
      four: "abcd",
      nested: { not: "text" },
      number: 5,
      none: undefined,
      twice: "inner",
      date: "d"
    })
  })
})

describe("the credentials of a signed request", () => {
  const authorization = "AWS4-HMAC-SHA256 Credential=ACCESSKEY/20261122/x, SignedHeaders=host, Signature=0123456789"

  it("are found in every location", () => {
    const found = signed.ofRequest({
      headers: {
        Authorization: authorization,
        "X-Amz-Security-Token": "security-token",
        "x-amz-s3session-token": "s3session-token",
        host: "long-enough-host"
      },
      query: {
        "X-Amz-Security-Token": "query-token",
        "X-Amz-Credential": "query-credential",
        "X-Amz-Signature": "query-signature",
        other: "long-enough-other"
      },
      password: "password-of-the-address",
      path: "long-enough-path"
    })
    assertEqual(found, [
      authorization,
      "ACCESSKEY",
      "0123456789",
      "security-token",
      "s3session-token",
      "query-token",
      "query-credential",
      "query-signature",
      "password-of-the-address"
    ])
  })

  it("include the token of each token scheme", () => {
    for (const scheme of ["Bearer", "basic"]) {
      const value = `${scheme} token-of-it`
      assertEqual(signed.ofRequest({ headers: { authorization: value } }), [value, "token-of-it"])
    }
    assertEqual(signed.ofRequest({ headers: { authorization: "Bearer  token-of-it" } }), [
      "Bearer  token-of-it",
      "token-of-it"
    ])
    for (const value of ["Bearer a long value", "Digest token-of-it", "x Bearer token-of-it"]) {
      assertEqual(signed.ofRequest({ headers: { authorization: value } }), [value])
    }
  })

  it("are empty without a signature, and exclude values under eight characters", () => {
    const none = [undefined, null, {}, { headers: null, query: 5 }, { headers: { authorization: 5 } }]
    for (const request of none) assertEqual(signed.ofRequest(request), [])
    const token = (value: string) => signed.ofRequest({ headers: { "x-amz-security-token": value } })
    assertEqual(token("1234567"), [])
    assertEqual(token("12345678"), ["12345678"])
  })

  it("include each part of the identity of a call", () => {
    const identity = {
      accessKeyId: "accessKeyId",
      secretAccessKey: "secretAccessKey",
      sessionToken: "sessionToken",
      token: "bearer-token",
      apiKey: "the-api-key",
      other: "long-enough-other"
    }
    const context = { __smithy_context: { selectedHttpAuthScheme: { identity } } }
    assertEqual(signed.ofContext(context), Object.values(identity).slice(0, 5))
    assert.isTrue(signed.isIdentified(context))
    const none = [undefined, {}, { __smithy_context: {} }, { __smithy_context: { selectedHttpAuthScheme: {} } }]
    for (const context of none) {
      assertEqual(signed.ofContext(context), [])
      assert.isFalse(signed.isIdentified(context))
    }
  })

  const recognised: ReadonlyArray<readonly [text: string, expected: string]> = [
    ["x-amz-security-token:abc/+= next", "x-amz-security-token:<redacted> next"],
    ["X-Amz-S3Session-Token : abc", "X-Amz-S3Session-Token : <redacted>"],
    [`"x-amz-security-token":"abc"`, `"x-amz-security-token":"<redacted>"`],
    [String.raw`\"x-amz-security-token\": \"abc\/d\"`, String.raw`\"x-amz-security-token\": \"<redacted>\"`],
    ["'x-amz-security-token'='abc'", "'x-amz-security-token'='<redacted>'"],
    ["X-Amz-Security-Token=a%2Fb&next=1", "X-Amz-Security-Token=<redacted>&next=1"],
    ["X-Amz-Security-Token%3Da%2Fb", "X-Amz-Security-Token%3D<redacted>"],
    ["x-amz-security-token%3aabc", "x-amz-security-token%3a<redacted>"],
    ["Credential=local/1/x, Signature=ab", "Credential=<redacted>, Signature=<redacted>"],
    ["X-Amz-Credential=a%2Fb&X-Amz-Signature=ab", "X-Amz-Credential=<redacted>&X-Amz-Signature=<redacted>"],
    ["Credential%3Dabc", "Credential%3D<redacted>"],
    ["key AKIAIOSFODNN7EXAMPLE, ASIAIOSFODNN7EXAMPLE.", "key <redacted>, <redacted>."],
    ["AKIA12345678901", "AKIA12345678901"],
    ["xAKIAIOSFODNN7EXAMPLE", "xAKIAIOSFODNN7EXAMPLE"],
    ["AIDAIOSFODNN7EXAMPLE", "AIDAIOSFODNN7EXAMPLE"],
    ["'Credential' is missing", "'Credential' is missing"],
    ["x-amz-date: 20261122", "x-amz-date: 20261122"],
    ["the security token is invalid", "the security token is invalid"]
  ]
  for (const [text, expected] of recognised) {
    it(`are recognised only by their form: ${text}`, () => {
      assert.strictEqual(signed.withoutCredentials(text), expected)
      assert.strictEqual(signed.withoutCredentials(`${text}\n${text}`), `${expected}\n${expected}`)
    })
  }
})
