import { assert, describe, it } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assertEqual } from "./support/equality.js"
import { importsOf, loadedWith, readTable, unitOf, violations } from "./support/importTable.js"
import * as Markdown from "./support/markdown.js"

const sources: ReadonlyMap<string, string> = new Map(
  readdirSync(join(Markdown.root, "src"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => [`src/${name}`, readFileSync(join(Markdown.root, "src", name), "utf8")])
)

const table = readTable(Markdown.read("ARCHITECTURE.md"))

/** What is wrong once this line stands in this file. */
const planted = (file: string, line: string) => {
  const text = sources.get(file)
  assert.isDefined(text, file)
  return violations(table, new Map([[file, `${line}\n${text}`]]))
}

describe("the table of imports in ARCHITECTURE.md", () => {
  it("holds for every module", () => {
    assertEqual(violations(table, sources), [])
  })

  it("has a row for every public module and folder, and no other", () => {
    const units = new Set(Array.from(sources.keys(), unitOf))
    assert.sameMembers([...table.keys()], [...units])
  })

  const emulator = "internal/emulator/emulator.js"
  const forbidden: ReadonlyArray<readonly [name: string, file: string, imported: string]> = [
    ["Consent → emulator", "src/Consent.ts", `./${emulator}`],
    ["service → emulator", "src/internal/service/retry.ts", "../emulator/emulator.js"],
    ["server/api → emulator", "src/internal/server/api/wire.ts", "../../emulator/emulator.js"],
    ["service → MemoryIdentity", "src/internal/service/retry.ts", "../../MemoryIdentity.js"],
    ["AccessToken → emulator", "src/AccessToken.ts", `./${emulator}`],
    [
      "emulator/persistence → IdentityService",
      "src/internal/emulator/persistence/records.ts",
      "../../../IdentityService.js"
    ],
    ["emulator → oauth", "src/internal/emulator/emulator.ts", "../oauth/discovery.js"],
    ["IdentityService → MemoryIdentity, other than by dynamic import", "src/IdentityService.ts", "./MemoryIdentity.js"],
    ["lib → model", "src/internal/lib/url.ts", "../model/smithy.js"],
    ["emulator/state → emulator/data", "src/internal/emulator/state/store.ts", "../data/completion.js"],
    ["web → server", "src/internal/web/forms.ts", "../server/router.js"]
  ]
  for (const [name, file, imported] of forbidden) {
    for (
      const line of [
        `import * as planted from "${imported}"`,
        `import { planted } from "${imported}"`,
        `import { type Type } from "${imported}"`,
        `import "${imported}"`,
        `export * from "${imported}"`,
        `export { planted } from "${imported}"`,
        ...(name.includes("dynamic") ? [] : [`const planted = () => import("${imported}")`])
      ]
    ) {
      it(`refuses ${name}: ${line}`, () => {
        assert.lengthOf(planted(file, line), 1)
      })
    }

    it(`lets the types pass: ${name}`, () => {
      for (
        const line of [
          `import type { Type } from "${imported}"`,
          `import type * as Types from "${imported}"`,
          `export type { Type } from "${imported}"`
        ]
      ) assertEqual(planted(file, line), [])
    })
  }

  it("refuses an import of a module that is chosen at run time", () => {
    assert.throws(() => importsOf("src/a.ts", "import(`./${name}.js`)"), /not a literal/)
  })

  for (const name of ["IdentityService", "AccessToken", "AwsIdentity"]) {
    it(`keeps the emulator, the presets, the server, the OAuth client and the control plane out of what loads with ${name}`, () => {
      const loaded = new Set(Array.from(loadedWith(`src/${name}.ts`, sources), unitOf))
      assert.include([...loaded], "IdentityPort")
      for (const unit of loaded) assert.notMatch(unit, /^(emulator|presets|server|oauth|web)\b|^MemoryIdentity$/)
      for (const unit of table.get("WorkloadIdentity")?.units ?? []) {
        // The operations of the control plane load at their first call.
        if (unit !== "Credential") assert.notInclude([...loaded], unit)
      }
    })
  }
})
