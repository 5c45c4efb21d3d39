/** Messages between processes: a lease has ended, or tokens were invalidated. What was invalidated is sealed. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { ConsentSeal } from "../../ConsentSeal.js"
import { token } from "../lib/secureToken.js"
import * as subscriptions from "../lib/subscriptions.js"
import { channelName, type Connection } from "./connection.js"

const Message = Schema.parseJson(Schema.Struct({
  from: Schema.String,
  released: Schema.optional(Schema.String),
  sealed: Schema.optional(Schema.String)
}))

const decode = Schema.decodeOption(Message)

const purpose = "TokenCache invalidation"

/** Messages that wait to be read. If there are more, the tokens in memory are asked for again. */
const maxWaiting = 10_000

/** @internal */
export interface Messages {
  /** Name of the channel in Redis. */
  readonly channel: string
  /** The message that a lease has ended. */
  readonly released: (name: string) => string
  /** The message of an invalidation. Without a text, receivers ask for each token again. */
  readonly sealed: (text: string | undefined) => Effect.Effect<string>
  readonly listening: subscriptions.SubscriptionRegistry["listening"]
  /** The invalidations of other processes. */
  readonly invalidations: PubSub.PubSub<string>
  /** Counts the invalidations that could not be read. */
  readonly lost: () => number
}

/** @internal */
export const make = (
  { prefix, subscribe }: Connection,
  seal: ConsentSeal["Type"],
  maxText: number
): Effect.Effect<Messages, never, Scope.Scope> =>
  Effect.gen(function*() {
    const registry = yield* subscriptions.make
    const invalidations = yield* PubSub.unbounded<string>()
    const waiting = yield* Queue.dropping<string>(maxWaiting)
    const from = yield* token
    let lost = 0

    const receive = (text: string) =>
      Option.match(decode(text), {
        onNone: () => Effect.void,
        onSome: (message) => {
          if (message.released !== undefined) return registry.publish(message.released)
          if (message.from === from) return Effect.void
          return seal.open(purpose, Redacted.make(message.sealed ?? "")).pipe(
            Effect.flatMap((opened) => PubSub.publish(invalidations, Redacted.value(opened))),
            Effect.catchAll(() =>
              Effect.sync(() => {
                lost++
              })
            )
          )
        }
      })

    yield* Effect.forkScoped(Effect.forever(Effect.flatMap(Queue.take(waiting), receive)))
    yield* subscribe("cache", (text) => {
      if (!waiting.unsafeOffer(text)) lost++
    })

    return {
      channel: channelName(prefix, "cache"),
      released: (name) => JSON.stringify({ from, released: name }),
      sealed: (text) =>
        text === undefined || text.length > maxText
          ? Effect.succeed(JSON.stringify({ from }))
          : Effect.map(
            seal.seal(purpose, Redacted.make(text)),
            (sealed) => JSON.stringify({ from, sealed: Redacted.value(sealed) })
          ),
      listening: registry.listening,
      invalidations,
      lost: () => lost
    }
  })
