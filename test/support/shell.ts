import { spawn } from "node:child_process"

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a script of the shell as a reader does who pastes it; it stops at the first command that fails. */
export const start = (script: string, options: {
  readonly cwd: string
  /** The whole environment, besides `PATH`. */
  readonly env: Readonly<Record<string, string>>
}) => {
  const env = { PATH: process.env["PATH"] ?? "", npm_config_update_notifier: "false", ...options.env }
  // A process group of its own, so that what the script has started can be ended with it.
  const child = spawn("sh", ["-eu", "-c", script], { cwd: options.cwd, env, detached: true })
  child.stdin.end()
  let [stdout, stderr] = ["", ""]
  const watchers = new Set<() => void>()
  const heard = () => watchers.forEach((watcher) => watcher())
  child.stdout.on("data", (chunk) => {
    stdout += String(chunk)
    heard()
  })
  child.stderr.on("data", (chunk) => stderr += String(chunk))
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject)
    child.on("close", (code) => {
      resolve({ code, stdout, stderr })
      heard()
    })
  })
  return {
    ended,
    /** What is found on stdout, as soon as it is there. */
    find: (pattern: RegExp) =>
      new Promise<string>((resolve, reject) => {
        const look = () => {
          const found = pattern.exec(stdout)
          if (found === null && child.exitCode === null && child.signalCode === null) return
          watchers.delete(look)
          if (found === null) reject(new Error(`ended with ${child.exitCode} and said: ${stdout}${stderr}`))
          else resolve(found[1] ?? found[0])
        }
        watchers.add(look)
        look()
      }),
    stop: async () => {
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
        process.kill(-child.pid, "SIGTERM")
      }
      return ended
    }
  }
}

export const run = (script: string, options: Parameters<typeof start>[1]): Promise<Ended> =>
  start(script, options).ended
