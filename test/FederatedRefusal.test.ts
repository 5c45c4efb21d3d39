import { assert, describe, it } from "@effect/vitest"
import * as Target from "../src/internal/emulator/state/target.js"
import { formEncode, targetParameters } from "../src/internal/oauth/parameters.js"
import { malformed, misconfigured, requestFailed, sanitize } from "../src/internal/oauth/providerError.js"
import { assertContains, assertEqual } from "./support/equality.js"

describe("text from a server", () => {
  it("that is empty or not a string is omitted", () => {
    for (const text of [undefined, null, "", 7, true, {}, ["text"]]) assert.isUndefined(sanitize(text, []))
  })

  it("is unchanged if it contains no secrets", () => {
    for (
      const text of ["bad request", "é😀", "a&amp;b", "100%", "a+b", "%zz", "&unknown;", "&#x110000;", "\\q", "%E9"]
    ) {
      assert.strictEqual(sanitize(text, []), text)
      assert.strictEqual(sanitize(text, ["the secret"]), text)
    }
  })

  it("of 300 characters is kept, and longer text is truncated", () => {
    assert.strictEqual(sanitize("x".repeat(300), []), "x".repeat(300))
    assert.strictEqual(sanitize("x".repeat(301), []), `${"x".repeat(300)}…`)
  })

  it("has spaces in place of control, format and separator characters, and is trimmed", () => {
    for (
      const odd of [
        "\n",
        "\r\n",
        "\u0000",
        "\u001b",
        "\u007f",
        "\u0085",
        "\u200b",
        "\u202e",
        "\ufeff",
        "\u2028",
        "\u2029"
      ]
    ) {
      assert.strictEqual(sanitize(`${odd} a${odd}${odd}b ${odd}`, []), "a b", JSON.stringify(odd))
    }
    assert.strictEqual(sanitize("a  b", []), "a  b")
  })

  const secret = "s:e/c r+e\"%t"

  const replaced: ReadonlyArray<readonly [how: string, spelling: string]> = [
    ["as plain text", secret],
    ["in form encoding", "s%3Ae%2Fc+r%2Be%22%25t"],
    ["in URL encoding", "s%3Ae%2Fc%20r%2Be%22%25t"],
    ["in JSON encoding", "s:e/c r+e\\\"%t"],
    ["in a form in lower case", "s%3ae%2fc+r%2be%22%25t"],
    ["in JSON with an escaped slash", "s:e\\/c r+e\\\"%t"],
    ["in HTML with names", "s:e/c r+e&quot;%t"],
    ["in HTML with decimal numbers", "s&#58;e/c r+e&#34;%t"],
    ["in HTML with hexadecimal numbers", "s&#x3a;e&#x2F;c r+e\"%t"]
  ]
  for (const [how, spelling] of replaced) {
    it(`has "<redacted>" in place of each secret ${how}, and keeps the rest`, () => {
      assert.strictEqual(sanitize(`a ${spelling} b ${spelling}`, ["other", secret]), "a <redacted> b <redacted>")
    })
  }

  const hidden: ReadonlyArray<readonly [how: string, spelling: string]> = [
    ["a form with unnecessary escapes", "%73%3A%65%2F%63+%72%2B%65%22%25%74"],
    ["JSON with an escaped letter", "\\u0073:e/c r+e\\u0022%t"],
    ["JSON of HTML", "s\\u0026#58;e/c r+e\\u0026quot;%t"],
    ["HTML of a form", "s&#37;3Ae%2Fc+r%2Be%22%25t"]
  ]
  for (const [how, spelling] of hidden) {
    it(`is omitted if it contains a secret in ${how}`, () => {
      assert.strictEqual(sanitize(`a ${spelling} b`, [secret]), "<redacted>")
    })
  }

  it("has \"<redacted>\" for a secret with &, ', <, > or \" in HTML", () => {
    for (
      const [character, name] of [["&", "amp"], ["'", "apos"], ["<", "lt"], [">", "gt"], ["\"", "quot"]] as const
    ) {
      assert.strictEqual(sanitize(`a se${character}cret b`, [`se${character}cret`]), "a <redacted> b")
      assert.strictEqual(sanitize(`a se&${name};cret b`, [`se${character}cret`]), "a <redacted> b", name)
    }
  })

  it("is omitted if it contains a secret with the last Unicode character in HTML", () => {
    assert.strictEqual(sanitize("se&#1114111;cret", ["se\u{10FFFF}cret"]), "<redacted>")
    assert.strictEqual(sanitize("se&#x10ffff;cret", ["se\u{10FFFF}cret"]), "<redacted>")
  })

  it("keeps secrets of fewer than four characters, because they match too much text", () => {
    assert.strictEqual(sanitize("abc", ["abc"]), "abc")
    assert.strictEqual(sanitize("abcd", ["abcd"]), "<redacted>")
    assert.strictEqual(sanitize("a%62c &#97;bc", ["abc", ""]), "a%62c &#97;bc")
    assert.strictEqual(sanitize("a%62cd", ["abcd"]), "<redacted>")
  })

  it("has one mark for a secret that contains another secret, in either order", () => {
    for (const secrets of [["secret", "a secret text"], ["a secret text", "secret"]]) {
      assert.strictEqual(sanitize("no a secret text, and no secret", secrets), "no <redacted>, and no <redacted>")
    }
  })

  it("is redacted before it is truncated", () => {
    assert.strictEqual(sanitize(`${"x".repeat(298)}secret`, ["secret"]), `${"x".repeat(298)}<r…`)
  })
})

describe("a refusal", () => {
  it("has the step, the reason, the status and the description", () => {
    assertContains(requestFailed("refresh")({ reason: "TooLarge", status: 418, description: "why" }), {
      _tag: "ProviderError",
      step: "refresh",
      reason: "TooLarge",
      status: 418,
      description: "why"
    })
    assertContains(malformed("token", "why", 200), {
      step: "token",
      reason: "Malformed",
      status: 200,
      description: "why"
    })
    assertContains(misconfigured("exchange", "why"), { step: "exchange", reason: "Misconfigured", description: "why" })
  })
})

describe("the scope, resource and audience parameters", () => {
  const target = Target.target({ scopes: ["b", "a"], resources: ["urn:b", "urn:a"], audiences: ["d", "c"] })

  it("contain all scopes in one parameter, and one parameter for each resource and audience, in order", () => {
    assertEqual([...targetParameters(target)], [
      ["scope", "a b"],
      ["resource", "urn:a"],
      ["resource", "urn:b"],
      ["audience", "c"],
      ["audience", "d"]
    ])
  })

  it("use the given scope parameter name and separator", () => {
    assertEqual(targetParameters(target, { scopeName: "user_scope", scopeSeparator: "," }).get("user_scope"), "a,b")
    assertEqual(targetParameters(target, { scopeName: undefined, scopeSeparator: undefined }).get("scope"), "a b")
  })

  it("are empty without values, and contain no empty scope", () => {
    assertEqual([...targetParameters(Target.target({ scopes: [] }))], [])
  })
})

it("a long text is read in part, and kept only if the cut cannot split a secret", () => {
  const secret = "s3cr/et"
  assert.strictEqual(sanitize("%41".repeat(349_525), [secret]), `${"%41".repeat(100)}…`)
  assert.strictEqual(sanitize(`${secret} `.repeat(200_000), ["x".repeat(16_384)]), "<redacted>")
  assert.notInclude(sanitize(`${secret}`.repeat(200_000), [secret]), "s3c")
})

it("a long text is unescaped once, regardless of the number of secrets", () => {
  const text = "%41".repeat(349_525)
  const secrets = Array.from({ length: 2000 }, (_, index) => `secret number ${index}`)
  const start = process.cpuUsage()
  sanitize(text, secrets.slice(0, 2))
  const two = process.cpuUsage(start).user
  const again = process.cpuUsage()
  sanitize(text, secrets)
  assert.isBelow(process.cpuUsage(again).user, 300 * Math.max(two, 2000))
})

it("a value in a form is escaped as application/x-www-form-urlencoded", () => {
  assert.strictEqual(formEncode(""), "")
  assert.strictEqual(formEncode("s:e/c r+e%t=&é-._~*"), "s%3Ae%2Fc+r%2Be%25t%3D%26%C3%A9-._%7E*")
})
