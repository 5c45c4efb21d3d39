/** The documents of this package, and the blocks of code in them. */
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

export const root = fileURLToPath(new URL("../..", import.meta.url))

export const read = (path: string): string => readFileSync(`${root}${path}`, "utf8")

/** Those that tell a reader what to run. */
export const documents: ReadonlyArray<string> = [
  "README.md",
  "ARCHITECTURE.md",
  "CONTRIBUTING.md",
  "scratchpad/README.md",
  ...["guides", "docs"].flatMap((folder) =>
    readdirSync(`${root}${folder}`).filter((name) => name.endsWith(".md")).map((name) => `${folder}/${name}`)
  )
]

/** The blocks of these languages, in order, without their fences. */
export const blocks = (text: string, ...languages: ReadonlyArray<string>): ReadonlyArray<string> =>
  [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)]
    .filter(([, language = ""]) => languages.includes(language))
    .map(([, , code = ""]) => code.trimEnd())

export const shell = ["sh", "bash", "shell", "console", "zsh"] as const

/** What stands between backticks in the prose, and begins as a command does. */
export const inlineCommands = (text: string): ReadonlyArray<string> =>
  [...text.replaceAll(/^```[\s\S]*?^```$/gm, "").matchAll(/`([^`\n]+)`/g)]
    .map(([, code = ""]) => code)
    .filter((code) => /^(npm|npx|node|curl|aws|docker|openssl|(effect-)?agentcore-identity) \S/.test(code))
