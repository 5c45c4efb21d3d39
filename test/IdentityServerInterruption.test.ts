import { type HttpApp, HttpServer } from "@effect/platform"
import { NodeHttpServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Context, Duration, Effect, Exit, Fiber, Layer, Logger, ManagedRuntime, Queue, TestClock } from "effect"
import { createServer } from "node:http"
import * as AwsIdentity from "../src/AwsIdentity.js"
import * as CallLog from "../src/cli/callLog.js"
import type * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityControls from "../src/IdentityControls.js"
import * as IdentityServer from "../src/IdentityServer.js"
import * as IdentityService from "../src/IdentityService.js"
import * as MemoryIdentity from "../src/MemoryIdentity.js"
import { assertEqual } from "./support/equality.js"
import { authorization } from "./support/raw.js"
import { origin } from "./support/server.js"
import { visit } from "./support/visit.js"
import { serve } from "./support/wire.js"

type App = HttpApp.Default<never, IdentityApi.IdentityApi | IdentityControls.IdentityControls>

const apps: ReadonlyArray<readonly [string, Effect.Effect<App>]> = [
  ["IdentityServer.api", Effect.succeed(IdentityServer.api)],
  ["IdentityServer.make", Effect.sync(() => IdentityServer.make())],
  ["IdentityServer.makeLocal", Effect.orDie(IdentityServer.makeLocal())]
]

/** `makeLocal` also requires the controls, which have no effect here. */
const over = (url: string, requestTimeout: Duration.DurationInput) =>
  Layer.merge(
    MemoryIdentity.layerApi(),
    AwsIdentity.layerApi({
      region: "us-east-1",
      dataEndpoint: url,
      controlEndpoint: url,
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
      requestTimeout
    })
  )

const port = () => NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" })

const mint = (origin: string) =>
  visit(`${origin}/identities/GetWorkloadAccessToken`, {
    method: "POST",
    headers: { authorization, "content-type": "application/json" },
    body: JSON.stringify({ workloadName: "my-agent" })
  })

describe("a client of IdentityServer over AwsIdentity", () => {
  for (const [name, app] of apps) {
    it.scoped(`that disconnects aborts the request to AWS: ${name}`, () =>
      Effect.gen(function*() {
        const wire = yield* serve(() => "hang")
        const context = yield* Layer.build(
          HttpServer.serve(yield* app).pipe(
            Layer.provide(over(wire.url, Duration.infinity)),
            Layer.provideMerge(port())
          )
        )
        const client = yield* Effect.fork(mint(yield* Effect.provide(origin, context)))
        const { path } = yield* Queue.take(wire.arrivals)
        assert.strictEqual(path, "/identities/GetWorkloadAccessToken")
        assert.strictEqual(yield* Queue.size(wire.aborts), 0)
        yield* Fiber.interrupt(client)
        assert.strictEqual((yield* Queue.take(wire.aborts)).path, path)
      }))

    it.scoped(`that disconnects is logged as disconnected by the command: ${name}`, () =>
      Effect.gen(function*() {
        const wire = yield* serve(() => "hang")
        const calls = yield* Queue.unbounded<unknown>()
        const context = yield* Layer.build(
          HttpServer.serve(CallLog.logCalls(yield* app)).pipe(
            Layer.provide(over(wire.url, Duration.infinity)),
            Layer.provide(
              Logger.replace(Logger.defaultLogger, Logger.make(({ message }) => calls.unsafeOffer(message)))
            ),
            Layer.provideMerge(port())
          )
        )
        const client = yield* Effect.fork(mint(yield* Effect.provide(origin, context)))
        yield* Queue.take(wire.arrivals)
        yield* Fiber.interrupt(client)
        const fields = { workload: "my-agent", provider: undefined, user: undefined, outcome: "disconnected", ms: 0 }
        assertEqual<unknown>(yield* Queue.take(calls), [{ event: "GetWorkloadAccessToken", fields }])
      }))

    it.scoped(`receives a response at the time limit if AWS does not respond: ${name}`, () =>
      Effect.gen(function*() {
        const wire = yield* serve(() => "hang")
        const context = yield* Layer.build(
          HttpServer.serve(yield* app).pipe(Layer.provide(over(wire.url, "30 seconds")), Layer.provideMerge(port()))
        )
        const client = yield* Effect.fork(mint(yield* Effect.provide(origin, context)))
        yield* Queue.take(wire.arrivals)
        yield* TestClock.adjust("30 seconds")
        assert.strictEqual((yield* Fiber.join(client)).status, 500)
        yield* Queue.take(wire.aborts)
      }))

    // A server that is closed before AWS waits for the response to its last request.
    const orders = [
      [
        "before AWS",
        (app: App, aws: ReturnType<typeof over>) =>
          HttpServer.serve(app).pipe(Layer.provideMerge(port()), Layer.provideMerge(aws))
      ],
      [
        "after AWS",
        (app: App, aws: ReturnType<typeof over>) =>
          HttpServer.serve(app).pipe(Layer.provideMerge(aws), Layer.provideMerge(port()))
      ]
    ] as const
    for (const [order, layer] of orders) {
      for (const isGone of [true, false]) {
        const who = isGone ? "that has disconnected" : "that waits for AWS until the time limit"
        it.scopedLive(`${who} does not block ManagedRuntime.dispose, with the server closed ${order}: ${name}`, () =>
          Effect.gen(function*() {
            const wire = yield* serve(() => "hang")
            const limit = isGone ? Duration.infinity : "500 millis"
            const runtime = ManagedRuntime.make(layer(yield* app, over(wire.url, limit)))
            const here = yield* Effect.promise(() => runtime.runPromise(origin))
            const client = yield* Effect.fork(mint(here))
            yield* Queue.take(wire.arrivals)
            if (isGone) yield* Fiber.interrupt(client)
            const exit = yield* Effect.exit(Effect.timeout(runtime.disposeEffect, "10 seconds"))
            assert.isTrue(Exit.isSuccess(exit), "dispose has not returned")
            yield* Queue.take(wire.aborts)
            yield* Fiber.interrupt(client)
          }))
      }
    }
  }
})

describe("a client of IdentityServer.makeLocal", () => {
  const delayed = Effect.gen(function*() {
    const controls = yield* Layer.build(MemoryIdentity.layerApi())
    const server = createServer()
    const gone = yield* Queue.unbounded<void>()
    server.on("request", (_, response) => {
      response.on("close", () => response.writableFinished || gone.unsafeOffer(undefined))
    })
    const context = yield* Layer.build(
      HttpServer.serve(yield* IdentityServer.makeLocal()).pipe(
        Layer.provide(Layer.succeedContext(controls)),
        Layer.provideMerge(NodeHttpServer.layer(() => server, { port: 0, host: "127.0.0.1" }))
      )
    )
    const identity = yield* Effect.provide(IdentityService.IdentityService, IdentityService.layer).pipe(
      Effect.provide(controls)
    )
    const { workloadIdentityArn } = yield* identity.createWorkloadIdentity({ name: "my-agent" })
    const here = yield* Effect.provide(origin, context)
    const set = yield* visit(`${here}/_local/delay`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ operation: "ListTagsForResource", seconds: 10 })
    })
    assert.strictEqual(set.status, 200, set.body)
    const { journal } = Context.get(controls, IdentityControls.IdentityControls)
    const isDelayed = Effect.map(visit(`${here}/_local/state`), ({ body }) => body.includes(`"delays":[]`))
    return {
      // It has no body, because a body would be lost with the connection.
      list: visit(`${here}/tags/${encodeURIComponent(workloadIdentityArn)}`, { headers: { authorization } }),
      gone: Queue.take(gone),
      // The call has consumed its delay.
      isDelayed: Effect.repeat(isDelayed, { until: (is) => is }),
      listed: Effect.map(
        journal,
        (calls) => calls.filter(({ operation }) => operation === "listTagsForResource").length
      )
    }
  })

  it.scoped("that disconnects during a delay causes no call", () =>
    Effect.gen(function*() {
      const { gone, isDelayed, list, listed } = yield* delayed
      const client = yield* Effect.fork(list)
      yield* isDelayed
      yield* Fiber.interrupt(client)
      yield* gone
      yield* TestClock.adjust("1 hours")
      // Later calls are not delayed. A call of the disconnected client would precede this one.
      assert.strictEqual((yield* list).status, 200)
      assert.strictEqual(yield* listed, 1)
    }))

  it.scoped("that waits until the end of the delay receives a response", () =>
    Effect.gen(function*() {
      const { isDelayed, list, listed } = yield* delayed
      const client = yield* Effect.fork(list)
      yield* isDelayed
      assert.strictEqual(yield* listed, 0)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual((yield* Fiber.join(client)).status, 200)
      assert.strictEqual(yield* listed, 1)
    }))
})
