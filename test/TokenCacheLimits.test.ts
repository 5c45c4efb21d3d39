import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Redacted, TestClock } from "effect"
import * as IdentityError from "../src/IdentityError.js"
import type * as TokenCache from "../src/TokenCache.js"
import { jwt } from "./support/agent.js"
import { cached, machine, text } from "./support/cached.js"
import { assertEqual } from "./support/equality.js"

const operation = "GetResourceOauth2Token"

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
        [
          { timeToLive: "-5 minutes" },
          "TokenCache.layer: timeToLive must be a duration of 0 or more, such as \"5 minutes\", got -5 minutes"
        ],
        [
          { providers: { github: Number.NaN } },
          "TokenCache.layer: providers.github must be a duration of 0 or more, such as \"5 minutes\", got NaN"
        ],
        [{ skew: -1 }, "TokenCache.layer: skew must be a duration of 0 or more, such as \"5 minutes\", got -1"],
        [{ jitter: 1.5 }, "TokenCache.layer: jitter must be 0 to 1, got 1.5"],
        [{ refresh: Number.NaN }, "TokenCache.layer: refresh must be 0 to 1, got NaN"],
        [{ maxEntries: 0.5 }, "TokenCache.layer: maxEntries must be 1 or more, got 0.5"],
        [{ maxEntries: 0 }, "TokenCache.layer: maxEntries must be 1 or more, got 0"],
        [{ maxBytes: -1 }, "TokenCache.layer: maxBytes must be 1 or more, got -1"]
      ]
      for (const [options, message] of invalid) {
        const exit = yield* Effect.exit(cached(options))
        assertEqual(Exit.isFailure(exit) ? String(Cause.squash(exit.cause)) : "", `RuntimeException: ${message}`)
      }
    }))
})
