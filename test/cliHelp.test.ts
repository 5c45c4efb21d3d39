import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Option, Schema } from "effect"
import { bodies } from "../src/cli/bodies.js"
import { entries } from "../src/cli/command.js"
import { find, page } from "../src/cli/help.js"
import { type Declared, read } from "../src/cli/helpDoc.js"
import { pages } from "../src/cli/pages.js"
import { operations } from "../src/IdentityApi.js"
import { assertEqual } from "./support/equality.js"
import { parse } from "./support/inProcess.js"

interface Listed {
  readonly path: string
  readonly declared: Declared
}

const commands: ReadonlyArray<Listed> = entries.flatMap(({ command, subcommands }) => {
  const declared = read(command)
  return [
    { path: declared.name, declared },
    ...subcommands.map((child) => ({ path: `${declared.name} ${read(child).name}`, declared: read(child) }))
  ]
})

const helpOf = (path: string) => page(Option.getOrThrow(find(entries, path === "" ? [] : path.split(" "))), "0.1.0")

const paths = ["", ...commands.map(({ path }) => path)]

/** What the library writes about a value if the command does not replace it. */
const fillers = [
  /user-defined/i,
  /true or false value/i,
  /this setting is/i,
  /this option (?:may|must|can)/i,
  /one of the following/i,
  /wizard/i
]

describe("the help", () => {
  it("has a page for every command and no other", () => {
    assert.isAbove(paths.length, 35)
    assert.sameMembers(Object.keys(pages), paths)
    for (const { path } of commands) {
      assertEqual(Option.map(find(entries, path.split(" ")), ({ path }) => path), Option.some(path))
    }
  })

  it("contains no text of the library", () => {
    for (const path of paths) {
      for (const filler of fillers) assert.notMatch(helpOf(path).join("\n"), filler, path)
    }
  })

  it("has lines of at most 80 columns, except for a longer value", () => {
    for (const path of paths) {
      for (const line of helpOf(path)) {
        const words = line.trim().replace(/ \\$/, "").split(" ")
        assert.isTrue(
          line.length <= 80 || words.length === 1 || /^(?:--\S+|"\w+":) \S+$/.test(words.join(" ")),
          `${path}: ${line}`
        )
      }
    }
  })

  it("has no two sections with the same title", () => {
    for (const path of paths) {
      const titles = helpOf(path).filter((line) => /^[A-Z]/.test(line))
      assert.include(titles, "USAGE")
      assertEqual(titles, [...new Set(titles)], path)
    }
  })

  it("lists each option once", () => {
    for (const path of paths) {
      const help = helpOf(path)
      const section = help.slice(help.indexOf("OPTIONS"), help.indexOf("EXAMPLES"))
      const options = section.filter((line) => /^ {2}--?\w/.test(line)).map((line) => line.trim().split(" ")[0])
      assert.isNotEmpty(options)
      assertEqual(options, [...new Set(options)], path)
    }
  })

  it("states for each option that it is required, or its default", () => {
    for (const { declared, path } of commands) {
      for (const { about, usage } of declared.options) {
        assert.match(about, /^\S.*\((?:required|default: [^()]+)\)$/s, `${path} ${usage}`)
      }
    }
    const defaults = helpOf("token").join(" ").replaceAll(/\s+/g, " ")
    assert.include(defaults, "1 to 600 seconds (default: 5 seconds)")
    assert.include(helpOf("serve").join("\n"), "(default: 4599)")
  })

  it("names the value of each option in capitals or lists its values, never by a type", () => {
    for (const { declared: { options }, path } of commands) {
      for (const { usage } of options) assert.notMatch(usage, / (?:text|integer|float|boolean|redacted)\b/, path)
    }
  })

  it("shows an example for each command, which the parser accepts", async () => {
    for (const path of paths) {
      const examples = pages[path]?.examples ?? []
      assert.isNotEmpty(examples, path)
      const shown = helpOf(path).map((line) => line.trim().replace(/ \\$/, "")).join(" ")
      for (const example of examples) {
        assert.include(shown, example)
        const [program, ...args] = example.replace(/ < \S+$/, "").split(" ")
        assert.strictEqual(program, "agentcore-identity")
        assert.isTrue(
          args.join(" ").startsWith(commands.some((one) => one.path === path && path.includes(" ")) ? path : "")
        )
        if (args.includes("--help")) continue
        const parsed = await Effect.runPromise(Effect.either(parse(args)))
        assert.isTrue(Either.isRight(parsed), `${example}: ${JSON.stringify(parsed)}`)
      }
    }
  })

  it("shows the content of each JSON file that an option takes", () => {
    for (const { declared, path } of commands) {
      const takesJson = declared.options.some(({ about }) => /JSON (?:file|of)/.test(about))
      assert.strictEqual((pages[path]?.files ?? []).length > 0, takesJson, path)
      const help = helpOf(path).join("\n")
      for (const { body, option } of pages[path]?.files ?? []) {
        assert.isTrue(declared.options.some(({ name }) => name === option), `${path} ${option}`)
        assert.include(help, JSON.stringify(body, null, 2).split("\n").map((line) => `  ${line}`).join("\n"))
      }
    }
    for (const path of ["providers create-oauth2", "providers update-oauth2"]) {
      assert.include(helpOf(path).join("\n"), "\"credentialProviderVendor\": \"CustomOauth2\"")
    }
  })

  it("shows bodies that the schema of the request accepts", () => {
    const accepts = <A, I>(schema: Schema.Schema<A, I>, body: unknown) =>
      Schema.decodeUnknownSync(schema, { errors: "all", onExcessProperty: "error" })(body)
    for (const body of [bodies.github, bodies.custom]) {
      accepts(operations.createOauth2CredentialProvider.request, body)
      accepts(operations.updateOauth2CredentialProvider.request, body)
    }
    accepts(operations.createPaymentCredentialProvider.request, bodies.wallet)
    accepts(operations.updatePaymentCredentialProvider.request, bodies.wallet)
    accepts(operations.createConsentPortal.request, bodies.newPortal)
    accepts(operations.updateConsentPortal.request, bodies.portal)
    accepts(operations.putResourcePolicy.request, {
      resourceArn: bodies.newPortal.idpConfig.credentialProviderArn,
      policy: JSON.stringify(bodies.policy)
    })
  })
})
