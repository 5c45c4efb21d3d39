/** What ten thousand waiters cost the process they wait in, which asks a server elsewhere: `argv[2]` is its port. */
import { NodeRuntime } from "@effect/platform-node"
import { Effect, Fiber, Layer, Schedule } from "effect"
import { AwsIdentity, IdentityService, TokenPoller } from "../src/index.js"
import { beginAll, prepare } from "./people.js"

/** What a waiter costs is the difference between so many and so many, without what a program costs that has any. */
const few = 2_000
const many = 10_000
const seconds = 20

const endpoint = `http://127.0.0.1:${process.argv[2]}`

/** What is in use once everybody has come to rest: the first poll is five seconds after the start. */
const heap = Effect.gen(function*() {
  yield* Effect.sleep("6 seconds")
  globalThis.gc?.()
  yield* Effect.sleep("100 millis")
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
})

const sockets = Effect.sync(() => process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length)

const now = Effect.sync(() => performance.timeOrigin + performance.now())

const measure = Effect.gen(function*() {
  yield* prepare

  // A few who do not poll yet, which shows what is left open between polls.
  const quiet = yield* beginAll("quiet", 500, TokenPoller.fromSchedule(Schedule.spaced("5 minutes")))
  yield* Effect.sleep("6 seconds")
  const socketsOfQuiet = yield* sockets
  yield* Fiber.interruptAll(quiet.map(({ fiber }) => fiber))

  const start = yield* now
  // Only the fibers are kept here, which a program does not need to.
  const first = (yield* beginAll("few", few)).map(({ fiber }) => fiber)
  const heapOfFew = yield* heap
  const rest = (yield* beginAll("many", many - few)).map(({ fiber }) => fiber)
  const asleep = yield* now
  const heapOfMany = yield* heap
  const fibers = [...first, ...rest]

  const open: Array<number> = []
  const from = yield* now
  yield* Effect.repeat(Effect.flatMap(sockets, (n) => Effect.sync(() => open.push(n))), {
    schedule: Schedule.spaced("1 second"),
    times: seconds
  })
  const to = yield* now

  const interrupting = yield* now
  yield* Fiber.interruptAll(fibers)
  const interrupted = yield* now

  process.send?.({
    from,
    to,
    waiters: many,
    secondsToStart: (asleep - start) / 1000,
    heapKBPerWaiter: (heapOfMany - heapOfFew) / 1024 / (many - few),
    socketsOfQuiet,
    socketsMost: Math.max(...open),
    millisToInterrupt: interrupted - interrupting
  })
  process.disconnect()
})

measure.pipe(
  Effect.provide(
    IdentityService.layer.pipe(
      Layer.provide(AwsIdentity.layerApi({
        region: "us-east-1",
        dataEndpoint: endpoint,
        controlEndpoint: endpoint,
        credentials: { accessKeyId: "test", secretAccessKey: "test" }
      }))
    )
  ),
  NodeRuntime.runMain
)
