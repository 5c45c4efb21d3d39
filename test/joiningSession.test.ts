import { describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as Consent from "../src/Consent.js"
import * as IdentityError from "../src/IdentityError.js"
import { assertEqual } from "./support/equality.js"
import { answering, inProgress, throttled, token, user } from "./support/stub.js"

const operation = "GetResourceOauth2Token"

/** A call that holds its session without polling. */
const holding = Consent.make(() => Effect.never)

/** Lets every fiber run until it waits. */
const idle = Effect.repeatN(Effect.yieldNow(), 100)

describe("a call that joins an open session", () => {
  const denied = new IdentityError.AccessDenied({ operation, message: "no" })
  const unknown = new IdentityError.ResourceNotFound({ operation, message: "no such provider" })

  it.effect("sends one poll, and fails with its error unless another poll may succeed", () =>
    Effect.gen(function*() {
      const polls = [
        [Effect.fail(denied), "AccessDenied"],
        [Effect.fail(unknown), "ResourceNotFound"],
        [Effect.fail(throttled), "ConsentRequired"],
        [Effect.succeed(inProgress), "ConsentRequired"],
        [Effect.succeed(token("granted")), "token"]
      ] as const
      for (const [poll, expected] of polls) {
        const { identity, requests } = yield* answering(({ sessionUri }) =>
          sessionUri === undefined ? Effect.succeed(inProgress) : poll
        )
        const first = yield* Effect.fork(identity.getToken({ ...user, consent: holding }))
        yield* idle
        const joined = yield* Effect.either(identity.getToken({ ...user, consent: Consent.fail }))
        assertEqual([joined._tag === "Right" ? "token" : joined.left._tag, (yield* requests).length], [expected, 2])
        yield* Fiber.interrupt(first)
      }
    }))

  it.effect("requests the token again if the session was denied", () =>
    Effect.gen(function*() {
      const { identity, requests } = yield* answering(({ sessionUri }) =>
        Effect.succeed(sessionUri === undefined ? inProgress : { sessionStatus: "FAILED" as const })
      )
      const first = yield* Effect.fork(identity.getToken({ ...user, consent: holding }))
      yield* idle
      const joined = yield* Effect.flip(identity.getToken({ ...user, consent: Consent.fail }))
      assertEqual([joined._tag, (yield* requests).length], ["ConsentRequired", 3])
      yield* Fiber.interrupt(first)
    }))
})
