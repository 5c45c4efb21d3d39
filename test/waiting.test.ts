import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Deferred, Effect, Exit, Fiber, Option, Redacted, Ref, Schedule, TestClock } from "effect"
import { Consent, Credential, IdentityError, TokenPoller } from "../src/index.js"
import { assertEqual } from "./support/equality.js"
import { answering, inProgress, sessionUri, throttled, token, type TokenReply } from "./support/stub.js"

const operation = "GetResourceOauth2Token"

const user = {
  providerName: "github",
  scopes: ["repo"],
  authFlow: "USER_FEDERATION",
  callbackUrl: "https://app.example/return",
  workloadAccessToken: Redacted.make("workload-access-token")
} as const

const userIdentifier = Credential.UserIdIdentifier("ada")

type Answer = ReturnType<Parameters<typeof answering>[0]>

const pending = Effect.succeed(inProgress)

const granted = Effect.succeed(token("the-token"))

const failures = {
  ConsentPending: pending,
  Throttled: Effect.fail(throttled),
  AccessDenied: Effect.fail(new IdentityError.AccessDenied({ operation, message: "no" })),
  ResourceNotFound: Effect.fail(new IdentityError.ResourceNotFound({ operation, message: "no such provider" })),
  ConsentDenied: Effect.succeed<TokenReply>({ ...inProgress, sessionStatus: "FAILED" })
} satisfies Record<string, Answer>

/** Pollers that never poll by themselves before the session ends. */
const idlePollers = [
  ["a schedule", TokenPoller.fromSchedule(Schedule.spaced("1 hour"))],
  ["a poller of its own", { poll: () => Effect.never }]
] as const satisfies ReadonlyArray<readonly [name: string, poller: TokenPoller.Poller]>

/** Calls that wait over answers to their polls; the first request of each is answered with a session. */
const waiting = (poll: (index: number) => Answer, session = inProgress) =>
  Effect.gen(function*() {
    const times: Array<number> = []
    const { identity } = yield* answering((request) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        request.sessionUri === undefined ? Effect.succeed(session) : poll(times.push(now) - 1))
    )
    const call = (poller?: TokenPoller.Poller, announce: Effect.Effect<unknown> = Effect.void) =>
      Effect.fork(identity.getToken({
        ...user,
        consent: Consent.wait({
          announce: () =>
            announce,
          poller
        })
      }))
    const complete = (uri = sessionUri) =>
      Effect.orDie(identity.completeResourceTokenAuth({ sessionUri: uri, userIdentifier }))
    return { identity, times, call, complete }
  })

const now = TestClock.adjust("0 millis")

const tagOf = <A>(exit: Exit.Exit<A, IdentityError.IdentityError>) =>
  Exit.match(exit, {
    onSuccess: () => "token",
    onFailure: (cause) =>
      Cause.isInterruptedOnly(cause)
        ? "interrupted"
        : Option.match(Cause.failureOption(cause), { onNone: () => "defect", onSome: ({ _tag }) => _tag })
  })

/** How a fiber has ended, or "waits". */
const stateOf = <A>(fiber: Fiber.RuntimeFiber<A, IdentityError.IdentityError>) => {
  const exit = fiber.unsafePoll()
  return exit === null ? "waits" : tagOf(exit)
}

describe("the completion of a session", () => {
  for (const [name, poller] of idlePollers) {
    it.effect(`wakes a call that waits by ${name} at once, whether it comes during the announcement or later`, () =>
      Effect.gen(function*() {
        for (const isDuring of [true, false]) {
          const { call, complete, times } = yield* waiting(() => granted)
          const fiber = yield* call(poller, isDuring ? complete() : Effect.void)
          yield* now
          if (!isDuring) {
            assert.strictEqual(stateOf(fiber), "waits")
            yield* complete()
          }
          assertEqual(yield* Fiber.join(fiber), Redacted.make("the-token"))
          assertEqual(times, [0])
        }
      }))

    it.effect(`wakes everyone who waits for it by ${name}, and no one who waits for another session`, () =>
      Effect.gen(function*() {
        const { call, complete, times } = yield* waiting(() => granted)
        const fibers = [yield* call(poller), yield* call(poller)]
        yield* now
        yield* complete(Redacted.make(`${Redacted.value(sessionUri)}-2`))
        yield* now
        assertEqual(fibers.map(stateOf), ["waits", "waits"])
        yield* complete()
        yield* now
        assertEqual(fibers.map(stateOf), ["token", "token"])
        assertEqual(times, [0, 0])
      }))

    it.effect(`wakes one of two who wait by ${name}, although the other has been interrupted`, () =>
      Effect.gen(function*() {
        for (const leaving of [0, 1]) {
          const { call, complete, times } = yield* waiting(() => granted)
          const first = yield* call(poller)
          const second = yield* call(poller)
          yield* now
          const [left, right] = leaving === 0 ? [first, second] : [second, first]
          assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(left)))
          yield* complete()
          yield* now
          assert.strictEqual(stateOf(right), "token")
          assert.lengthOf(times, 1)
        }
      }))

    for (const [tag, end] of [["AccessDenied", "AccessDenied"], ["ConsentDenied", "ConsentDenied"]] as const) {
      it.effect(`ends a wait by ${name} at once where its poll fails with ${tag}`, () =>
        Effect.gen(function*() {
          const { call, complete } = yield* waiting(() => failures[tag])
          const fiber = yield* call(poller)
          yield* now
          yield* complete()
          yield* now
          assert.strictEqual(stateOf(fiber), end)
        }))
    }
  }

  for (const tag of ["ConsentPending", "Throttled"] as const) {
    it.effect(`leaves a wait to its schedule where its poll fails with ${tag}`, () =>
      Effect.gen(function*() {
        const { call, complete, times } = yield* waiting((index) => index < 2 ? failures[tag] : granted)
        const fiber = yield* call()
        yield* TestClock.adjust("2 seconds")
        yield* complete()
        yield* complete()
        yield* TestClock.adjust("2999 millis")
        assertEqual(times, [2000])
        yield* TestClock.adjust("5001 millis")
        assertEqual(yield* Fiber.join(fiber), Redacted.make("the-token"))
        assertEqual(times, [2000, 5000, 10_000])
      }))

    it.effect(`leaves a wait to a poller of its own where its poll fails with ${tag}`, () =>
      Effect.gen(function*() {
        const { call, complete, times } = yield* waiting((index) => index < 1 ? failures[tag] : granted)
        const fiber = yield* call({ poll: (_, ask) => Effect.delay(ask, "7 seconds") })
        yield* TestClock.adjust("2 seconds")
        yield* complete()
        yield* TestClock.adjust("5 seconds")
        assertEqual(yield* Fiber.join(fiber), Redacted.make("the-token"))
        assertEqual(times, [2000, 7000])
      }))
  }

  it.effect("at the moment of a poll takes its place", () =>
    Effect.gen(function*() {
      const { call, complete, times } = yield* waiting(() => granted)
      const fiber = yield* call()
      yield* now
      const completing = yield* Effect.fork(Effect.delay(complete(), "5 seconds"))
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(completing)
      yield* Fiber.join(fiber)
      assertEqual(times, [5000])
    }))

  for (
    const [name, poller] of [
      ["a schedule", undefined],
      ["a poller of its own", { poll: (_, ask) => Effect.delay(ask, "5 seconds") }]
    ] satisfies ReadonlyArray<readonly [string, TokenPoller.Poller | undefined]>
  ) {
    it.effect(`during a poll by ${name} that then finds nothing still gives the token`, () =>
      Effect.gen(function*() {
        const { call, complete, times } = yield* waiting((index) =>
          index === 0 ? Effect.delay(pending, "2 seconds") : granted
        )
        const fiber = yield* call(poller)
        yield* TestClock.adjust("6 seconds")
        yield* complete()
        yield* TestClock.adjust("2 seconds")
        assertEqual(yield* Fiber.join(fiber), Redacted.make("the-token"))
        assert.lengthOf(times, 2)
      }))
  }

  it.effect("is not counted in the budget of polls", () =>
    Effect.gen(function*() {
      for (const [, poller] of idlePollers) {
        const { call, complete, times } = yield* waiting(() => granted)
        const fibers = yield* Effect.replicateEffect(call(poller), 5)
        yield* now
        yield* complete()
        yield* now
        yield* Fiber.joinAll(fibers)
        assertEqual(times, [0, 0, 0, 0, 0])
      }
    }).pipe(Effect.provide(TokenPoller.layerBudget(1))))
})

describe("the end of a session", () => {
  const ends: ReadonlyArray<readonly [tag: keyof typeof failures, before: string, after: string]> = [
    ["ConsentPending", "waits", "ConsentTimedOut"],
    ["Throttled", "waits", "ConsentTimedOut"],
    ["AccessDenied", "AccessDenied", "ConsentTimedOut"],
    ["ResourceNotFound", "ResourceNotFound", "ResourceNotFound"],
    ["ConsentDenied", "ConsentDenied", "ConsentDenied"]
  ]

  for (const [tag, before, after] of ends) {
    it.effect(`turns ${tag} from ${before} into ${after}`, () =>
      Effect.gen(function*() {
        for (const [millis, expected] of [[599_999, before], [600_000, before], [600_001, after]] as const) {
          const { call, times } = yield* waiting(() => failures[tag])
          const scheduled = yield* call(TokenPoller.fromSchedule(Schedule.spaced(millis)))
          const own = yield* call({ poll: (_, ask) => Effect.delay(ask, millis) })
          yield* TestClock.adjust(millis)
          assert.lengthOf(times, 2)
          assertEqual([millis, stateOf(scheduled)], [millis, expected])
          // A poller of its own that finds nothing has given up.
          assertEqual([millis, stateOf(own)], [millis, expected === "waits" ? "ConsentTimedOut" : expected])
          yield* Fiber.interruptAll([scheduled, own])
        }
      }))
  }

  it.effect("gives an error that names the provider", () =>
    Effect.gen(function*() {
      const { call } = yield* waiting(() => pending)
      const pollers = [
        TokenPoller.fromSchedule(Schedule.stop),
        TokenPoller.fromSchedule(Schedule.spaced("11 minutes")),
        { poll: (_: unknown, ask: Parameters<TokenPoller.Poller["poll"]>[1]) => Effect.delay(ask, "11 minutes") },
        { poll: () => new IdentityError.ConsentPending({ providerName: "another" }) }
      ]
      const fibers = yield* Effect.forEach(pollers, (poller) => call(poller))
      yield* TestClock.adjust("11 minutes")
      for (const fiber of fibers) {
        assertEqual(
          yield* Effect.flip(Fiber.join(fiber)),
          new IdentityError.ConsentTimedOut({ providerName: "github" })
        )
      }
    }))
})

describe("a poller of its own", () => {
  it.effect("is given the consent, and gives the token", () =>
    Effect.gen(function*() {
      const { call, times } = yield* waiting(() => granted)
      const seen: Array<IdentityError.ConsentRequired> = []
      const fiber = yield* call({
        poll: (consent) => {
          seen.push(consent)
          return Effect.succeed(Redacted.make("from elsewhere"))
        }
      })
      assertEqual(yield* Fiber.join(fiber), Redacted.make("from elsewhere"))
      assertEqual(times, [])
      assertEqual(seen.map((consent) => consent.sessionUri), [sessionUri])
    }))

  it.effect("ends the wait with its failure, or in a time-out where that may pass", () =>
    Effect.gen(function*() {
      const ends: ReadonlyArray<readonly [Effect.Effect<never, TokenPoller.PollFailure>, string]> = [
        [new IdentityError.ConsentPending({ providerName: "github" }), "ConsentTimedOut"],
        [throttled, "ConsentTimedOut"],
        [new IdentityError.InternalServerError({ operation, message: "broken" }), "ConsentTimedOut"],
        [new IdentityError.ConsentTimedOut({ providerName: "github" }), "ConsentTimedOut"],
        [new IdentityError.ConsentDenied({ providerName: "github" }), "ConsentDenied"],
        [new IdentityError.AccessDenied({ operation, message: "no" }), "AccessDenied"],
        [Effect.die("defect"), "defect"]
      ]
      for (const [end, tag] of ends) {
        const { call } = yield* waiting(() => granted)
        assert.strictEqual(tagOf(yield* Fiber.await(yield* call({ poll: () => end }))), tag)
      }
    }))

  it.effect("is interrupted with the wait, and when the completion ends it", () =>
    Effect.gen(function*() {
      for (const isCompleted of [true, false]) {
        const stopped = yield* Deferred.make<void>()
        const { call, complete } = yield* waiting(() => granted)
        const fiber = yield* call({
          poll: () => Effect.onInterrupt(Effect.never, () => Deferred.succeed(stopped, undefined))
        })
        yield* now
        if (isCompleted) yield* complete()
        const exit = yield* isCompleted ? Fiber.await(fiber) : Fiber.interrupt(fiber)
        assert.strictEqual(tagOf(exit), isCompleted ? "token" : "interrupted")
        assert.isTrue(yield* Deferred.isDone(stopped))
      }
    }))

  it.effect("shares the budget: its polls take turns, of which one that is interrupted takes none", () =>
    Effect.gen(function*() {
      const { call, times } = yield* waiting(() => pending)
      const fibers = yield* Effect.replicateEffect(call({ poll: (_, ask) => ask }), 4)
      yield* now
      assertEqual(times, [0])
      yield* Fiber.interruptAll(fibers.slice(1, 3))
      yield* TestClock.adjust("1 second")
      assertEqual(times, [0, 223])
      yield* Fiber.awaitAll(fibers)
    }).pipe(Effect.provide(TokenPoller.layerBudget(5))))

  it.effect("may be made of a schedule: it polls by it, not at once, and goes on after what may pass", () =>
    Effect.gen(function*() {
      const { identity } = yield* waiting(() => granted)
      const consent = yield* Effect.flip(identity.getToken(user))
      if (consent._tag !== "ConsentRequired") return assert.fail(consent._tag)
      const everySecond = TokenPoller.fromSchedule(
        Schedule.spaced("1 second").pipe(Schedule.intersect(Schedule.recurs(3)))
      )
      const provider = { providerName: "github" }
      const fails = (error: TokenPoller.PollFailure) => Effect.fail(error)
      const cases: ReadonlyArray<
        readonly [ReadonlyArray<Effect.Effect<Redacted.Redacted, TokenPoller.PollFailure>>, string, polls: number]
      > = [
        [
          [fails(new IdentityError.ConsentPending(provider)), fails(throttled), Effect.succeed(Redacted.make("a"))],
          "token",
          3
        ],
        [[fails(throttled), fails(throttled), fails(throttled), fails(throttled)], "Throttled", 3],
        [[fails(new IdentityError.ConsentDenied(provider)), fails(throttled)], "ConsentDenied", 1],
        [[fails(new IdentityError.AccessDenied({ operation, message: "no" })), fails(throttled)], "AccessDenied", 1]
      ]
      for (const [answers, end, polls] of cases) {
        const count = yield* Ref.make(0)
        const ask = Effect.flatMap(Ref.getAndUpdate(count, (n) => n + 1), (index) => answers[index] ?? Effect.never)
        const fiber = yield* Effect.fork(everySecond.poll(consent, ask))
        yield* TestClock.adjust("999 millis")
        assert.strictEqual(yield* Ref.get(count), 0)
        yield* TestClock.adjust("5 seconds")
        assertEqual([tagOf(yield* Fiber.await(fiber)), yield* Ref.get(count)], [end, polls])
      }
      const none = yield* Effect.flip(TokenPoller.fromSchedule(Schedule.stop).poll(consent, Effect.never))
      assertEqual<unknown>(none, new IdentityError.ConsentPending(provider))
    }))
})

describe("a strategy", () => {
  it.effect("that waits twice at the same time has both waits woken by the completion", () =>
    Effect.gen(function*() {
      const [[, scheduled], [, own]] = idlePollers
      for (const [first, second] of [[scheduled, scheduled], [scheduled, own], [own, scheduled], [own, own]] as const) {
        const { complete, identity, times } = yield* waiting(() => granted)
        const twice: Consent.Strategy<Consent.WaitFailure> = {
          onConsent: (_, waits) => Effect.zipLeft(waits(first), waits(second), { concurrent: true })
        }
        const fiber = yield* Effect.fork(identity.getToken({ ...user, consent: twice }))
        yield* now
        yield* complete()
        yield* now
        assert.strictEqual(stateOf(fiber), "token")
        assertEqual(times, [0, 0])
      }
    }))
})

describe("a wait on a schedule", () => {
  it.effect("gives it what each poll failed with, and first ConsentPending", () =>
    Effect.gen(function*() {
      const seen: Array<unknown> = []
      const schedule = Schedule.spaced("1 second").pipe(
        Schedule.tapInput((error: unknown) => Effect.sync(() => seen.push(error)))
      )
      const { call } = yield* waiting((index) => index === 0 ? Effect.fail(throttled) : granted)
      const fiber = yield* call(TokenPoller.fromSchedule(schedule))
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(fiber)
      assertEqual(seen, [new IdentityError.ConsentPending({ providerName: "github" }), throttled])
    }))
})
