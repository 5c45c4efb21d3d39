/** Programs of the benchmarks in processes of their own. */
import { type ChildProcess, fork } from "node:child_process"

/** The next message of a process. Fails if the process ends before. */
export const message = <A>(child: ChildProcess): Promise<A> =>
  new Promise((resolve, reject) => {
    const ended = (code: number | null, signal: string | null) =>
      reject(new Error(`${child.spawnargs.slice(1).join(" ")} ended with ${code ?? signal}`))
    child.once("error", reject)
    child.once("exit", ended)
    child.once("message", (value: A) => {
      child.off("exit", ended)
      child.off("error", reject)
      resolve(value)
    })
  })

/** Sends a message to a process, and waits for its answer. */
export const ask = <A>(child: ChildProcess, question: string): Promise<A> => {
  const answer = message<A>(child)
  child.send(question)
  return answer
}

const flags = ["--expose-gc", "--max-old-space-size=6144"]

/** Starts a program of this folder. */
export const program = (file: string, ...args: ReadonlyArray<string>): ChildProcess =>
  fork(new URL(file, import.meta.url), args, { execArgv: flags })

/** Starts this program again for one measurement, with a heap of `megabytes`. */
export const measurement = (name: string, megabytes = 6144): ChildProcess =>
  fork(new URL(import.meta.url), ["--child", name], {
    execArgv: ["--expose-gc", `--max-old-space-size=${megabytes}`]
  })

/** Starts this program again for one measurement, and waits for its result. */
export const measured = <A>(name: string): Promise<A> => message<A>(measurement(name))
