/** One connection of the client `ioredis`, which connects again by itself. */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type { Redis } from "ioredis"
import { timeLimit } from "../lib/timeLimit.js"
import { failureOf, RedisUnavailable, type Reporter } from "./failure.js"
import type { Settings } from "./settings.js"

/** The module `ioredis`, which is loaded when a layer is built. */
export interface Sdk {
  readonly Redis: typeof Redis
}

/** @internal */
export interface RedisClient {
  readonly redis: Redis
  readonly isReady: () => boolean
  /** Counts the connections that were ready. */
  readonly count: () => number
  /** Ends when the client is connected. */
  readonly ready: Effect.Effect<void>
  /** Ends when the client is connected, or the first attempt has failed. */
  readonly tried: Effect.Effect<void>
}

/** Milliseconds between attempts to connect at most, and the time until a rejected connection tries again. */
const maxPause = 1000

/** A connection that does not reply for this time is closed. */
const silenceMillis = 5000

type Event = { readonly failure: RedisUnavailable } | "connected"

const options = ({ connectTimeout, host, port, tls }: Settings) => ({
  host,
  port,
  ...(tls === undefined ? {} : { tls }),
  connectTimeout,
  lazyConnect: true,
  retryStrategy: (attempts: number) => Math.min(50 * 2 ** Math.min(attempts, 10), maxPause),
  socketTimeout: silenceMillis,
  // A stream that the peer does not close is destroyed soon, so that the process can end.
  disconnectTimeout: 50,
  // A command fails while there is no connection, and is not sent twice: its first copy may have been executed.
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  maxRetriesPerRequest: 0,
  // The client prints warnings about the user, the password and its own checks, so `handshake` does these.
  enableReadyCheck: false,
  disableClientInfo: true
})

/** Authenticates, selects the database and checks that Redis accepts commands. */
const handshake = async (redis: Redis, { database, password, username }: Settings) => {
  if (password !== undefined) {
    await redis.call("AUTH", ...(username === undefined ? [] : [username]), Redacted.value(password))
  }
  if (database !== 0) await redis.call("SELECT", database)
  await redis.ping()
}

/** Opens a connection. `setUp` runs on each connection before it is ready. */
export const open = (
  sdk: Sdk,
  settings: Settings,
  reporter: Reporter,
  setUp: (redis: Redis) => Promise<unknown>
): Effect.Effect<RedisClient, never, Scope.Scope> =>
  Effect.gen(function*() {
    const events = yield* Queue.unbounded<Event>()
    const tried = yield* Deferred.make<void>()
    let ready = yield* Deferred.make<void>()
    let connection = 0
    let isReady = false
    let isReset = false

    const start = Effect.sync(() => {
      const redis = new sdk.Redis(options(settings))
      let failure = failureOf(undefined)
      // Without a listener the client prints the errors.
      redis.on("error", (error) => {
        failure = failureOf(error)
      })
      redis.on("ready", () => {
        connection++
        events.unsafeOffer("connected")
      })
      redis.on("close", () => {
        if (isReady) ready = Deferred.unsafeMake(FiberId.none)
        isReady = false
        // The reason of a reset is reported already.
        if (!isReset) events.unsafeOffer({ failure })
        isReset = false
        failure = failureOf(undefined)
      })
      // The events report the failure.
      redis.connect().catch(() => undefined)
      return redis
    })

    const redis = yield* Effect.acquireRelease(start, (redis) => Effect.sync(() => redis.disconnect()))

    const fail = (failure: RedisUnavailable) =>
      Effect.zipRight(reporter.failed(failure), Deferred.succeed(tried, undefined))

    const prepare = Effect.suspend(() => {
      const current = connection
      return Effect.tryPromise({ try: () => handshake(redis, settings).then(() => setUp(redis)), catch: failureOf })
        .pipe(
          timeLimit({
            duration: Duration.millis(settings.connectTimeout),
            onTimeout: () => new RedisUnavailable({ reason: "no reply in time", isReply: false })
          }),
          Effect.matchEffect({
            onSuccess: () =>
              Effect.suspend(() => {
                if (connection !== current || redis.status !== "ready") return Effect.void
                isReady = true
                return reporter.connected.pipe(
                  Effect.zipRight(Deferred.succeed(ready, undefined)),
                  Effect.zipRight(Deferred.succeed(tried, undefined))
                )
              }),
            onFailure: (failure) =>
              fail(failure).pipe(
                Effect.zipRight(Effect.sleep(maxPause)),
                Effect.zipRight(Effect.sync(() => {
                  if (connection !== current || redis.status !== "ready") return
                  isReset = true
                  redis.disconnect(true)
                }))
              )
          })
        )
    })

    yield* Queue.take(events).pipe(
      Effect.flatMap((event) => event === "connected" ? prepare : fail(event.failure)),
      Effect.forever,
      Effect.interruptible,
      Effect.forkScoped
    )

    return {
      redis,
      isReady: () => isReady,
      count: () => connection,
      ready: Effect.suspend(() => Deferred.await(ready)),
      tried: Deferred.await(tried)
    }
  })
