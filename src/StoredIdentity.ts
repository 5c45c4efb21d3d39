/**
 * AgentCore Identity in memory, kept in a folder: `MemoryIdentity` whose state outlives the process. What an operation
 * was answered for is there after a crash. It needs the optional peer dependency `classic-level`:
 * `npm install classic-level@3`.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { IdentityApi } from "./IdentityApi.js"
import { IdentityControls } from "./IdentityControls.js"
import * as IdentityService from "./IdentityService.js"
import * as engine from "./internal/emulator/emulator.js"
import * as sealed from "./internal/emulator/persistence/encryption.js"
import * as level from "./internal/emulator/persistence/leveldb.js"
import type * as MemoryIdentity from "./MemoryIdentity.js"

/**
 * The folder cannot be used: it is in use, damaged, not of this library or of another version of it, or `classic-level`
 * is not installed. `message` says which, and what to do; nothing in the folder was reset.
 *
 * @since 0.1.0
 * @category errors
 */
export class StorageError extends Schema.TaggedError<StorageError>("effect-agentcore-identity/StorageError")(
  "StorageError",
  {
    directory: Schema.String,
    message: Schema.String,
    cause: Schema.optional(Schema.Defect)
  }
) {}

/**
 * The folder, where the service claims to be, and what the account may have. The folder does not keep quotas.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options extends MemoryIdentity.Options {
  /**
   * Created if it is missing, and kept from other users (0700). One process at a time. Its records are encrypted
   * (AES-256-GCM) with the key in the file of the same name with `.key` at its end (0600), which is created with it:
   * without that file nothing in the folder can be read.
   */
  readonly directory: string
}

/**
 * The service that the folder holds, or a new one; closed with the scope. When a write fails, the operation and all later
 * ones that change something fail with `InternalServerError` (the controls die), until the folder is opened anew.
 * Faults, the journal and cached machine tokens are not kept.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { IdentityApi } from "effect-agentcore-identity"
 * import * as StoredIdentity from "effect-agentcore-identity/StoredIdentity"
 *
 * const program = Effect.gen(function*() {
 *   const api = yield* IdentityApi.IdentityApi
 *   return yield* api.listWorkloadIdentities({})
 * }).pipe(Effect.provide(StoredIdentity.layerApi({ directory: ".agentcore" })))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerApi = (options: Options): Layer.Layer<IdentityApi | IdentityControls, StorageError> =>
  Layer.scopedContext(
    level.open(options.directory).pipe(
      Effect.flatMap((storage) => sealed.open(options.directory, storage)),
      Effect.flatMap((storage) => engine.makeStored(engine.settings(options), storage)),
      Effect.mapBoth({
        onFailure: ({ cause, message }) =>
          new StorageError({
            directory: options.directory,
            message: `The folder '${options.directory}' cannot be used: ${message}.`,
            cause
          }),
        onSuccess: ({ api, controls }) => Context.make(IdentityApi, api).pipe(Context.add(IdentityControls, controls))
      })
    )
  )

/**
 * The service that the folder holds, with its port and its controls; see {@link layerApi}. It stands in for
 * `AwsIdentity.layer`.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { IdentityService } from "effect-agentcore-identity"
 * import * as StoredIdentity from "effect-agentcore-identity/StoredIdentity"
 *
 * const program = Effect.gen(function*() {
 *   const identity = yield* IdentityService.IdentityService
 *   return yield* identity.getWorkloadIdentity({ name: "my-agent" })
 * }).pipe(Effect.provide(StoredIdentity.layer({ directory: ".agentcore" })))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options
): Layer.Layer<IdentityService.IdentityService | IdentityApi | IdentityControls, StorageError> =>
  Layer.provideMerge(IdentityService.layer, layerApi(options))
