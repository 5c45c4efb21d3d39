/**
 * The server under load, with a provider for machine tokens and a workload access token. With the argument `fixed` it returns
 * the same token for each request, so that only the protocol is measured.
 */
import { HttpMiddleware, HttpServer } from "@effect/platform"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Effect, Layer, Redacted } from "effect"
import { createServer } from "node:http"
import { IdentityApi, IdentityServer, MemoryIdentity } from "../src/index.js"
import { reportUsage } from "./usage.js"

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
  reportUsage()
  return yield* Effect.never
})

const isFixed = process.argv[2] === "fixed"

const fixed = Layer.effect(
  IdentityApi.IdentityApi,
  Effect.map(IdentityApi.IdentityApi, (api): IdentityApi.IdentityApi["Type"] => ({
    ...api,
    getResourceOauth2Token: () => Effect.succeed({ accessToken: Redacted.make("token") })
  }))
)

ready.pipe(
  Effect.provide(
    HttpServer.serve(IdentityServer.api).pipe(
      HttpMiddleware.withTracerDisabledWhen(() => true),
      Layer.provideMerge(isFixed ? Layer.provideMerge(fixed, MemoryIdentity.layerApi()) : MemoryIdentity.layerApi()),
      Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
    )
  ),
  NodeRuntime.runMain
)
