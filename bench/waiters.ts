/**
 * What ten thousand waiters cost the process they wait in, which asks a server elsewhere: `argv[2]` is its port, and
 * the first message their workload access tokens.
 */
import { BedrockAgentCoreClient, GetResourceOauth2TokenCommand } from "@aws-sdk/client-bedrock-agentcore"
import { NodeRuntime } from "@effect/platform-node"
import { Duration, Effect, Fiber, Layer, Redacted, Schedule } from "effect"
import { AwsIdentity, IdentityService } from "../src/index.js"
import { credentials, live, region } from "./environment.js"
import { begin, callbackUrl } from "./users.js"

/** What a waiter costs is what those after the first few add, without what a program costs that has any. */
const few = 2_000
const seconds = 10
const concurrency = 32

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

const received = Effect.async<ReadonlyArray<string>>((resume) => {
  process.once("message", (tokens: ReadonlyArray<string>) => resume(Effect.succeed(tokens)))
})

// Each with a token of its own, as if a reply had brought it, so that its text counts as well.
const beginAll = (tokens: ReadonlyArray<string>) =>
  Effect.forEach(
    tokens,
    (token, i) =>
      Effect.map(
        Effect.suspend(() => begin(`user-${i}`, Redacted.make(Buffer.from(token).toString()))),
        // No more than the fiber is kept, which a program does not need to.
        ({ fiber }) => fiber
      ),
    { concurrency }
  )

const requestOf = (workloadIdentityToken: string) =>
  new GetResourceOauth2TokenCommand({
    workloadIdentityToken,
    resourceCredentialProviderName: "github",
    scopes: ["repo"],
    oauth2Flow: "USER_FEDERATION",
    resourceOauth2ReturnUrl: callbackUrl
  })

/** The same first requests by the client of the SDK alone, which then would have to wait. */
const requestAll = (tokens: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const client = yield* Effect.acquireRelease(
      Effect.sync(() => new BedrockAgentCoreClient({ region, credentials, endpoint })),
      (client) => Effect.sync(() => client.destroy())
    )
    yield* Effect.forEach(tokens, (token) => Effect.promise(() => client.send(requestOf(token))), {
      concurrency,
      discard: true
    })
  }).pipe(Effect.scoped)

const measure = Effect.gen(function*() {
  const tokens = yield* received

  const [startOfFew, first] = yield* Effect.timed(beginAll(tokens.slice(0, few)))
  const heapOfFew = yield* heap
  const [startOfRest, rest] = yield* Effect.timed(beginAll(tokens.slice(few)))
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

  const [requests] = yield* Effect.timed(requestAll(tokens.slice(0, few)))

  process.send?.({
    from,
    to,
    waiters: fibers.length,
    secondsToStart: Duration.toSeconds(startOfFew) + Duration.toSeconds(startOfRest),
    secondsOfClient: Duration.toSeconds(requests) / few * tokens.length,
    heapKBPerWaiter: (heapOfMany - heapOfFew) / 1024 / rest.length,
    socketsMost: Math.max(...open),
    millisToInterrupt: interrupted - interrupting
  })
  process.disconnect()
})

measure.pipe(
  Effect.provide(
    IdentityService.layer.pipe(
      Layer.provide(AwsIdentity.layerApi(live(endpoint)))
    )
  ),
  NodeRuntime.runMain
)
