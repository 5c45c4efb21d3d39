/**
 * The server that the waiters ask, which notes when it is asked for a token. Opening a session takes the engine time in
 * proportion to those it has, so that the users are spread over many engines: what is measured is elsewhere.
 */
import { HttpMiddleware, HttpServer, HttpServerRequest } from "@effect/platform"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Effect, Layer, Redacted } from "effect"
import { createServer } from "node:http"
import { IdentityApi, IdentityServer, MemoryIdentity } from "../src/index.js"

const arrivals: Array<number> = []

const noted = HttpMiddleware.make((app) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) => {
    if (url.startsWith("/identities/oauth2/token")) arrivals.push(performance.timeOrigin + performance.now())
    return app
  })
)

const engines = 64

const Spread = Layer.effect(
  IdentityApi.IdentityApi,
  Effect.gen(function*() {
    const all = yield* Effect.replicateEffect(
      Effect.provide(IdentityApi.IdentityApi, Layer.fresh(MemoryIdentity.layerApi())),
      engines
    )
    const [first] = all
    if (first === undefined) return yield* Effect.dieMessage("no engine")
    const byToken = new Map<string, IdentityApi.IdentityApi["Type"]>()
    const everywhere = <A, E>(call: (api: IdentityApi.IdentityApi["Type"]) => Effect.Effect<A, E>) =>
      Effect.zipRight(Effect.forEach(all.slice(1), call), call(first))
    return IdentityApi.IdentityApi.of({
      ...first,
      createWorkloadIdentity: (request) => everywhere((api) => api.createWorkloadIdentity(request)),
      createOauth2CredentialProvider: (request) => everywhere((api) => api.createOauth2CredentialProvider(request)),
      getWorkloadAccessTokenForUserId: (request) => {
        const api = all[byToken.size % engines] ?? first
        return Effect.tap(
          api.getWorkloadAccessTokenForUserId(request),
          ({ workloadAccessToken }) => Effect.sync(() => byToken.set(Redacted.value(workloadAccessToken), api))
        )
      },
      getResourceOauth2Token: (request) =>
        (byToken.get(Redacted.value(request.workloadIdentityToken)) ?? first).getResourceOauth2Token(request)
    })
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
      Layer.provideMerge(Spread),
      Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
    )
  ),
  NodeRuntime.runMain
)
