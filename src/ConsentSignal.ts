/**
 * Signals between processes that a consent was completed.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as subscriptions from "./internal/lib/subscriptions.js"

/**
 * A signal between processes. `key` identifies a session without revealing it: the SHA-256 of its URI, in hexadecimal.
 *
 * @since 0.1.0
 * @category models
 */
export interface Signal {
  /** Reports to all processes that the session was completed. */
  readonly publish: (key: string) => Effect.Effect<void>
  /** Ends when a process reports the completion. An earlier report may be missed. */
  readonly arrival: (key: string) => Effect.Effect<void>
}

/**
 * Signal of a program; defaults to `undefined`, no signal. Calls of one `IdentityService` wake without it. Calls of other
 * services and processes then receive the token at their next poll.
 *
 * @since 0.1.0
 * @category tags
 */
export class ConsentSignal extends Context.Reference<ConsentSignal>()("effect-agentcore-identity/ConsentSignal", {
  defaultValue: (): Signal | undefined => undefined
}) {}

/**
 * A signal between the services of one process.
 *
 * @example
 * ```ts
 * import { Layer } from "effect"
 * import { ConsentSignal, IdentityService } from "effect-agentcore-identity"
 *
 * export const Service = Layer.merge(IdentityService.layerTest, ConsentSignal.layerMemory)
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory: Layer.Layer<ConsentSignal> = /* @__PURE__ */ Layer.effect(
  ConsentSignal,
  Effect.map(
    subscriptions.make,
    (registry) => ({ publish: registry.publish, arrival: (key) => registry.listening(key, identity) })
  )
)

/**
 * A signal over a channel of the program, such as Redis: `publish` sends a key to every process, and `messages` are the keys
 * that arrive. A failure of `publish` is logged; the waits then end at their next poll. After the end or the failure of
 * `messages` no call wakes early, so provide a stream that connects again.
 *
 * @example
 * ```ts
 * import { Effect, PubSub, Stream } from "effect"
 * import { ConsentSignal } from "effect-agentcore-identity"
 *
 * export const overPubSub = (channel: PubSub.PubSub<string>) =>
 *   ConsentSignal.layerMessages({
 *     publish: (key) => PubSub.publish(channel, key),
 *     messages: Stream.fromPubSub(channel)
 *   })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMessages = <E, R, E2, R2>(channel: {
  readonly publish: (key: string) => Effect.Effect<unknown, E, R>
  readonly messages: Stream.Stream<string, E2, R2>
}): Layer.Layer<ConsentSignal, never, R | R2> =>
  Layer.scoped(
    ConsentSignal,
    Effect.gen(function*() {
      const registry = yield* subscriptions.make
      const context = yield* Effect.context<R>()
      yield* channel.messages.pipe(
        Stream.runForEach(registry.publish),
        Effect.catchAllCause((cause) =>
          Effect.logError("The completions of other processes are no longer received", cause)
        ),
        Effect.forkScoped
      )
      return {
        publish: (key) =>
          Effect.suspend(() => channel.publish(key)).pipe(
            Effect.catchAllCause((cause) => Effect.logWarning("The completion of a consent was not published", cause)),
            Effect.provide(context)
          ),
        arrival: (key) => registry.listening(key, identity)
      }
    })
  )
