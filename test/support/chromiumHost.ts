import { spawn } from "node:child_process"
import { accessSync, constants, statSync } from "node:fs"
import { createRequire } from "node:module"
import { homedir } from "node:os"
import { delimiter, dirname, join } from "node:path"
import { setTimeout } from "node:timers/promises"
import type * as Chromium from "./chromium.js"

export interface Options {
  readonly log: (line: string) => void
  readonly env?: NodeJS.ProcessEnv
  /** Milliseconds between two attempts while another process holds apt's lock. */
  readonly lockPause?: number
}

interface Ended {
  readonly code: number
  readonly output: string
}

const names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"]

const applications = ["/Applications", join(homedir(), "Applications")].flatMap((folder) =>
  ["Chromium", "Google Chrome"].map((name) => join(folder, `${name}.app`, "Contents", "MacOS", name))
)

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** The line of the output that says what is wrong: the last one with an error, else the last one. */
const reason = ({ output }: Ended): string => {
  const lines = output.split(/[\r\n]+/).map((line) => line.trim()).filter((line) => line !== "")
  const line = lines.filter((line) => /^(E:|\w*Error\b)/.test(line)).at(-1) ?? lines.at(-1) ?? "no output"
  return line.slice(0, 300)
}

const playwrights = async (): Promise<ReadonlyArray<string>> => {
  try {
    return [(await import("playwright-core")).chromium.executablePath()]
  } catch {
    // Playwright has no build for this platform.
    return []
  }
}

type Argv = Chromium.Command["argv"]

/** The command as it is started: Playwright's CLI by the path of its file. */
const resolved = ([program, ...args]: Argv): Argv => {
  if (program !== "playwright-core") return [program, ...args]
  const manifest = createRequire(import.meta.url).resolve("playwright-core/package.json")
  return [process.execPath, join(dirname(manifest), "cli.js"), ...args]
}

// apt-get waits for the lock of dpkg by itself, but not for the lock of the package lists.
const isLocked = ({ code, output }: Ended): boolean => code !== 0 && output.includes("Could not get lock")

const lockWaits = 60

/** What the tests need of this machine: a browser, or the means to find and install another program. */
export interface Machine extends Chromium.Host {
  /** How apt-get can run. */
  readonly apt: () => Promise<Chromium.Facts["apt"]>
  /** The first executable of this name on the PATH and in the usual folders. */
  readonly which: (name: string) => string | undefined
}

/** This machine. */
export const make = ({ env = process.env, lockPause = 5_000, log }: Options): Machine => {
  const { AGENTCORE_TEST_INSTALL: install, CHROMIUM: chromium = "", PATH = "" } = env
  const folders = [
    ...PATH.split(delimiter).filter((folder) => folder !== ""),
    "/usr/bin",
    "/usr/local/bin",
    "/opt/google/chrome",
    "/snap/bin"
  ]

  /** Runs a program without input. A program that cannot be started has the exit code of a shell, 127. */
  const start = ([program, ...args]: Argv, timeout?: number): Promise<Ended> =>
    new Promise((resolve) => {
      const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"], timeout })
      let output = ""
      child.stdout.on("data", (chunk) => output += String(chunk))
      child.stderr.on("data", (chunk) => output += String(chunk))
      child.on("error", (error) => resolve({ code: 127, output: error.message }))
      child.on("close", (code, signal) =>
        resolve(code === null ? { code: 128, output: `stopped by ${signal}` } : { code, output }))
    })

  // `--version` fails for a stub that asks for a snap, and for a browser whose libraries are missing.
  const probe = async (path: string): Promise<Chromium.Browser> => {
    if (!isExecutable(path)) return { path, problem: "does not exist or is not an executable file" }
    const ended = await start([path, "--version"], 30_000)
    return {
      path,
      problem: ended.code === 0 ? undefined : `does not run (exit code ${ended.code}: ${reason(ended)})`
    }
  }

  /** The executables in the usual places, up to the first that runs. */
  const find = async (): Promise<ReadonlyArray<Chromium.Browser>> => {
    const inFolders = names.flatMap((name) => folders.map((folder) => join(folder, name)))
    const found: Array<Chromium.Browser> = []
    for (const path of new Set([...inFolders, ...applications, ...await playwrights()])) {
      if (!isExecutable(path)) continue
      const browser = await probe(path)
      found.push(browser)
      if (browser.problem === undefined) break
    }
    return found
  }

  const apt = async (): Promise<Chromium.Facts["apt"]> => {
    if (!folders.some((folder) => isExecutable(join(folder, "apt-get")))) return undefined
    if (process.getuid?.() === 0) return "root"
    return (await start(["sudo", "-n", "true"])).code === 0 ? "sudo" : undefined
  }

  return {
    log,
    apt,
    which: (name) => folders.map((folder) => join(folder, name)).find(isExecutable),
    facts: async () => {
      if (chromium !== "") return { named: await probe(chromium), found: [], install, apt: undefined }
      const found = await find()
      const runs = found.some(({ problem }) => problem === undefined)
      return { named: undefined, found, install, apt: runs ? undefined : await apt() }
    },
    run: async ({ argv, name }) => {
      let ended = await start(resolved(argv))
      for (let waits = 0; isLocked(ended) && waits < lockWaits; waits++) {
        if (waits === 0) log(`Another process holds apt's lock: trying again, at most ${lockWaits} times.`)
        await setTimeout(lockPause)
        ended = await start(resolved(argv))
      }
      return ended.code === 0 ? undefined : { command: name, code: ended.code, line: reason(ended) }
    }
  }
}
