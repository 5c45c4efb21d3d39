/**
 * What a program remembers of the consents that are under way: opaque entries, each until its deadline.
 *
 * @since 0.1.0
 */
import type * as KeyValueStore from "@effect/platform/KeyValueStore"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type { LedgerFailure } from "./IdentityError.js"
import * as ledgerStore from "./internal/consent/ledgerKeyValueStore.js"
import * as ledgerMemory from "./internal/consent/ledgerMemory.js"

/**
 * Where the entries are.
 *
 * @since 0.1.0
 * @category tags
 */
export class ConsentLedger extends Context.Tag("effect-agentcore-identity/ConsentLedger")<
  ConsentLedger,
  {
    /** Writes an entry that ends at `expiresAt`; `false`, and nothing is written, where one is there that has not ended. */
    readonly add: (key: string, value: string, expiresAt: DateTime.Utc) => Effect.Effect<boolean, LedgerFailure>
    /** The entry, unless there is none or it has ended. */
    readonly get: (key: string) => Effect.Effect<Option.Option<string>, LedgerFailure>
    /** Writes `after` where `before` still is; `false`, and nothing is written, where it is not. The deadline stays. */
    readonly replace: (key: string, before: string, after: string) => Effect.Effect<boolean, LedgerFailure>
    /** Takes the entry out: of several takers one gets it. */
    readonly take: (key: string) => Effect.Effect<Option.Option<string>, LedgerFailure>
  }
>() {}

/**
 * Entries in this process, which forgets them when it ends. Those that have ended go when others come.
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

// By its key and not by its module: whoever only needs the tag of the ledger loads nothing of the platform.
const Store = Context.GenericTag<KeyValueStore.KeyValueStore>("@effect/platform/KeyValueStore")

/**
 * Entries in a `KeyValueStore`, under keys that begin with `prefix`, by default `agentcore-identity/consent/`. Those that
 * have ended are removed when they are met: give the store an expiry of its own where it has one.
 *
 * Within the process the methods run one at a time. A `KeyValueStore` cannot compare and set, so that of two processes
 * at the same moment both may succeed with `add`, `replace` or `take`: there AgentCore keeps them apart, which completes
 * a session once.
 *
 * Fails with `LedgerFailure` when the store does, and when it meets a value that is no entry, which it leaves alone.
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
  Layer.effect(ConsentLedger, Effect.flatMap(Store, (store) => ledgerStore.make(store, prefix)))
