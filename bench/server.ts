/** The server under load, with a provider for machine tokens and a workload access token. */
import { HttpMiddleware, HttpServer } from "@effect/platform"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Effect, Layer, Redacted } from "effect"
import { createServer } from "node:http"
import { IdentityApi, IdentityServer, MemoryIdentity } from "../src/index.js"

const ready = Effect.gen(function*() {
  const api = yield* IdentityApi.IdentityApi
  const { address } = yield* HttpServer.HttpServer
  yield* api.createWorkloadIdentity({ name: "agent" })
  yield* api.createOauth2CredentialProvider({
    name: "github",
    credentialProviderVendor: "GithubOauth2",
    oauth2ProviderConfigInput: { githubOauth2ProviderConfig: { clientId: "id", clientSecret: Redacted.make("s") } }
  })
  const { workloadAccessToken } = yield* api.getWorkloadAccessToken({ workloadName: "agent" })
  process.send?.({ port: address._tag === "TcpAddress" ? address.port : 0, token: Redacted.value(workloadAccessToken) })
  process.on("message", () => process.send?.({ memory: (globalThis.gc?.(), process.memoryUsage().heapUsed) }))
  process.on("disconnect", () => process.exit(0))
  return yield* Effect.never
})

ready.pipe(
  Effect.provide(
    HttpServer.serve(IdentityServer.api).pipe(
      HttpMiddleware.withTracerDisabledWhen(() => true),
      Layer.provideMerge(MemoryIdentity.layerApi()),
      Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
    )
  ),
  NodeRuntime.runMain
)
