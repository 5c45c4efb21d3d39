// @effect-diagnostics anyUnknownInErrorContext:off
import { assert, describe, it } from "@effect/vitest"
import { Array as Arr, Context, Duration, Effect, Layer, Logger, Redacted } from "effect"
import { randomBytes } from "node:crypto"
import * as ConsentSeal from "../src/ConsentSeal.js"
import * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityService from "../src/IdentityService.js"
import * as Redis from "../src/Redis.js"
import * as TokenCache from "../src/TokenCache.js"
import { machine } from "./support/cached.js"
import { assertEqual } from "./support/equality.js"
import { connection, prefix, seal, type Server, server } from "./support/redis.js"

/** Processes with one service, whose n-th token is `token-n`, and the warnings that they log. */
const world = Effect.sync(() => {
  const at = prefix()
  let requests = 0
  const warnings: Array<string> = []
  const logger = Logger.make(({ logLevel, message }) => {
    if (logLevel.label === "WARN") warnings.push(String(message))
  })
  const api = Layer.mock(IdentityApi.IdentityApi, {
    getResourceOauth2Token: () => Effect.sync(() => ({ accessToken: Redacted.make(`token-${++requests}`) }))
  })
  // A loaded machine does not reply within the default time limit.
  const start = (
    url: string,
    { sealed = seal, timeLimit = "2 seconds", ...options }: Partial<Redis.Options> & {
      readonly sealed?: typeof seal
      readonly timeLimit?: Duration.DurationInput
    } = {}
  ) =>
    Effect.gen(function*() {
      const context = yield* Layer.build(
        TokenCache.layer({ timeToLive: "5 minutes", jitter: 0 }).pipe(
          Layer.provide(IdentityService.layer),
          Layer.provide(api),
          Layer.provide(Redis.layerTokenStore({ timeLimit })),
          Layer.provide(connection(url, { prefix: at, ...options })),
          Layer.provide(sealed),
          Layer.provide(Logger.replace(Logger.defaultLogger, logger))
        )
      )
      return yield* Effect.provide(
        Effect.map(Effect.all([IdentityService.IdentityService, TokenCache.TokenCache]), ([identity, cache]) => ({
          cache,
          get: (scope = "a") => Effect.map(identity.getToken({ ...machine, scopes: [scope] }), Redacted.value),
          timed: (scope = "a") =>
            Effect.map(Effect.timed(identity.getToken({ ...machine, scopes: [scope] })), ([duration, token]) => ({
              millis: Duration.toMillis(duration),
              token: Redacted.value(token)
            }))
        })),
        context
      )
    })
  return { at, start, warnings, requests: () => requests }
})

const namesOf = ({ call }: Server, pattern: string) =>
  Effect.map(call("KEYS", pattern), (keys) => keys as ReadonlyArray<string>)

/** Ten calls, of which every second one repeats a request. */
const tenCalls = (process: Effect.Effect.Success<ReturnType<Effect.Effect.Success<typeof world>["start"]>>) =>
  Effect.forEach(Arr.range(1, 5), (index) =>
    Effect.gen(function*() {
      const first = yield* process.timed(`scope-${index}`)
      const second = yield* process.timed(`scope-${index}`)
      assert.strictEqual(second.token, first.token)
      return Math.max(first.millis, second.millis)
    }))

describe("Redis that rejects commands", () => {
  const cases: ReadonlyArray<
    readonly [
      string,
      (server: Server) => Effect.Effect<unknown>,
      (server: Server) => Effect.Effect<unknown>,
      string
    ]
  > = [
    [
      "has no memory left",
      ({ call }) => call("CONFIG", "SET", "maxmemory", "1"),
      ({ call }) => call("CONFIG", "SET", "maxmemory", "0"),
      "OOM"
    ],
    [
      "is a replica",
      ({ call }) => call("REPLICAOF", "127.0.0.1", "1"),
      ({ call }) => call("REPLICAOF", "NO", "ONE"),
      "READONLY"
    ],
    [
      "needs more replicas",
      ({ call }) => call("CONFIG", "SET", "min-replicas-to-write", "1"),
      ({ call }) => call("CONFIG", "SET", "min-replicas-to-write", "0"),
      "NOREPLICAS"
    ]
  ]
  for (const [name, disturb, restore, code] of cases) {
    it.scopedLive(
      `(${name}) is not used, one warning states why, and what was invalidated is not used afterwards`,
      () =>
        Effect.gen(function*() {
          const redis = yield* server()
          const { requests, start, warnings } = yield* world
          const one = yield* start(redis.url)
          const other = yield* start(redis.url)
          assertEqual([yield* one.get(), yield* other.get()], ["token-1", "token-1"])
          yield* disturb(redis)
          assert.isBelow(Math.max(...yield* tenCalls(one)), 1000)
          assert.strictEqual(requests(), 6)
          yield* one.cache.invalidate({ providerName: "github" })
          assert.strictEqual(yield* one.get(), "token-7")
          assertEqual(warnings, [
            `Redis cannot be used (error reply ${code}). Token caches use the memory of the process meanwhile.`
          ])
          yield* restore(redis)
          yield* Effect.sleep("1500 millis")
          assert.strictEqual(yield* other.get(), "token-8")
          assert.strictEqual(yield* one.get(), "token-8")
        }),
      20_000
    )
  }

  it.scopedLive("(a wrong password) is not used, and one warning states why", () =>
    Effect.gen(function*() {
      const { url } = yield* server("--requirepass", "right")
      const { requests, start, warnings } = yield* world
      const { get } = yield* start(url, { password: Redacted.make("canary") })
      assertEqual([yield* get(), yield* get(), requests()], ["token-1", "token-1", 1])
      yield* Effect.sleep("2500 millis")
      assertEqual(warnings, [
        "Redis cannot be used (error reply WRONGPASS). Token caches use the memory of the process meanwhile."
      ])
    }))

  it.scopedLive("(a user who may not use its channels) is used as far as it permits, and one warning of each process states why", () =>
    Effect.gen(function*() {
      const redis = yield* server()
      yield* redis.call("ACL", "SETUSER", "app", "on", ">right", "~*", "resetchannels", "+@all")
      const { requests, start, warnings } = yield* world
      const options = { username: "app", password: Redacted.make("right") }
      const one = yield* start(redis.url, options)
      const other = yield* start(redis.url, options)
      assert.strictEqual(yield* one.get(), yield* other.get())
      assert.isBelow(requests(), 3)
      const warning = "Redis cannot be used (error reply NOPERM). Token caches use the memory of the process meanwhile."
      assertEqual(warnings, [warning, warning])
    }))
})

describe("values in Redis that another program has changed", () => {
  it.scopedLive("are replaced, with one warning for each process, and are never returned", () =>
    Effect.gen(function*() {
      const redis = yield* server()
      const { at, requests, start, warnings } = yield* world
      const one = yield* start(redis.url)
      const scopes = ["a", "b", "c"]
      for (const scope of scopes) yield* one.get(scope)
      const tokens = yield* namesOf(redis, `${at}token:*`)
      assert.lengthOf(tokens, 3)
      const sealed = yield* Effect.forEach(tokens, (name) => redis.call("HGET", name, "sealed"))
      for (const [index, value] of ["", "AAAA", String(sealed[0]).slice(0, -4) + "AAAA"].entries()) {
        yield* redis.call("HSET", tokens[index] ?? "", "sealed", value)
      }
      const other = yield* start(redis.url)
      const found = yield* Effect.forEach(scopes, other.get)
      assertEqual([found, requests()], [["token-4", "token-5", "token-6"], 6])
      assert.lengthOf(warnings, 1)
      assert.match(warnings[0] ?? "", /^A token in Redis cannot be opened and is replaced/)
      // Values of another type.
      for (const name of yield* namesOf(redis, `${at}*`)) yield* redis.call("SET", name, "canary")
      const third = yield* start(redis.url)
      assertEqual(yield* Effect.forEach(scopes, third.get), ["token-7", "token-8", "token-9"])
      assertEqual(warnings.slice(1), [
        "Redis cannot be used (error reply WRONGTYPE). Token caches use the memory of the process meanwhile."
      ])
    }))

  it.scopedLive("may come from an application with other keys, and its tokens are not returned", () =>
    Effect.gen(function*() {
      const redis = yield* server()
      const { requests, start, warnings } = yield* world
      const key = Redacted.make(randomBytes(32).toString("base64"))
      const sealed = Layer.orDie(ConsentSeal.layer({ keys: [{ id: "test", key }] }))
      const one = yield* start(redis.url)
      const foreign = yield* start(redis.url, { sealed })
      assertEqual([yield* one.get(), yield* foreign.get()], ["token-1", "token-2"])
      yield* foreign.cache.invalidate({})
      yield* Effect.sleep("100 millis")
      assert.notStrictEqual(yield* one.get(), "token-2")
      assert.isAtMost(requests(), 3)
      assert.lengthOf(warnings, 1)
    }))
})

describe("Redis that has lost", () => {
  it.scopedLive("its scripts shares tokens as before", () =>
    Effect.gen(function*() {
      const redis = yield* server()
      const { start, warnings } = yield* world
      const one = yield* start(redis.url)
      const other = yield* start(redis.url)
      const token = yield* one.get()
      yield* redis.call("SCRIPT", "FLUSH")
      assert.strictEqual(yield* other.get(), token)
      assertEqual(warnings, [])
    }))

  it.scopedLive("its data does not return a token that was invalidated, or requested before the loss", () =>
    Effect.gen(function*() {
      const redis = yield* server()
      const { requests, start } = yield* world
      const one = yield* start(redis.url)
      const other = yield* start(redis.url)
      assertEqual([yield* one.get(), yield* other.get()], ["token-1", "token-1"])
      yield* redis.kill
      yield* one.cache.invalidate({})
      yield* redis.start
      yield* Effect.sleep("2 seconds")
      assertEqual([yield* other.get(), yield* one.get()], ["token-2", "token-2"])
      assert.strictEqual(requests(), 2)
    }))
})

describe("a process that is busy for longer than the time limit", () => {
  it.scopedLive("receives the reply that arrived meanwhile", () =>
    Effect.gen(function*() {
      const { url } = yield* server()
      const context = yield* Layer.build(connection(url))
      const { sender } = Context.get(context, Redis.Redis)
      const send = sender(Duration.millis(50))
      const reply = yield* send((redis) => {
        const reply = redis.ping()
        // The command is written, and then this process does something else.
        setImmediate(() => {
          const end = performance.now() + 200
          while (performance.now() < end);
        })
        return reply
      })
      assert.strictEqual(reply, "PONG")
    }))
})

describe("Redis that hangs for a moment", () => {
  it.scopedLive("leaves no lease of a call that did not wait for it", () =>
    Effect.gen(function*() {
      const redis = yield* server()
      const { start } = yield* world
      const one = yield* start(redis.url, { timeLimit: "100 millis" })
      const other = yield* start(redis.url)
      yield* redis.freeze
      yield* one.timed()
      yield* redis.thaw
      yield* Effect.sleep("100 millis")
      assert.isBelow((yield* other.timed()).millis, 1500)
    }))

  it.scopedLive("during a request leaves no lease of it", () =>
    Effect.gen(function*() {
      const redis = yield* server()
      const { at, start } = yield* world
      const one = yield* start(redis.url, { timeLimit: "100 millis" })
      yield* one.get()
      // Every call has its lease, and no reply ends it.
      const call = yield* Effect.fork(Effect.forEach(Arr.range(1, 20), (index) => one.get(`scope-${index}`)))
      yield* Effect.sleep("5 millis")
      yield* redis.freeze
      yield* call
      yield* redis.thaw
      yield* Effect.sleep("200 millis")
      assertEqual(yield* namesOf(redis, `${at}lease:*`), [])
    }))
})
