/** The command, bundled once for all test files that run it. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { bundle } from "../../scripts/bundle.js"

declare module "vitest" {
  interface ProvidedContext {
    /** Path of the bundled command; undefined when no test file that imports `support/cli.js` was to run. */
    readonly command: string | undefined
  }
}

/** Folder for temporary files that need the packages of this repository. */
export const temporaryFolder = (): string => {
  const cache = fileURLToPath(new URL("../../node_modules/.cache", import.meta.url))
  mkdirSync(cache, { recursive: true })
  return mkdtempSync(join(cache, "agentcore-identity-"))
}

export const isCommandTest = (path: string): boolean => readFileSync(path, "utf8").includes("\"./support/cli.js\"")

/** Bundles the command as it is published, into the same file each time. */
export const make = () => {
  let directory: string | undefined
  return {
    build: async (): Promise<string> => {
      directory ??= temporaryFolder()
      const outfile = join(directory, "agentcore-identity.mjs")
      await bundle({ outfile })
      return outfile
    },
    remove: (): void => {
      if (directory !== undefined) rmSync(directory, { recursive: true, force: true })
    }
  }
}
