/**
 * AgentCore Identity in memory: the operations of the data and the control API with the rules that AWS documents, without a
 * network or an AWS account. Expiry follows the `Clock`, so `TestClock` controls it. Each built layer has a state of its own.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { IdentityApi } from "./IdentityApi.js"
import type { IdentityControls } from "./IdentityControls.js"
import * as IdentityService from "./IdentityService.js"
import * as emulator from "./internal/emulator/emulator.js"

/**
 * Quotas of the account: the largest number of resources of each kind. The defaults are those of a new AWS account. At the
 * quota a creation fails with `ServiceQuotaExceeded`, for a workload identity with `ValidationError`; existing resources
 * stay. Each quota is a whole number, 0 or more; any other value is a defect when the service is made.
 *
 * @since 0.1.0
 * @category models
 */
export interface Quotas {
  /** Default: 11,000. */
  readonly workloadIdentities?: number | undefined
  /** Default: 50. */
  readonly oauth2Providers?: number | undefined
  /** Default: 50. */
  readonly apiKeyProviders?: number | undefined
  /** Default: 50. */
  readonly paymentProviders?: number | undefined
}

/**
 * Account, region and endpoint, which appear in ARNs and URLs, and the quotas of the account.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Default: `"123456789012"`. */
  readonly accountId?: string | undefined
  /** Default: `"us-east-1"`. */
  readonly region?: string | undefined
  /** Base of authorization and callback URLs. Default: AWS's endpoint in the region. */
  readonly endpoint?: string | undefined
  /** Default: AWS's defaults. */
  readonly quotas?: Quotas | undefined
}

/**
 * Makes an empty service, and its test controls.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { MemoryIdentity } from "effect-agentcore-identity"
 *
 * const program = Effect.gen(function*() {
 *   const { api, controls } = yield* MemoryIdentity.make({ region: "eu-central-1" })
 *   yield* api.createWorkloadIdentity({ name: "my-agent" })
 *   return yield* controls.journal
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options = {}): Effect.Effect<{
  readonly api: IdentityApi["Type"]
  readonly controls: IdentityControls["Type"]
}> => Effect.map(emulator.make(emulator.settings(options)), ({ api, controls }) => ({ api, controls }))

/**
 * Layer of an empty service: the port and its test controls.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { IdentityApi, MemoryIdentity } from "effect-agentcore-identity"
 *
 * const program = Effect.gen(function*() {
 *   const api = yield* IdentityApi.IdentityApi
 *   yield* api.createWorkloadIdentity({ name: "my-agent" })
 *   return yield* api.getWorkloadAccessToken({ workloadName: "my-agent" })
 * }).pipe(Effect.provide(MemoryIdentity.layerApi()))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerApi = (options?: Options): Layer.Layer<IdentityApi | IdentityControls> =>
  Layer.effectContext(Effect.map(emulator.make(emulator.settings(options ?? {})), emulator.context))

/**
 * Layer of `IdentityService` in memory, with its port and its test controls. It replaces `AwsIdentity.layer`.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { IdentityControls, IdentityService, MemoryIdentity } from "effect-agentcore-identity"
 *
 * const program = Effect.gen(function*() {
 *   const identity = yield* IdentityService.IdentityService
 *   const controls = yield* IdentityControls.IdentityControls
 *   yield* identity.createWorkloadIdentity({ name: "my-agent" })
 *   return yield* controls.journal
 * }).pipe(Effect.provide(MemoryIdentity.layer({ region: "eu-central-1" })))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options?: Options
): Layer.Layer<IdentityService.IdentityService | IdentityApi | IdentityControls> =>
  Layer.provideMerge(IdentityService.layer, layerApi(options))
