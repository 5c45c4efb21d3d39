// @effect-diagnostics anyUnknownInErrorContext:off
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Redacted, TestClock } from "effect"
import * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityService from "../src/IdentityService.js"
import * as TokenCache from "../src/TokenCache.js"
import { assertEqual } from "./support/equality.js"
import type { TokenReply } from "./support/stub.js"

const machine = {
  providerName: "github",
  scopes: ["repo"],
  authFlow: "M2M",
  workloadAccessToken: Redacted.make("workload")
} as const

const forced = { ...machine, forceAuthentication: true } as const

/** A cache over a service whose n-th token is `token-n`. A token request waits for `gate`. */
const gated = (gateOf: (index: number) => Effect.Effect<Partial<TokenReply>>) =>
  Effect.gen(function*() {
    let count = 0
    const api = Layer.mock(IdentityApi.IdentityApi, {
      getResourceOauth2Token: () =>
        Effect.suspend(() => {
          const index = ++count
          return Effect.map(gateOf(index), (reply) => ({ accessToken: Redacted.make(`token-${index}`), ...reply }))
        })
    })
    const context = yield* Layer.build(
      TokenCache.layer({ timeToLive: "10 minutes", jitter: 0 }).pipe(
        Layer.provide(IdentityService.layer),
        Layer.provide(api)
      )
    )
    const [identity, cache] = yield* Effect.provide(
      Effect.all([IdentityService.IdentityService, TokenCache.TokenCache]),
      context
    )
    return { identity, cache, count: () => count }
  })

const settled = Effect.repeatN(Effect.yieldNow(), 30)

const text = <E, R>(self: Effect.Effect<Redacted.Redacted, E, R>) => Effect.map(self, Redacted.value)

/** A call in progress, a change, and another call, which begins after the change and before the first request has ended. */
const around = Effect.fn(function*(
  change: (world: Effect.Effect.Success<ReturnType<typeof gated>>) => Effect.Effect<unknown, unknown>
) {
  const gate = yield* Deferred.make<void>()
  const world = yield* gated((index) => index === 1 ? Effect.as(Deferred.await(gate), {}) : Effect.succeed({}))
  const first = yield* Effect.fork(world.identity.getToken(machine))
  yield* settled
  yield* change(world)
  const second = yield* Effect.fork(world.identity.getToken(machine))
  yield* settled
  yield* Deferred.succeed(gate, undefined)
  yield* Fiber.join(first)
  return { second: yield* text(Fiber.join(second)), later: yield* text(world.identity.getToken(machine)) }
})

describe("a token of a shared request", () => {
  it.scoped("is not kept after an invalidation, also for a call that begins after the invalidation", () =>
    Effect.gen(function*() {
      assert.notStrictEqual((yield* around(({ cache }) => cache.invalidate({}))).later, "token-1")
      assert.notStrictEqual((yield* around(({ cache }) => cache.invalidateGrant(machine))).later, "token-1")
    }))

  it.scoped("is kept if several forced calls, or reauthentications of one token, share the request", () =>
    Effect.gen(function*() {
      const kinds = [
        ({ getToken }: IdentityService.IdentityService["Type"]) => getToken(forced),
        ({ reauthenticate }: IdentityService.IdentityService["Type"]) =>
          reauthenticate({ ...machine, refused: Redacted.make("old") })
      ]
      for (const kind of kinds) {
        const { count, identity } = yield* gated(() => Effect.as(Effect.yieldNow(), {}))
        yield* Effect.replicateEffect(kind(identity), 3, { concurrency: "unbounded" })
        assertEqual([yield* text(identity.getToken(machine)), count()], ["token-1", 1])
      }
    }))

  it.scoped("is removed with those of its user at the provider if a refresh in the background is denied", () =>
    Effect.gen(function*() {
      const { cache, identity } = yield* gated((index) =>
        Effect.succeed(index === 3 ? { accessToken: undefined, sessionStatus: "FAILED" } : {})
      )
      const user = { ...machine, authFlow: "USER_FEDERATION", callbackUrl: "https://app.example/return" } as const
      yield* identity.getToken({ ...user, scopes: ["other"] })
      yield* identity.getToken(user)
      yield* TestClock.adjust("9 minutes")
      yield* identity.getToken(user)
      yield* settled
      assert.strictEqual((yield* cache.stats).entries, 0)
    }))
})

describe("a call that begins after an invalidation", () => {
  it.scoped("does not join a request that was sent before it", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* around(({ cache }) => cache.invalidate({}))).second, "token-2")
      assert.strictEqual((yield* around(({ identity }) => identity.getToken(forced))).second, "token-2")
    }))
})
