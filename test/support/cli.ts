import { spawn } from "node:child_process"
import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { inject } from "vitest"
import { temporaryFolder } from "./command.js"

/** The command that the global setup bundled, and a folder for files of the test. */
export const bundle = async () => {
  const file = inject("command")
  if (file === undefined) {
    throw new Error("The global setup bundled no command: it does so for test files that import ./support/cli.js")
  }
  const directory = temporaryFolder()
  return {
    directory,
    file,
    write: (name: string, content: unknown) => {
      const path = join(directory, name)
      writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content))
      return path
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
    start: (args: ReadonlyArray<string>, options?: Options) => start(file, args, options)
  }
}

export interface Options {
  readonly stdin?: string | undefined
  readonly env?: { readonly [name: string]: string } | undefined
}

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

// Nothing of this machine's AWS profile.
const environment = {
  PATH: process.env["PATH"] ?? "",
  AWS_CONFIG_FILE: "/dev/null",
  AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
  AWS_EC2_METADATA_DISABLED: "true"
}

const start = (file: string, args: ReadonlyArray<string>, { env = {}, stdin }: Options = {}) => {
  const child = spawn(process.execPath, [file, ...args], { env: { ...environment, ...env } })
  let stdout = ""
  let stderr = ""
  const watchers = new Set<() => void>()
  const heard = () => watchers.forEach((watcher) => watcher())
  child.stdout.on("data", (chunk) => {
    stdout += String(chunk)
    heard()
  })
  child.stderr.on("data", (chunk) => {
    stderr += String(chunk)
    heard()
  })
  child.stdin.end(stdin ?? "")
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject)
    child.on("close", (code) => {
      resolve({ code, stdout, stderr })
      heard()
    })
  })
  return {
    ended,
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    isOver: () => child.exitCode !== null || child.signalCode !== null,
    stderr: () => stderr,
    /** What is found on an output, as soon as it is there. */
    find: (stream: "stdout" | "stderr", pattern: RegExp) =>
      new Promise<string>((resolve, reject) => {
        const look = () => {
          const found = pattern.exec(stream === "stdout" ? stdout : stderr)
          if (found !== null) {
            watchers.delete(look)
            resolve(found[1] ?? found[0])
          } else if (child.exitCode !== null) {
            watchers.delete(look)
            reject(new Error(`ended with ${child.exitCode} and said: ${stdout}${stderr}`))
          }
        }
        watchers.add(look)
        look()
      })
  }
}

export type Started = ReturnType<typeof start>
