import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Random, Redacted, Schedule, TestClock } from "effect"
import * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityError from "../src/IdentityError.js"
import * as IdentityService from "../src/IdentityService.js"
import * as RetryPolicy from "../src/RetryPolicy.js"

const unavailable = new IdentityError.UnknownServiceError({
  operation: "GetResourceApiKey",
  message: "unavailable",
  code: "ServiceUnavailable",
  status: 503
})

const timeout = new IdentityError.TransportFailure({
  operation: "GetResourceApiKey",
  message: "no answer",
  reason: "Timeout"
})

const reply = { apiKey: Redacted.make("the-key") }

type Answer = Effect.Effect<typeof reply, IdentityError.UnknownServiceError | IdentityError.TransportFailure>

/** A call of a service over a port that answers the request of this number. */
const calling = (answer: (attempt: number) => Answer) =>
  Effect.gen(function*() {
    let requests = 0
    const api = Layer.mock(IdentityApi.IdentityApi, {
      getResourceApiKey: () => Effect.suspend(() => answer(++requests))
    })
    const identity = yield* Effect.provide(IdentityService.make, api)
    const workloadAccessToken = Redacted.make("workload-access-token")
    return { call: identity.getApiKey({ providerName: "p", workloadAccessToken }), requests: () => requests }
  })

/** Without waits, so that only the budget limits the repetitions. */
const atOnce = RetryPolicy.layer(Schedule.recurs(4))

describe("the retry budget of a service", () => {
  it.effect("limits an outage: 1,000 calls send 1,100 requests", () =>
    Effect.gen(function*() {
      const { call, requests } = yield* calling(() => Effect.fail(unavailable))
      const exits = yield* Effect.forEach(Array.from({ length: 1000 }), () => Effect.exit(call), { concurrency: 50 })
      assert.isTrue(exits.every(Exit.isFailure))
      assert.strictEqual(requests(), 1100)
    }).pipe(Effect.provide(atOnce)))

  it.effect("limits timeouts to half as many repetitions", () =>
    Effect.gen(function*() {
      const { call, requests } = yield* calling(() => Effect.fail(timeout))
      yield* Effect.forEach(Array.from({ length: 1000 }), () => Effect.exit(call))
      assert.strictEqual(requests(), 1050)
    }).pipe(Effect.provide(atOnce)))

  it.effect("lets at least 99.9 % of 20,000 calls succeed while 5 % of the answers are 503", () =>
    Effect.gen(function*() {
      const { call } = yield* calling(() =>
        Effect.flatMap(Random.next, (random) => random < 0.05 ? Effect.fail(unavailable) : Effect.succeed(reply))
      )
      const exits = yield* Effect.forEach(Array.from({ length: 20_000 }), () => Effect.exit(call))
      assert.isAtMost(exits.filter(Exit.isFailure).length, 20)
    }).pipe(Effect.provide(atOnce), Effect.withRandom(Random.make("steady load"))))

  it.effect("never limits first attempts, and is refilled by calls that succeed", () =>
    Effect.gen(function*() {
      let isDown = true
      const { call, requests } = yield* calling(() => isDown ? Effect.fail(unavailable) : Effect.succeed(reply))
      yield* Effect.forEach(Array.from({ length: 200 }), () => Effect.exit(call))
      const used = requests()
      assert.strictEqual(used, 300)
      isDown = false
      yield* Effect.forEach(Array.from({ length: 10 }), () => call)
      isDown = true
      yield* Effect.exit(call)
      // Ten successes give back the ten tokens of two repetitions.
      assert.strictEqual(requests(), used + 10 + 3)
    }).pipe(Effect.provide(atOnce)))

  it.effect("gets back what the last repetition of a call that succeeds has taken", () =>
    Effect.gen(function*() {
      const { call, requests } = yield* calling((attempt) =>
        attempt % 2 === 1 ? Effect.fail(unavailable) : Effect.succeed(reply)
      )
      yield* Effect.forEach(Array.from({ length: 300 }), () => call)
      assert.strictEqual(requests(), 600)
    }).pipe(Effect.provide(atOnce)))

  it.effect("is never more than its capacity", () =>
    Effect.gen(function*() {
      let isDown = false
      const { call, requests } = yield* calling(() => isDown ? Effect.fail(unavailable) : Effect.succeed(reply))
      yield* Effect.forEach(Array.from({ length: 100 }), () => call)
      isDown = true
      yield* Effect.forEach(Array.from({ length: 10 }), () => Effect.exit(call))
      assert.strictEqual(requests(), 100 + 10 + 2)
    }).pipe(Effect.provide([atOnce, Layer.succeed(RetryPolicy.RetryCapacity, 10)])))

  it.effect("has no limit with a capacity of Infinity", () =>
    Effect.gen(function*() {
      const { call, requests } = yield* calling(() => Effect.fail(unavailable))
      yield* Effect.forEach(Array.from({ length: 200 }), () => Effect.exit(call))
      assert.strictEqual(requests(), 1000)
    }).pipe(Effect.provide([atOnce, Layer.succeed(RetryPolicy.RetryCapacity, Infinity)])))

  it.effect("gets back what was taken for a repetition that an interruption prevents", () =>
    Effect.gen(function*() {
      const { call, requests } = yield* calling(() => Effect.fail(unavailable))
      for (let i = 0; i < 200; i++) {
        const fiber = yield* Effect.fork(Effect.exit(call))
        yield* TestClock.adjust("1 second")
        yield* Fiber.interrupt(fiber)
      }
      assert.strictEqual(requests(), 200)
      const fiber = yield* Effect.fork(Effect.exit(call))
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(fiber)
      assert.strictEqual(requests(), 202)
    }).pipe(Effect.provide(RetryPolicy.layer(
      Schedule.intersect(Schedule.spaced("10 seconds"), Schedule.recurs(1))
    ))))

  it.effect("allows no repetition with a capacity that is not a number", () =>
    Effect.gen(function*() {
      const { call, requests } = yield* calling(() => Effect.fail(unavailable))
      yield* Effect.exit(call)
      assert.strictEqual(requests(), 1)
    }).pipe(Effect.provide([atOnce, Layer.succeed(RetryPolicy.RetryCapacity, NaN)])))
})
