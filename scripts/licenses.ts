/**
 * Collects the licenses of the npm packages in a bundle.
 */
import * as Arr from "effect/Array"
import * as Order from "effect/Order"
import type { Metafile } from "esbuild"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

/** A package in the bundle, with what its license requires to be passed on. */
export interface License {
  readonly name: string
  readonly version: string
  /** SPDX identifier. */
  readonly id: string
  readonly text: string
  /** The package's NOTICE file. */
  readonly notice: string | undefined
}

// Each of these permits redistribution if its text goes along.
const accepted: ReadonlySet<string> = new Set([
  "0BSD",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "BlueOak-1.0.0",
  "ISC",
  "MIT"
])

/** Without empty lines around it; the first line keeps its indentation. */
const trimmed = (text: string): string => text.replace(/^(\s*\n)+/, "").trimEnd()

const apache = trimmed(readFileSync(new URL("licenses/Apache-2.0.txt", import.meta.url), "utf8"))

/** Directories, relative to that of the build, of the packages whose code is in the bundle. */
export const packageDirectories = ({ outputs }: Metafile): ReadonlyArray<string> => {
  const directories = new Set<string>()
  for (const { inputs } of Object.values(outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      const [, directory] = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path) ?? []
      if (directory !== undefined && bytesInOutput > 0) directories.add(directory)
    }
  }
  return Arr.sort(directories, Order.string)
}

const content = (directory: string, pattern: RegExp): string | undefined => {
  const names = Arr.sort(readdirSync(directory).filter((name) => pattern.test(name)), Order.string)
  const texts = names
    .map((name) => trimmed(readFileSync(join(directory, name), "utf8").replaceAll("\r\n", "\n")))
    .filter((text) => text !== "")
  return texts.length === 0 ? undefined : texts.join("\n\n")
}

/** License of the package in a directory; throws an error that names the package if it is missing or not accepted. */
export const licenseOf = (directory: string): License => {
  const { license: id, name, version }: {
    readonly license?: unknown
    readonly name: string
    readonly version: string
  } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"))
  const label = `${name} ${version}`
  if (typeof id !== "string" || id === "") {
    throw new Error(`${label} names no license in its package.json: remove it from the command, or ask its authors`)
  }
  if (!accepted.has(id)) {
    throw new Error(`${label} has the license ${id}, which scripts/licenses.ts does not accept: review it and add it`)
  }
  // Only the Apache license has no copyright line of its own, so that its standard text can stand for a missing file.
  const text = content(directory, /^(licen[cs]e|copying)([.-]|$)/i) ?? (id === "Apache-2.0" ? apache : undefined)
  if (text === undefined) throw new Error(`${label} (${id}) has no license file: its text is required in the command`)
  return { name, version, id, text, notice: content(directory, /^notice([.-]|$)/i) }
}

const isCopyright = (line: string): boolean => /^\s*(Portions )?Copyright /.test(line)

/** The words of a text, without its copyright lines: what its copies have in common. */
const words = (text: string): string =>
  text.split("\n").filter((line) => !isCopyright(line)).join(" ").toLowerCase().replace(/[^a-z0-9]+/g, " ").trim()

// Some copies lack the appendix, which says how to apply the license to another work.
const apacheWords = new Set([words(apache), words(apache.replace(/END OF TERMS AND CONDITIONS[^]*/, ""))])

/** Copies of the Apache license are printed once, as its standard text; their copyright lines beside the packages. */
const printed = ({ id, name, text, version }: License) => {
  const isStandard = id === "Apache-2.0" && apacheWords.has(words(text))
  const copyrights = isStandard
    ? text.split("\n").filter((line) => isCopyright(line) && !/[[{]/.test(line)).map((line) => `\n    ${line.trim()}`)
    : []
  return { heading: `${name} ${version} (${id})${copyrights.join("")}`, text: isStandard ? apache : text }
}

const separator = `\n\n${"-".repeat(80)}\n\n`

/** The file that goes along with the bundle: each text once, below the packages that it belongs to. */
export const render = (licenses: ReadonlyArray<License>): string => {
  const headings = new Map<string, Array<string>>()
  for (const license of licenses) {
    const { heading, text } = printed(license)
    headings.set(text, [...headings.get(text) ?? [], heading])
  }
  const notices = licenses.flatMap(({ name, notice, version }) =>
    notice === undefined ? [] : [`NOTICE of ${name} ${version}\n\n${notice}`]
  )
  return [
    `Third-party licenses\n\nThe command agentcore-identity contains code from ${licenses.length} packages.`,
    ...[...headings].map(([text, packages]) => `${packages.join("\n")}\n\n${text}`),
    ...notices
  ].join(separator) + "\n"
}
