/**
 * AgentCore Identity with its state in a folder: `MemoryIdentity` whose state outlives the process. The result of an
 * operation that has returned survives a crash. Requires the optional peer dependency `classic-level`:
 * `npm install classic-level@3`.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type { IdentityApi } from "./IdentityApi.js"
import type { IdentityControls } from "./IdentityControls.js"
import * as IdentityService from "./IdentityService.js"
import * as emulator from "./internal/emulator/emulator.js"
import * as encryption from "./internal/emulator/persistence/encryption.js"
import * as leveldb from "./internal/emulator/persistence/leveldb.js"
import type * as MemoryIdentity from "./MemoryIdentity.js"

/**
 * The folder cannot be used: it is in use or damaged, belongs to another program or another version of this library, or
 * `classic-level` is not installed. Or the disk is full or read-only, access is denied, or too many files are open: such a
 * folder is not damaged. `message` states which of these, and what to do. The folder is not reset.
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
 * The folder, and the options of `MemoryIdentity`. The folder does not store quotas.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options extends MemoryIdentity.Options {
  /**
   * Created if it is missing, with mode 0700. One process can use it at a time. Its records are encrypted (AES-256-GCM) with
   * the key in the file of the same name plus `.key`, which is created with it (mode 0600). Without that file the records
   * cannot be read. If the path is a symbolic link, the key has the name of its target, unless there is one with the name of
   * the link. The folder, its files and its key must belong to the user of the process. Their modes are restricted to the
   * owner; a warning is logged if other users had access to the key.
   */
  readonly directory: string
}

/**
 * Layer of the service in the folder, or of a new one: the port and its test controls. The folder is closed with the scope.
 * If a write fails, this and all later changes fail with `InternalServerError` (changes by the controls die) until the
 * folder is opened again. The message and the log name the cause, such as a full disk. Injected failures, the journal, provider failures and cached machine tokens are not stored.
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
    leveldb.open(options.directory).pipe(
      Effect.flatMap((storage) => encryption.open(options.directory, storage)),
      Effect.flatMap((storage) => emulator.makeStored(emulator.settings(options), storage)),
      Effect.mapBoth({
        onFailure: ({ cause, message }) =>
          new StorageError({
            directory: options.directory,
            message: `The folder '${options.directory}' cannot be used: ${message}.`,
            cause
          }),
        onSuccess: emulator.context
      })
    )
  )

/**
 * Layer of `IdentityService` on the service in the folder, with its port and its test controls; see {@link layerApi}. It
 * replaces `AwsIdentity.layer`.
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
