import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Fiber, Layer, Redacted, Schedule, type Scheduler } from "effect"
import { type Consent, ConsentSignal, Credential, IdentityApi, IdentityError, TokenPoller } from "../src/index.js"
import * as tokenFlow from "../src/internal/service/askForToken.js"
import * as Waiting from "../src/internal/service/waitForConsent.js"
import { assertEqual } from "./support/equality.js"
import { makeManualClock } from "./support/manualClock.js"
import { atEachStep } from "./support/scheduler.js"
import { answering, inProgress, sessionUri, token } from "./support/stub.js"

const user = {
  providerName: "github",
  scopes: ["repo"],
  authFlow: "USER_FEDERATION",
  callbackUrl: "https://app.example/return",
  workloadAccessToken: Redacted.make("workload-access-token")
} as const

/** Lets every fiber run until it waits. */
const idle = Effect.repeatN(Effect.yieldNow(), 100)

/** Pollers that never poll by themselves before the session ends. */
const idlePollers: ReadonlyArray<readonly [name: string, poller: TokenPoller.Poller]> = [
  ["a schedule", TokenPoller.fromSchedule(Schedule.spaced("1 hour"))],
  ["a poller of its own", { poll: () => Effect.never }]
]

/** A service with one session, and a call whose wait runs by a scheduler. */
const service = Effect.gen(function*() {
  const { identity } = yield* answering((request) =>
    Effect.succeed(request.sessionUri === undefined ? inProgress : token("the-token"))
  )
  const call = (poller: TokenPoller.Poller, scheduler: Scheduler.Scheduler) => {
    const consent: Consent.Strategy<Consent.WaitFailure> = {
      onConsent: (_, waits) => Effect.withScheduler(waits(poller), scheduler)
    }
    return Effect.fork(identity.getToken({ ...user, consent }))
  }
  const complete = identity.completeResourceTokenAuth({
    sessionUri,
    userIdentifier: Credential.UserIdIdentifier("ada")
  })
  return { call, complete }
})

describe("a call that waits", () => {
  for (const [name, poller] of idlePollers) {
    it.effect(`by ${name} is woken by the completion, whichever of its steps that follows`, () =>
      Effect.gen(function*() {
        const clock = yield* makeManualClock().clock
        const steps = yield* atEachStep((suspending) =>
          Effect.gen(function*() {
            const { call, complete } = yield* service
            let isCompleted = false
            const fiber = yield* call(
              poller,
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
          const fiber = yield* call(TokenPoller.fromSchedule(Schedule.forever), suspending())
          assertEqual(yield* Fiber.join(fiber), Redacted.make("the-token"))
        })
      )
      assert.isAbove(steps, 20)
    }))

  for (const [name, poller] of idlePollers) {
    it.effect(`by ${name} leaves nothing behind, however it ends`, () =>
      Effect.gen(function*() {
        const api = yield* Effect.provide(
          IdentityApi.IdentityApi,
          Layer.mock(IdentityApi.IdentityApi, { getResourceOauth2Token: () => Effect.succeed(token("the-token")) })
        )
        const waiting = yield* Waiting.make(tokenFlow.make(api))
        const consent = new IdentityError.ConsentRequired({
          providerName: "github",
          authFlow: "USER_FEDERATION",
          scopes: ["repo"],
          authorizationUrl: Redacted.make("https://idp.example/authorize"),
          sessionUri,
          expiresAt: DateTime.unsafeMake(600_000)
        })
        const listening = waiting.listening(consent, (seat) => {
          const wait = waiting.wait(consent, user.workloadAccessToken, seat, poller)
          return Effect.zipLeft(wait, wait, { concurrent: true })
        })
        const silent = Effect.provideService(ConsentSignal.ConsentSignal, {
          publish: () => Effect.void,
          arrival: () => Effect.never
        })
        for (
          const [call, isCompleted] of [
            [listening, true],
            [listening, false],
            [silent(listening), true],
            [silent(listening), false]
          ] as const
        ) {
          const fibers = yield* Effect.replicateEffect(Effect.fork(call), 2)
          yield* idle
          assert.strictEqual(yield* waiting.sessions, 1)
          yield* isCompleted ? waiting.completed(sessionUri) : Fiber.interruptAll(fibers)
          yield* Fiber.awaitAll(fibers)
          assert.strictEqual(yield* waiting.sessions, 0)
        }
      }))
  }
})
