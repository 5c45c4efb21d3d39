/** A Redis server for tests, without persistence, on a free port. */
import { Context, Effect, Layer, Redacted, TestServices } from "effect"
import { Redis as Client } from "ioredis"
import { spawn } from "node:child_process"
import { randomBytes, randomUUID } from "node:crypto"
import { connect, createServer } from "node:net"
import { setTimeout } from "node:timers/promises"
import { afterAll, beforeAll, inject } from "vitest"
import * as ConsentSeal from "../../src/ConsentSeal.js"
import type { Send } from "../../src/internal/redis/connection.js"
import * as Redis from "../../src/Redis.js"
import { unhurried } from "./clock.js"

export const freePort = () =>
  new Promise<number>((resolve, reject) => {
    const server = createServer()
    server.on("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => typeof address === "object" && address !== null ? resolve(address.port) : reject(address))
    })
  })

/** Whether the server at the port replies. */
const replies = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("PING\r\n"))
    socket.setTimeout(1000, () => socket.destroy())
    socket.on("data", () => {
      resolve(true)
      socket.destroy()
    })
    socket.on("error", () => resolve(false))
    socket.on("close", () => resolve(false))
  })

export interface Server {
  readonly url: string
  /** Starts the server again on the same port, without its data. */
  readonly start: Effect.Effect<void>
  readonly kill: Effect.Effect<void>
  /** The process keeps its connections and does not reply. */
  readonly freeze: Effect.Effect<void>
  readonly thaw: Effect.Effect<void>
  /** Sends a command. */
  readonly call: (command: string, ...args: ReadonlyArray<string>) => Effect.Effect<unknown>
}

const launch = async (args: ReadonlyArray<string>): Promise<Server> => {
  const path = inject("redis")
  if (path === undefined) throw new Error("no redis-server: the global set-up provides it to test/redis*.test.ts")
  const port = await freePort()
  const start = async () => {
    const child = spawn(
      path,
      ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", ...args],
      { stdio: "ignore" }
    )
    const closed = new Promise<void>((resolve) => child.on("close", () => resolve()))
    for (let attempt = 0; !await replies(port); attempt++) {
      if (attempt > 500) throw new Error("redis-server does not reply")
      await setTimeout(20)
    }
    return { child, closed }
  }
  let running = await start()
  const signal = (name: NodeJS.Signals) =>
    Effect.sync(() => {
      running.child.kill(name)
    })
  return {
    url: `redis://127.0.0.1:${port}`,
    start: Effect.promise(async () => {
      running = await start()
    }),
    kill: Effect.zipRight(signal("SIGKILL"), Effect.promise(() => running.closed)),
    freeze: signal("SIGSTOP"),
    thaw: signal("SIGCONT"),
    call: (command, ...args) =>
      Effect.acquireUseRelease(
        Effect.sync(() => new Client(port, "127.0.0.1")),
        (client) => Effect.promise(() => client.call(command, ...args)),
        (client) => Effect.sync(() => client.disconnect())
      )
  }
}

/** A server that ends with the scope. */
export const server = (...args: ReadonlyArray<string>) =>
  Effect.acquireRelease(Effect.promise(() => launch(args)), ({ kill }) => kill)

/** A server for the tests of a file. */
export const shared = (): () => Server => {
  let started: Server | undefined
  beforeAll(async () => {
    started = await launch([])
  })
  afterAll(() => started === undefined ? undefined : Effect.runPromise(started.kill))
  return () =>
    started ?? (() => {
      throw new Error("the server is started before the tests")
    })()
}

export const sealKey = randomBytes(32).toString("base64")

export const seal = Layer.orDie(ConsentSeal.layer({ keys: [{ id: "test", key: Redacted.make(sealKey) }] }))

/** A prefix that no other test uses. */
export const prefix = () => `test-${randomUUID()}:`

export const connection = (url: string, options: Partial<Redis.Options> = {}) =>
  Layer.orDie(Redis.layer({ url, prefix: prefix(), ...options }))

/** A connection with the real time, while whose commands the clock of a test stands still. `onCommand` is called for each. */
export const unhurriedConnection = (url: string, onCommand: () => void = () => undefined) =>
  Layer.scoped(
    Redis.Redis,
    Effect.map(unhurried(TestServices.provideLive(Layer.build(connection(url)))), (context) => {
      const { sender, subscribe, ...rest } = Context.get(context, Redis.Redis)
      return {
        ...rest,
        subscribe: (...args: Parameters<typeof subscribe>) => unhurried(TestServices.provideLive(subscribe(...args))),
        sender: (...args: Parameters<typeof sender>): Send => {
          const send = sender(...args)
          return (command) => {
            onCommand()
            return unhurried(TestServices.provideLive(send(command)))
          }
        }
      }
    })
  )
