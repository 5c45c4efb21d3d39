import { assert, describe, it } from "@effect/vitest"
import { Chunk, Deferred, Duration, Effect, Fiber, Schedule, Supervisor, TestClock } from "effect"
import { IdentityControls, IdentityError, IdentityService, RetryPolicy, TokenPoller } from "../src/index.js"
import { agent, asUser } from "./support/agent.js"

const waits = (schedule: Schedule.Schedule<unknown>) =>
  Effect.map(
    Schedule.run(Schedule.delays(schedule), 0, Array.from({ length: 10 })),
    (delays) => Chunk.toArray(delays).slice(0, -1).map((delay) => Duration.toMillis(delay))
  )

/** An agent that waits on the default poller, and the number of requests that it has made so far. */
const waiting = Effect.gen(function*() {
  const { identity, workloadAccessToken } = yield* agent
  const { journal } = yield* IdentityControls.IdentityControls
  const told = yield* Deferred.make<IdentityError.ConsentRequired>()
  const fiber = yield* Effect.fork(identity.getToken({
    ...asUser,
    workloadAccessToken,
    onAuthUrl: (_, consent) => Deferred.succeed(told, consent)
  }))
  const { sessionUri } = yield* Deferred.await(told)
  yield* TestClock.adjust("0 millis")
  const requests = Effect.map(
    journal,
    (entries) => entries.filter(({ operation }) => operation === "getResourceOauth2Token").length
  )
  return { fiber, requests, sessionUri }
})

const test = <A, E>(title: string, body: Effect.Effect<A, E, Effect.Effect.Context<typeof waiting>>) =>
  it.effect(title, () => Effect.provide(body, IdentityService.layerTest))

describe("TokenPoller", () => {
  test(
    "asks every five seconds, to the millisecond, and not before the first five",
    Effect.gen(function*() {
      const { requests } = yield* waiting
      assert.strictEqual(yield* requests, 1)
      yield* TestClock.adjust("4999 millis")
      assert.strictEqual(yield* requests, 1)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* requests, 2)
      yield* TestClock.adjust("4999 millis")
      assert.strictEqual(yield* requests, 2)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* requests, 3)
    })
  )

  test(
    "gives up after ten minutes and 120 polls",
    Effect.gen(function*() {
      const { fiber, requests } = yield* waiting
      yield* TestClock.adjust("599999 millis")
      assert.isNull(fiber.unsafePoll())
      assert.strictEqual(yield* requests, 120)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* Effect.flip(Fiber.join(fiber)))._tag, "ConsentTimedOut")
      assert.strictEqual(yield* requests, 121)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(yield* requests, 121)
    })
  )

  test(
    "a refusal ends the wait with the poll that sees it",
    Effect.gen(function*() {
      const { fiber, sessionUri } = yield* waiting
      const { deny } = yield* IdentityControls.IdentityControls
      yield* TestClock.adjust("7 seconds")
      yield* deny(sessionUri)
      assert.isNull(fiber.unsafePoll())
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual((yield* Effect.flip(Fiber.join(fiber)))._tag, "ConsentDenied")
    })
  )

  test(
    "a throttled poll is not repeated before its time, and does not end the wait",
    Effect.gen(function*() {
      const { fiber, requests } = yield* waiting
      const { failNext } = yield* IdentityControls.IdentityControls
      const throttled = new IdentityError.Throttled({ operation: "GetResourceOauth2Token", message: "slow down" })
      yield* failNext("getResourceOauth2Token", throttled)
      yield* TestClock.adjust("9999 millis")
      assert.strictEqual(yield* requests, 2)
      assert.isNull(fiber.unsafePoll())
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* requests, 3)
    })
  )

  test(
    "an error that will not pass ends the wait",
    Effect.gen(function*() {
      const { fiber } = yield* waiting
      const { failNext } = yield* IdentityControls.IdentityControls
      const denied = new IdentityError.AccessDenied({ operation: "GetResourceOauth2Token", message: "no" })
      yield* failNext("getResourceOauth2Token", denied)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* Effect.flip(Fiber.join(fiber)))._tag, "AccessDenied")
    })
  )

  test(
    "interruption stops the wait at once, and nothing polls on",
    Effect.gen(function*() {
      const supervisor = yield* Supervisor.track
      const { fiber, requests } = yield* Effect.supervised(waiting, supervisor)
      yield* TestClock.adjust("7 seconds")
      const before = yield* requests
      assert.isNotEmpty(yield* supervisor.value)
      yield* Fiber.interrupt(fiber)
      assert.isEmpty(yield* supervisor.value)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(yield* requests, before)
    })
  )

  it.effect("retries wait at random below a doubling limit, four times at the most", () =>
    Effect.gen(function*() {
      const delays = yield* waits(RetryPolicy.defaultSchedule)
      assert.strictEqual(delays.length, 4)
      delays.forEach((delay, i) => assert.isAtMost(delay, 200 * 2 ** i))
      assert.isAbove(new Set(yield* Effect.replicateEffect(waits(RetryPolicy.defaultSchedule), 3)).size, 1)
    }))

  it.effect("a poller may be any effect", () =>
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const error = yield* Effect.flip(identity.getToken({
        ...asUser,
        workloadAccessToken,
        onAuthUrl: () => Effect.void,
        tokenPoller: { poll: (_, ask) => ask }
      }))
      assert.strictEqual(error._tag, "ConsentTimedOut")
    }).pipe(Effect.provide([IdentityService.layerTest, TokenPoller.layer(TokenPoller.fromSchedule(Schedule.stop))])))
})
