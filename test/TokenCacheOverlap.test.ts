// @effect-diagnostics anyUnknownInErrorContext:off
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Redacted, TestClock } from "effect"
import * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityService from "../src/IdentityService.js"
import * as TokenCache from "../src/TokenCache.js"
import { machine, text, user } from "./support/cached.js"
import { assertEqual } from "./support/equality.js"
import { memoryStore } from "./support/memoryStore.js"

/** Every request takes 100 milliseconds. The n-th result is `credential-n`. */
const service = () => {
  let requests = 0
  const next = Effect.suspend(() => {
    const index = ++requests
    return Effect.delay(Effect.succeed(Redacted.make(`credential-${index}`)), "100 millis")
  })
  const api = Layer.mock(IdentityApi.IdentityApi, {
    getResourceOauth2Token: () => Effect.map(next, (accessToken) => ({ accessToken })),
    getResourceApiKey: () => Effect.map(next, (apiKey) => ({ apiKey })),
    getWorkloadAccessTokenForUserId: () => Effect.map(next, (workloadAccessToken) => ({ workloadAccessToken }))
  })
  return { api, requests: () => requests }
}

/** One process: a cache over the service. */
const instance = (
  { api }: ReturnType<typeof service>,
  store?: TokenCache.Store,
  identity = IdentityService.layer
) =>
  Layer.build(
    TokenCache.layer({ timeToLive: "1 hour", workloadAccessTokens: "1 hour", jitter: 0, refresh: 0 }).pipe(
      Layer.provide(identity),
      Layer.provide(api),
      Layer.provide(Layer.succeed(TokenCache.SharedStore, store))
    )
  ).pipe(Effect.flatMap((context) =>
    Effect.provide(
      Effect.map(Effect.all([IdentityService.IdentityService, TokenCache.TokenCache]), ([identity, cache]) => ({
        identity,
        cache
      })),
      context
    )
  ))

type Instance = Effect.Effect.Success<ReturnType<typeof instance>>

type Call = (one: Instance) => Effect.Effect<Redacted.Redacted, unknown>

const getToken: Call = ({ identity }) => identity.getToken(machine)

const kinds: Record<string, Call> = {
  "a token": getToken,
  "a token of a user": ({ identity }) => identity.getToken(user),
  "an API key": ({ identity }) => identity.getApiKey(machine),
  "a workload access token": ({ identity }) => identity.getWorkloadAccessToken({ workloadName: "agent", userId: "ada" })
}

/** Each process calls every 40 milliseconds, 30 times. After the second call, while its request is in progress, `change` runs. */
const underLoad = Effect.fn(function*(
  instances: ReadonlyArray<Instance>,
  call: Call,
  change: (one: Instance) => Effect.Effect<unknown, unknown>
) {
  const calls: Array<Fiber.Fiber<Redacted.Redacted, unknown>> = []
  for (let index = 0; index < 30; index++) {
    for (const one of instances) calls.push(yield* Effect.fork(call(one)))
    yield* TestClock.adjust("20 millis")
    const [first] = instances
    if (index === 1 && first !== undefined) yield* Effect.fork(change(first))
    yield* TestClock.adjust("20 millis")
  }
  return yield* Effect.forEach(calls, Fiber.join)
})

describe("under calls that overlap, after an invalidation", () => {
  it.scoped("a copy of the service does not return a token that was requested before", () =>
    Effect.gen(function*() {
      const own = service()
      const copied = Layer.map(
        IdentityService.layer,
        (context) =>
          Context.make(IdentityService.IdentityService, { ...Context.get(context, IdentityService.IdentityService) })
      )
      const one = yield* instance(own, undefined, copied)
      const before = yield* Effect.fork(getToken(one))
      yield* TestClock.adjust("50 millis")
      yield* one.cache.invalidate({})
      const after = yield* Effect.fork(getToken(one))
      yield* TestClock.adjust("200 millis")
      assertEqual(yield* text(Fiber.join(before)), "credential-1")
      assertEqual(yield* text(Fiber.join(after)), "credential-2")
      assertEqual(yield* text(getToken(one)), "credential-2")
    }))

  for (const [name, call] of Object.entries(kinds)) {
    it.scoped(`${name} is requested again, kept, and then found`, () =>
      Effect.gen(function*() {
        const own = service()
        const one = yield* instance(own)
        yield* underLoad([one], call, ({ cache }) => cache.invalidate({}))
        const { entries, hits } = yield* one.cache.stats
        assert.strictEqual(entries, 1)
        assert.isAtLeast(hits, 20)
        // Calls share the request of a token only: the others send one each until the first result is kept.
        assert.isAtMost(own.requests(), name.startsWith("a token") ? 2 : 5)
      }))
  }

  it.scoped("a token is kept that the first call from after the invalidation has requested", () =>
    Effect.gen(function*() {
      for (const call of Object.values(kinds)) {
        const own = service()
        const one = yield* instance(own)
        const before = yield* Effect.fork(call(one))
        yield* TestClock.adjust("20 millis")
        yield* one.cache.invalidate({})
        const after = yield* Effect.fork(call(one))
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* text(Fiber.join(before)), "credential-1")
        assertEqual([yield* text(Fiber.join(after)), yield* text(call(one)), own.requests()], [
          "credential-2",
          "credential-2",
          2
        ])
      }
    }))

  it.scoped("each further invalidation makes the request in progress out of date", () =>
    Effect.gen(function*() {
      const own = service()
      const one = yield* instance(own)
      const calls: Array<Fiber.Fiber<Redacted.Redacted, unknown>> = []
      // The request of the first call ends at 100 milliseconds, that of the second one begins then.
      for (let index = 0; index < 3; index++) {
        calls.push(yield* Effect.fork(getToken(one)))
        yield* TestClock.adjust("60 millis")
        yield* one.cache.invalidate({})
      }
      calls.push(yield* Effect.fork(getToken(one)))
      yield* TestClock.adjust("1 second")
      const tokens = yield* Effect.forEach(calls, (fiber) => text(Fiber.join(fiber)))
      assert.strictEqual(tokens[0], "credential-1")
      assert.strictEqual(tokens[3], "credential-3")
      assertEqual([yield* text(getToken(one)), own.requests()], ["credential-3", 3])
    }))

  it.scoped("a forced call replaces the token, and later calls find that", () =>
    Effect.gen(function*() {
      const own = service()
      const one = yield* instance(own)
      yield* underLoad([one], getToken, ({ identity }) => identity.getToken({ ...machine, forceAuthentication: true }))
      assert.isAtLeast((yield* one.cache.stats).hits, 20)
      assert.isAtMost(own.requests(), 3)
    }))
})

describe("processes that share a store, under calls that overlap", () => {
  it.scoped("request a token once more after an invalidation, and then find it", () =>
    Effect.gen(function*() {
      const own = service()
      const store = yield* memoryStore
      const instances = yield* Effect.replicateEffect(instance(own, store), 3)
      const tokens = yield* underLoad(instances, getToken, ({ cache }) => cache.invalidate({ providerName: "github" }))
      assertEqual([...new Set(tokens.map(Redacted.value))], ["credential-1", "credential-2"])
      for (const one of instances) {
        const { entries, hits } = yield* one.cache.stats
        assert.strictEqual(entries, 1)
        assert.isAtLeast(hits, 20)
      }
    }))

  it.scoped("keep a token that was requested after an invalidation, also for a call that waited meanwhile", () =>
    Effect.gen(function*() {
      const own = service()
      const store = yield* memoryStore
      const [one, other] = yield* Effect.all([instance(own, store), instance(own, store)])
      const first = yield* Effect.fork(getToken(one))
      yield* TestClock.adjust("20 millis")
      const waiting = yield* Effect.fork(getToken(other))
      yield* TestClock.adjust("20 millis")
      yield* other.cache.invalidate({})
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* text(Fiber.join(first)), "credential-1")
      assert.strictEqual(yield* text(Fiber.join(waiting)), "credential-2")
      assertEqual([yield* text(getToken(one)), yield* text(getToken(other)), own.requests()], [
        "credential-2",
        "credential-2",
        2
      ])
    }))
})
