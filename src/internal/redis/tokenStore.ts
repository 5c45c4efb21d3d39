/** The tokens that processes share, in Redis: sealed, under digests of their keys, each with a generation (`tokenStoreScripts.ts`). */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { ConsentSeal } from "../../ConsentSeal.js"
import { type Store, type StoreAddress, type StoreResult, StoreUnavailable } from "../../TokenCache.js"
import { digestSync } from "../lib/digest.js"
import { randomBytes } from "../lib/secureToken.js"
import { type Connection, noReply } from "./connection.js"
import * as invalidations from "./invalidations.js"
import * as messages from "./messages.js"
import * as scripts from "./tokenStoreScripts.js"

/** Durations are in milliseconds. */
export interface Limits {
  readonly timeLimit: number
  readonly lease: number
  readonly maxLease: number
}

/** How long the value of a tag is kept after its last use, at least. */
const tagLife = 15 * 60_000

/** How long a token is kept, whatever its lifetime. */
const maxLife = 30 * 24 * 3_600_000

/** How long Redis is not used after a command without a reply, so that not every call waits. */
const suspension = 1000

/** How often a process that waits for another one looks, in case a message did not arrive. */
const pollPause = Duration.millis(100)

/** A longer text cannot be sealed. Such a token is kept in the memory of its process. */
const maxText = 40_000

/** A tag that every token has. */
const everything = "everything"

const Token = Schema.parseJson(Schema.Struct({
  credential: Schema.String,
  expiresAt: Schema.NullOr(Schema.Number),
  refreshAt: Schema.NullOr(Schema.Number)
}))

const decodeToken = Schema.decode(Token)

const Reply = Schema.Union(
  Schema.Tuple(Schema.Literal("found"), Schema.String, Schema.String, Schema.String),
  Schema.Tuple(Schema.Literal("leased", "busy"), Schema.String)
)

const decodeReply = Schema.decodeUnknown(Reply)

const decodeGeneration = Schema.decodeUnknown(Schema.String)

const decodeChange = Schema.decodeUnknown(Schema.Tuple(Schema.String, Schema.String))

const hash = (text: string) => digestSync(Redacted.make(text))

const randomId = () => Encoding.encodeHex(randomBytes(16))

const unavailable = (reason: string) => new StoreUnavailable({ reason })

const malformed = () => unavailable("unknown reply")

const purpose = (name: string, generation: string, id: string) => JSON.stringify(["TokenCache", name, generation, id])

/** @internal */
export const make = (
  connection: Connection,
  seal: ConsentSeal["Type"],
  limits: Limits
): Effect.Effect<Store, never, Scope.Scope> =>
  Effect.gen(function*() {
    const { prefix, sender, subscription } = connection
    const send = sender(Duration.millis(limits.timeLimit))
    const bus = yield* messages.make(connection, seal, maxText)
    const scope = yield* Effect.scope
    let suspendedUntil = 0
    let isRetrying = false
    let hasWarned = false

    const leaseKey = (name: string) => `${prefix}lease:${name}`

    const renewalPause = limits.lease / 3

    // After the last renewal the lease ends, at its limit at the latest.
    const renewalTime = limits.maxLease - limits.lease - renewalPause

    const renewals = Schedule.spaced(Duration.millis(renewalPause)).pipe(
      Schedule.upTo(Duration.millis(renewalTime)),
      Schedule.whileInput((reply: unknown) => reply !== 0)
    )

    const tagKey = (tag: string) => `${prefix}tag:${hash(tag)}`

    const keysOf = ({ key, tags }: StoreAddress) => {
      const name = hash(key)
      return {
        name,
        token: `${prefix}token:${name}`,
        lease: leaseKey(name),
        tags: [...tags, everything].map(tagKey)
      }
    }

    const run = (script: string, keys: ReadonlyArray<string>, ...args: ReadonlyArray<string | number>) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        now < suspendedUntil
          ? Effect.fail(unavailable(noReply))
          : send((redis) => redis.eval(script, keys.length, ...keys, ...args)).pipe(
            Effect.catchAll(({ reason }) => {
              if (reason === noReply) suspendedUntil = now + limits.timeLimit + suspension
              return Effect.fail(unavailable(reason))
            })
          ))

    const pending = invalidations.make(({ message, tags }) =>
      Effect.flatMap(bus.sealed(message), (text) =>
        run(scripts.invalidate, tags.map(tagKey), tagLife, randomId(), bus.channel, text)), {
      tags: [everything],
      message: undefined
    })

    /** Sends a command after the invalidations that could not be sent before. */
    const runAfter: typeof run = (...args) =>
      Effect.zipRight(pending.flush, run(...args))

    const open = (name: string, generation: string, id: string, sealed: string) =>
      seal.open(purpose(name, generation, id), Redacted.make(sealed)).pipe(
        Effect.flatMap((text) =>
          decodeToken(Redacted.value(text))
        ),
        Effect.map(({ credential, expiresAt, refreshAt }) => ({
          credential: Redacted.make(credential),
          expiresAt: expiresAt ?? Infinity,
          refreshAt: refreshAt ?? Infinity
        })),
        Effect.option
      )

    const warnUnreadable = Effect.suspend(() => {
      if (hasWarned) return Effect.void
      hasWarned = true
      return Effect.logWarning(
        "A token in Redis cannot be opened and is replaced: give the same keys of ConsentSeal to all processes"
      )
    })

    const end = (name: string, lease: string) =>
      send((redis) => redis.eval(scripts.end, 1, leaseKey(name), lease, bus.channel, bus.released(name)))

    /**
     * Ends a lease without waiting for a reply, also while Redis is not used. The connection keeps the order of its commands, so this
     * ends a lease whose search had no reply in time.
     */
    const abandon = (name: string, lease: string) =>
      Effect.asVoid(Effect.forkIn(Effect.ignore(end(name, lease)), scope))

    const find = (address: StoreAddress, except = ""): Effect.Effect<StoreResult, StoreUnavailable> => {
      const { lease, name, tags, token } = keysOf(address)
      const id = randomId()
      const search = run(scripts.find, [token, lease, ...tags], id, tagLife, id, limits.lease, except)
      return Effect.zipRight(pending.flush, Effect.tapError(search, () => abandon(name, id))).pipe(
        Effect.flatMap((reply) => Effect.mapError(decodeReply(reply), malformed)),
        Effect.flatMap((reply): Effect.Effect<StoreResult, StoreUnavailable> => {
          const [kind, generation] = reply
          if (kind === "busy") return Effect.succeed({ _tag: "Busy", generation })
          if (kind === "leased") return Effect.succeed({ _tag: "Leased", generation, lease: id })
          const [, , tokenId = "", sealed = ""] = reply
          // A process has it in memory. It is too long to share.
          if (sealed === "") return find(address, tokenId)
          return Effect.flatMap(
            open(name, generation, tokenId, sealed),
            Option.match({
              onNone: () => Effect.zipRight(warnUnreadable, find(address, tokenId)),
              onSome: (token) => Effect.succeed({ _tag: "Found", token, id: tokenId, generation })
            })
          )
        })
      )
    }

    const changeIf = (address: StoreAddress, id: string, text: string) => {
      const { tags, token } = keysOf(address)
      return run(scripts.change, [token, ...tags], randomId(), tagLife, randomId(), id, bus.channel, text)
    }

    /** Adds an invalidation, and sends it now or, if that fails, when Redis can be used again. */
    const invalidate = (invalidation: invalidations.Invalidation) =>
      Effect.zipRight(
        pending.add(invalidation),
        Effect.catchAll(pending.flush, () =>
          Effect.suspend(() => {
            if (isRetrying) return Effect.void
            isRetrying = true
            return Effect.retry(pending.flush, Schedule.spaced("1 second")).pipe(
              Effect.ensuring(Effect.sync(() => {
                isRetrying = false
              })),
              Effect.interruptible,
              Effect.forkIn(scope)
            )
          }))
      )

    return {
      find,
      put: (address, { generation, lease, token }) =>
        Effect.gen(function*() {
          const { name, tags, ...keys } = keysOf(address)
          const now = yield* Clock.currentTimeMillis
          const { credential, expiresAt, refreshAt } = token
          // JSON has no infinite times: they are null.
          const text = JSON.stringify({ credential: Redacted.value(credential), expiresAt, refreshAt })
          const id = randomId()
          const sealed = text.length > maxText
            ? ""
            : Redacted.value(yield* seal.seal(purpose(name, generation, id), Redacted.make(text)))
          const life = Math.min(maxLife, Math.max(1, Math.ceil(expiresAt - now)))
          const reply = yield* runAfter(
            scripts.put,
            [keys.token, keys.lease, ...tags],
            randomId(),
            Math.max(tagLife, life),
            generation,
            id,
            sealed,
            life,
            lease ?? "",
            bus.channel,
            bus.released(name)
          )
          return reply === 1 ? Option.some(id) : Option.none()
        }),
      keep: (key, lease) =>
        renewalTime <= 0 ? Effect.void : run(scripts.renew, [leaseKey(hash(key))], lease, limits.lease).pipe(
          // The next renewal may succeed before the lease ends.
          Effect.orElseSucceed(() => undefined),
          Effect.schedule(renewals),
          Effect.asVoid
        ),
      maxLease: Duration.millis(limits.maxLease),
      release: (key, lease) => {
        const name = hash(key)
        return Effect.flatMap(Clock.currentTimeMillis, (now) =>
          now < suspendedUntil
            ? abandon(name, lease)
            : Effect.ignore(run(scripts.end, [leaseKey(name)], lease, bus.channel, bus.released(name))))
      },
      released: (key) => bus.listening(hash(key), (event) => Effect.raceFirst(event, Effect.sleep(pollPause))),
      generation: (address) =>
        runAfter(scripts.read, keysOf(address).tags, randomId(), tagLife).pipe(
          Effect.flatMap((reply) => Effect.mapError(decodeGeneration(reply), malformed))
        ),
      change: (address, message) =>
        Effect.flatMap(bus.sealed(message), (text) => Effect.zipRight(pending.flush, changeIf(address, "", text))).pipe(
          Effect.flatMap((reply) => Effect.mapError(decodeChange(reply), malformed)),
          Effect.map(([before, after]) => ({ before, after })),
          Effect.tapError(() => invalidate({ tags: address.tags.slice(0, 1), message }))
        ),
      removeFound: (address, id, message) =>
        Effect.flatMap(bus.sealed(message), (text) => changeIf(address, id, text)).pipe(
          Effect.catchAll(() => invalidate({ tags: address.tags.slice(0, 1), message })),
          Effect.asVoid
        ),
      invalidate: (tags, message) =>
        tags.length === 0
          ? Effect.void
          : Effect.asVoid(invalidate({ tags, message })),
      invalidations: Stream.fromPubSub(bus.invalidations),
      subscription: () => {
        const current = subscription()
        return current === undefined ? undefined : current + bus.lost()
      }
    }
  })
