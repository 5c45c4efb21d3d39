/**
 * Bundles the command `agentcore-identity`.
 */
import { build, type Metafile } from "esbuild"
import { chmodSync, mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { licenseOf, packageDirectories, render } from "./licenses.js"

export interface Options {
  readonly outfile: string
  /** Directory of the sources and their `node_modules`; this repository by default. */
  readonly root?: string | undefined
  /** Relative to `root`; the command's main module by default. */
  readonly entryPoint?: string | undefined
}

const repository = fileURLToPath(new URL("..", import.meta.url))

/**
 * Writes the executable and, beside it, the licenses of the packages in it (`THIRD-PARTY-LICENSES.txt`).
 * Writes nothing if a license is missing or not accepted: the error names the package.
 */
export const bundle = async (
  { entryPoint = "src/cli/main.ts", outfile, root = repository }: Options
): Promise<Metafile> => {
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [entryPoint],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    external: ["classic-level"],
    logLevel: "warning",
    metafile: true,
    write: false,
    banner: {
      js: "#!/usr/bin/env node\n" +
        "import { createRequire as __createRequire } from 'node:module'; " +
        "const require = __createRequire(import.meta.url);"
    }
  })
  const licenses = render(packageDirectories(metafile).map((directory) => licenseOf(join(root, directory))))
  mkdirSync(dirname(outfile), { recursive: true })
  for (const { contents, path } of outputFiles) {
    writeFileSync(path, contents)
    // The mode of a write applies to a new file only.
    chmodSync(path, 0o755)
  }
  writeFileSync(join(dirname(outfile), "THIRD-PARTY-LICENSES.txt"), licenses)
  return metafile
}
