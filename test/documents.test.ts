import { assert, describe, it } from "@effect/vitest"
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { assertEqual } from "./support/equality.js"

const root = fileURLToPath(new URL("..", import.meta.url))

const read = (path: string) => readFileSync(join(root, path), "utf8")

const tree = (folder: string, ending: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name))

const documents = [
  ...readdirSync(root).filter((name) => name.endsWith(".md")),
  ...tree("guides", ".md"),
  ...tree("docs", ".md")
]

const manifest: {
  readonly version: string
  readonly devDependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
} = JSON.parse(read("package.json"))

const withoutCode = (text: string) => text.replaceAll(/^```[\s\S]*?^```$/gm, "")

/** The anchors that GitHub gives the headings of a document: lower case, no punctuation, hyphens for spaces. */
const anchors = (text: string) => {
  const seen = new Map<string, number>()
  return withoutCode(text).split("\n").flatMap((line) => {
    const [, heading] = /^#{1,6} +(.*?) *#*$/.exec(line) ?? []
    if (heading === undefined) return []
    const words = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase()
    const slug = words.replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(" ", "-")
    const count = seen.get(slug) ?? 0
    seen.set(slug, count + 1)
    return [count === 0 ? slug : `${slug}-${count}`]
  })
}

/** What is wrong with a relative link of a document, if anything. */
const broken = (document: string, link: string): ReadonlyArray<string> => {
  const [path = "", anchor] = link.split("#", 2)
  const target = path === "" ? join(root, document) : join(root, dirname(document), decodeURIComponent(path))
  const at = `${document}: ${link}`
  if (!existsSync(target) || relative(root, target).startsWith("..")) return [`${at}: no such file`]
  if (anchor === undefined) return []
  const hasAnchor = statSync(target).isFile() && anchors(readFileSync(target, "utf8")).includes(anchor)
  return hasAnchor ? [] : [`${at}: no such heading`]
}

const links = (document: string) =>
  Array.from(withoutCode(read(document)).matchAll(/\]\(([^)\s]+)\)/g), ([, link = ""]) => link)

/** The packages that a command installs, as they are written. */
const installed = (text: string) => [
  ...Array.from(
    text.matchAll(/\b(?:npm (?:install|i)|(?:pnpm|yarn|bun) add)((?: +[^\s`'"&|;)]+)+)/g),
    ([, words = ""]) => words.trim().split(/ +/).filter((word) => !word.startsWith("-"))
  ).flat(),
  ...Array.from(
    text.matchAll(/\bnpx ([^\n`'"&|;)]*)/g),
    ([, words = ""]) => Array.from(words.matchAll(/(?:-p|--package)[ =](\S+)/g), ([, name = ""]) => name)
  ).flat()
]

const sources = [...tree("src", ".ts"), ...tree("scratchpad", ".ts")]

describe("the documents", () => {
  it("link to files and headings that exist", () => {
    const relatives = documents.flatMap((document) =>
      links(document).filter((link) => !/^[a-z]+:/i.test(link)).map((link) => [document, link] as const)
    )
    assert.isAbove(relatives.length, 20)
    assertEqual(relatives.flatMap(([document, link]) => broken(document, link)), [])
  })

  it("name modules that exist", () => {
    const named = Array.from(
      read("ARCHITECTURE.md").matchAll(/`(?:src\/)?((?:internal|cli)\/[\w/]+\.ts|(?<=src\/)\w+\.ts)`/g),
      ([, path = ""]) => path
    )
    assert.isAbove(named.length, 15)
    assertEqual(named.filter((path) => !existsSync(join(root, "src", path))), [])
  })

  it("report a link to a missing file, to a missing heading and to a place outside the repository", () => {
    assertEqual(broken("guides/federation.md", "vendors.md"), [])
    assertEqual(broken("README.md", "SECURITY.md#supported-versions"), [])
    assertEqual(broken("README.md", "guides/none.md"), ["README.md: guides/none.md: no such file"])
    assertEqual(broken("README.md", "SECURITY.md#none"), ["README.md: SECURITY.md#none: no such heading"])
    assertEqual(broken("README.md", "../README.md"), ["README.md: ../README.md: no such file"])
  })

  it("name versions in every install command, and so do the doc comments and the messages", () => {
    const packages = [...documents, ...sources].flatMap((file) =>
      installed(read(file)).map((name) => [file, name] as const)
    )
    assert.isAbove(packages.length, 15)
    // The latest version of tsx runs the programs, and the latest one of this package is meant.
    const isAnyVersion = (name: string) =>
      name === "effect-agentcore-identity" || name === "tsx" || name.endsWith(`-${manifest.version}.tgz`)
    const unversioned = packages.filter(([, name]) => !isAnyVersion(name) && !/.@\d/.test(name))
    assertEqual(unversioned, [])
  })

  it("name the versions that package.json supports", () => {
    const ranges = { ...manifest.devDependencies, ...manifest.peerDependencies }
    const named = [...documents, ...sources].flatMap((file) => installed(read(file)))
    const checked = named.flatMap((name) => {
      const [, library = "", version = ""] = /^(.+)@(\d[\d.]*)$/.exec(name) ?? []
      const range = ranges[library]
      return range === undefined
        ? []
        : [{ name, isSupported: `${range.replace(/^[\^~]/, "")}.`.startsWith(`${version}.`) }]
    })
    const libraries = ["effect@3", "@effect/platform@0.97", "@effect/platform-node@0.108", "classic-level@3"]
    assert.includeMembers(checked.map(({ name }) => name), libraries)
    assertEqual(checked.filter(({ isSupported }) => !isSupported), [])
  })

  it("say below the first install command that Effect 4 is not supported yet", () => {
    const [, next] = /```sh\nnpm install effect-agentcore-identity .*\n```\n\n(.*)\n/.exec(read("README.md")) ?? []
    assert.match(next ?? "", /^Effect 4 is not supported yet\. /)
  })

  it("say which versions are needed, and when support of Node 20 ends", () => {
    const readme = read("README.md").replaceAll(/\s+/g, " ")
    assert.include(readme, "It needs Effect 3.22 and Node 20.19 or later, and is ESM only.")
    assert.include(readme, "import `effect/Schema`")
    for (const text of [readme, read("SECURITY.md").replaceAll(/\s+/g, " ")]) {
      assert.include(text, "Support of Node 20 ends when the AWS SDK clients end theirs, in January 2027")
    }
  })
})
