import { HttpServer } from "@effect/platform"
import { NodeHttpServer } from "@effect/platform-node"
import { Duration, Effect, Layer } from "effect"
import { createServer } from "node:http"
import * as AwsIdentity from "../../src/AwsIdentity.js"
import type * as IdentityApi from "../../src/IdentityApi.js"
import type * as IdentityControls from "../../src/IdentityControls.js"
import * as IdentityServer from "../../src/IdentityServer.js"
import * as IdentityService from "../../src/IdentityService.js"
import { CompletionEvents } from "../../src/internal/model/completionEvents.js"
import * as MemoryIdentity from "../../src/MemoryIdentity.js"
import { credentials } from "./canaries.js"

/** A free port to listen on. */
export const Port = NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" })

/** The URL of the server of this test. */
export const origin = HttpServer.addressFormattedWith(Effect.succeed)

/** The live layer with the server of this test. The test controls the clock, so requests have no time limit. */
export const Client = Layer.unwrapEffect(Effect.map(origin, (endpoint) =>
  AwsIdentity.layerApi({
    region: "us-east-1",
    dataEndpoint: endpoint,
    controlEndpoint: endpoint,
    credentials,
    requestTimeout: Duration.infinity
  })))

/** The service over the AWS SDK, over HTTP, over the server, over an AWS stand-in. */
export const over = <E>(aws: Layer.Layer<IdentityApi.IdentityApi | IdentityControls.IdentityControls, E>) =>
  IdentityService.layer.pipe(
    // As in another process: the service in memory does not wake its calls.
    Layer.provide(Layer.succeed(CompletionEvents, undefined)),
    Layer.provideMerge(Client),
    Layer.provideMerge(
      HttpServer.serve(IdentityServer.make()).pipe(Layer.provideMerge(aws), Layer.provideMerge(Port))
    )
  )

/** The same service over memory. */
export const layer = over(MemoryIdentity.layerApi())
