import { assert, describe, it } from "@effect/vitest"
import {
  Chunk,
  Clock,
  Context,
  Deferred,
  Duration,
  Effect,
  Fiber,
  Layer,
  Redacted,
  Schedule,
  Supervisor,
  TestClock
} from "effect"
import * as Consent from "../src/Consent.js"
import * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityControls from "../src/IdentityControls.js"
import * as IdentityError from "../src/IdentityError.js"
import * as IdentityService from "../src/IdentityService.js"
import * as MemoryIdentity from "../src/MemoryIdentity.js"
import * as RetryPolicy from "../src/RetryPolicy.js"
import * as TokenPoller from "../src/TokenPoller.js"
import { agent, asUser } from "./support/agent.js"
import { consents } from "./support/consenting.js"
import { assertEqual } from "./support/equality.js"

const waits = (schedule: Schedule.Schedule<unknown>) =>
  Effect.map(
    Schedule.run(Schedule.delays(schedule), 0, Array.from({ length: 10 })),
    (delays) => Chunk.toArray(delays).slice(0, -1).map((delay) => Duration.toMillis(delay))
  )

/** An agent that waits on this schedule and by this clock, and the number of requests that it has made so far. */
const waitingOn = (tokenPoller?: Schedule.Schedule<unknown>, given?: Clock.Clock) =>
  Effect.gen(function*() {
    const clock = given ?? (yield* Effect.clock)
    const { identity, workloadAccessToken } = yield* agent
    const { journal } = yield* IdentityControls.IdentityControls
    const shown = yield* Deferred.make<IdentityError.ConsentRequired>()
    const fiber = yield* identity.getToken({
      ...asUser,
      workloadAccessToken,
      consent: Consent.wait({ onAuthUrl: (_, consent) => Deferred.succeed(shown, consent), tokenPoller })
    }).pipe(Effect.withClock(clock), Effect.fork)
    const consent = yield* Deferred.await(shown)
    yield* TestClock.adjust("0 millis")
    const requests = Effect.map(
      journal,
      (entries) => entries.filter(({ operation }) => operation === "getResourceOauth2Token").length
    )
    return { identity, workloadAccessToken, fiber, requests, consent, sessionUri: consent.sessionUri }
  })

const waiting = waitingOn()

/** The clock of the test, but for what it shows. */
const shifted = (offset: () => number) =>
  Effect.map(Effect.clock, (clock): Clock.Clock => ({
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    currentTimeMillis: Effect.map(clock.currentTimeMillis, (millis) => millis + offset()),
    currentTimeNanos: Effect.map(clock.currentTimeNanos, (nanos) => nanos + BigInt(offset()) * 1_000_000n),
    unsafeCurrentTimeMillis: () => clock.unsafeCurrentTimeMillis() + offset(),
    unsafeCurrentTimeNanos: () => clock.unsafeCurrentTimeNanos() + BigInt(offset()) * 1_000_000n,
    sleep: (duration) => clock.sleep(duration)
  }))

/** The same service, whose replies to polls are a second old when they arrive. */
const slow = Layer.map(MemoryIdentity.layerApi(), (context) => {
  const api = Context.get(context, IdentityApi.IdentityApi)
  return Context.add(context, IdentityApi.IdentityApi, {
    ...api,
    getResourceOauth2Token: (request) =>
      Effect.zipLeft(
        api.getResourceOauth2Token(request),
        request.sessionUri === undefined ? Effect.void : Effect.sleep("1 second")
      )
  })
})

const test = <A, E>(title: string, body: Effect.Effect<A, E, Effect.Effect.Context<typeof waiting>>) =>
  it.effect(title, () => Effect.provide(body, IdentityService.layerTest))

/** Where a URL need not be shown. */
const waitsFor = Consent.wait({ onAuthUrl: () => Effect.void })

describe("TokenPoller", () => {
  test(
    "polls every five seconds, to the millisecond, and not before the first five",
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
    "ends with ConsentTimedOut after ten minutes and 120 polls",
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
    "a denial wakes the wait, which polls and ends",
    Effect.gen(function*() {
      const { fiber, sessionUri } = yield* waiting
      const { deny } = yield* IdentityControls.IdentityControls
      yield* TestClock.adjust("7 seconds")
      yield* deny(sessionUri)
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
    "an error that is not transient ends the wait",
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
    "interruption stops the wait at once, and its polls",
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

  test(
    "a wait sleeps in the fiber of the call, and all waits together use one more",
    Effect.gen(function*() {
      const supervisor = yield* Supervisor.track
      const { fiber, identity, workloadAccessToken } = yield* Effect.supervised(waiting, supervisor)
      const options = { ...asUser, workloadAccessToken, consent: waitsFor }
      const others = yield* Effect.replicateEffect(Effect.fork(identity.getToken(options)), 9).pipe(
        Effect.supervised(supervisor)
      )
      yield* TestClock.adjust("17 seconds")
      assert.lengthOf(yield* supervisor.value, 11)
      yield* Fiber.interruptAll(others)
      assert.lengthOf(yield* supervisor.value, 2)
      yield* Fiber.interrupt(fiber)
      assert.isEmpty(yield* supervisor.value)
    })
  )

  test(
    "a schedule sees what every poll ended with, and has its own delays",
    Effect.gen(function*() {
      const seen: Array<unknown> = []
      const schedule = Schedule.exponential("1 second").pipe(
        Schedule.tapInput((error: unknown) => Effect.sync(() => seen.push(error))),
        Schedule.intersect(Schedule.recurs(3))
      )
      const { fiber, requests } = yield* waitingOn(schedule)
      const { failNext } = yield* IdentityControls.IdentityControls
      yield* TestClock.adjust("999 millis")
      assert.strictEqual(yield* requests, 1)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* requests, 2)
      const throttled = new IdentityError.Throttled({ operation: "GetResourceOauth2Token", message: "slow down" })
      yield* failNext("getResourceOauth2Token", throttled)
      yield* TestClock.adjust("2 seconds")
      assert.isNull(fiber.unsafePoll())
      yield* TestClock.adjust("4 seconds")
      assert.strictEqual((yield* Effect.flip(Fiber.join(fiber)))._tag, "ConsentTimedOut")
      assertEqual(
        seen.map((error) => IdentityError.isIdentityError(error) ? error._tag : error),
        ["ConsentPending", "ConsentPending", "Throttled", "ConsentPending"]
      )
    })
  )

  test(
    "completionOnly sends no poll until the consent is completed, and then exactly one",
    Effect.gen(function*() {
      const { consent, fiber, requests } = yield* waitingOn(TokenPoller.completionOnly)
      yield* TestClock.adjust("9 minutes")
      assert.strictEqual(yield* requests, 1)
      yield* consents(consent)
      assert.isNotEmpty(Redacted.value(yield* Fiber.join(fiber)))
      assert.strictEqual(yield* requests, 2)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(yield* requests, 2)
    })
  )

  /** The schedules, and the minutes at which a wait on them polls if the user does not answer. */
  const lastPolls: ReadonlyArray<
    readonly [name: string, schedule: Schedule.Schedule<unknown>, minutes: ReadonlyArray<number>]
  > = [
    ["completionOnly", TokenPoller.completionOnly, [10]],
    ["a schedule with 7 minutes between polls", Schedule.spaced("7 minutes"), [7, 10]],
    ["a schedule whose first delay ends with the session", Schedule.spaced("10 minutes"), [10]],
    ["a schedule whose first delay ends after the session", Schedule.spaced("11 minutes"), [10]],
    ["a schedule without an end", Schedule.spaced("4 minutes"), [4, 8, 10]],
    ["a schedule that ends earlier", Schedule.intersect(Schedule.spaced("4 minutes"), Schedule.recurs(2)), [4, 8]]
  ]
  for (const [name, schedule, minutes] of lastPolls) {
    test(
      `${name} polls after ${minutes.join(", ")} minutes, then fails with ConsentTimedOut, and polls no more`,
      Effect.gen(function*() {
        const { fiber, requests } = yield* waitingOn(schedule)
        let elapsed = 0
        for (const [index, minute] of minutes.entries()) {
          yield* TestClock.adjust(60_000 * (minute - elapsed) - 1)
          assert.strictEqual(yield* requests, index + 1)
          assert.isNull(fiber.unsafePoll())
          yield* TestClock.adjust(1)
          assert.strictEqual(yield* requests, index + 2)
          elapsed = minute
        }
        assert.strictEqual((yield* Effect.flip(Fiber.join(fiber)))._tag, "ConsentTimedOut")
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(yield* requests, minutes.length + 1)
      })
    )
  }

  test(
    "a call on another clock is woken by that one",
    Effect.gen(function*() {
      const { fiber, identity, requests, workloadAccessToken } = yield* waiting
      let millis = 0
      const fast: Clock.Clock = {
        ...(yield* shifted(() => millis)),
        sleep: (duration) =>
          Effect.sync(() => {
            millis += Duration.toMillis(duration)
          })
      }
      const error = yield* Effect.flip(Effect.withClock(
        // Another grant, so that the calls do not share a session.
        identity.getToken({ ...asUser, scopes: ["other"], workloadAccessToken, consent: waitsFor }),
        fast
      ))
      assert.strictEqual(error._tag, "ConsentTimedOut")
      const before = yield* requests
      assert.isAbove(before, 100)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* requests, before + 1)
      assert.isNull(fiber.unsafePoll())
    })
  )

  test(
    "a clock that is set back delays a poll by no more than one delay of the schedule",
    Effect.gen(function*() {
      let offset = Duration.toMillis("1 minute")
      const { requests } = yield* waitingOn(undefined, yield* shifted(() => offset))
      offset = 0
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* requests, 2)
    })
  )

  it.effect("a completion during a poll is followed by another poll as soon as the first has failed", () =>
    Effect.gen(function*() {
      const { consent, fiber, requests } = yield* waiting
      yield* TestClock.adjust("5500 millis")
      assert.strictEqual(yield* requests, 2)
      yield* consents(consent)
      assert.strictEqual(yield* requests, 2)
      yield* TestClock.adjust("1500 millis")
      assert.strictEqual(yield* requests, 3)
      assert.isNotEmpty(Redacted.value(yield* Fiber.join(fiber)))
    }).pipe(Effect.provide(Layer.provideMerge(IdentityService.layer, slow))))

  it.effect("retries have random delays below a limit that doubles, four at the most", () =>
    Effect.gen(function*() {
      const delays = yield* waits(RetryPolicy.defaultSchedule)
      assert.strictEqual(delays.length, 4)
      delays.forEach((delay, i) => assert.isAtMost(delay, 200 * 2 ** i))
      assert.isAbove(new Set(yield* Effect.replicateEffect(waits(RetryPolicy.defaultSchedule), 3)).size, 1)
    }))

  const once = Schedule.intersect(Schedule.spaced("1 second"), Schedule.recurs(1))
  for (
    const [name, own, polls] of [["of its calls", undefined, 0], ["of no call that has its own", once, 1]] as const
  ) {
    it.effect(`the schedule of a program is that ${name}`, () =>
      Effect.gen(function*() {
        const { fiber, requests } = yield* waitingOn(own)
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* Effect.flip(Fiber.join(fiber)))._tag, "ConsentTimedOut")
        assert.strictEqual(yield* requests, 1 + polls)
      }).pipe(Effect.provide([IdentityService.layerTest, TokenPoller.layer(Schedule.stop)])))
  }

  for (
    const [name, schedule] of [
      ["is completionOnly", TokenPoller.completionOnly],
      ["polls later", Schedule.spaced("5 minutes")]
    ] as const
  ) {
    it.effect(`a wait in an uninterruptible region ends with the completion, although its schedule ${name}`, () =>
      Effect.gen(function*() {
        const { identity, workloadAccessToken } = yield* agent
        const shown = yield* Deferred.make<IdentityError.ConsentRequired>()
        const fiber = yield* Effect.fork(Effect.uninterruptible(identity.getToken({
          ...asUser,
          workloadAccessToken,
          consent: Consent.wait({ onAuthUrl: (_, consent) => Deferred.succeed(shown, consent), tokenPoller: schedule })
        })))
        yield* consents(yield* Deferred.await(shown))
        assert.isNotEmpty(Redacted.value(yield* Fiber.join(fiber)))
      }).pipe(Effect.provide(IdentityService.layerTest)))
  }

  it.effect("the interruption of the caller does not end a wait in an uninterruptible region", () =>
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const shown = yield* Deferred.make<IdentityError.ConsentRequired>()
      const token = yield* Deferred.make<string>()
      const fiber = yield* identity.getToken({
        ...asUser,
        workloadAccessToken,
        consent: Consent.wait({
          onAuthUrl: (_, consent) => Deferred.succeed(shown, consent),
          tokenPoller: Schedule.intersect(Schedule.spaced("5 minutes"), Schedule.recurs(1))
        })
      }).pipe(
        Effect.match({ onSuccess: () => "token", onFailure: ({ _tag }) => _tag }),
        Effect.intoDeferred(token),
        Effect.uninterruptible,
        Effect.fork
      )
      const { sessionUri } = yield* Deferred.await(shown)
      yield* Fiber.interruptFork(fiber)
      yield* TestClock.adjust("4 minutes")
      const { approve } = yield* IdentityControls.IdentityControls
      yield* approve(sessionUri)
      assert.isFalse(yield* Deferred.isDone(token))
      yield* TestClock.adjust("1 minutes")
      // Nothing was completed, so that the one poll of the schedule finds no token.
      assert.strictEqual(yield* Deferred.await(token), "ConsentTimedOut")
    }).pipe(Effect.provide(IdentityService.layerTest)))
})
