/** Waiting calls: the time until they wake, and their cost while they sleep. */
import type { ChildProcess } from "node:child_process"
import { fork } from "node:child_process"
import { mostInOneSecond, type Quantiles } from "./statistics.js"

const start = (file: string, ...args: ReadonlyArray<string>) =>
  fork(new URL(file, import.meta.url), args, { execArgv: ["--expose-gc"] })

/** The next message; the child says of what kind it is by which child it is. */
const message = <A>(child: ChildProcess) =>
  new Promise<A>((resolve, reject) => {
    child.once("error", reject)
    child.once("exit", (code) => reject(new Error(`a child ended with ${code}`)))
    child.once("message", (value: A) => resolve(value))
  })

interface Woken {
  readonly oneByOne: Quantiles
  readonly atOnce: Quantiles
}

interface Slept {
  readonly from: number
  readonly to: number
  readonly waiters: number
  readonly secondsToStart: number
  readonly heapKBPerWaiter: number
  readonly socketsMost: number
  readonly millisToInterrupt: number
}

const round = <A extends object>(figures: A) =>
  Object.fromEntries(
    Object.entries(figures).map(([name, figure]) => [name, Number(Number(figure).toFixed(2))])
  )

const count = 10_000

const waiters = async () => {
  const server = start("./sessions.js", String(count))
  const { port, tokens } = await message<{ readonly port: number; readonly tokens: ReadonlyArray<string> }>(server)
  const child = start("./waiters.js", String(port))
  child.send(tokens)
  const { from, to, ...slept } = await message<Slept>(child)
  const answer = message<{ readonly arrivals: ReadonlyArray<number> }>(server)
  server.send("arrivals")
  const arrivals = (await answer).arrivals.filter((time) => time >= from && time < to)
  server.disconnect()
  return round({
    ...slept,
    pollsPerSecond: arrivals.length / ((to - from) / 1000),
    pollsInAnyOneSecond: mostInOneSecond(arrivals)
  })
}

export const consent = async () => {
  const { atOnce, oneByOne } = await message<Woken>(start("./waking.js"))
  return { wakingMillisOneByOne: round(oneByOne), wakingMillisAtOnce: round(atOnce), sleeping: await waiters() }
}
