/**
 * Redis for programs of several processes: one request and one refresh for each grant, resume handles that are used once, and waits that
 * end when the consent is completed in another process.
 *
 * Requires the optional peer dependency `ioredis`: `npm install ioredis@5`. Redis 6 or later is supported, and servers with its
 * commands.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { ConsentLedger } from "./ConsentLedger.js"
import { ConsentSeal } from "./ConsentSeal.js"
import * as ConsentSignal from "./ConsentSignal.js"
import * as connection from "./internal/redis/connection.js"
import * as ledger from "./internal/redis/ledger.js"
import * as settings from "./internal/redis/settings.js"
import * as tokenStore from "./internal/redis/tokenStore.js"
import { SharedStore } from "./TokenCache.js"

/**
 * Options of a connection.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** `redis://HOST:PORT`, or `rediss://HOST:PORT` for TLS. It may contain a user name, a password and the number of a database. */
  readonly url: string | Redacted.Redacted
  /** Defaults to the user name of `url`. */
  readonly username?: string | undefined
  /** Defaults to the password of `url`. */
  readonly password?: Redacted.Redacted | undefined
  /**
   * Start of all keys and channels; defaults to `agentcore-identity:`. Processes with one prefix share tokens, so use another prefix for
   * another AWS account, region or environment.
   */
  readonly prefix?: string | undefined
  /**
   * Certificate authorities that are trusted for this connection, in addition to those of Node, as PEM text with one or more
   * certificates. Needs a `rediss://` URL. Defaults to none. Client certificates are not supported.
   */
  readonly certificateAuthorities?: ReadonlyArray<string> | undefined
  /** Time limit of an attempt to connect; defaults to 2 seconds. */
  readonly connectTimeout?: Duration.DurationInput | undefined
  /** Time limit of a command of the ledger or the signal, with the time to connect; defaults to 2 seconds. */
  readonly commandTimeout?: Duration.DurationInput | undefined
}

/**
 * A connection to Redis.
 *
 * @since 0.1.0
 * @category tags
 */
export class Redis extends Context.Tag("effect-agentcore-identity/Redis")<Redis, connection.Connection>() {}

const load = Effect.tryPromise({
  try: () => import("ioredis"),
  catch: (thrown) =>
    ConfigError.Unsupported(
      ["ioredis"],
      `the package 'ioredis' could not be loaded (${String(thrown)}); install it with 'npm install ioredis@5'`
    )
})

/**
 * Connects to Redis, and connects again when the connection is lost. The layer waits at most 250 milliseconds for the first connection,
 * and is built without one too. An outage is logged once, as a warning.
 *
 * Fails with `ConfigError` if an option is invalid, or if `ioredis` is not installed.
 *
 * @example
 * ```ts
 * import { Layer } from "effect"
 * import { AwsIdentity, ConsentSeal, TokenCache } from "effect-agentcore-identity"
 * import * as Redis from "effect-agentcore-identity/Redis"
 *
 * export const IdentityLive = TokenCache.layer({ timeToLive: "5 minutes" }).pipe(
 *   Layer.provide(AwsIdentity.layer({ region: "us-west-2" })),
 *   Layer.provideMerge(Layer.mergeAll(Redis.layerTokenStore(), Redis.layerLedger, Redis.layerSignal)),
 *   Layer.provide(Redis.layer({ url: "redis://localhost:6379" })),
 *   Layer.provideMerge(ConsentSeal.layerConfig())
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<Redis, ConfigError.ConfigError> =>
  Layer.scoped(
    Redis,
    Effect.suspend(() =>
      Either.match(settings.decode(options), {
        onLeft: ({ message, option }) => Effect.fail(ConfigError.InvalidData([option], message)),
        onRight: (settings) => Effect.flatMap(load, (sdk) => connection.make(sdk, settings))
      })
    )
  )

/**
 * Connects to Redis with options from `Config`. Defaults to the URL in the variable `REDIS_URL`.
 *
 * @example
 * ```ts
 * import { Config } from "effect"
 * import * as Redis from "effect-agentcore-identity/Redis"
 *
 * export const RedisLive = Redis.layerConfig({ url: Config.redacted("MY_REDIS_URL"), password: Config.redacted("MY_PASSWORD") })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  config: Config.Config.Wrap<Options> = { url: Config.redacted("REDIS_URL") }
): Layer.Layer<Redis, ConfigError.ConfigError> => Layer.unwrapEffect(Effect.map(Config.unwrap(config), layer))

/**
 * Keeps the entries of the ledger in Redis. Each method is atomic, between all processes. Redis removes expired entries.
 *
 * Methods fail with `LedgerFailure` if Redis does not reply within `commandTimeout`. Such a command may have been executed: an entry can
 * exist, or a handle can be used, although the method failed.
 *
 * @example
 * ```ts
 * import { Layer } from "effect"
 * import * as Redis from "effect-agentcore-identity/Redis"
 *
 * export const LedgerLive = Redis.layerLedger.pipe(Layer.provide(Redis.layerConfig()))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerLedger: Layer.Layer<ConsentLedger, never, Redis> = /* @__PURE__ */ Layer.effect(
  ConsentLedger,
  Effect.map(Redis, ledger.make)
)

/**
 * Reports completed consents to all processes by a channel of Redis. While Redis is down, waits in other processes end at their next
 * poll.
 *
 * @example
 * ```ts
 * import { Layer } from "effect"
 * import * as Redis from "effect-agentcore-identity/Redis"
 *
 * export const SignalLive = Redis.layerSignal.pipe(Layer.provide(Redis.layerConfig()))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerSignal: Layer.Layer<ConsentSignal.ConsentSignal, never, Redis> = /* @__PURE__ */ Layer.unwrapEffect(
  Effect.map(Redis, ({ prefix, send, subscribe }) =>
    ConsentSignal.layerMessages({
      publish: (key) =>
        // The connection logs its failures.
        Effect.ignore(send((redis) => redis.publish(connection.channelName(prefix, "consent"), key))),
      messages: Stream.asyncPush<string>((emit) => subscribe("consent", (key) => void emit.single(key)))
    }))
)

/**
 * Shares the tokens of `TokenCache.layer` in Redis, sealed with the keys of `ConsentSeal`; all processes need the same keys. A key in
 * Redis is a SHA-256. A token can be read only under the key that it was stored for, and Redis removes it at its end.
 *
 * A command takes at most `timeLimit`, by default 100 milliseconds; without a reply Redis is not used for a second. The process that
 * requests a token has a lease of `lease`, by default 5 seconds, and renews it until the request ends, for at most `maxLease`, by
 * default 1 minute. If the process ends before, another one sends the request after the lease. A call waits for other processes for
 * at most `maxLease`.
 *
 * An invalid option is a defect when the layer is built: each must be a finite duration of more than 0, and `maxLease` at least `lease`.
 *
 * @example
 * ```ts
 * import { Layer } from "effect"
 * import { ConsentSeal } from "effect-agentcore-identity"
 * import * as Redis from "effect-agentcore-identity/Redis"
 *
 * export const StoreLive = Redis.layerTokenStore().pipe(
 *   Layer.provide(Redis.layerConfig()),
 *   Layer.provide(ConsentSeal.layerConfig())
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerTokenStore = ({ lease = "5 seconds", maxLease = "1 minute", timeLimit = "100 millis" }: {
  readonly timeLimit?: Duration.DurationInput | undefined
  readonly lease?: Duration.DurationInput | undefined
  readonly maxLease?: Duration.DurationInput | undefined
} = {}): Layer.Layer<SharedStore, never, Redis | ConsentSeal> =>
  Layer.scoped(
    SharedStore,
    Effect.gen(function*() {
      const limits = {
        timeLimit: Duration.toMillis(timeLimit),
        lease: Math.ceil(Duration.toMillis(lease)),
        maxLease: Duration.toMillis(maxLease)
      }
      for (const [name, millis] of Object.entries(limits)) {
        if (!(millis > 0 && Number.isFinite(millis))) {
          return yield* Effect.dieMessage(`Redis.layerTokenStore: ${name} must be a finite duration of more than 0`)
        }
      }
      if (limits.maxLease < limits.lease) {
        return yield* Effect.dieMessage("Redis.layerTokenStore: maxLease must be at least lease")
      }
      return yield* tokenStore.make(yield* Redis, yield* ConsentSeal, limits)
    })
  )
