import { HttpServer } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Struct } from "effect"
import * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityServer from "../src/IdentityServer.js"
import * as MemoryIdentity from "../src/MemoryIdentity.js"
import { assertNoCredentials, credentials } from "./support/canaries.js"
import { recording } from "./support/recording.js"
import { Client, origin, Port } from "./support/server.js"

describe("the session token of a signed request", () => {
  const servers = {
    "IdentityServer.api": Effect.succeed(IdentityServer.api),
    "IdentityServer.make": Effect.succeed(IdentityServer.make()),
    "IdentityServer.makeLocal": IdentityServer.makeLocal()
  }

  for (const [title, server] of Struct.entries(servers)) {
    it.live(`is in no span of ${title}, although the platform records headers`, () =>
      Effect.gen(function*() {
        const { layer, spans, text } = yield* recording
        const served = Layer.unwrapEffect(Effect.map(server, (app) => HttpServer.serve(app))).pipe(
          Layer.provide(MemoryIdentity.layerApi()),
          Layer.provideMerge(Port)
        )
        const call = Effect.flatMap(IdentityApi.IdentityApi, (api) => api.createWorkloadIdentity({ name: "agent-1" }))
        yield* call.pipe(Effect.provide(Client.pipe(Layer.provideMerge(served), Layer.provide(layer))))
        assert.isTrue(spans.some(({ attributes }) => attributes.has("http.request.header.x-amz-security-token")))
        assertNoCredentials(text())
      }))

    it.live(`is in no span of ${title} if it is in the query`, () =>
      Effect.gen(function*() {
        const { layer, spans, text } = yield* recording
        const served = Layer.unwrapEffect(Effect.map(server, (app) => HttpServer.serve(app))).pipe(
          Layer.provide(MemoryIdentity.layerApi()),
          Layer.provideMerge(Port)
        )
        const query = new URLSearchParams({
          "X-Amz-Security-Token": credentials.sessionToken,
          "X-Amz-Credential": `${credentials.accessKeyId}/20260101/us-east-1/bedrock-agentcore/aws4_request`
        })
        const call = Effect.flatMap(origin, (here) => Effect.promise(() => fetch(`${here}/identities/x?${query}`)))
        yield* call.pipe(Effect.provide(served.pipe(Layer.provide(layer))))
        assert.isTrue(spans.some(({ attributes }) => attributes.has("url.full")))
        assertNoCredentials(text())
      }))
  }
})
