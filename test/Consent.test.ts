import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, TestClock } from "effect"
import { Consent, IdentityControls, IdentityService, TokenPoller } from "../src/index.js"
import { agent, asUser, workloadName } from "./support/agent.js"

/** The moments at which the service was asked for a token. */
const calls = Effect.gen(function*() {
  const { journal } = yield* IdentityControls.IdentityControls
  return (yield* journal).flatMap(({ at, operation }) => operation === "getResourceOauth2Token" ? [at.epochMillis] : [])
})

describe("Consent", () => {
  it.effect("all waits share one budget of calls, and none is starved", () =>
    Effect.gen(function*() {
      const { identity } = yield* agent
      const users = Array.from({ length: 30 }, (_, n) => `user-${n}`)
      const wait = (userId: string) =>
        Effect.flatMap(identity.getWorkloadAccessToken({ workloadName, userId }), (workloadAccessToken) =>
          identity.getToken({
            ...asUser,
            workloadAccessToken,
            consent: Consent.wait({
              announce: () =>
                Effect.void
            })
          }))
      const waiting = yield* Effect.fork(Effect.forEach(users, wait, { concurrency: "unbounded" }))
      yield* TestClock.adjust("65 seconds")
      yield* Fiber.interrupt(waiting)
      const polls = (yield* calls).slice(users.length)

      assert.isAtLeast(polls.length, 230)
      for (const at of polls) {
        assert.isAtMost(
          polls.filter((other) =>
            at <= other && other < at + 1000
          ).length,
          5
        )
      }
    }).pipe(Effect.provide(Layer.merge(IdentityService.layerTest, TokenPoller.layerBudget(5)))))
})
