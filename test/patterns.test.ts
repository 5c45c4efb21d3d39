import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { readFileSync } from "node:fs"
import { assertEqual } from "./support/equality.js"
import { growth, near, repeat } from "./support/growth.js"
import { danger, files, type Literal, literals } from "./support/patterns.js"

/** Patterns that look dangerous and are not, with the reason. */
const allowed: Readonly<Record<string, string>> = {
  "^(?:[A-Za-z0-9-_=]+.[A-Za-z0-9-_=]+.[A-Za-z0-9-_=]+)$":
    "the model's pattern of a JWT, for messages alone: `matches` beside it says the same in one pass",
  "[^\\s?#]+\\/\\.well-known\\/(openid-configuration|oauth-authorization-server)(\\/[^\\s?#]*)?":
    "the pattern of a discovery URL, for messages alone: `isDiscoveryUrl` beside it says the same in one pass",
  "^(.+?)\\/\\.well-known\\/(?:openid-configuration|oauth-authorization-server)(\\/.*)?$":
    "matched after white space is excluded, so that the first well-known name decides; the table of parsers measures it"
}

/** Patterns that no text is matched against, or none that has not been checked before. */
const isGuarded = ({ source }: Literal) =>
  source.startsWith("^(?:[A-Za-z0-9-_=]+.") || source.includes("\\/\\.well-known\\/")

const show = ({ flags, source }: Pick<Literal, "source" | "flags">) => `/${source}/${flags}`

describe("the static check of regular expressions", () => {
  const dangerous = [
    "\\/+$",
    "=*$",
    "%.*$",
    "requestUri.*pattern",
    "\\s+x",
    "^(a+)+$",
    "^(?:a|a)*$",
    "^(?:\\w|a)+$",
    "^\\d+\\d+$",
    "^[0:]*0*1$",
    "^a+.a+.a+$",
    "^\\s*(\\s*x)*$",
    "^(?:a+,?)*$",
    "a{0,1000}b"
  ]
  const harmless = [
    "\\/$",
    "x+",
    "'([^']*)'",
    "&(\\w+);",
    "^[^/]+\\/[^/]+$",
    "^a(?:;[a-z]+)*$",
    "^[a-z0-9_.-]+(?:;[a-z0-9_.-]+)*$",
    "^\\d{1,15}\\n?$",
    "^(?:ab|cd)*$",
    "[?&]$"
  ]

  for (const source of dangerous) {
    it(`refuses /${source}/`, () => assert.isDefined(danger({ source, flags: "" })))
  }
  for (const source of harmless) {
    it(`lets /${source}/ pass`, () => assert.isUndefined(danger({ source, flags: "" })))
  }
})

describe("the regular expressions of the sources", () => {
  it("are found", () => {
    assert.isAbove(literals.length, 70)
    assert.isTrue(literals.some(({ file }) => file === "src/internal/server/api/signature.ts"))
  })

  it("have no shape that takes more than linear time", () => {
    const found = literals.filter((literal) => !(literal.source in allowed)).flatMap((literal) => {
      const why = danger(literal)
      return why === undefined ? [] : [`${literal.file}: ${show(literal)}: ${why}`]
    })
    assertEqual(found, [])
  })

  it("have no exception that is not needed", () => {
    for (const source of Object.keys(allowed)) {
      const literal = literals.find((literal) => literal.source === source)
      assert.isTrue(literal !== undefined && danger(literal) !== undefined, source)
    }
  })

  it("are literals, but for the limits of members, which are anchored, and the spellings of secrets", () => {
    const made = files.filter((file) => readFileSync(file, "utf8").includes("new RegExp("))
    // Credentials, and the spellings of a secret, are measured in the table of parsers.
    assert.sameMembers(made, [
      "src/internal/aws/signed.ts",
      "src/internal/lib/redactText.ts",
      "src/internal/model/smithy.ts"
    ])
  })

  it("share with the rest one place that parses URLs from outside", () => {
    const parsing = files.filter((file) => /new URL\(|URL\.canParse/.test(readFileSync(file, "utf8")))
    assert.sameMembers(parsing, [
      "src/internal/lib/url.ts",
      // Paths that the application gave, by its own origin.
      "src/internal/binding/signIn.ts",
      "src/internal/binding/urls.ts",
      // Copies of what was parsed before.
      "src/internal/model/discoveryUrl.ts",
      "src/internal/web/publicUrl.ts",
      "src/internal/oauth/authorizationCode.ts",
      "src/internal/oauth/discovery.ts",
      "src/internal/oauth/tokenEndpoint.ts"
    ])
  })

  it("share with the rest one place that parses queries and forms from outside", () => {
    const parsing = files.filter((file) => /new URLSearchParams\([^[{)]/.test(readFileSync(file, "utf8")))
    // The issuer copies parameters that were made here.
    assert.sameMembers(parsing, ["src/internal/lib/url.ts", "src/internal/oauth/federatedIssuer.ts"])
  })
})

/** Texts that match, over and over, and then something that does not. */
const nearMisses = ({ flags, source }: Literal) =>
  FastCheck.sample(FastCheck.stringMatching(new RegExp(source, flags.replace(/[gisu]/g, ""))), {
    seed: 1,
    numRuns: 3
  }).filter((text) => text !== "").flatMap((text) => [
    repeat(text),
    near(text, "\u0000"),
    near(text.slice(0, -1) || text, "\n"),
    near(text.slice(0, 1), text)
  ])

/** Of the hostile texts those of one character: the shapes are checked above, and parsers run on all of the texts. */
const common = ["/", "a", "=", "%", " "].map((unit) => near(unit, "\u0000\n"))

// The generator of texts knows no word boundaries.
const isPrintable = ({ source }: Literal) => !/\\p\{|\[\^\]|\\b/.test(source)

describe("each regular expression, on 1 MiB of the worst", () => {
  const distinct = [...new Map(literals.map((literal) => [show(literal), literal])).values()]
  for (const literal of distinct.filter((literal) => !isGuarded(literal))) {
    it(`${show(literal)} takes linear time`, { timeout: 120_000 }, async () => {
      const pattern = new RegExp(literal.source, literal.flags)
      const use = pattern.global
        ? (text: string) => text.replace(pattern, "")
        : (text: string) => pattern.test(text)
      const inputs = [...common, ...(isPrintable(literal) ? nearMisses(literal) : [])]
      for (const input of inputs) {
        assert.isUndefined(await growth(use, input), JSON.stringify(input(40)))
      }
    })
  }
})

describe("the measure of growth", () => {
  it("finds the quadratic time of trimming slashes by a regular expression", { timeout: 120_000 }, async () => {
    const input = (size: number) => `${"/".repeat(size)}a`
    const found = await growth((text) => text.replace(/\/+$/, ""), input, { sizes: [32_768], floor: 1 })
    assert.match(found ?? "", /^32768 characters take/)
  })

  it("lets a linear scan pass", async () => {
    const scan = (text: string) => {
      let sum = 0
      for (let at = 0; at < text.length; at++) sum += text.charCodeAt(at)
      return sum
    }
    assert.isUndefined(await growth(scan, repeat("/")))
  })
})
