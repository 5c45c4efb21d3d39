import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Redacted, Schedule, TestClock } from "effect"
import * as Consent from "../src/Consent.js"
import type * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityError from "../src/IdentityError.js"
import * as WorkloadAccessToken from "../src/WorkloadAccessToken.js"
import { assertEqual } from "./support/equality.js"
import { answering, inProgress, token, type TokenReply, user } from "./support/stub.js"

type Answer = Effect.Effect<TokenReply, IdentityApi.Failure<"getResourceOauth2Token">>

const operation = "GetResourceOauth2Token"

const rejected = new IdentityError.Unauthorized({ operation, message: "Invalid or expired workload access token" })

const denied = new IdentityError.AccessDenied({ operation, message: "another token opened this session" })

/** A source whose first token is `first`; each renewal adds a number. */
const renewable = () => {
  let tokens = 1
  const current = () => Redacted.make(tokens === 1 ? "first" : `token-${tokens}`)
  const source: WorkloadAccessToken.Source = {
    get: Effect.sync(current),
    renew: (rejected) =>
      Effect.sync(() => {
        if (Redacted.value(rejected) === Redacted.value(current())) tokens++
        return current()
      })
  }
  return source
}

/**
 * The requests of a call that waits, whose token is rejected by the first poll. `poll` and `again` answer a poll and a request
 * with the renewed token.
 */
const expiring = (poll: Answer, again: Answer, source: Redacted.Redacted | WorkloadAccessToken.Source = renewable()) =>
  Effect.gen(function*() {
    const { identity, requests } = yield* answering((request) => {
      const isFirst = Redacted.value(request.workloadIdentityToken) === "first"
      if (request.sessionUri === undefined) return isFirst ? Effect.succeed(inProgress) : again
      return isFirst ? Effect.fail(rejected) : poll
    })
    const consent = Consent.wait({ onAuthUrl: () => Effect.void, tokenPoller: Schedule.spaced("1 minute") })
    const call = yield* Effect.fork(Effect.either(identity.getToken({ ...user, workloadAccessToken: source, consent })))
    yield* TestClock.adjust("3 minutes")
    const result = call.unsafePoll() === null ? undefined : yield* Fiber.join(call)
    yield* Fiber.interrupt(call)
    return {
      result: result === undefined
        ? "waits"
        : result._tag === "Right"
        ? Redacted.value(result.right)
        : result.left._tag,
      requests: (yield* requests).map(({ sessionUri, workloadIdentityToken }) =>
        `${sessionUri === undefined ? "request" : "poll"} ${Redacted.value(workloadIdentityToken)}`
      )
    }
  })

const opened = "request first"

const polled = [opened, "poll first", "poll token-2"]

const unused = Effect.dieMessage("this request was not expected")

describe("a wait whose workload access token is rejected", () => {
  it.effect("continues its session with another one", () =>
    Effect.gen(function*() {
      assertEqual(yield* expiring(Effect.succeed(token("granted")), unused), { result: "granted", requests: polled })
      assertEqual(yield* expiring(Effect.succeed(inProgress), unused), {
        result: "waits",
        requests: [...polled, "poll token-2", "poll token-2"]
      })
    }))

  it.effect("sends one new request if the service rejects the session for the new token", () =>
    Effect.gen(function*() {
      for (const poll of [Effect.fail(denied), Effect.fail(rejected)]) {
        assertEqual(yield* expiring(poll, Effect.succeed(token("granted"))), {
          result: "granted",
          requests: [...polled, "request token-2"]
        })
      }
    }))

  it.effect("ends with the denial of the user", () =>
    Effect.gen(function*() {
      assertEqual(yield* expiring(Effect.succeed({ sessionStatus: "FAILED" }), unused), {
        result: "ConsentDenied",
        requests: polled
      })
    }))

  it.effect("ends in ConsentTimedOut if the new request opens a session that no user has seen", () =>
    Effect.gen(function*() {
      assertEqual(yield* expiring(Effect.fail(denied), Effect.succeed(inProgress)), {
        result: "ConsentTimedOut",
        requests: [...polled, "request token-2"]
      })
    }))

  it.effect("fails with the error of the renewal", () =>
    Effect.gen(function*() {
      const unavailable = new IdentityError.WorkloadAccessTokenUnavailable({ reason: "UserToken" })
      const source = { ...renewable(), renew: () => unavailable }
      for (const given of [source, WorkloadAccessToken.fixed(Redacted.make("first")), Redacted.make("first")]) {
        assertEqual(yield* expiring(unused, unused, given), {
          result: "WorkloadAccessTokenUnavailable",
          requests: [opened, "poll first"]
        })
      }
    }))
})

describe("a request whose workload access token is rejected", () => {
  const m2m = { ...user, authFlow: "M2M" } as const

  it.effect("is sent once more with another one", () =>
    Effect.gen(function*() {
      const { identity, requests } = yield* answering((_, index) =>
        index === 0 ? Effect.fail(rejected) : Effect.succeed(token("granted"))
      )
      assertEqual(yield* identity.getToken({ ...m2m, workloadAccessToken: renewable() }), Redacted.make("granted"))
      assertEqual((yield* requests).map((request) => Redacted.value(request.workloadIdentityToken)), [
        "first",
        "token-2"
      ])
    }))

  it.effect("fails with the rejection if it is rejected again, or if the token cannot be renewed", () =>
    Effect.gen(function*() {
      for (
        const [workloadAccessToken, sent] of [
          [renewable(), 2],
          [WorkloadAccessToken.fixed(Redacted.make("first")), 1],
          [Redacted.make("first"), 1]
        ] as const
      ) {
        const { identity, requests } = yield* answering(() => Effect.fail(rejected))
        assertEqual<unknown>(yield* Effect.flip(identity.getToken({ ...m2m, workloadAccessToken })), rejected)
        assert.lengthOf(yield* requests, sent)
      }
    }))

  it.effect("does not fail another call of the grant, whose own token is accepted", () =>
    Effect.gen(function*() {
      const { identity, requests } = yield* answering(({ workloadIdentityToken }) =>
        Effect.delay(
          Redacted.value(workloadIdentityToken) === "old" ? Effect.fail(rejected) : Effect.succeed(token("granted")),
          "1 second"
        )
      )
      const of = (text: string): WorkloadAccessToken.Source => ({
        ...WorkloadAccessToken.fixed(Redacted.make(text)),
        identity: { workloadName: "my-agent", userId: "ada" }
      })
      const calls = yield* Effect.fork(Effect.forEach(
        ["old", "new", "new"],
        (text) => Effect.either(identity.getToken({ ...m2m, workloadAccessToken: of(text) })),
        { concurrency: "unbounded" }
      ))
      yield* TestClock.adjust("5 seconds")
      assertEqual((yield* Fiber.join(calls)).map(({ _tag }) => _tag), ["Left", "Right", "Right"])
      assert.lengthOf(yield* requests, 2)
    }))
})
