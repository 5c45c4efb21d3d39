/** What calls of one user share when a workload access token is rejected, and what they must not share. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Redacted, Schedule, TestClock } from "effect"
import * as Consent from "../src/Consent.js"
import * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityError from "../src/IdentityError.js"
import * as IdentityService from "../src/IdentityService.js"
import * as WorkloadAccessToken from "../src/WorkloadAccessToken.js"
import { answering, inProgress, token, user } from "./support/stub.js"

const operation = "GetResourceOauth2Token"

const rejected = new IdentityError.Unauthorized({ operation, message: "expired" })

const machine = { providerName: "github", scopes: ["repo"], authFlow: "M2M" } as const

const identity = { workloadName: "agent", userId: "ada" }

const source = (
  get: WorkloadAccessToken.Source["get"],
  renew: WorkloadAccessToken.Source["renew"]
): WorkloadAccessToken.Source => ({ identity, get, renew })

/** Lets every fiber run until it waits. */
const idle = Effect.repeatN(Effect.yieldNow(), 200)

const exits = <A, E>(count: number, call: Effect.Effect<A, E>) =>
  Effect.all(Array.from({ length: count }, () => Effect.exit(call)), { concurrency: "unbounded" })

describe("calls whose workload access token is rejected", () => {
  it.effect("do not wait for the source of another call that never ends", () =>
    Effect.gen(function*() {
      const service = yield* answering(({ workloadIdentityToken }) =>
        Redacted.value(workloadIdentityToken) === "old" ? Effect.fail(rejected) : Effect.succeed(token("granted"))
      )
      const hanging = source(Effect.succeed(Redacted.make("old")), () => Effect.never)
      const healthy = source(Effect.succeed(Redacted.make("new")), () => Effect.succeed(Redacted.make("newer")))
      const get = (workloadAccessToken: WorkloadAccessToken.Source) =>
        Effect.fork(service.identity.getToken({ ...machine, workloadAccessToken }))
      const first = yield* get(hanging)
      const joined = yield* get(healthy)
      yield* idle
      const later = yield* get(healthy)
      yield* idle
      for (const fiber of [joined, later]) assert.strictEqual(Redacted.value(yield* Fiber.join(fiber)), "granted")
      assert.isNull(first.unsafePoll())
      yield* Fiber.interrupt(first)
    }))

  it.effect("do not wait for the source of another call that never ends, while they wait for a consent", () =>
    Effect.gen(function*() {
      let isGranted = false
      const service = yield* answering(() => Effect.sync(() => isGranted ? token("granted") : inProgress))
      let gets = 0
      const hanging = source(
        Effect.suspend(() => gets++ === 0 ? Effect.succeed(Redacted.make("one")) : Effect.never),
        () => Effect.never
      )
      const healthy = source(Effect.succeed(Redacted.make("two")), () => Effect.succeed(Redacted.make("newer")))
      const consent = Consent.wait({ onAuthUrl: () => Effect.void, tokenPoller: Schedule.forever })
      const get = (workloadAccessToken: WorkloadAccessToken.Source) =>
        Effect.fork(service.identity.getToken({ ...user, consent, workloadAccessToken }))
      const first = yield* get(hanging)
      const second = yield* get(healthy)
      isGranted = true
      assert.strictEqual(Redacted.value(yield* Fiber.join(second)), "granted")
      yield* Fiber.interrupt(first)
    }))

  it.effect("share the request and the rejection of one token", () =>
    Effect.gen(function*() {
      const service = yield* answering(() => Effect.zipRight(idle, Effect.fail(rejected)))
      const results = yield* exits(
        40,
        service.identity.getToken({ ...machine, workloadAccessToken: Redacted.make("fixed") })
      )
      assert.lengthOf(yield* service.requests, 1)
      assert.isTrue(results.every(({ _tag }) => _tag === "Failure"))
    }))

  const minting = (
    mint: () => Effect.Effect<{ readonly workloadAccessToken: Redacted.Redacted }, IdentityError.AccessDenied>
  ) => {
    const counts = { mints: 0, requests: 0 }
    const api = Layer.mock(IdentityApi.IdentityApi, {
      getResourceOauth2Token: () =>
        Effect.suspend(() => {
          counts.requests++
          return Effect.zipRight(idle, Effect.fail(rejected))
        }),
      getWorkloadAccessTokenForUserId: () =>
        Effect.suspend(() => {
          counts.mints++
          return Effect.zipRight(idle, mint())
        })
    })
    const layer = WorkloadAccessToken.layer(identity).pipe(
      Layer.provideMerge(IdentityService.layer),
      Layer.provide(api)
    )
    return { counts, layer }
  }

  it.effect("share the renewal and its rejection, also if the source returns the rejected token again", () => {
    const { counts, layer } = minting(() => Effect.succeed({ workloadAccessToken: Redacted.make("same") }))
    return Effect.gen(function*() {
      const service = yield* IdentityService.IdentityService
      const workloadAccessToken = yield* WorkloadAccessToken.WorkloadAccessToken
      const results = yield* exits(40, service.getToken({ ...machine, workloadAccessToken }))
      assert.isTrue(results.every(({ _tag }) => _tag === "Failure"))
      // The first token and one renewal. Those that joined it cannot know that it had started after the rejection, and share another.
      assert.isAtMost(counts.mints, 3)
      assert.isAtMost(counts.requests, 3)
    }).pipe(Effect.provide(layer))
  })

  it.effect("share the failure of a workload access token that cannot be requested", () => {
    const denied = new IdentityError.AccessDenied({ operation: "GetWorkloadAccessTokenForUserId", message: "no" })
    const { counts, layer } = minting(() => Effect.fail(denied))
    return Effect.gen(function*() {
      const { get } = yield* WorkloadAccessToken.WorkloadAccessToken
      const results = yield* exits(30, get)
      assert.isTrue(results.every(({ _tag }) => _tag === "Failure"))
      assert.strictEqual(counts.mints, 1)
    }).pipe(Effect.provide(layer))
  })
})

describe("a call after a forced one has its token", () => {
  it.effect("does not join a request that was sent before", () =>
    Effect.gen(function*() {
      let isGranted = false
      const service = yield* answering(({ forceAuthentication, sessionUri }) => {
        if (sessionUri === undefined && forceAuthentication === true) return Effect.succeed(inProgress)
        if (sessionUri !== undefined) return Effect.sync(() => isGranted ? token("new") : inProgress)
        // The vault keeps the old token until the new consent is completed.
        return isGranted ? Effect.succeed(token("new")) : Effect.as(Effect.sleep("1 minutes"), token("old"))
      })
      const consent = Consent.wait({ onAuthUrl: () => Effect.void, tokenPoller: Schedule.spaced("1 seconds") })
      const forced = yield* Effect.fork(
        service.identity.getToken({ ...user, consent, forceAuthentication: true })
      )
      yield* idle
      const slow = yield* Effect.fork(service.identity.getToken({ ...user, consent }))
      yield* idle
      isGranted = true
      yield* service.identity.completeResourceTokenAuth({
        sessionUri: inProgress.sessionUri ?? assert.fail(),
        userIdentifier: { userId: "ada" }
      })
      assert.strictEqual(Redacted.value(yield* Fiber.join(forced)), "new")
      const later = yield* Effect.fork(service.identity.getToken({ ...user, consent }))
      yield* idle
      yield* TestClock.adjust("1 minutes")
      assert.strictEqual(Redacted.value(yield* Fiber.join(later)), "new")
      yield* Fiber.interrupt(slow)
    }))
})
