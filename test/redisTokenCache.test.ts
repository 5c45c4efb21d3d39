// @effect-diagnostics anyUnknownInErrorContext:off
import { assert, describe, it } from "@effect/vitest"
import { Array as Arr, Deferred, Duration, Effect, Fiber, Logger, Redacted } from "effect"
import * as Consent from "../src/Consent.js"
import * as Credential from "../src/Credential.js"
import * as IdentityError from "../src/IdentityError.js"
import { machine } from "./support/cached.js"
import { assertEqual } from "./support/equality.js"
import { prefix } from "./support/redis.js"
import { instance, pair, running, service } from "./support/redisCache.js"
import type { TokenReply } from "./support/stub.js"

/** Until a message has reached the other instance. */
const delivered = Effect.sleep("200 millis")

describe("two processes that share tokens in Redis", () => {
  it.scopedLive("send one request for one grant, at the same instant and later", () =>
    Effect.gen(function*() {
      const own = service(() => Effect.delay(Effect.succeed({ accessToken: Redacted.make("token") }), "200 millis"))
      const [one, other] = yield* pair(own)
      const calls = Arr.makeBy(20, (index) => (index % 2 === 0 ? one : other).get())
      const tokens = yield* Effect.all(calls, { concurrency: "unbounded" })
      assertEqual([...new Set(tokens)], ["token"])
      yield* one.get()
      yield* other.get()
      assert.lengthOf(own.requests, 1)
    }))

  it.scopedLive("store a token sealed under a digest, for its lifetime, and with no name of a user or a provider", () =>
    Effect.gen(function*() {
      const { call } = running()
      const own = service()
      const at = prefix()
      const one = yield* instance(own, at)
      const workloadAccessToken = yield* one.identity.getWorkloadAccessToken({
        workloadName: "w",
        userId: "canary-ada"
      })
      yield* one.get({ ...machine, providerName: "canary-provider", workloadAccessToken })
      const keys = (yield* call("KEYS", `${at}*`)) as ReadonlyArray<string>
      assert.isAbove(keys.length, 5)
      for (const key of keys) assert.match(key.slice(at.length), /^(token|tag):[0-9a-f]{64}$/)
      const [token = ""] = keys.filter((key) => key.includes(":token:"))
      const stored = JSON.stringify(yield* call("HGETALL", token))
      for (const secret of ["canary", "token-1"]) assert.notInclude(stored, secret)
      const life = Number(yield* call("PTTL", token))
      assert.isAbove(life, 290_000)
      assert.isAtMost(life, 300_000)
      for (const key of keys) assert.isAbove(Number(yield* call("PTTL", key)), 0)
    }))

  it.scopedLive("do not accept a token that was moved to another key, and one that they cannot open is replaced", () =>
    Effect.gen(function*() {
      const { call } = running()
      const own = service()
      const at = prefix()
      const one = yield* instance(own, at)
      yield* one.get()
      const tokens = () => Effect.map(call("KEYS", `${at}token:*`), (keys) => keys as ReadonlyArray<string>)
      const [first = ""] = yield* tokens()
      yield* one.get({ ...machine, scopes: ["b"] })
      const second = (yield* tokens()).find((key) => key !== first) ?? ""
      const sealed = yield* call("HGET", first, "sealed")
      yield* call("HSET", second, "sealed", String(sealed))
      const other = yield* instance(own, at)
      assert.strictEqual(yield* other.get({ ...machine, scopes: ["b"] }), "token-3")
      assert.strictEqual(yield* other.get(), "token-1")
    }))

  it.scopedLive("invalidate the tokens of each other, for all, a provider, a user, a caller, a workload and a grant", () =>
    Effect.gen(function*() {
      const own = service()
      const [one, other] = yield* pair(own, { workloadAccessTokens: "1 hour" })
      const ada = yield* one.identity.getWorkloadAccessToken({ workloadName: "w", userId: "ada" })
      const bob = yield* one.identity.getWorkloadAccessToken({ workloadName: "w", userId: "bob" })
      assert.strictEqual(
        Redacted.value(yield* other.identity.getWorkloadAccessToken({ workloadName: "w", userId: "ada" })),
        Redacted.value(ada)
      )
      const ofAda = {
        ...machine,
        workloadAccessToken: yield* other.identity.getWorkloadAccessToken({ workloadName: "w", userId: "ada" })
      }
      const ofBob = {
        ...machine,
        workloadAccessToken: yield* other.identity.getWorkloadAccessToken({ workloadName: "w", userId: "bob" })
      }
      const slack = { ...ofAda, providerName: "slack" }
      const asked = [ofAda, ofBob, slack]
      const changes: ReadonlyArray<readonly [string, Effect.Effect<unknown, unknown>, ReadonlyArray<boolean>]> = [
        ["all", one.cache.invalidate({}), [true, true, true]],
        ["a provider", one.cache.invalidate({ providerName: "github" }), [true, true, false]],
        ["a user", one.cache.invalidate({ user: Credential.userId("ada") }), [true, false, true]],
        ["a caller", one.cache.invalidate({ workloadAccessToken: bob }), [false, true, false]],
        [
          "a user at a provider",
          one.cache.invalidate({ user: Credential.userId("ada"), providerName: "slack" }),
          [false, false, true]
        ],
        ["a grant", one.cache.invalidateGrant({ ...machine, workloadAccessToken: ada }), [true, false, false]],
        ["a deleted provider", one.identity.deleteOauth2CredentialProvider({ name: "slack" }), [false, false, true]],
        ["a deleted workload", one.identity.deleteWorkloadIdentity({ name: "w" }), [true, true, true]],
        [
          "a completed consent",
          one.identity.completeResourceTokenAuth({ sessionUri: "urn:s", userIdentifier: Credential.userId("bob") }),
          [false, true, false]
        ],
        [
          "a forced call",
          one.identity.getToken({ ...machine, workloadAccessToken: ada, forceAuthentication: true }),
          [false, false, false]
        ]
      ]
      for (const [name, change, expected] of changes) {
        yield* Effect.forEach(asked, (options) => other.get(options))
        const before = yield* Effect.forEach(asked, (options) => other.get(options))
        yield* change
        yield* delivered
        const requested = yield* Effect.forEach(asked, (options) => {
          const count = own.requests.length
          return Effect.map(other.get(options), () => own.requests.length > count)
        })
        assertEqual<unknown>([name, requested], [name, expected])
        const after = yield* Effect.forEach(asked, (options) => other.get(options))
        if (name === "a forced call") assert.notStrictEqual(after[0], before[0])
      }
    }))

  it.scopedLive("each keep a token that is too long to share, and do not report it as one that cannot be opened", () =>
    Effect.gen(function*() {
      const logs: Array<string> = []
      const logger = Logger.replace(Logger.defaultLogger, Logger.make(({ message }) => void logs.push(String(message))))
      const long = Effect.succeed({ accessToken: Redacted.make("x".repeat(50_000)) })
      const own = service(() => long)
      const [one, other] = yield* pair(own)
      yield* Effect.provide(Effect.all([one.get(), other.get(), other.get()]), logger)
      assertEqual([own.requests.length, logs], [2, []])
    }))

  it.scopedLive("do not store a token that was requested before an invalidation", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const own = service((index) =>
        index === 1
          ? Effect.as(Deferred.await(gate), { accessToken: Redacted.make("stale") })
          : undefined
      )
      const [one, other] = yield* pair(own)
      const first = yield* Effect.fork(one.get())
      yield* delivered
      yield* other.cache.invalidate({ providerName: "github" })
      // The lease of the request from before does not hold up a request from after.
      assert.strictEqual(yield* other.get(), "token-2")
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual(yield* Fiber.join(first), "stale")
      assert.strictEqual(yield* one.get(), "token-2")
      assert.strictEqual(yield* other.get(), "token-2")
    }))

  it.scopedLive("request a token in turn if the first request fails", () =>
    Effect.gen(function*() {
      const denied = new IdentityError.AccessDenied({ operation: "GetResourceOauth2Token", message: "no" })
      const own = service((index) => index === 1 ? Effect.delay(Effect.fail(denied), "200 millis") : undefined)
      const [one, other] = yield* pair(own)
      const first = yield* Effect.fork(Effect.flip(one.get()))
      yield* Effect.sleep("50 millis")
      const [duration, token] = yield* Effect.timed(other.get())
      assert.strictEqual(token, "token-2")
      assert.isBelow(Duration.toMillis(duration), 1000)
      assert.strictEqual((yield* Fiber.join(first))._tag, "AccessDenied")
    }))

  it.scopedLive("send one request that takes longer than the lease, and one more after the longest lease", () =>
    Effect.gen(function*() {
      const slow = service(() => Effect.delay(Effect.succeed({ accessToken: Redacted.make("token") }), "1500 millis"))
      const [one, other] = yield* pair(slow, { store: { lease: "300 millis", timeLimit: "2 seconds" } })
      const first = yield* Effect.fork(one.get())
      yield* delivered
      assert.strictEqual(yield* other.get(), "token")
      assert.strictEqual(yield* Fiber.join(first), "token")
      assert.lengthOf(slow.requests, 1)

      const endless = service((index) => index === 1 ? Effect.never : undefined)
      const limited = { store: { lease: "300 millis", maxLease: "1 second", timeLimit: "2 seconds" } } as const
      const [waiting, next] = yield* pair(endless, limited)
      yield* Effect.fork(waiting.get())
      yield* delivered
      const [duration, token] = yield* Effect.timed(next.get())
      assert.strictEqual(token, "token-2")
      assert.isAtLeast(Duration.toMillis(duration), 600)
      assert.isBelow(Duration.toMillis(duration), 2000)
    }))

  it.scopedLive("send a request each for forced calls at one time, share none of their tokens, and one of a later call", () =>
    Effect.gen(function*() {
      const own = service((index) =>
        Effect.delay(Effect.succeed({ accessToken: Redacted.make(`token-${index}`) }), "200 millis")
      )
      const [one, other] = yield* pair(own)
      const forced = (process: typeof one) =>
        Effect.map(process.identity.getToken({ ...machine, forceAuthentication: true }), Redacted.value)
      // The calls of one process share their request.
      const calls = [forced(one), forced(one), forced(other), forced(other)]
      const [first, second, third, fourth] = yield* Effect.all(calls, { concurrency: "unbounded" })
      assert.strictEqual(first, second)
      assert.strictEqual(third, fourth)
      assert.notStrictEqual(first, third)
      assert.lengthOf(own.requests, 2)
      yield* delivered
      const later = yield* Effect.all([one.get(), other.get()], { concurrency: 2 })
      assertEqual(later, ["token-3", "token-3"])
      // After that, a forced call replaces the token of both.
      assert.strictEqual(yield* forced(other), "token-4")
      yield* delivered
      assertEqual([yield* one.get(), yield* other.get()], ["token-4", "token-4"])
      assert.lengthOf(own.requests, 4)
    }))

  it.scopedLive("end the lease of a request that is interrupted", () =>
    Effect.gen(function*() {
      const own = service((index) => index === 1 ? Effect.never : undefined)
      const [one, other] = yield* pair(own)
      const first = yield* Effect.fork(one.get())
      yield* delivered
      yield* Fiber.interrupt(first)
      const [duration, token] = yield* Effect.timed(other.get())
      assert.strictEqual(token, "token-2")
      assert.isBelow(Duration.toMillis(duration), 1000)
    }))

  it.scopedLive("do not wait for a consent in the other process", () =>
    Effect.gen(function*() {
      const pending: TokenReply = {
        authorizationUrl: Redacted.make("https://vendor.example/authorize"),
        sessionUri: Redacted.make("urn:session"),
        sessionStatus: "IN_PROGRESS"
      }
      const own = service(() => Effect.succeed(pending))
      const [one, other] = yield* pair(own)
      const user = { ...machine, authFlow: "USER_FEDERATION", callbackUrl: "https://app.example/return" } as const
      const waiting = yield* Effect.fork(one.identity.getToken({ ...user, consent: Consent.make(() => Effect.never) }))
      yield* delivered
      const [duration, error] = yield* Effect.timed(Effect.flip(other.identity.getToken(user)))
      assert.strictEqual(error._tag, "ConsentRequired")
      assert.isBelow(Duration.toMillis(duration), 1000)
      yield* Fiber.interrupt(waiting)
    }))

  it.scopedLive("replace a workload access token that the service has rejected in one of them", () =>
    Effect.gen(function*() {
      const own = service()
      const options = { workloadAccessTokens: "1 hour" } as const
      const at = prefix()
      const [one, other, third] = yield* Effect.all([
        instance(own, at, options),
        instance(own, at, options),
        instance(own, at, options)
      ])
      const ada = { workloadName: "w", userId: "ada" }
      const rejected = yield* one.identity.getWorkloadAccessToken(ada)
      assertEqual(yield* other.identity.getWorkloadAccessToken(ada), rejected)
      const next = yield* one.identity.getWorkloadAccessToken({ ...ada, rejected })
      assert.notStrictEqual(Redacted.value(next), Redacted.value(rejected))
      assertEqual(yield* other.identity.getWorkloadAccessToken({ ...ada, rejected }), next)
      assert.strictEqual(own.mints(), 2)
      // It is in Redis, and not in the memory of this one.
      const last = yield* third.identity.getWorkloadAccessToken({ ...ada, rejected: next })
      assert.notStrictEqual(Redacted.value(last), Redacted.value(next))
      assert.strictEqual(own.mints(), 3)
    }))
})
