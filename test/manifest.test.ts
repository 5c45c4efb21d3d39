import { assert, describe, it } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"
import { assertEqual } from "./support/equality.js"
import { importedPackages } from "./support/imports.js"

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8")

type Ranges = Readonly<Record<string, string>>

interface Manifest {
  readonly homepage: string
  readonly bugs: { readonly url: string }
  readonly repository: { readonly type: string; readonly url: string }
  readonly files: ReadonlyArray<string>
  readonly dependencies: Ranges
  readonly devDependencies: Ranges
  readonly peerDependencies: Ranges
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional?: boolean }>>
  readonly optionalDependencies?: Ranges
}

interface Locked {
  readonly version?: string
  readonly dependencies?: Ranges
  readonly devDependencies?: Ranges
  readonly peerDependencies?: Ranges
  readonly optionalDependencies?: Ranges
}

const manifest: Manifest = JSON.parse(read("package.json"))
const lockText = read("package-lock.json")
const lock: { readonly packages: Readonly<Record<string, Locked>> } = JSON.parse(lockText)

const repository = "https://github.com/effect-agentcore-identity/effect-agentcore-identity"

/** The packages that the library modules import. The command in `cli` is excluded, because it is bundled. */
const imported = () => {
  const files = readdirSync(new URL("../src", import.meta.url), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.startsWith("cli"))
  return [...new Set(files.flatMap((name) => importedPackages(read(`src/${name}`))))]
}

describe("package.json", () => {
  it("has one repository URL, from which the registry resolves the relative links of the README", () => {
    assertEqual(manifest.repository, { type: "git", url: `git+${repository}.git` })
    assert.strictEqual(manifest.homepage, `${repository}#readme`)
    assert.strictEqual(manifest.bugs.url, `${repository}/issues`)
    assert.include(read("SECURITY.md"), `(${repository}/security/advisories/new)`)
  })

  it("declares exactly the packages that the library imports", () => {
    const declared = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)]
    assert.sameMembers(imported(), declared)
  })

  it("has a caret range for every dependency, which allows security patches", () => {
    for (const [name, range] of Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies })) {
      assert.match(range, /^\^\d+\.\d+\.\d+$/, name)
    }
  })

  it("declares classic-level and ioredis as optional peer dependencies and development dependencies", () => {
    assertEqual(manifest.peerDependenciesMeta, { "classic-level": { optional: true }, ioredis: { optional: true } })
    for (const name of ["classic-level", "ioredis"]) {
      assert.strictEqual(manifest.peerDependencies[name], manifest.devDependencies[name])
    }
    assert.isUndefined(manifest.optionalDependencies)
  })

  it("publishes the documents that the README links to", () => {
    const documents = ["guides", "docs", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"]
    assert.includeMembers([...manifest.files], documents)
  })
})

describe("package-lock.json", () => {
  it("matches package.json", () => {
    const root = lock.packages[""]
    assertEqual(
      [root?.dependencies, root?.devDependencies, root?.peerDependencies, root?.optionalDependencies],
      [manifest.dependencies, manifest.devDependencies, manifest.peerDependencies, undefined]
    )
  })

  it("contains no registry URL, and the npm configuration omits it", () => {
    assert.notInclude(lockText, `"resolved"`)
    assert.include(read(".npmrc"), "omit-lockfile-registry-resolved=true")
  })

  it("lists the optional packages of every platform, so npm adds none", () => {
    const owners = Object.entries(lock.packages).filter(([path, { optionalDependencies }]) =>
      path !== "" && optionalDependencies !== undefined &&
      // Some of its packages do not exist in the registry.
      path !== "node_modules/dprint"
    )
    assert.isAbove(owners.length, 2)
    const missing = owners.flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter((name) =>
        lock.packages[`${path}/node_modules/${name}`] === undefined &&
        lock.packages[`node_modules/${name}`] === undefined
      )
    )
    assertEqual(missing, [])
  })
})
