/**
 * The server that the waiters ask, which notes when it is asked for a token. It mints their workload access tokens
 * beforehand, `argv[2]` of them: what is measured begins after that.
 */
import { HttpMiddleware, HttpServer, HttpServerRequest } from "@effect/platform"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Effect, Layer, Redacted } from "effect"
import { createServer } from "node:http"
import { IdentityServer, IdentityService } from "../src/index.js"
import { prepare, workloadAccessToken } from "./users.js"

const arrivals: Array<number> = []

const noted = HttpMiddleware.make((app) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) => {
    if (url.startsWith("/identities/oauth2/token")) arrivals.push(performance.timeOrigin + performance.now())
    return app
  })
)

const ready = Effect.gen(function*() {
  const { address } = yield* HttpServer.HttpServer
  yield* prepare
  const tokens = yield* Effect.forEach(
    Array.from({ length: Number(process.argv[2]) }, (_, i) => `user-${i}`),
    (userId) => Effect.map(workloadAccessToken(userId), Redacted.value)
  )
  process.send?.({ port: address._tag === "TcpAddress" ? address.port : 0, tokens })
  process.on("message", () => process.send?.({ arrivals }))
  process.on("disconnect", () => process.exit(0))
  return yield* Effect.never
})

ready.pipe(
  Effect.provide(
    HttpServer.serve(IdentityServer.api, noted).pipe(
      HttpMiddleware.withTracerDisabledWhen(() => true),
      Layer.provideMerge(IdentityService.layerTest),
      Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
    )
  ),
  NodeRuntime.runMain
)
