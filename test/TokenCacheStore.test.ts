import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer, Option, Redacted, Stream, TestClock } from "effect"
import * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityService from "../src/IdentityService.js"
import * as TokenCache from "../src/TokenCache.js"

const machine = {
  providerName: "github",
  scopes: ["repo"],
  authFlow: "M2M",
  workloadAccessToken: Redacted.make("workload")
} as const

const unavailable = Effect.fail(new TokenCache.StoreUnavailable({ reason: "down" }))

/** A store that keeps nothing, and whose search always returns a lease. */
const makeStore = () => {
  let isDown = false
  let kept = 0
  const ifUp = <A>(value: () => A) => Effect.suspend(() => isDown ? unavailable : Effect.sync(value))
  const store: TokenCache.Store = {
    find: () => ifUp(() => ({ _tag: "Leased", lease: "lease", generation: "1" })),
    put: () => ifUp(() => Option.some("id")),
    keep: () =>
      Effect.acquireUseRelease(
        Effect.sync(() => kept++),
        () => Effect.never,
        () => Effect.sync(() => kept--)
      ),
    maxLease: Duration.minutes(1),
    release: () => Effect.void,
    released: () => Effect.void,
    generation: () => ifUp(() => "1"),
    change: () => ifUp(() => ({ before: "1", after: "1" })),
    removeFound: () => Effect.void,
    invalidate: () => Effect.void,
    invalidations: Stream.never,
    subscription: () => isDown ? undefined : 1
  }
  return {
    store,
    kept: () => kept,
    setDown: (is: boolean) => {
      isDown = is
    }
  }
}

const world = Effect.gen(function*() {
  const { kept, setDown, store } = makeStore()
  let requests = 0
  const context = yield* Layer.build(
    TokenCache.layer({ timeToLive: "1 hour", jitter: 0 }).pipe(
      Layer.provide(IdentityService.layer),
      Layer.provide(Layer.mock(IdentityApi.IdentityApi, {
        getResourceOauth2Token: () =>
          Effect.delay(Effect.sync(() => ({ accessToken: Redacted.make(`token-${++requests}`) })), "1 millis")
      })),
      Layer.provide(Layer.succeed(TokenCache.SharedStore, store))
    )
  )
  const identity = yield* Effect.provide(IdentityService.IdentityService, context)
  const get = Effect.gen(function*() {
    const call = yield* Effect.fork(identity.getToken(machine))
    yield* TestClock.adjust("1 millis")
    return Redacted.value(yield* call)
  })
  return { get, identity, kept, setDown }
})

describe("a store that does not answer", () => {
  it.scoped("leaves a token that it confirmed in use for a minute, and then each process requests it", () =>
    Effect.gen(function*() {
      const { get, setDown } = yield* world
      yield* get
      setDown(true)
      yield* TestClock.adjust("59 seconds")
      assert.strictEqual(yield* get, "token-1")
      yield* TestClock.adjust("1 seconds")
      assert.strictEqual(yield* get, "token-2")
      yield* TestClock.adjust("59 seconds")
      assert.strictEqual(yield* get, "token-2")
      yield* TestClock.adjust("1 seconds")
      assert.strictEqual(yield* get, "token-3")
    }))

  it.scoped("is asked for the token again when it answers", () =>
    Effect.gen(function*() {
      const { get, setDown } = yield* world
      setDown(true)
      yield* get
      setDown(false)
      assert.strictEqual(yield* get, "token-2")
      yield* TestClock.adjust("50 minutes")
      assert.strictEqual(yield* get, "token-2")
    }))
})

describe("the lease of a request", () => {
  it.scoped("is kept while the request is in progress, and no longer than its callers", () =>
    Effect.gen(function*() {
      const { identity, kept } = yield* world
      const call = yield* Effect.fork(identity.getToken(machine))
      yield* TestClock.adjust(0)
      assert.strictEqual(kept(), 1)
      yield* TestClock.adjust("1 millis")
      yield* call
      assert.strictEqual(kept(), 0)
    }))
})
