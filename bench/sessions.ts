/** The server that the waiters ask, which notes when it is asked for a token. */
import { HttpMiddleware, HttpServer, HttpServerRequest } from "@effect/platform"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { createServer } from "node:http"
import { IdentityServer, MemoryIdentity } from "../src/index.js"

const arrivals: Array<number> = []

const noted = HttpMiddleware.make((app) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) => {
    if (url.startsWith("/identities/oauth2/token")) arrivals.push(performance.timeOrigin + performance.now())
    return app
  })
)

const ready = Effect.gen(function*() {
  const { address } = yield* HttpServer.HttpServer
  process.send?.({ port: address._tag === "TcpAddress" ? address.port : 0 })
  process.on("message", () => process.send?.({ arrivals }))
  process.on("disconnect", () => process.exit(0))
  return yield* Effect.never
})

ready.pipe(
  Effect.provide(
    HttpServer.serve(IdentityServer.api, noted).pipe(
      HttpMiddleware.withTracerDisabledWhen(() => true),
      Layer.provideMerge(MemoryIdentity.layerApi()),
      Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
    )
  ),
  NodeRuntime.runMain
)
