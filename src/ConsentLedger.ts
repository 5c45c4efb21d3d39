/**
 * Storage for the consents in progress: opaque entries, each with a deadline.
 *
 * @since 0.1.0
 */
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as KeyValueStore from "@effect/platform/KeyValueStore"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type { LedgerFailure } from "./IdentityError.js"
import * as ledgerMemory from "./internal/consent/ledgerMemory.js"

/**
 * Store of the entries.
 *
 * @since 0.1.0
 * @category tags
 */
export class ConsentLedger extends Context.Tag("effect-agentcore-identity/ConsentLedger")<
  ConsentLedger,
  {
    /** Writes an entry that expires at `expiresAt`. Returns `false` and writes nothing if an unexpired entry exists. */
    readonly add: (key: string, value: string, expiresAt: DateTime.Utc) => Effect.Effect<boolean, LedgerFailure>
    /** Returns the entry, or `None` if it does not exist or has expired. */
    readonly get: (key: string) => Effect.Effect<Option.Option<string>, LedgerFailure>
    /** Replaces `before` by `after` and keeps the deadline. Returns `false` and writes nothing if the value is not `before`. */
    readonly replace: (key: string, before: string, after: string) => Effect.Effect<boolean, LedgerFailure>
    /** Removes the entry and returns it. One of several concurrent calls receives it. */
    readonly take: (key: string) => Effect.Effect<Option.Option<string>, LedgerFailure>
  }
>() {}

/**
 * Keeps the entries in memory, until the process ends. Additions remove expired entries.
 *
 * @example
 * ```ts
 * import { Layer } from "effect"
 * import { ConsentLedger, ConsentSeal } from "effect-agentcore-identity"
 *
 * const Development = Layer.merge(ConsentSeal.layerEphemeral, ConsentLedger.layerMemory)
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory: Layer.Layer<ConsentLedger> = /* @__PURE__ */ Layer.sync(
  ConsentLedger,
  () => ledgerMemory.make()
)

// By their keys, so that a program that only needs the tag of the ledger does not load the platform.
const Files = Context.GenericTag<FileSystem.FileSystem>("@effect/platform/FileSystem")

const Store = Context.GenericTag<KeyValueStore.KeyValueStore>("@effect/platform/KeyValueStore")

/**
 * Keeps the entries in a `KeyValueStore`, under keys that start with `prefix`; defaults to `agentcore-identity/consent/`. An
 * expired entry is removed when it is read. If the store supports an expiry of its own, use it too.
 *
 * Within a process the methods run one at a time. A `KeyValueStore` has no compare-and-set, so `add`, `replace` or `take` can
 * succeed in two processes at once: two of them can resume one handle, and both get the token. AgentCore completes a session
 * once even then. For processes that share a folder use {@link layerFileSystem}.
 *
 * Methods fail with `LedgerFailure` if the store fails, or if a value is not an entry; that value is not changed.
 *
 * @example
 * ```ts
 * import { KeyValueStore } from "@effect/platform"
 * import { NodeContext } from "@effect/platform-node"
 * import { Layer } from "effect"
 * import { ConsentLedger } from "effect-agentcore-identity"
 *
 * const LedgerLive = ConsentLedger.layerKeyValueStore().pipe(
 *   Layer.provide(KeyValueStore.layerFileSystem("./consents")),
 *   Layer.provide(NodeContext.layer)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerKeyValueStore = (
  { prefix = "agentcore-identity/consent/" }: { readonly prefix?: string | undefined } = {}
): Layer.Layer<ConsentLedger, never, KeyValueStore.KeyValueStore> =>
  Layer.effect(
    ConsentLedger,
    Effect.gen(function*() {
      const store = yield* Store
      // Like the folder below: only a program that builds the layer loads it.
      const { make } = yield* Effect.promise(() => import("./internal/consent/ledgerKeyValueStore.js"))
      return yield* make(store, prefix)
    })
  )

/**
 * Keeps the entries as files in `directory`, which is created if it is missing (mode 0700). Each method is atomic, also
 * between processes that share the folder: one of several concurrent calls of `add`, `replace` or `take` succeeds. The file
 * system must support hard links, as local file systems and NFS do. Entries are removed an hour after they expire. Keys must
 * not repeat, as those of this library: a new entry under the key of one that is being removed can be lost.
 *
 * Methods and the layer fail with `LedgerFailure` if the folder cannot be read or written, or if a file is not an entry; that
 * file is not changed.
 *
 * @example
 * ```ts
 * import { NodeContext } from "@effect/platform-node"
 * import { Layer } from "effect"
 * import { ConsentLedger } from "effect-agentcore-identity"
 *
 * const LedgerLive = ConsentLedger.layerFileSystem("./consents").pipe(Layer.provide(NodeContext.layer))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerFileSystem = (
  directory: string
): Layer.Layer<ConsentLedger, LedgerFailure, FileSystem.FileSystem> =>
  Layer.scoped(
    ConsentLedger,
    Effect.gen(function*() {
      const { make } = yield* Effect.promise(() => import("./internal/consent/ledgerFiles.js"))
      const { ledger, prepare, removeExpired } = make(yield* Files, directory)
      yield* prepare
      yield* Effect.forkScoped(Effect.repeat(Effect.ignore(removeExpired), Schedule.spaced("10 minutes")))
      return ledger
    })
  )
