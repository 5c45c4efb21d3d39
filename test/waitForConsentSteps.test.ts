// @effect-diagnostics runEffectInsideEffect:off
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Fiber, Redacted, Schedule, type Scheduler } from "effect"
import * as Consent from "../src/Consent.js"
import * as ConsentSignal from "../src/ConsentSignal.js"
import * as Credential from "../src/Credential.js"
import * as IdentityError from "../src/IdentityError.js"
import * as subscriptions from "../src/internal/lib/subscriptions.js"
import * as consentSession from "../src/internal/service/consentSession.js"
import * as Flights from "../src/internal/service/flights.js"
import * as waitForConsent from "../src/internal/service/waitForConsent.js"
import * as TokenPoller from "../src/TokenPoller.js"
import { assertEqual } from "./support/equality.js"
import { makeManualClock } from "./support/manualClock.js"
import { atEachStep } from "./support/scheduler.js"
import { answering, inProgress, sessionUri, token, user } from "./support/stub.js"

/** Lets every fiber run until it waits. */
const idle = Effect.repeatN(Effect.yieldNow(), 100)

type Wait = Consent.Waiting["wait"]

/** Waits that do not poll before the session ends. */
const idleWaits: ReadonlyArray<readonly [name: string, waits: (wait: Wait) => ReturnType<Wait>]> = [
  ["on a schedule", (wait) => wait(Schedule.spaced("1 hour"))],
  ["for the completion only", (wait) => wait(TokenPoller.completionOnly)],
  [
    "again after a wait that has ended",
    (wait) => Effect.catchTag(wait(Schedule.stop), "ConsentTimedOut", () => wait(TokenPoller.completionOnly))
  ]
]

/** A service with one session, and a call whose wait runs on a scheduler. */
const service = Effect.gen(function*() {
  const { identity } = yield* answering((request) =>
    Effect.succeed(request.sessionUri === undefined ? inProgress : token("the-token"))
  )
  const call = (waits: (wait: Wait) => ReturnType<Wait>, scheduler: Scheduler.Scheduler) =>
    Effect.fork(identity.getToken({
      ...user,
      consent: Consent.make((_, { wait }) => Effect.withScheduler(waits(wait), scheduler))
    }))
  const complete = identity.completeResourceTokenAuth({
    sessionUri,
    userIdentifier: Credential.userId("ada")
  })
  return { call, complete }
})

describe("a call that waits", () => {
  for (const [name, waits] of idleWaits) {
    it.effect(`${name} is woken by the completion, after whichever of its steps that comes`, () =>
      Effect.gen(function*() {
        const clock = yield* makeManualClock().clock
        const steps = yield* atEachStep((suspending) =>
          Effect.gen(function*() {
            const { call, complete } = yield* service
            let isCompleted = false
            const fiber = yield* call(
              waits,
              suspending(() => {
                isCompleted = true
                Effect.runFork(complete)
              })
            )
            yield* idle
            if (!isCompleted) yield* complete
            assertEqual(yield* Fiber.join(fiber), Redacted.make("the-token"))
          }).pipe(Effect.withClock(clock))
        )
        assert.isAbove(steps, 20)
      }))
  }

  it.effect("polls when its poll is due at once, wherever it is suspended", () =>
    Effect.gen(function*() {
      const steps = yield* atEachStep((suspending) =>
        Effect.gen(function*() {
          const { call } = yield* service
          const fiber = yield* call((wait) => wait(Schedule.forever), suspending())
          assertEqual(yield* Fiber.join(fiber), Redacted.make("the-token"))
        })
      )
      assert.isAbove(steps, 20)
    }))

  for (const [name, waits] of idleWaits) {
    it.effect(`${name} leaves nothing behind, however it ends`, () =>
      Effect.gen(function*() {
        const registry = yield* subscriptions.make
        const flights = Flights.make(registry)
        const granted = Effect.succeed(Redacted.make("the-token"))
        const { notifyCompleted, waiting } = yield* waitForConsent.make(registry, () => granted)
        const consent = new IdentityError.ConsentRequired({
          providerName: "github",
          authFlow: "USER_FEDERATION",
          scopes: ["repo"],
          authorizationUrl: Redacted.make("https://idp.example/authorize"),
          sessionUri,
          expiresAt: DateTime.unsafeMake(600_000)
        })
        const call = Effect.acquireUseRelease(
          flights.joinSession("key", "grant", consent),
          ({ session }) =>
            Effect.acquireUseRelease(
              Effect.sync(() => waitForConsent.waiter(session ?? consentSession.make(consent), user)),
              (waiter) => {
                const { wait } = waiting(waiter)
                return Effect.zipLeft(waits(wait), waits(wait), { concurrent: true })
              },
              waitForConsent.stop
            ),
          (flight) => Effect.suspend(() => flights.leave(flight) ?? Effect.void)
        )
        const silent = Effect.provideService(ConsentSignal.ConsentSignal, {
          publish: () => Effect.void,
          arrival: () => Effect.never
        })
        for (
          const [one, isCompleted] of [
            [call, true],
            [call, false],
            [silent(call), true],
            [silent(call), false]
          ] as const
        ) {
          const fibers = yield* Effect.replicateEffect(Effect.fork(one), 2)
          yield* idle
          assertEqual([yield* registry.size, yield* flights.size], [1, 1])
          yield* isCompleted ? notifyCompleted(sessionUri) : Fiber.interruptAll(fibers)
          yield* Fiber.awaitAll(fibers)
          assertEqual([yield* registry.size, yield* flights.size], [0, 0])
        }
      }))
  }
})
