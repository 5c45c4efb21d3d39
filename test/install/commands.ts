/** Reads the commands and the program of the README, and runs commands as a user's shell does. */
// @effect-diagnostics globalTimers:off
import { spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

export const root = fileURLToPath(new URL("../..", import.meta.url))

const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8")

const block = (marker: string, language: string) => {
  const [, code] = new RegExp(`<!-- ${marker} -->\n\n\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(readme) ?? []
  if (code === undefined) throw new Error(`README.md has no block of ${language} after <!-- ${marker} -->`)
  return code
}

export const quickStart = block("scratchpad/quick-start.ts", "ts")

/** The command after a marker of the README, with the tarball instead of the package's name and nothing else changed. */
export const documented = (marker: string, tarball: string) =>
  block(`install: ${marker}`, "sh").trim().replace(/(?<=\s)effect-agentcore-identity(?=\s|$)/, tarball)

// `npm run` passes its own settings on; only those that say where packages come from are the user's.
const isForeign = (name: string) =>
  /^(npm_|init_cwd$)/i.test(name) && !/^npm_config_(registry|userconfig|cache)$/i.test(name)

export const environment = (path: string): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !isForeign(name))),
  PATH: `${path}:${process.env["PATH"]}`,
  CI: "true",
  npm_config_yes: "true",
  npm_config_audit: "false",
  npm_config_fund: "false",
  npm_config_update_notifier: "false",
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true"
})

export interface Ended {
  readonly code: number | null
  readonly output: string
}

export interface Options {
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  /** Ends the command as Ctrl-C does as soon as its output matches. */
  readonly until?: RegExp
}

/** Runs a command line in a shell, for at most five minutes. */
export const run = (command: string, { cwd, env, until }: Options) =>
  new Promise<Ended>((resolve, reject) => {
    // A group of its own, so that everything that `npx` starts can be ended with it.
    const child = spawn(command, { cwd, env, shell: true, detached: true, stdio: ["ignore", "pipe", "pipe"] })
    const end = (signal: NodeJS.Signals) => {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, signal)
    }
    const limit = setTimeout(() => end("SIGKILL"), 300_000)
    let output = ""
    let isEnding = false
    const heard = (chunk: unknown) => {
      output += String(chunk)
      if (until === undefined || isEnding || !until.test(output)) return
      isEnding = true
      end("SIGINT")
    }
    child.stdout.on("data", heard)
    child.stderr.on("data", heard)
    child.on("error", reject)
    child.on("close", (code) => {
      clearTimeout(limit)
      resolve({ code, output })
    })
  })
