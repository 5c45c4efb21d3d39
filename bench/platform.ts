/** Baseline of the platform: the same echo as an `HttpApp` of @effect/platform. */
import { HttpMiddleware, HttpServer, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { createServer } from "node:http"
import { reportUsage } from "./usage.js"

const echo = Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ json }) => json).pipe(
  Effect.map((body) => HttpServerResponse.unsafeJson(body)),
  Effect.orDie
)

const ready = Effect.gen(function*() {
  const { address } = yield* HttpServer.HttpServer
  process.send?.({ port: address._tag === "TcpAddress" ? address.port : 0, token: "" })
  reportUsage()
  return yield* Effect.never
})

ready.pipe(
  Effect.provide(
    HttpServer.serve(echo).pipe(
      HttpMiddleware.withTracerDisabledWhen(() => true),
      Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
    )
  ),
  NodeRuntime.runMain
)
