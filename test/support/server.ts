import { HttpServer } from "@effect/platform"
import { NodeHttpServer } from "@effect/platform-node"
import { Duration, Effect, Layer } from "effect"
import { createServer } from "node:http"
import * as AwsIdentity from "../../src/AwsIdentity.js"
import type * as IdentityApi from "../../src/IdentityApi.js"
import type * as IdentityControls from "../../src/IdentityControls.js"
import * as IdentityServer from "../../src/IdentityServer.js"
import * as IdentityService from "../../src/IdentityService.js"
import * as MemoryIdentity from "../../src/MemoryIdentity.js"
import { credentials } from "./canaries.js"

/** A port to listen on, which nobody else has. */
export const Port = NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" })

/** The address of the server of this test. */
export const origin = HttpServer.addressFormattedWith(Effect.succeed)

/** The live layer, aimed at the server of this test. Time is the test's, so that no request may wait by the clock. */
export const Client = Layer.unwrapEffect(Effect.map(origin, (endpoint) =>
  AwsIdentity.layerApi({
    region: "us-east-1",
    dataEndpoint: endpoint,
    controlEndpoint: endpoint,
    credentials,
    requestTimeout: Duration.infinity
  })))

/** The service over the AWS SDK, over HTTP, over the server, over whatever plays AWS. */
export const over = <E>(aws: Layer.Layer<IdentityApi.IdentityApi | IdentityControls.IdentityControls, E>) =>
  IdentityService.layer.pipe(
    Layer.provideMerge(Client),
    Layer.provideMerge(
      HttpServer.serve(IdentityServer.make()).pipe(Layer.provideMerge(aws), Layer.provideMerge(Port))
    )
  )

/** The same over memory. */
export const layer = over(MemoryIdentity.layerApi())
