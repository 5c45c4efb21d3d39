/**
 * Installs the packed package with the commands of the README, and uses it as a new user does. Prints one line for each
 * case; ends with exit code 1 and the output of the cases that failed. `--built` packs `dist` as it is.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { importedPackages } from "../support/imports.js"
import { documented, type Ended, environment, type Options, quickStart, root, run } from "./commands.js"
import * as programs from "./programs.js"

const pnpmVersion = "12.21.0"

const home = mkdtempSync(join(tmpdir(), "agentcore-install-"))
const env = environment(join(home, "pnpm", "node_modules", ".bin"))
const say = (line: string) => process.stdout.write(`${line}\n`)
const begun = performance.now()
const seconds = (since: number) => `${((performance.now() - since) / 1000).toFixed(1)} s`

class Failed extends Error {}

/** Runs a command and compares its exit code and its output with what is expected. */
const expected = async (
  name: string,
  command: string,
  options: Partial<Options> & { readonly cwd: string },
  { code = 0, output = /^/ }: { readonly code?: number; readonly output?: RegExp } = {}
): Promise<Ended> => {
  const since = performance.now()
  const ended = await run(command, { env, ...options })
  // A server that was ended by a signal has no code of its own.
  const isOk = (options.until !== undefined || ended.code === code) && output.test(ended.output)
  say(`${isOk ? "ok    " : "FAILED"} ${name}  ${seconds(since)}`)
  if (isOk) return ended
  throw new Failed(
    `${name}\n$ ${command}\n${ended.output}\nexit code ${ended.code}, expected ${code} and an output that matches ${output}`
  )
}

const folder = (name: string) => {
  const directory = join(home, name)
  mkdirSync(directory)
  return directory
}

const pack = async () => {
  const built = process.argv.includes("--built")
  if (!built) await expected("the package builds", "npm run build", { cwd: root })
  await expected("the package packs", `npm pack --ignore-scripts --pack-destination '${home}'`, { cwd: root })
  const [tarball = ""] = readdirSync(home).filter((name) => name.endsWith(".tgz"))
  return join(home, tarball)
}

const managers = {
  npm: { add: "npm install", exec: "npx --no-install" },
  pnpm: { add: "pnpm add", exec: "pnpm exec" }
} as const

const { version }: { readonly version: string } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))

/** The README's commands for the package and the development packages, then its program and a test. */
const uses = async (manager: keyof typeof managers, tarball: string, before?: "effect@3") => {
  const { add, exec } = managers[manager]
  const title = `${manager}, ${before === undefined ? "empty folder" : `folder that has ${before}`}`
  const cwd = folder(`${manager}-${before ?? "empty"}`)
  if (before !== undefined) await expected(`${title}: ${before} installs`, `${add} ${before}`, { cwd })
  await expected(`${title}: the package installs`, documented(manager, tarball), { cwd })
  await expected(`${title}: the command starts`, `${exec} agentcore-identity --version`, { cwd }, {
    output: new RegExp(`^${version.replaceAll(".", "\\.")}$`, "m")
  })
  await expected(`${title}: the development packages install`, documented(`${manager}, development`, tarball), { cwd })
  writeFileSync(join(cwd, "quick-start.ts"), quickStart)
  writeFileSync(join(cwd, "agent.test.ts"), programs.agentTest)
  await expected(`${title}: the quick start runs`, `${exec} tsx quick-start.ts`, { cwd }, {
    output: /^calling the API with <redacted>, of \d+ characters$/m
  })
  const flags = "--noEmit --strict --module nodenext --target es2022 --skipLibCheck"
  await expected(`${title}: the quick start type-checks`, `${exec} tsc ${flags} quick-start.ts agent.test.ts`, { cwd })
  await expected(`${title}: a test runs`, `${exec} vitest run`, { cwd }, { output: /Tests\s.*1 passed/ })
  return cwd
}

/** The installed package imports its dependencies and peer dependencies, each of them and no other package. */
const declares = (cwd: string) => {
  const directory = join(cwd, "node_modules", "effect-agentcore-identity")
  const manifest: {
    readonly dependencies: Readonly<Record<string, string>>
    readonly peerDependencies: Readonly<Record<string, string>>
  } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"))
  const declared = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)]
  const files = readdirSync(join(directory, "dist"), { recursive: true, encoding: "utf8" }).filter((name) =>
    /\.(js|d\.ts)$/.test(name) && !name.startsWith("bin")
  )
  const found = [
    ...new Set(files.flatMap((name) => importedPackages(readFileSync(join(directory, "dist", name), "utf8"))))
  ]
  const undeclared = found.filter((name) => !declared.includes(name))
  const unused = declared.filter((name) => !found.includes(name))
  const isOk = undeclared.length === 0 && unused.length === 0
  say(`${isOk ? "ok    " : "FAILED"} dist imports the dependencies of package.json and no other package`)
  if (!isOk) {
    throw new Failed(
      `dist imports without declaring: ${undeclared.join()}; declared but not imported: ${unused.join()}`
    )
  }
}

/** Without the optional peer dependency `classic-level`, and then with it. */
const stores = async (cwd: string, tarball: string) => {
  writeFileSync(join(cwd, "stored.ts"), programs.stored)
  await expected("without classic-level: StoredIdentity names the command", "npx --no-install tsx stored.ts", { cwd }, {
    output: /'classic-level' is not installed; install it with 'npm install classic-level@3'/
  })
  const serve = "npx --no-install agentcore-identity serve --data data --port 0"
  await expected("without classic-level: serve --data ends with one line", serve, { cwd }, {
    code: 1,
    output: /^PackageUnusable: --data: .*npm install classic-level@3.*\n$/
  })
  await expected("npm: classic-level installs", documented("npm, data", tarball), { cwd })
  await expected("with classic-level: StoredIdentity opens a folder", "npx --no-install tsx stored.ts", { cwd }, {
    output: /^the folder is open$/m
  })
  await expected("with classic-level: serve --data serves", serve, { cwd, until: /listens on/ }, {
    output: /listens on/
  })
}

/** Without the optional peer dependency `ioredis`, and then with it. */
const redis = async (cwd: string, tarball: string) => {
  writeFileSync(join(cwd, "redis.ts"), programs.redis)
  const isInstalled = readdirSync(join(cwd, "node_modules")).includes("ioredis")
  if (isInstalled) throw new Failed("ioredis is optional, and was installed with the package")
  await expected("without ioredis: Redis names the package", "npx --no-install tsx redis.ts", { cwd }, {
    code: 1,
    output: /the package 'ioredis' could not be loaded .*install it with 'npm install ioredis@5'/
  })
  await expected("npm: ioredis installs", documented("npm, redis", tarball), { cwd })
  await expected("with ioredis: the layer is built without a server, too", "npx --no-install tsx redis.ts", { cwd }, {
    output: /^the layer is built$/m
  })
}

const serves = async (cwd: string, tarball: string) => {
  await expected("npm: the package for servers installs", documented("npm, server", tarball), { cwd })
  writeFileSync(join(cwd, "server.ts"), programs.server)
  await expected("npm: a server answers", "npx --no-install tsx server.ts", { cwd }, {
    output: /the server answers 200/
  })
}

/** `npx` installs into the cache of npm, which therefore is a temporary one here. */
const npx = async (tarball: string) => {
  const cwd = folder("npx")
  const command = `${documented("npx, data", tarball).replace(/DIR$/, "data")} --port 0`
  const options = { cwd, env: { ...env, npm_config_cache: join(home, "npm-cache") }, until: /listens on/ }
  await expected("npx, with classic-level: serve --data serves", command, options, { output: /listens on/ })
  if (!readdirSync(join(cwd, "data")).includes("CURRENT")) throw new Failed("npx: serve --data wrote no database")
}

const pnpm = async (tarball: string) => {
  const prefix = folder("pnpm")
  await expected(`pnpm ${pnpmVersion} installs`, `npm install --prefix '${prefix}' pnpm@${pnpmVersion}`, {
    cwd: prefix
  })
  await uses("pnpm", tarball)
  await uses("pnpm", tarball, "effect@3")
}

const npmInEmpty = async (tarball: string) => {
  const cwd = await uses("npm", tarball)
  declares(cwd)
  await stores(cwd, tarball)
  await redis(cwd, tarball)
  await serves(cwd, tarball)
}

const removing = (track: Promise<unknown>, ...folders: ReadonlyArray<string>) =>
  track.finally(() => Promise.all(folders.map((name) => rm(join(home, name), { recursive: true, force: true }))))

const all = async () => {
  const tarball = await pack()
  // At the same time, and each removes its folders while the others go on.
  const tracks = [
    removing(npmInEmpty(tarball), "npm-empty"),
    removing(uses("npm", tarball, "effect@3"), "npm-effect@3"),
    removing(pnpm(tarball), "pnpm", "pnpm-empty", "pnpm-effect@3"),
    removing(npx(tarball), "npx", "npm-cache")
  ]
  const ended = await Promise.allSettled(tracks)
  return ended.flatMap((one): ReadonlyArray<unknown> => one.status === "rejected" ? [one.reason] : [])
}

const failures = await all().catch((error: unknown) => [error]).finally(() => rmSync(home, { recursive: true }))
for (const error of failures) say(`\n${error instanceof Failed ? error.message : String(error)}`)
say(`\n${failures.length === 0 ? "all cases passed" : `${failures.length} failed`}, ${seconds(begun)}`)
process.exitCode = failures.length === 0 ? 0 : 1
