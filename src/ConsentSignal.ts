/**
 * How other processes hear of a consent that was completed in this one, and this one of theirs.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as wake from "./internal/lib/subscriptions.js"

/**
 * A signal between processes. `key` names a session without revealing it: the SHA-256 of its URI, in hexadecimal.
 *
 * @since 0.1.0
 * @category models
 */
export interface Signal {
  /** Tells everybody that the session was completed. */
  readonly publish: (key: string) => Effect.Effect<void>
  /** Ends when somebody tells so; a message from before it began may be missed. */
  readonly arrival: (key: string) => Effect.Effect<void>
}

/**
 * The signal of a program; none unless it provides one. Within one `IdentityService` waiters wake without it, and
 * without it the others find out by their schedule.
 *
 * @since 0.1.0
 * @category tags
 */
export class ConsentSignal extends Context.Reference<ConsentSignal>()("effect-agentcore-identity/ConsentSignal", {
  defaultValue: (): Signal | undefined => undefined
}) {}

/**
 * Within this process: for several services that are to hear of each other.
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
  Effect.map(wake.make, (hub) => ({ publish: hub.wake, arrival: (key) => hub.listening(key, identity) }))
)

/**
 * Over a channel of the program's own, such as Redis: `publish` sends a key to every process, and `messages` are the
 * keys that arrive. What `publish` fails with is logged, and left to the schedules. When `messages` end or fail, nobody
 * is woken any more; bring a stream that connects again.
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
      const hub = yield* wake.make
      const context = yield* Effect.context<R>()
      yield* channel.messages.pipe(
        Stream.runForEach(hub.wake),
        Effect.catchAllCause((cause) => Effect.logError("Consents of other processes are no longer heard of", cause)),
        Effect.forkScoped
      )
      return {
        publish: (key) =>
          Effect.suspend(() => channel.publish(key)).pipe(
            Effect.catchAllCause((cause) => Effect.logWarning("A completed consent was not told of", cause)),
            Effect.provide(context)
          ),
        arrival: (key) => hub.listening(key, identity)
      }
    })
  )
