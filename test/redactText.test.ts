import { assert, describe, it } from "@effect/vitest"
import { redactText } from "../src/internal/lib/redactText.js"
import { spellings } from "./support/canaries.js"

const hidden = (secret: string, text: string) => redactText(() => [secret])(`<${text}>`).replaceAll("<redacted>", "*")

describe("a secret in a text", () => {
  const secrets = [
    "wat/1+\"two\"\n\\three% ü",
    "a%2Fb%25c",
    "\\\\\\\\",
    "%%%%",
    "%25%25%25",
    "clef 🔑 é/ü~!'()*",
    "$&$1^.*+?()[]{}|-",
    "\u0000\u001f\u2028\u0001",
    "\ud800 alone"
  ]

  for (const secret of secrets) {
    it(`${JSON.stringify(secret)} is found as it is, in JSON and percent-encoded`, () => {
      const isWellFormed = !/[\ud800-\udfff]/.test(secret) || secret.includes("🔑")
      const all = isWellFormed
        ? [...spellings(secret), encodeURI(secret)]
        : [secret, JSON.stringify(secret).slice(1, -1)]
      for (const spelling of all) assert.match(hidden(secret, spelling), /^<\*+>$/, spelling)
      for (const spelling of all) assert.match(hidden(secret, `${spelling} ${spelling}`), /^<\*+ \*+>$/, spelling)
    })
  }

  it("is found where only some characters are encoded, in letters of either case, and where they are encoded twice", () => {
    const secret = "a/b+c d=é"
    for (
      const spelling of [
        "a/b%2Bc%20d%3d%c3%a9",
        "a%2Fb+c+d=%C3%A9",
        "a%252Fb%252Bc%2520d%253D%25C3%25A9",
        "a\\/b+c d=\\u00E9",
        "a\\u002fb\\u002Bc\\u0020d=é"
      ]
    ) assert.strictEqual(hidden(secret, spelling), "<*>", spelling)
  })

  it("is found in a page of HTML, by names and numbers of characters", () => {
    const secret = "a/b+c=\"é\"&<'>"
    for (
      const spelling of [
        "a&#x2F;b+c&#x3D;&quot;é&quot;&amp;&lt;&#39;&gt;",
        "a&#47;b&#43;c&#61;&#34;&#233;&#34;&#38;&#60;&apos;&#62;",
        "a&#x002f;b&#X2B;c=&quot;&#xE9;&quot;&amp;&lt;&#x27;&gt;"
      ]
    ) assert.strictEqual(hidden(secret, spelling), "<*>", spelling)
  })

  it("is found however long it is, in each of its spellings", () => {
    const secret = "é/\"%".repeat(5000)
    for (const spelling of spellings(secret)) assert.isTrue(hidden(secret, spelling) === "<*>")
    assert.strictEqual(hidden(secret, secret.slice(0, -1)).length, secret.length + 1)
  })

  it("is not taken for another text", () => {
    assert.strictEqual(hidden("a.bc", "axbc"), "<axbc>")
    assert.strictEqual(hidden("secret", "secre"), "<secre>")
    assert.strictEqual(hidden("aaab", "aaaab aaab"), "<a* *>")
    assert.strictEqual(hidden("", "text"), "<text>")
  })

  it("is looked for in a time that does not explode with the number of ways to read a text", () => {
    const text = `${"\\".repeat(20_000)}y`
    assert.strictEqual(hidden(`${"\\".repeat(1000)}x`, text), `<${text}>`)
    const percents = "%25".repeat(5000).slice(1)
    assert.strictEqual(hidden(`${"%25".repeat(500)}x`, percents), `<${percents}>`)
  })

  it("is kept if it has less than four characters, which ordinary words contain", () => {
    assert.strictEqual(hidden("abc", "abc a%62c"), "<abc a%62c>")
    assert.strictEqual(hidden("ab/d", "ab/d ab%2Fd"), "<* *>")
  })

  it("is removed before a shorter one that it contains, and secrets are looked up for each text", () => {
    const known = ["part", "part and more", "part"]
    const redact = redactText(() => known)
    assert.strictEqual(redact("<part> <part and more> later"), "<<redacted>> <<redacted>> later")
    known.push("later")
    assert.strictEqual(redact("later"), "<redacted>")
  })
})
