/**
 * The service through the AWS SDK; no other module knows the SDK.
 *
 * @since 0.1.0
 */
import type { BedrockAgentCoreClientConfig } from "@aws-sdk/client-bedrock-agentcore"
import { BedrockAgentCoreClient } from "@aws-sdk/client-bedrock-agentcore"
import type { BedrockAgentCoreControlClient } from "@aws-sdk/client-bedrock-agentcore-control"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as IdentityApi from "./IdentityApi.js"
import * as IdentityService from "./IdentityService.js"
import * as agents from "./internal/aws/agents.js"
import * as call from "./internal/aws/call.js"
import * as control from "./internal/aws/control.js"
import * as data from "./internal/aws/data.js"
import * as settings from "./internal/aws/settings.js"

/**
 * SDK clients of the caller's own making, for what the other options do not reach. Their replies are verified as well. They are
 * never changed or destroyed here, and should be made with `maxAttempts: 1`: retries belong to the service, and two loops multiply.
 * A request that is lost on a stale connection of such a client is not sent again, since its connections are not observed.
 *
 * @since 0.1.0
 * @category models
 */
export interface Clients {
  readonly data?: BedrockAgentCoreClient | undefined
  readonly control?: BedrockAgentCoreControlClient | undefined
}

/**
 * How to reach AWS. Everything may be left out; an empty string counts as left out.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** By default `AWS_REGION`, then `AWS_DEFAULT_REGION` (both by `Config`), then the profile's. */
  readonly region?: string | undefined
  /**
   * By default `AWS_ENDPOINT_URL_BEDROCK_AGENTCORE`, then `BEDROCK_AGENTCORE_DP_ENDPOINT`, then `AWS_ENDPOINT_URL` (all
   * by `Config`), then the profile's, then the region's own.
   */
  readonly dataEndpoint?: string | undefined
  /**
   * By default `AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL`, then `BEDROCK_AGENTCORE_CP_ENDPOINT`, then
   * `AWS_ENDPOINT_URL` (all by `Config`), then the profile's, then the region's own.
   */
  readonly controlEndpoint?: string | undefined
  /** By default what the SDK finds: the environment, the profile, the role of the container or machine. */
  readonly credentials?: NonNullable<BedrockAgentCoreClientConfig["credentials"]> | undefined
  /** Used instead of those that would be made. */
  readonly clients?: Clients | undefined
  /**
   * Whether requests are held against the model's limits before anything is sent; by default `true`. With `false` they
   * go out as given, and the service answers for itself.
   */
  readonly checkRequests?: boolean | undefined
  /**
   * How long one attempt may take, from the search for credentials to the last byte of the reply; by default 30
   * seconds. Then the HTTP request is aborted and the call fails with `TransportFailure`, reason `Timeout`. The limit also
   * holds in an uninterruptible region, such as a handler of `@effect/platform`. `Duration.infinity` sets no limit: in such
   * a region a call to a service that never answers then never ends.
   */
  readonly requestTimeout?: Duration.DurationInput | undefined
}

const acquire = <Client extends { readonly destroy: () => void }>(make: () => Client) =>
  Effect.acquireRelease(Effect.sync(make), (client) => Effect.sync(() => client.destroy()))

// The work has a fiber of its own, so that a caller who is interrupted takes nothing away from the others; it is awaited
// and not joined, so that nobody inherits what the first caller had in its fiber.
const shared = <A>(effect: Effect.Effect<A, never, Scope.Scope>) =>
  Effect.gen(function*() {
    const scope = yield* Effect.scope
    const fiber = yield* Effect.cached(Effect.uninterruptible(Effect.forkIn(Scope.extend(effect, scope), scope)))
    return Effect.flatten(Effect.flatMap(fiber, Fiber.await))
  })

const clientConfig = (
  credentials: Options["credentials"],
  region: string | undefined,
  endpoint: string | undefined
) => ({
  maxAttempts: 1,
  requestHandler: agents.make() ?? {},
  ...(credentials !== undefined && { credentials }),
  ...(region !== undefined && { region }),
  ...(endpoint !== undefined && { endpoint })
})

const connect = ({ clients = {}, controlEndpoint, credentials, dataEndpoint, region }: Options) =>
  Effect.gen(function*() {
    const ready = clients.data !== undefined && clients.control !== undefined
    const found = ready ? undefined : yield* settings.region(region)

    const makeData = Effect.flatMap(
      settings.endpoint("data", dataEndpoint),
      (endpoint) => acquire(() => new BedrockAgentCoreClient(clientConfig(credentials, found, endpoint)))
    )
    const data = clients.data ?? (yield* makeData)

    // Whatever stands in the way of the control client is said now, although the client itself waits.
    const known = ready ? undefined : found ?? (yield* settings.regionOf(data))
    const config = clients.control
      ? {}
      : clientConfig(credentials, known, yield* settings.endpoint("control", controlEndpoint))

    const control = yield* shared(Effect.gen(function*() {
      const sdk = yield* Effect.promise(() => import("@aws-sdk/client-bedrock-agentcore-control"))
      const client = clients.control ?? (yield* acquire(() => new sdk.BedrockAgentCoreControlClient(config)))
      return { client, sdk }
    }))

    return { data: Effect.succeed(data), control }
  })

/**
 * The 34 operations through the AWS SDK. A call sends one HTTP request, which is aborted when its fiber is interrupted. Within
 * the call it is sent once more in two cases: when a reused connection was closed before the first byte of the response, and
 * when AWS rejected the time of the signature and the SDK has corrected its clock. Everything else is left to `RetryPolicy`.
 * A response that does not look like AWS's, or is not a JSON object, fails with `UndecodableReply`, and no error contains the
 * AWS credentials of the call.
 *
 * If the first attempt was lost and the second one fails as if the first had succeeded (a create with `Conflict`, a delete with
 * `ResourceNotFound`, a completion with an error of the session), the call fails with `TransportFailure`: try again.
 *
 * The SDK's control-plane library is loaded when the first of its operations is called. Clients made here are destroyed
 * when the scope closes. Fails with a `ConfigError` when no region is found (unless both clients are given), or when an
 * endpoint is no URL.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { AwsIdentity } from "effect-agentcore-identity"
 *
 * const program = Effect.gen(function*() {
 *   const api = yield* AwsIdentity.make({ region: "us-west-2" })
 *   return yield* api.listWorkloadIdentities({ maxResults: 20 })
 * }).pipe(Effect.scoped)
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: Options = {}
): Effect.Effect<IdentityApi.IdentityApi["Type"], ConfigError.ConfigError, Scope.Scope> =>
  Effect.gen(function*() {
    const { checkRequests = true, requestTimeout = "30 seconds" } = options
    const rules = { checkRequests, requestTimeout: Duration.decode(requestTimeout) }
    const clients = yield* connect(options)
    return IdentityApi.IdentityApi.of({
      ...data.methods(call.make({ ...rules, client: clients.data })),
      ...control.methods(call.make({ ...rules, client: clients.control }))
    })
  })

/**
 * AWS as an `IdentityApi`.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { AwsIdentity, IdentityApi } from "effect-agentcore-identity"
 *
 * const program = Effect.flatMap(IdentityApi.IdentityApi, (api) => api.getTokenVault({})).pipe(
 *   Effect.provide(AwsIdentity.layerApi({ region: "us-west-2", requestTimeout: "5 seconds" }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerApi = (options?: Options): Layer.Layer<IdentityApi.IdentityApi, ConfigError.ConfigError> =>
  Layer.scoped(IdentityApi.IdentityApi, make(options))

/**
 * AWS as an `IdentityApi`, its options read from `Config`.
 *
 * @example
 * ```ts
 * import { Config } from "effect"
 * import { AwsIdentity } from "effect-agentcore-identity"
 *
 * const AwsLive = AwsIdentity.layerApiConfig({
 *   region: Config.string("IDENTITY_REGION"),
 *   requestTimeout: Config.withDefault(Config.duration("IDENTITY_TIMEOUT"), "10 seconds")
 * })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerApiConfig = (
  config: Config.Config.Wrap<Options>
): Layer.Layer<IdentityApi.IdentityApi, ConfigError.ConfigError> =>
  Layer.scoped(IdentityApi.IdentityApi, Effect.flatMap(Config.unwrap(config), make))

/**
 * The service over AWS: what a program in production provides.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { AwsIdentity, IdentityService } from "effect-agentcore-identity"
 *
 * const program = Effect.gen(function*() {
 *   const identity = yield* IdentityService.IdentityService
 *   return yield* identity.getWorkloadAccessToken({ workloadName: "my-agent" })
 * }).pipe(Effect.provide(AwsIdentity.layer({ region: "us-west-2" })))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options?: Options): Layer.Layer<IdentityService.IdentityService, ConfigError.ConfigError> =>
  Layer.provide(IdentityService.layer, layerApi(options))

/**
 * The service over AWS, its options read from `Config`.
 *
 * @example
 * ```ts
 * import { Config } from "effect"
 * import { AwsIdentity } from "effect-agentcore-identity"
 *
 * const IdentityLive = AwsIdentity.layerConfig({ region: Config.string("IDENTITY_REGION") })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  config: Config.Config.Wrap<Options>
): Layer.Layer<IdentityService.IdentityService, ConfigError.ConfigError> =>
  Layer.provide(IdentityService.layer, layerApiConfig(config))
