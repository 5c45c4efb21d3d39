/**
 * AgentCore Identity in memory: every operation of both planes, the rules that AWS documents, and a virtual clock's
 * worth of expiry, with no network and no AWS account. Every layer that is built has a memory of its own.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { IdentityApi } from "./IdentityApi.js"
import { IdentityControls } from "./IdentityControls.js"
import * as IdentityService from "./IdentityService.js"
import * as engine from "./internal/emulator/emulator.js"

/**
 * How many resources of each kind may exist. At its quota a creation fails with `ServiceQuotaExceeded`, for a workload
 * identity with `ValidationError`; what exists stays. Each is a whole number, 0 or more; any other value is a defect when
 * the service is made. The defaults are those of a new AWS account.
 *
 * @since 0.1.0
 * @category models
 */
export interface Quotas {
  /** 11,000 unless given. */
  readonly workloadIdentities?: number | undefined
  /** 50 unless given. */
  readonly oauth2Providers?: number | undefined
  /** 50 unless given. */
  readonly apiKeyProviders?: number | undefined
  /** 50 unless given. */
  readonly paymentProviders?: number | undefined
}

/**
 * Where the service claims to be, which shows in ARNs and URLs, and what the account may have.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** `"123456789012"` unless given. */
  readonly accountId?: string | undefined
  /** `"us-east-1"` unless given. */
  readonly region?: string | undefined
  /** The base of authorization and callback URLs; AWS's own in the region unless given. */
  readonly endpoint?: string | undefined
  /** AWS's defaults unless given. */
  readonly quotas?: Quotas | undefined
}

/**
 * A new service with nothing in it, and the controls beside it.
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
}> => engine.make(engine.settings(options))

/**
 * The port and its controls as a layer.
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
  Layer.effectContext(
    Effect.map(make(options), ({ api, controls }) =>
      Context.make(IdentityApi, api).pipe(Context.add(IdentityControls, controls)))
  )

/**
 * The service in memory, with its port and its controls. It stands in for `AwsIdentity.layer`.
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
