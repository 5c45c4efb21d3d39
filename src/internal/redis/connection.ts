/** The connection to Redis: commands with a time limit, and a subscription. While Redis is down, commands fail at once. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import type { Redis } from "ioredis"
import { makeCancelledPromise, timeLimit } from "../lib/timeLimit.js"
import * as client from "./client.js"
import { failureOf, makeReporter, RedisUnavailable } from "./failure.js"
import type { Settings } from "./settings.js"

/** A command, sent when it is called. */
export type Command<A> = (redis: Redis) => Promise<A>

/** Sends a command if Redis is connected. */
export type Send = <A>(command: Command<A>) => Effect.Effect<A, RedisUnavailable>

/** The channels that processes share. */
export type Channel = "cache" | "consent"

/** A connection to Redis. The published types contain it, since it is the service of a public tag. */
export interface Connection {
  readonly prefix: string
  /** Makes a function that sends commands, and waits at most `limit` for each reply. */
  readonly sender: (limit: Duration.Duration) => Send
  /** Sends a command as soon as Redis is connected. Fails after `commandTimeout`. */
  readonly send: Send
  /** Receives the messages of a channel, until the scope ends. */
  readonly subscribe: (
    channel: Channel,
    onMessage: (text: string) => void
  ) => Effect.Effect<void, never, Scope.Scope>
  /** Identifies the current subscription; `undefined` while messages may be missed. */
  readonly subscription: () => number | undefined
}

/** The name of a channel in Redis. */
export const channelName = (prefix: string, channel: Channel) => `${prefix}${channel}`

const channels: ReadonlyArray<Channel> = ["cache", "consent"]

/** How often the connections are checked, also if they are not used. */
const heartbeat = Duration.seconds(10)

/** Time to read what has arrived. */
const lateRead = Duration.millis(1)

/** How long a layer waits for the first connection at most. */
const firstWait = Duration.millis(250)

/** The reason of a command that Redis does not answer. */
export const noReply = "no reply in time"

const unavailable = (reason: string) => new RedisUnavailable({ reason, isReply: false })

/** @internal */
export const make = (sdk: client.Sdk, settings: Settings): Effect.Effect<Connection, never, Scope.Scope> =>
  Effect.gen(function*() {
    const { prefix } = settings
    const scope = yield* Effect.scope
    const reporter = makeReporter()
    const commandTimeout = Duration.millis(settings.commandTimeout)
    const commands = yield* client.open(sdk, settings, reporter, () => Promise.resolve())
    yield* Effect.addFinalizer(() => reporter.close)
    const listeners = new Map<string, Set<(text: string) => void>>()
    let subscriber: client.RedisClient | undefined

    const sender = (limit: Duration.Duration): Send => {
      const tryPromise = makeCancelledPromise(limit, () => new AbortController())
      return <A>(command: Command<A>) =>
        Effect.suspend(() => {
          if (!commands.isReady()) return Effect.fail(unavailable("not connected"))
          let reply = Option.none<A>()
          const sent = () =>
            command(commands.redis).then((value) => {
              reply = Option.some(value)
              return value
            })
          return tryPromise({ try: sent, catch: failureOf, onTimeout: () => unavailable(noReply) }).pipe(
            Effect.catchIf(({ reason }) => reason === noReply, (failure) =>
              // A process that was busy sees the end of the time before a reply that arrived in time.
              Effect.flatMap(
                Effect.sleep(lateRead),
                () => Option.isSome(reply) ? Effect.succeed(reply.value) : failure
              )),
            Effect.tapBoth({ onFailure: reporter.failed, onSuccess: () => reporter.succeeded })
          )
        })
    }

    const limited = sender(commandTimeout)

    // Opened on first use: a ledger needs no subscription.
    const openSubscriber = yield* Effect.cached(
      client.open(sdk, settings, reporter, (redis) => {
        redis.removeAllListeners("message")
        redis.on("message", (channel, text) => {
          for (const listener of listeners.get(channel) ?? []) listener(text)
        })
        return redis.subscribe(...channels.map((channel) => channelName(prefix, channel)))
      }).pipe(
        Effect.tap((opened) =>
          Effect.sync(() => {
            subscriber = opened
          })
        ),
        Effect.tap(({ tried }) => Effect.ignore(timeLimit({ duration: firstWait, onTimeout: () => undefined })(tried))),
        Scope.extend(scope),
        Effect.uninterruptible
      )
    )

    yield* Effect.suspend(() =>
      Effect.forEach([commands, ...(subscriber === undefined ? [] : [subscriber])], ({ isReady, redis }) =>
        // A connection that does not reply is closed by the client.
        isReady() ? Effect.ignore(Effect.tryPromise(() => redis.ping())) : Effect.void, { concurrency: 2 })
    ).pipe(Effect.schedule(Schedule.spaced(heartbeat)), Effect.forkScoped)

    yield* Effect.ignore(timeLimit({ duration: firstWait, onTimeout: () => undefined })(commands.tried))

    return {
      prefix,
      sender,
      send: (command) =>
        timeLimit({ duration: commandTimeout, onTimeout: () => unavailable("not connected") })(
          Effect.zipRight(commands.ready, limited(command))
        ),
      subscribe: (channel, onMessage) => {
        const name = channelName(prefix, channel)
        return Effect.zipRight(
          Effect.acquireRelease(
            Effect.sync(() => {
              listeners.set(name, (listeners.get(name) ?? new Set()).add(onMessage))
            }),
            () => Effect.sync(() => listeners.get(name)?.delete(onMessage))
          ),
          openSubscriber
        )
      },
      subscription: () => subscriber?.isReady() === true ? subscriber.count() : undefined
    }
  })
