import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Effect, Exit, Fiber, Option, Redacted, Schedule, TestClock } from "effect"
import * as Consent from "../src/Consent.js"
import * as Credential from "../src/Credential.js"
import * as IdentityError from "../src/IdentityError.js"
import * as TokenPoller from "../src/TokenPoller.js"
import { assertEqual } from "./support/equality.js"
import { answering, inProgress, sessionUri, throttled, token, type TokenReply, user } from "./support/stub.js"

const operation = "GetResourceOauth2Token"

const userIdentifier = Credential.userId("ada")

type Answer = ReturnType<Parameters<typeof answering>[0]>

const pending = Effect.succeed(inProgress)

const granted = Effect.succeed(token("the-token"))

const failures = {
  ConsentPending: pending,
  Throttled: Effect.fail(throttled),
  AccessDenied: Effect.fail(new IdentityError.AccessDenied({ operation, message: "no" })),
  ResourceNotFound: Effect.fail(new IdentityError.ResourceNotFound({ operation, message: "no such provider" })),
  InternalServerError: Effect.fail(new IdentityError.InternalServerError({ operation, message: "broken" })),
  ConsentDenied: Effect.succeed<TokenReply>({ ...inProgress, sessionStatus: "FAILED" })
} satisfies Record<string, Answer>

/** Schedules that do not poll before the session ends. */
const idleSchedules = [
  ["on a schedule", Schedule.spaced("1 hour")],
  ["for the completion only", TokenPoller.completionOnly]
] as const

/** Calls that wait, with answers to their polls; the first request of each is answered with a session. */
const waiting = (poll: (index: number) => Answer, session = inProgress) =>
  Effect.gen(function*() {
    const times: Array<number> = []
    const { identity } = yield* answering((request) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        request.sessionUri === undefined ? Effect.succeed(session) : poll(times.push(now) - 1))
    )
    const callWith = <E, R>(consent: Consent.Strategy<E, R>) =>
      Effect.fork(identity.getToken({ ...user, consent }))
    const call = (tokenPoller?: Schedule.Schedule<unknown>, shown: Effect.Effect<unknown> = Effect.void) =>
      callWith(Consent.wait({ onAuthUrl: () => shown, tokenPoller }))
    const complete = (uri = sessionUri) =>
      Effect.orDie(identity.completeResourceTokenAuth({ sessionUri: uri, userIdentifier }))
    return { times, call, callWith, complete }
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
  for (const [name, schedule] of idleSchedules) {
    it.effect(`wakes a call that waits ${name} at once, during onAuthUrl and later`, () =>
      Effect.gen(function*() {
        for (const isDuring of [true, false]) {
          const { call, complete, times } = yield* waiting(() => granted)
          const fiber = yield* call(schedule, isDuring ? complete() : Effect.void)
          yield* now
          if (!isDuring) {
            assert.strictEqual(stateOf(fiber), "waits")
            yield* complete()
          }
          assertEqual(yield* Fiber.join(fiber), Redacted.make("the-token"))
          assertEqual(times, [0])
        }
      }))

    it.effect(`wakes all calls that wait ${name} for its session, and no call that waits for another session`, () =>
      Effect.gen(function*() {
        const { call, complete, times } = yield* waiting(() => granted)
        const fibers = [yield* call(schedule), yield* call(schedule)]
        yield* now
        yield* complete(Redacted.make(`${Redacted.value(sessionUri)}-2`))
        yield* now
        assertEqual(fibers.map(stateOf), ["waits", "waits"])
        yield* complete()
        yield* now
        assertEqual(fibers.map(stateOf), ["token", "token"])
        assertEqual(times, [0])
      }))

    it.effect(`wakes one of two calls that wait ${name}, although the other has been interrupted`, () =>
      Effect.gen(function*() {
        for (const interrupted of [0, 1]) {
          const { call, complete, times } = yield* waiting(() => granted)
          const first = yield* call(schedule)
          const second = yield* call(schedule)
          yield* now
          const [left, right] = interrupted === 0 ? [first, second] : [second, first]
          assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(left)))
          yield* complete()
          yield* now
          assert.strictEqual(stateOf(right), "token")
          assert.lengthOf(times, 1)
        }
      }))

    for (const tag of ["AccessDenied", "ConsentDenied"] as const) {
      it.effect(`ends a wait ${name} at once if its poll fails with ${tag}`, () =>
        Effect.gen(function*() {
          const { call, complete } = yield* waiting(() => failures[tag])
          const fiber = yield* call(schedule)
          yield* now
          yield* complete()
          yield* now
          assert.strictEqual(stateOf(fiber), tag)
        }))
    }

    for (const tag of ["ConsentPending", "Throttled"] as const) {
      it.effect(`is followed by the last poll of a wait ${name} if its own poll fails with ${tag}`, () =>
        Effect.gen(function*() {
          const { call, complete, times } = yield* waiting((index) => index === 0 ? failures[tag] : granted)
          const fiber = yield* call(schedule)
          yield* TestClock.adjust("2 seconds")
          yield* complete()
          yield* complete()
          yield* TestClock.adjust("10 minutes")
          assertEqual(yield* Fiber.join(fiber), Redacted.make("the-token"))
          assertEqual(times, [2000, 600_000])
        }))
    }
  }

  for (const tag of ["ConsentPending", "Throttled"] as const) {
    it.effect(`does not change the schedule of a wait if its poll fails with ${tag}`, () =>
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
  }

  it.effect("at the time of a poll causes no second one", () =>
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

  it.effect("during a poll that then finds no token is followed by another poll at once", () =>
    Effect.gen(function*() {
      const { call, complete, times } = yield* waiting((index) =>
        index === 0 ? Effect.delay(pending, "2 seconds") : granted
      )
      const fiber = yield* call()
      yield* TestClock.adjust("6 seconds")
      yield* complete()
      yield* TestClock.adjust("2 seconds")
      assertEqual(yield* Fiber.join(fiber), Redacted.make("the-token"))
      assertEqual(times, [5000, 7000])
    }))

  it.effect("is not counted in the budget of polls", () =>
    Effect.gen(function*() {
      for (const [, schedule] of idleSchedules) {
        const { call, complete, times } = yield* waiting(() => granted)
        const fibers = yield* Effect.replicateEffect(call(schedule), 5)
        yield* now
        yield* complete()
        yield* now
        yield* Fiber.joinAll(fibers)
        assertEqual(times, [0])
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
    it.effect(`changes the result of a poll that fails with ${tag} from ${before} to ${after}`, () =>
      Effect.gen(function*() {
        for (const [millis, expected] of [[599_999, before], [600_000, after], [600_001, after]] as const) {
          const [one, other] = [yield* waiting(() => failures[tag]), yield* waiting(() => failures[tag])]
          const scheduled = yield* one.call(Schedule.spaced(millis))
          const own = yield* other.callWith(Consent.make((_, { poll }) => Effect.delay(poll, millis)))
          const start = yield* Clock.currentTimeMillis
          yield* TestClock.adjust(millis)
          assertEqual([...one.times, ...other.times].map((at) => at - start), [Math.min(millis, 600_000), millis])
          assertEqual([millis, stateOf(scheduled)], [millis, expected])
          // One poll does not wait.
          assertEqual([millis, stateOf(own)], [millis, expected === "waits" ? tag : expected])
          yield* Fiber.interruptAll([scheduled, own])
        }
      }))
  }

  it.effect("gives an error that names the provider", () =>
    Effect.gen(function*() {
      const { call, callWith } = yield* waiting(() => pending)
      const schedules = [Schedule.stop, Schedule.spaced("11 minutes"), TokenPoller.completionOnly]
      const fibers = [
        ...yield* Effect.forEach(schedules, (schedule) => call(schedule)),
        yield* callWith(Consent.make((_, { poll }) => Effect.delay(poll, "11 minutes")))
      ]
      yield* TestClock.adjust("11 minutes")
      for (const fiber of fibers) {
        assertEqual<unknown>(
          yield* Effect.flip(Fiber.join(fiber)),
          new IdentityError.ConsentTimedOut({ providerName: "github" })
        )
      }
    }))

  it.effect("during onAuthUrl leaves one poll to the wait, on any schedule", () =>
    Effect.gen(function*() {
      for (const [answer, expected] of [[pending, "ConsentTimedOut"], [granted, "token"]] as const) {
        for (const schedule of [undefined, Schedule.spaced("1 hour"), TokenPoller.completionOnly]) {
          const { call, times } = yield* waiting(() => answer)
          const before = yield* Clock.currentTimeMillis
          const fiber = yield* call(schedule, Effect.sleep("11 minutes"))
          yield* TestClock.adjust("11 minutes")
          assert.strictEqual(stateOf(fiber), expected)
          assertEqual(times.map((at) => at - before), [660_000])
        }
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
      const fiber = yield* call(schedule)
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(fiber)
      assertEqual(seen, [new IdentityError.ConsentPending({ providerName: "github" }), throttled])
    }))

  it.effect("continues after each failure that may pass, and ends with the others", () =>
    Effect.gen(function*() {
      const cases: ReadonlyArray<readonly [ReadonlyArray<Answer>, string]> = [
        [[pending, failures.Throttled, granted], "token"],
        [[failures.Throttled, failures.InternalServerError, failures.Throttled], "ConsentTimedOut"],
        [[failures.ConsentDenied], "ConsentDenied"],
        [[failures.AccessDenied], "AccessDenied"],
        [[failures.ResourceNotFound], "ResourceNotFound"],
        [[Effect.die("defect")], "defect"]
      ]
      const schedule = Schedule.spaced("1 second").pipe(Schedule.intersect(Schedule.recurs(3)))
      for (const [answers, end] of cases) {
        const { call, times } = yield* waiting((index) => answers[index] ?? Effect.never)
        const fiber = yield* call(schedule)
        yield* TestClock.adjust("999 millis")
        assertEqual(times, [])
        yield* TestClock.adjust("5 seconds")
        assertEqual([stateOf(fiber), times.length], [end, answers.length])
      }
    }))
})

describe("a strategy", () => {
  it.effect("is given the consent, and gives the token or its own failure", () =>
    Effect.gen(function*() {
      const { callWith, times } = yield* waiting(() => granted)
      const seen: Array<IdentityError.ConsentRequired> = []
      const token = yield* callWith(Consent.make((consent) => {
        seen.push(consent)
        return Effect.succeed(Redacted.make("from elsewhere"))
      }))
      assertEqual(yield* Fiber.join(token), Redacted.make("from elsewhere"))
      const failing = yield* callWith(Consent.make(() => Effect.fail("of the strategy")))
      assertEqual<unknown>(yield* Effect.flip(Fiber.join(failing)), "of the strategy")
      assertEqual(times, [])
      assertEqual(seen.map((consent) => consent.sessionUri), [sessionUri])
    }))

  it.effect("sends one poll with `poll`, at once, and fails with ConsentPending while there is no answer", () =>
    Effect.gen(function*() {
      const answers: ReadonlyArray<readonly [string, Answer]> = [...Object.entries(failures), ["token", granted]]
      for (const [tag, answer] of answers) {
        const { callWith, times } = yield* waiting(() => answer)
        const fiber = yield* callWith(Consent.make((_, { poll }) => poll))
        yield* now
        assertEqual([stateOf(fiber), times.length], [tag, 1])
      }
    }))

  it.effect("repeats `poll` within the budget of all, of which a poll that is interrupted uses nothing", () =>
    Effect.gen(function*() {
      const { callWith, times } = yield* waiting((index) => index < 3 ? pending : granted)
      const polling = Consent.make((_, { poll }) =>
        Effect.retry(poll, { while: ({ _tag }) => _tag === "ConsentPending" })
      )
      const interrupted = Consent.make((_, { poll }) => poll)
      const fiber = yield* callWith(polling)
      const others = yield* Effect.replicateEffect(callWith(interrupted), 2)
      yield* now
      assertEqual(times, [0])
      yield* Fiber.interruptAll(others)
      yield* TestClock.adjust("1 second")
      assertEqual(times, [0, 223, 446, 669])
      assertEqual(yield* Fiber.join(fiber), Redacted.make("the-token"))
    }).pipe(Effect.provide(TokenPoller.layerBudget(5))))

  it.effect("may wait several times at once: the completion wakes each wait, and of two in a race one gives the token", () =>
    Effect.gen(function*() {
      for (const first of idleSchedules) {
        for (const second of idleSchedules) {
          const { callWith, complete, times } = yield* waiting(() => granted)
          const both = yield* callWith(
            Consent.make((_, { wait }) => Effect.zipLeft(wait(first[1]), wait(second[1]), { concurrent: true }))
          )
          const race = yield* callWith(Consent.make((_, { wait }) => Effect.race(wait(first[1]), wait(second[1]))))
          yield* now
          assertEqual([both, race].map(stateOf), ["waits", "waits"])
          yield* complete()
          yield* now
          assertEqual([both, race].map(stateOf), ["token", "token"])
          assert.lengthOf(times, 1)
        }
      }
    }))

  it.effect("polls at once when it waits again after the completion", () =>
    Effect.gen(function*() {
      for (const first of [Schedule.stop, Schedule.spaced("1 second"), TokenPoller.completionOnly]) {
        const { callWith, complete, times } = yield* waiting((index) => index === 0 ? granted : Effect.never)
        const start = yield* Clock.currentTimeMillis
        const fiber = yield* callWith(Consent.make((_, { wait }) =>
          Effect.zipRight(
            Effect.ignore(Effect.timeout(wait(first), "900 millis")),
            Effect.delay(wait(TokenPoller.completionOnly), "1 minute")
          )
        ))
        yield* TestClock.adjust("30 seconds")
        yield* complete()
        yield* now
        assertEqual(times, [])
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(stateOf(fiber), "token")
        assertEqual(times.map((at) => at - start), [first === Schedule.stop ? 60_000 : 60_900])
      }
    }))

  it.effect("is interrupted with the call, also in its wait", () =>
    Effect.gen(function*() {
      const stopped: Array<string> = []
      const stops = (name: string) => Effect.onInterrupt(() => Effect.sync(() => stopped.push(name)))
      const { callWith, times } = yield* waiting(() => granted)
      const fibers = [
        yield* callWith(Consent.make((_, { wait }) => stops("wait")(wait()))),
        yield* callWith(Consent.make(() => stops("never")(Effect.never)))
      ]
      yield* now
      for (const fiber of fibers) assert.strictEqual(tagOf(yield* Fiber.interrupt(fiber)), "interrupted")
      yield* TestClock.adjust("1 hour")
      assertEqual([stopped, times], [["wait", "never"], []])
    }))
})
