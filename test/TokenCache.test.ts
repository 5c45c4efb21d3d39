import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Effect, Fiber, Redacted, TestClock } from "effect"
import * as Consent from "../src/Consent.js"
import * as Credential from "../src/Credential.js"
import * as IdentityError from "../src/IdentityError.js"
import type * as TokenCache from "../src/TokenCache.js"
import type * as TokenOptions from "../src/TokenOptions.js"
import { jwt } from "./support/agent.js"
import { type Answer, cached, machine, minutes, text, user } from "./support/cached.js"
import { assertEqual } from "./support/equality.js"
import { inProgress } from "./support/stub.js"

const operation = "GetResourceOauth2Token"

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
    change: (
      world: Effect.Effect.Success<ReturnType<typeof cached>>
    ) => Effect.Effect<unknown, IdentityError.IdentityError>,
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
      const requested = Effect.fn(function*(change: Effect.Effect<unknown, IdentityError.IdentityError>) {
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
        (world: Effect.Effect.Success<ReturnType<typeof cached>>) => Effect.Effect<unknown, IdentityError.IdentityError>
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
