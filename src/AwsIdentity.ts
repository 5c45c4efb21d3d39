/**
 * Identity service on AWS, through the AWS SDK for JavaScript v3. No other public module uses the SDK.
 *
 * @since 0.1.0
 */
import type { BedrockAgentCoreClientConfig } from "@aws-sdk/client-bedrock-agentcore"
import { BedrockAgentCoreClient } from "@aws-sdk/client-bedrock-agentcore"
import type { BedrockAgentCoreControlClient } from "@aws-sdk/client-bedrock-agentcore-control"
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as IdentityApi from "./IdentityPort.js"
import * as IdentityService from "./IdentityService.js"
import * as agents from "./internal/aws/agents.js"
import * as call from "./internal/aws/call.js"
import * as data from "./internal/aws/data.js"
import * as loadOnUse from "./internal/aws/loadOnUse.js"
import * as observers from "./internal/aws/observers.js"
import * as settings from "./internal/aws/settings.js"
import * as durationOption from "./internal/lib/durationOption.js"

/**
 * SDK clients of the caller, for settings that are not options here. Their replies are verified as well. They are not changed or
 * destroyed. Make them with `maxAttempts: 1`, since the retries of the client and of the service would multiply.
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
 * Options of the connection to AWS, all optional. An empty string is treated as absent.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** AWS region. Defaults to `AWS_REGION`, then `AWS_DEFAULT_REGION` (both by `Config`), then the AWS profile. */
  readonly region?: string | undefined
  /**
   * URL of the data plane. Defaults to `AWS_ENDPOINT_URL_BEDROCK_AGENTCORE`, then `BEDROCK_AGENTCORE_DP_ENDPOINT`, then `AWS_ENDPOINT_URL` (all
   * by `Config`), then the AWS profile, then the endpoint of the region.
   */
  readonly dataEndpoint?: string | undefined
  /**
   * URL of the control plane. Defaults to `AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL`, then `BEDROCK_AGENTCORE_CP_ENDPOINT`, then
   * `AWS_ENDPOINT_URL` (all by `Config`), then the AWS profile, then the endpoint of the region.
   */
  readonly controlEndpoint?: string | undefined
  /** AWS credentials. Defaults to the chain of the SDK: the environment, the profile, the role of the container or machine. */
  readonly credentials?: NonNullable<BedrockAgentCoreClientConfig["credentials"]> | undefined
  /** Clients to use instead of new ones. */
  readonly clients?: Clients | undefined
  /**
   * Validates requests against the limits of the model before they are sent; defaults to `true`. With `false` only the service
   * validates them.
   */
  readonly checkRequests?: boolean | undefined
  /**
   * Time limit of one attempt, from the search for credentials to the last byte of the reply; defaults to 30 seconds. After it
   * the HTTP request is aborted and the call fails with `TransportFailure`, reason `Timeout`. The limit also applies in an
   * uninterruptible region, such as a handler of `@effect/platform`. `Duration.infinity` sets no limit; then a call in such a
   * region does not end if the service does not reply.
   */
  readonly requestTimeout?: Duration.DurationInput | undefined
}

const acquire = <Client extends { readonly destroy: () => void }>(make: () => Client) =>
  Effect.acquireRelease(Effect.sync(make), (client) => Effect.sync(() => client.destroy()))

/** The client of the caller is not changed. Without Node's modules, the SDK's request handler requires an `AbortSignal`. */
const observerOf = (given: object | undefined) =>
  given === undefined && agents.areAvailable() ? observers.perClient() : observers.perCommand

const clientConfig = (
  credentials: Options["credentials"],
  region: string | undefined,
  endpoint: string | undefined
) => ({
  maxAttempts: 1,
  // Used for the calls that an observer of the client observes: those without options.
  cacheMiddleware: true,
  requestHandler: agents.make() ?? {},
  ...(credentials !== undefined && { credentials }),
  ...(region !== undefined && { region }),
  ...(endpoint !== undefined && { endpoint })
})

const connect = (
  { clients = {}, controlEndpoint, credentials, dataEndpoint, region }: Options,
  requestTimeout: Duration.Duration
) =>
  Effect.gen(function*() {
    const ready = clients.data !== undefined && clients.control !== undefined
    const ofData = observerOf(clients.data)
    const ofControl = observerOf(clients.control)
    const found = ready ? undefined : yield* settings.region(region)

    const makeData = Effect.flatMap(
      settings.endpoint("data", dataEndpoint),
      (endpoint) => acquire(() => ofData.attach(new BedrockAgentCoreClient(clientConfig(credentials, found, endpoint))))
    )
    const data = clients.data ?? (yield* makeData)

    // Fails now if the settings of the control client are invalid, although the client is made later.
    const known = ready ? undefined : found ?? (yield* settings.regionOf(data))
    const config = clients.control
      ? {}
      : clientConfig(credentials, known, yield* settings.endpoint("control", controlEndpoint))

    const control = yield* loadOnUse.make(
      Effect.gen(function*() {
        const sdk = yield* Effect.promise(() => import("@aws-sdk/client-bedrock-agentcore-control"))
        const client = clients.control ??
          (yield* acquire(() => ofControl.attach(new sdk.BedrockAgentCoreControlClient(config))))
        return { client, sdk }
      }),
      requestTimeout
    )

    return {
      data: { client: () => Effect.succeed(data), observer: ofData },
      control: { client: control, observer: ofControl }
    }
  })

const timeoutOf = (given: Duration.DurationInput = "30 seconds") => {
  const [problem] = durationOption.problemsOf("requestTimeout", given)
  return problem === undefined
    ? Effect.succeed(Duration.decode(given))
    : Effect.fail(ConfigError.InvalidData(["requestTimeout"], problem))
}

/** AWS's name of an operation. */
const nameOf = (key: IdentityApi.OperationKey) => `${key.charAt(0).toUpperCase()}${key.slice(1)}`

/**
 * Makes an `IdentityApi` on the AWS SDK. A call sends one HTTP request, which is aborted when its fiber is interrupted. Within
 * the call it is sent once more in two cases: when a reused connection was closed before the first byte of the response, and
 * when AWS rejected the time of the signature and the SDK has corrected its clock. `RetryPolicy` repeats calls after other failures.
 * A response that is not from AWS, or is not a JSON object, fails with `UndecodableReply`. No error contains the
 * AWS credentials of the call.
 *
 * If the first attempt was lost and the second one fails as if the first had succeeded (a create with `Conflict`, a delete with
 * `ResourceNotFound`, a completion with an error of the session), the call fails with `TransportFailure`: try again.
 *
 * The operations of the control plane and their client of the SDK are loaded at their first call, within its `requestTimeout`.
 * Clients that are made here are destroyed when the scope closes. Fails with a `ConfigError` if no region is found (unless both clients
 * are given), if an endpoint is not a URL, or if `requestTimeout` is not a duration of 0 or more.
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
    const { checkRequests = true } = options
    const requestTimeout = yield* timeoutOf(options.requestTimeout)
    const clients = yield* connect(options, requestTimeout)
    const rules = { checkRequests, requestTimeout }
    const dataMethods = data.methods(call.make({ ...rules, ...clients.data }))
    const loaded = yield* loadOnUse.make(
      Effect.map(
        Effect.promise(() => import("./internal/aws/control.js")),
        (control) =>
          IdentityApi.IdentityApi.of({
            ...dataMethods,
            ...control.methods(call.make({ ...rules, ...clients.control }))
          })
      ),
      requestTimeout
    )
    const onUse = IdentityApi.make((key) => {
      const api = loaded(nameOf(key))
      return (request) => Effect.flatMap(api, (api) => api[key](request))
    })
    return IdentityApi.IdentityApi.of({ ...onUse, ...dataMethods })
  })

/**
 * Provides `IdentityApi` on AWS.
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
 * Provides `IdentityApi` on AWS with options from `Config`.
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
 * Provides the identity service on AWS.
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
 * Provides the identity service on AWS with options from `Config`.
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
