/**
 * AWS's wire protocol in front of any `IdentityApi`, both planes on one port: any AWS SDK that is given its address as
 * endpoint finds AgentCore Identity there.
 *
 * @since 0.1.0
 */
import type * as HttpApp from "@effect/platform/HttpApp"
import * as Effect from "effect/Effect"
import { IdentityApi } from "./IdentityApi.js"
import * as wire from "./internal/server/wire.js"

/**
 * The operations, and nothing else: each request is held against the model's limits, and answered as AWS answers.
 *
 * @example
 * ```ts
 * import { HttpServer } from "@effect/platform"
 * import { Layer } from "effect"
 * import { IdentityServer, MemoryIdentity } from "effect-agentcore-identity"
 *
 * // Needs an `HttpServer`, such as `NodeHttpServer.layer` of @effect/platform-node.
 * export const Emulator = HttpServer.serve(IdentityServer.api).pipe(Layer.provide(MemoryIdentity.layerApi()))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const api: HttpApp.Default<never, IdentityApi> = Effect.flatMap(IdentityApi, wire.handle)
