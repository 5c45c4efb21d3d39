/** The programs that a user writes after the installation. */

export const agentTest = `
import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { IdentityService } from "effect-agentcore-identity"

it.effect("creates a workload identity", () =>
  Effect.gen(function*() {
    const identity = yield* IdentityService.IdentityService
    yield* identity.createWorkloadIdentity({ name: "my-agent" })
    const { name } = yield* identity.getWorkloadIdentity({ name: "my-agent" })
    expect(name).toBe("my-agent")
  }).pipe(Effect.provide(IdentityService.layerTest)))
`

/** Opens a folder, and prints that it did or how it failed. */
export const stored = `
import { Effect, Layer } from "effect"
import * as StoredIdentity from "effect-agentcore-identity/StoredIdentity"

Effect.scoped(Layer.build(StoredIdentity.layerApi({ directory: "stored" }))).pipe(
  Effect.as("the folder is open"),
  Effect.catchTag("StorageError", ({ message }) => Effect.succeed(message)),
  Effect.map((line) => console.log(line)),
  Effect.runPromise
)
`

/** Builds the layer of Redis at a port without a server. */
export const redis = `
import { Effect, Layer } from "effect"
import * as Redis from "effect-agentcore-identity/Redis"

Effect.scoped(Layer.build(Redis.layer({ url: "redis://127.0.0.1:1" }))).pipe(
  Effect.as("the layer is built"),
  Effect.map((line) => console.log(line)),
  Effect.runPromise
)
`

/** Serves the local service and asks it once. */
export const server = `
import { HttpServer } from "@effect/platform"
import { NodeHttpServer } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { IdentityServer, MemoryIdentity } from "effect-agentcore-identity"
import { createServer } from "node:http"

Effect.gen(function*() {
  yield* HttpServer.serveEffect(yield* IdentityServer.makeLocal())
  const { address } = yield* HttpServer.HttpServer
  const port = address._tag === "TcpAddress" ? address.port : 0
  const response = yield* Effect.promise(() => fetch(\`http://127.0.0.1:\${port}/_local/\`))
  console.log(\`the server answers \${response.status}\`)
}).pipe(
  Effect.scoped,
  Effect.provide(Layer.merge(NodeHttpServer.layer(() => createServer(), { port: 0 }), MemoryIdentity.layerApi())),
  Effect.runPromise
)
`
