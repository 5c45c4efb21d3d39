import { it } from "@effect/vitest"
import { Clock, Effect, Fiber, Random, Schedule, TestClock } from "effect"
import * as Consent from "../src/Consent.js"
import * as IdentityError from "../src/IdentityError.js"
import { assertEqual } from "./support/equality.js"
import { answering, inProgress, token, user } from "./support/stub.js"

it.effect("a poll after an error with Retry-After comes no earlier than that, and one minute later at most", () =>
  Effect.gen(function*() {
    const times: Array<number> = []
    const { identity } = yield* answering((request) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        if (request.sessionUri === undefined) return Effect.succeed(inProgress)
        const retryAfter = [30, 3600, 1][times.push(now) - 1]
        return retryAfter === undefined
          ? Effect.succeed(token("the-token"))
          : new IdentityError.Throttled({ operation: "GetResourceOauth2Token", message: "slow down", retryAfter })
      })
    )
    const consent = Consent.wait({ onAuthUrl: () => Effect.void, tokenPoller: Schedule.spaced("5 seconds") })
    const fiber = yield* Effect.fork(identity.getToken({ ...user, consent }))
    yield* TestClock.adjust("5 minutes")
    yield* Fiber.join(fiber)
    assertEqual(times, [5000, 35_000, 95_000, 100_000])
  }).pipe(Effect.withRandom(Random.fixed([0]))))
