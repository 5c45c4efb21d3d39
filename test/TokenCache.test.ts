import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Deferred, Effect, Exit, Fiber, Layer, Redacted, TestClock } from "effect"
import * as Consent from "../src/Consent.js"
import * as Credential from "../src/Credential.js"
import * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityError from "../src/IdentityError.js"
import * as IdentityService from "../src/IdentityService.js"
import * as TokenCache from "../src/TokenCache.js"
import type * as TokenOptions from "../src/TokenOptions.js"
import { jwt } from "./support/agent.js"
import { assertEqual } from "./support/equality.js"
import { inProgress, type TokenReply, type TokenRequest } from "./support/stub.js"

type Answer = Effect.Effect<TokenReply, IdentityApi.Failure<"getResourceOauth2Token">>

const operation = "GetResourceOauth2Token"

const machine = {
  providerName: "github",
  scopes: ["a", "b"],
  authFlow: "M2M",
  workloadAccessToken: Redacted.make("workload")
} as const

const user = { ...machine, authFlow: "USER_FEDERATION", callbackUrl: "https://app.example/return" } as const

/** A cache without jitter over a service whose n-th token is `token-n`, or `answer`. */
const cached = (
  options: TokenCache.Options = {},
  answer: (request: TokenRequest, index: number) => Answer | undefined = () => undefined
) =>
  Effect.gen(function*() {
    const requests: Array<TokenRequest> = []
    const mints: Array<string> = []
    const api = Layer.mock(IdentityApi.IdentityApi, {
      getResourceOauth2Token: (request) =>
        Effect.suspend(() => {
          const index = requests.push(request)
          return answer(request, index) ?? Effect.succeed({ accessToken: Redacted.make(`token-${index}`) })
        }),
      getResourceApiKey: ({ resourceCredentialProviderName }) =>
        Effect.sync(() => ({ apiKey: Redacted.make(`key-${resourceCredentialProviderName}-${mints.push("key")}`) })),
      getWorkloadAccessTokenForUserId: ({ userId }) =>
        Effect.sync(() => ({ workloadAccessToken: Redacted.make(`${userId}-${mints.push(userId)}`) })),
      getWorkloadAccessTokenForJWT: () =>
        Effect.sync(() => ({ workloadAccessToken: Redacted.make(`jwt-${mints.push("jwt")}`) })),
      completeResourceTokenAuth: () => Effect.succeed({}),
      deleteOauth2CredentialProvider: () => Effect.succeed({}),
      updateApiKeyCredentialProvider: () => Effect.dieMessage("lost"),
      deleteWorkloadIdentity: () => Effect.succeed({})
    })
    const context = yield* Layer.build(
      TokenCache.layer({ jitter: 0, ...options }).pipe(
        Layer.provide(IdentityService.layer),
        Layer.provide(api)
      )
    )
    const [identity, cache] = yield* Effect.provide(
      Effect.all([IdentityService.IdentityService, TokenCache.TokenCache]),
      context
    )
    return { identity, cache, requests, mints }
  })

const minutes = (count: number) => TestClock.adjust(count * 60_000)

const text = <E, R>(self: Effect.Effect<Redacted.Redacted, E, R>) => Effect.map(self, Redacted.value)

describe("a token in the cache", () => {
  it.scoped("is returned for the same request in any order of its scopes, and for no other request, user or flow", () =>
    Effect.gen(function*() {
      const { identity, requests } = yield* cached({ timeToLive: "5 minutes" })
      yield* identity.getToken(machine)
      const same = [
        { ...machine, scopes: ["b", "a", "b"] },
        { ...machine, customState: "state" },
        { ...machine, workloadAccessToken: Redacted.make("workload") },
        { ...machine, forceAuthentication: false }
      ]
      for (const options of same) assert.strictEqual(yield* text(identity.getToken(options)), "token-1")
      const different = [
        { ...machine, scopes: ["a"] },
        { ...machine, providerName: "gitlab" },
        { ...machine, resources: ["https://api.example"] },
        { ...machine, audiences: ["api"] },
        { ...machine, customParameters: { prompt: "consent" } },
        { ...machine, workloadAccessToken: Redacted.make("another") },
        { ...machine, authFlow: "ON_BEHALF_OF_TOKEN_EXCHANGE" as const }
      ]
      for (const options of different) yield* identity.getToken(options)
      assert.lengthOf(requests, 1 + different.length)
    }))

  it.scoped("lasts until a minute before its exp, or for the time of its provider, whichever is first", () =>
    Effect.gen(function*() {
      const expiring = (seconds: number) =>
        Effect.map(Clock.currentTimeMillis, (now) => ({ accessToken: jwt({ exp: now / 1000 + seconds }) }))
      const lives: ReadonlyArray<readonly [TokenCache.Options, number | undefined, number]> = [
        [{}, 600, 540],
        [{ skew: "2 minutes" }, 600, 480],
        [{ timeToLive: "5 minutes" }, 600, 300],
        [{ timeToLive: "1 hour" }, 600, 540],
        [{ timeToLive: "5 minutes" }, undefined, 300],
        [{ timeToLive: "5 minutes", providers: { github: "1 minute", gitlab: "1 hour" } }, undefined, 60],
        [{ providers: { gitlab: "1 hour" } }, undefined, 0],
        [{}, undefined, 0],
        [{}, 60, 0]
      ]
      for (const [options, seconds, life] of lives) {
        const { identity, requests } = yield* cached(
          { refresh: 0, ...options },
          () => seconds === undefined ? undefined : expiring(seconds)
        )
        yield* identity.getToken(machine)
        if (life > 0) {
          yield* TestClock.adjust(life * 1000 - 1)
          yield* identity.getToken(machine)
          assertEqual([options, requests.length], [options, 1])
          yield* TestClock.adjust(1)
        }
        yield* identity.getToken(machine)
        assertEqual([options, requests.length], [options, 2])
      }
    }))

  it.scoped("ends earlier by a random part of its life, at most the jitter", () =>
    Effect.gen(function*() {
      const { cache, identity } = yield* cached({ timeToLive: "100 minutes", jitter: 0.5, refresh: 0 })
      for (let index = 0; index < 100; index++) yield* identity.getToken({ ...machine, scopes: [`${index}`] })
      yield* minutes(50)
      const misses = Effect.gen(function*() {
        for (let index = 0; index < 100; index++) yield* identity.getToken({ ...machine, scopes: [`${index}`] })
        return (yield* cache.stats).misses - 100
      })
      assert.strictEqual(yield* misses, 0)
      yield* minutes(25)
      const half = yield* misses
      assert.isAbove(half, 20)
      assert.isBelow(half, 80)
    }))

  it.scoped("is not kept if the request failed, died or was interrupted", () =>
    Effect.gen(function*() {
      const failures = [Effect.fail(new IdentityError.AccessDenied({ operation, message: "no" })), Effect.die("defect")]
      const { cache, identity, requests } = yield* cached({ timeToLive: "5 minutes" }, (_, index) =>
        index === 3 ? Effect.never : failures[index - 1])
      yield* Effect.exit(identity.getToken(machine))
      yield* Effect.exit(identity.getToken(machine))
      const fiber = yield* Effect.fork(identity.getToken(machine))
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(fiber)
      assert.strictEqual((yield* cache.stats).entries, 0)
      assert.strictEqual(yield* text(identity.getToken(machine)), "token-4")
      assert.lengthOf(requests, 4)
    }))

  it.scoped("is not printed with the cache", () =>
    Effect.gen(function*() {
      const { cache, identity } = yield* cached({ timeToLive: "5 minutes" }, () =>
        Effect.succeed({ accessToken: Redacted.make("a-secret") }))
      yield* identity.getToken(machine)
      assert.notInclude(JSON.stringify([cache, identity, yield* cache.stats]), "a-secret")
    }))
})

describe("a refresh in the background", () => {
  it.scoped("replaces a token that is used in the last fifth of its life, once, while its callers receive the old one", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const { identity, requests } = yield* cached({ timeToLive: "10 minutes" }, (_, index) =>
        index === 2
          ? Effect.as(Deferred.await(gate), { accessToken: Redacted.make("token-2") })
          : undefined)
      yield* identity.getToken(machine)
      yield* TestClock.adjust(8 * 60_000 - 1)
      yield* identity.getToken(machine)
      assert.lengthOf(requests, 1)
      yield* TestClock.adjust(1)
      for (const _ of [1, 2, 3]) assert.strictEqual(yield* text(identity.getToken(machine)), "token-1")
      yield* Effect.repeatN(Effect.yieldNow(), 20)
      assert.lengthOf(requests, 2)
      yield* Deferred.succeed(gate, undefined)
      yield* Effect.repeatN(Effect.yieldNow(), 20)
      yield* minutes(7)
      assert.strictEqual(yield* text(identity.getToken(machine)), "token-2")
      assert.lengthOf(requests, 2)
    }))

  it.scoped("leaves the token to its end if it fails, and removes it if the grant has ended, without a prompt", () =>
    Effect.gen(function*() {
      const denied = new IdentityError.AccessDenied({ operation, message: "no" })
      const cases: ReadonlyArray<readonly [Answer, string]> = [
        [Effect.fail(new IdentityError.InternalServerError({ operation, message: "broken" })), "token-1"],
        [Effect.fail(denied), "token-3"],
        [Effect.succeed(inProgress), "token-3"]
      ]
      for (const [failure, expected] of cases) {
        const { identity } = yield* cached(
          { timeToLive: "10 minutes" },
          (_, index) => index === 2 ? failure : undefined
        )
        const options = {
          ...user,
          consent: Consent.wait({ onAuthUrl: () => Effect.dieMessage("the user was prompted") })
        }
        yield* identity.getToken(options)
        yield* minutes(9)
        yield* identity.getToken(options)
        yield* TestClock.adjust("10 seconds")
        assertEqual(yield* text(identity.getToken(options)), expected)
      }
    }))

  it.effect("ends with the layer", () =>
    Effect.gen(function*() {
      let interrupted = 0
      yield* Effect.scoped(Effect.gen(function*() {
        const { identity } = yield* cached({ timeToLive: "10 minutes" }, (_, index) =>
          index === 2 ? Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++)) : undefined)
        yield* identity.getToken(machine)
        yield* minutes(9)
        yield* identity.getToken(machine)
        yield* Effect.repeatN(Effect.yieldNow(), 20)
      }))
      assert.strictEqual(interrupted, 1)
    }))
})

describe("what is over", () => {
  const again = Effect.fn(function*(
    change: (world: Effect.Effect.Success<ReturnType<typeof cached>>) => Effect.Effect<unknown, unknown>,
    options: TokenOptions.MachineTokenOptions & TokenOptions.WithWorkloadAccessToken = machine
  ) {
    const world = yield* cached({ timeToLive: "5 minutes" })
    yield* world.identity.getToken(options)
    yield* Effect.exit(change(world))
    const before = world.requests.length
    yield* world.identity.getToken(options)
    return world.requests.length > before
  })

  it.scoped("is removed by invalidations that select it, and by no other", () =>
    Effect.gen(function*() {
      const selections: ReadonlyArray<readonly [TokenCache.Selection, boolean]> = [
        [{}, true],
        [{ providerName: "github" }, true],
        [{ providerName: "gitlab" }, false],
        [{ workloadAccessToken: machine.workloadAccessToken }, true],
        [{ workloadAccessToken: Redacted.make("another") }, false],
        [{ providerName: "gitlab", workloadAccessToken: machine.workloadAccessToken }, false],
        // The user of a token from elsewhere is not known.
        [{ user: Credential.userId("ada") }, false]
      ]
      for (const [selection, isRemoved] of selections) {
        assertEqual([selection, yield* again(({ cache }) => cache.invalidate(selection))], [selection, isRemoved])
      }
      assert.isTrue(yield* again(({ cache }) => cache.invalidateGrant({ ...machine, scopes: ["b", "a"] })))
      assert.isFalse(yield* again(({ cache }) => cache.invalidateGrant({ ...machine, scopes: ["a"] })))
    }))

  it.scoped("is removed with its user, named by an id or a JWT, at every workload", () =>
    Effect.gen(function*() {
      const { cache, identity, requests } = yield* cached({ timeToLive: "5 minutes" })
      const claims = { iss: "https://issuer.example", sub: "ada" }
      const tokens = [
        yield* identity.getWorkloadAccessToken({ workloadName: "one", userId: "ada" }),
        yield* identity.getWorkloadAccessToken({ workloadName: "other", userId: "ada" }),
        yield* identity.getWorkloadAccessToken({ workloadName: "one", userId: "bada" }),
        yield* identity.getWorkloadAccessToken({ workloadName: "one", userToken: jwt(claims) }),
        yield* identity.getWorkloadAccessToken({ workloadName: "one", userToken: jwt({ ...claims, sub: "bob" }) })
      ]
      const requested = Effect.fn(function*(change: Effect.Effect<unknown, unknown>) {
        for (const workloadAccessToken of tokens) yield* identity.getToken({ ...machine, workloadAccessToken })
        yield* Effect.exit(change)
        const found: Array<boolean> = []
        for (const workloadAccessToken of tokens) {
          const before = requests.length
          yield* identity.getToken({ ...machine, workloadAccessToken })
          found.push(requests.length > before)
        }
        return found
      })
      const [ofId, ofJwt] = [[true, true, false, false, false], [false, false, false, true, false]]
      const fresh = { userToken: jwt({ ...claims, jti: "2" }) }
      assertEqual(yield* requested(cache.invalidate({ user: Credential.userId("ada") })), ofId)
      assertEqual(yield* requested(cache.invalidate({ user: fresh })), ofJwt)
      const complete = (userIdentifier: Credential.UserIdentifier) =>
        identity.completeResourceTokenAuth({ sessionUri: "urn:session", userIdentifier })
      assertEqual(yield* requested(complete(Credential.userId("ada"))), ofId)
      assertEqual(yield* requested(complete(fresh)), ofJwt)
      assertEqual(
        yield* requested(identity.deleteWorkloadIdentity({ name: "one" })),
        [true, false, true, true, true]
      )
    }))

  it.scoped("is removed with its provider, also if the result of the change is not known", () =>
    Effect.gen(function*() {
      assert.isTrue(yield* again(({ identity }) => identity.deleteOauth2CredentialProvider({ name: "github" })))
      assert.isFalse(yield* again(({ identity }) => identity.deleteOauth2CredentialProvider({ name: "gitlab" })))
      assert.isTrue(yield* again(({ identity }) => identity.deleteWorkloadIdentity({ name: "unknown" })))
      const { identity } = yield* cached({ timeToLive: "5 minutes" })
      const key = text(identity.getApiKey({ ...machine, providerName: "weather" }))
      assert.strictEqual(yield* key, "key-weather-1")
      assert.strictEqual(yield* key, "key-weather-1")
      yield* Effect.exit(identity.updateApiKeyCredentialProvider({ name: "weather", apiKey: Redacted.make("new") }))
      assert.strictEqual(yield* key, "key-weather-2")
    }))

  it.scoped("is replaced by a forced call and by a reauthentication, unless it is the rejected token", () =>
    Effect.gen(function*() {
      const { identity, requests } = yield* cached(
        { timeToLive: "5 minutes" },
        (_, index) => index >= 4 ? Effect.succeed({ accessToken: Redacted.make("same") }) : undefined
      )
      assert.strictEqual(yield* text(identity.getToken(machine)), "token-1")
      assert.strictEqual(yield* text(identity.getToken({ ...machine, forceAuthentication: true })), "token-2")
      assert.strictEqual(yield* text(identity.getToken(machine)), "token-2")
      const again = (refused: string) => text(identity.reauthenticate({ ...machine, refused: Redacted.make(refused) }))
      assert.strictEqual(yield* again("token-2"), "token-3")
      assert.strictEqual(yield* text(identity.getToken(machine)), "token-3")
      assert.strictEqual(yield* again("same"), "same")
      const before = requests.length
      yield* identity.getToken(machine)
      assert.strictEqual(requests.length, before + 1)
    }))

  it.scoped("is removed by a denial, for every request of the user at the provider", () =>
    Effect.gen(function*() {
      const { cache, identity } = yield* cached({ timeToLive: "5 minutes" }, (_, index) =>
        index === 4 ? Effect.succeed({ sessionStatus: "FAILED" }) : undefined)
      yield* identity.getToken(user)
      yield* identity.getToken({ ...user, providerName: "gitlab" })
      yield* identity.getToken({ ...user, workloadAccessToken: Redacted.make("another") })
      const error = yield* Effect.flip(identity.getToken({ ...user, scopes: ["admin"] }))
      assert.strictEqual(error._tag, "ConsentDenied")
      assert.strictEqual((yield* cache.stats).entries, 2)
    }))

  it.scoped("is not kept if it was requested before an invalidation that came meanwhile", () =>
    Effect.gen(function*() {
      const changes: ReadonlyArray<
        (world: Effect.Effect.Success<ReturnType<typeof cached>>) => Effect.Effect<unknown, unknown>
      > = [
        ({ cache }) => cache.invalidate({}),
        ({ cache }) => cache.invalidateGrant(machine),
        ({ identity }) => identity.deleteOauth2CredentialProvider({ name: "github" }),
        ({ identity }) => identity.getToken({ ...machine, forceAuthentication: true }),
        ({ identity }) => identity.reauthenticate({ ...machine, refused: Redacted.make("old") })
      ]
      for (const change of changes) {
        const gate = yield* Deferred.make<void>()
        const world = yield* cached({ timeToLive: "5 minutes" }, (_, index) =>
          index === 1
            ? Effect.as(Deferred.await(gate), { accessToken: Redacted.make("stale") })
            : undefined)
        const first = yield* Effect.fork(world.identity.getToken(machine))
        yield* Effect.repeatN(Effect.yieldNow(), 20)
        yield* change(world)
        yield* Deferred.succeed(gate, undefined)
        assert.strictEqual(yield* text(Fiber.join(first)), "stale")
        assert.notStrictEqual(yield* text(world.identity.getToken(machine)), "stale")
      }
    }))
})

describe("a workload access token in the cache", () => {
  it.scoped("lasts for its setting or until its JWT ends, and is replaced when the service has rejected it", () =>
    Effect.gen(function*() {
      const { identity } = yield* cached({ workloadAccessTokens: "10 minutes", refresh: 0 })
      const ada = { workloadName: "my-agent", userId: "ada" }
      assert.strictEqual(yield* text(identity.getWorkloadAccessToken(ada)), "ada-1")
      assert.strictEqual(yield* text(identity.getWorkloadAccessToken(ada)), "ada-1")
      assert.strictEqual(yield* text(identity.getWorkloadAccessToken({ ...ada, userId: "bob" })), "bob-2")
      const rejected = Redacted.make("ada-1")
      assert.strictEqual(yield* text(identity.getWorkloadAccessToken({ ...ada, rejected })), "ada-3")
      assert.strictEqual(yield* text(identity.getWorkloadAccessToken({ ...ada, rejected })), "ada-3")
      const userToken = jwt({ iss: "https://i.example", sub: "ada", exp: 180 })
      const ofJwt = text(identity.getWorkloadAccessToken({ workloadName: "my-agent", userToken }))
      assert.strictEqual(yield* ofJwt, "jwt-4")
      yield* TestClock.adjust("119 seconds")
      assert.strictEqual(yield* ofJwt, "jwt-4")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* ofJwt, "jwt-5")
    }))

  it.scoped("is not kept without a lifetime, and is removed when a call is rejected with it", () =>
    Effect.gen(function*() {
      const ada = { workloadName: "my-agent", userId: "ada" }
      const without = yield* cached({ timeToLive: "5 minutes" })
      yield* without.identity.getWorkloadAccessToken(ada)
      yield* without.identity.getWorkloadAccessToken(ada)
      assert.lengthOf(without.mints, 2)
      const rejected = new IdentityError.Unauthorized({ operation, message: "expired" })
      const { identity } = yield* cached({ workloadAccessTokens: "1 hour" }, () => Effect.fail(rejected))
      const workloadAccessToken = yield* identity.getWorkloadAccessToken(ada)
      yield* Effect.exit(identity.getToken({ ...machine, workloadAccessToken }))
      assert.strictEqual(yield* text(identity.getWorkloadAccessToken(ada)), "ada-2")
    }))
})

describe("the limits of the cache", () => {
  it.scoped("remove the entries that were not used for the longest time", () =>
    Effect.gen(function*() {
      const { cache, identity, requests } = yield* cached({ timeToLive: "5 minutes", maxEntries: 3 })
      const get = (scope: string) => identity.getToken({ ...machine, scopes: [scope] })
      for (const scope of ["1", "2", "3", "1", "4"]) yield* get(scope)
      assert.strictEqual((yield* cache.stats).entries, 3)
      const before = requests.length
      for (const scope of ["1", "3", "4"]) yield* get(scope)
      assert.lengthOf(requests, before)
      yield* get("2")
      assert.lengthOf(requests, before + 1)
    }))

  it.scoped("count bytes, and an entry above the limit is not kept", () =>
    Effect.gen(function*() {
      const { cache, identity } = yield* cached({ timeToLive: "5 minutes", maxBytes: 100_000 }, (_, index) =>
        Effect.succeed({ accessToken: Redacted.make("x".repeat(index === 100 ? 60_000 : 4_000)) }))
      for (let index = 1; index < 200; index++) {
        yield* identity.getToken({ ...machine, scopes: [`${index}`] })
        assert.isAtMost((yield* cache.stats).bytes, 100_000)
      }
      assert.isAtLeast((yield* cache.stats).entries, 8)
      yield* cache.invalidate({})
      assertEqual([(yield* cache.stats).entries, (yield* cache.stats).bytes], [0, 0])
    }))

  it.scoped("and the other options are validated when the layer is built", () =>
    Effect.gen(function*() {
      const invalid: ReadonlyArray<readonly [TokenCache.Options, string]> = [
        [{ jitter: 1.5 }, "TokenCache.layer: jitter must be 0 to 1, got 1.5"],
        [{ refresh: Number.NaN }, "TokenCache.layer: refresh must be 0 to 1, got NaN"],
        [{ maxEntries: 0 }, "TokenCache.layer: maxEntries must be more than 0, got 0"],
        [{ maxBytes: -1 }, "TokenCache.layer: maxBytes must be more than 0, got -1"]
      ]
      for (const [options, message] of invalid) {
        const exit = yield* Effect.exit(cached(options))
        assertEqual(Exit.isFailure(exit) ? String(Cause.squash(exit.cause)) : "", `RuntimeException: ${message}`)
      }
    }))
})
