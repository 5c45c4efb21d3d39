/** The server that `bytes.ts` attacks, in a process of its own with a small heap. */
import { HttpMiddleware, HttpServer } from "@effect/platform"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Effect, Layer, Redacted } from "effect"
import { createServer } from "node:http"
import { IdentityApi, IdentityServer, MemoryIdentity } from "../src/index.js"

export const childName = "bytes"

/** Requests, each of another user. */
export const requests = 2_400

export const returnUrl = "https://app.example/return"

export interface Attacked {
  readonly port: number
  /** Workload access tokens, one for each request. */
  readonly tokens: ReadonlyArray<string>
}

/** In MiB. */
export interface Memory {
  readonly heap: number
  readonly resident: number
}

const mebibytes = (bytes: number) => Math.round(bytes / 1024 / 1024)

const memory = (): Memory => {
  globalThis.gc?.()
  const { heapUsed, rss } = process.memoryUsage()
  return { heap: mebibytes(heapUsed), resident: mebibytes(rss) }
}

/** Serves the local server, reports its port and the tokens, and answers each message with its memory. */
const server = Effect.gen(function*() {
  const api = yield* IdentityApi.IdentityApi
  const { address } = yield* HttpServer.HttpServer
  yield* api.createWorkloadIdentity({ name: "agent", allowedResourceOauth2ReturnUrls: [returnUrl] })
  yield* api.createOauth2CredentialProvider({
    name: "github",
    credentialProviderVendor: "GithubOauth2",
    oauth2ProviderConfigInput: { githubOauth2ProviderConfig: { clientId: "id", clientSecret: Redacted.make("s") } }
  })
  const tokens = yield* Effect.forEach(
    Array.from({ length: requests }, (_, index) => `user-${index}`),
    (userId) => api.getWorkloadAccessTokenForUserId({ workloadName: "agent", userId })
  )
  process.on("message", () => process.send?.(memory()))
  process.on("disconnect", () => process.exit(0))
  process.send?.({
    port: address._tag === "TcpAddress" ? address.port : 0,
    tokens: tokens.map(({ workloadAccessToken }) => Redacted.value(workloadAccessToken))
  })
  return yield* Effect.never
}).pipe(
  Effect.provide(
    Layer.unwrapEffect(Effect.map(IdentityServer.makeLocal(), (app) => HttpServer.serve(app))).pipe(
      HttpMiddleware.withTracerDisabledWhen(() => true),
      Layer.provideMerge(MemoryIdentity.layerApi()),
      Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
    )
  )
)

/** Runs the server if the command line names it. */
export const runBytesChild = (name: string | undefined): boolean => {
  if (name !== childName) return false
  NodeRuntime.runMain(server)
  return true
}
