import { assert } from "@effect/vitest"
import { Cause, Data, DateTime, Deferred, Effect, Fiber, Redacted, Ref, Schedule } from "effect"
import * as Consent from "../../../src/Consent.js"
import * as IdentityControls from "../../../src/IdentityControls.js"
import * as IdentityError from "../../../src/IdentityError.js"
import * as TokenPoller from "../../../src/TokenPoller.js"
import { agent, asUser } from "../agent.js"
import { consents, required } from "../consenting.js"
import { assertEqual } from "../equality.js"
import { section } from "./section.js"

class Unreachable extends Data.TaggedError("Unreachable")<{}> {}

/** Calls that wait for a consent. */
export const waiting = section("waiting", (test, extent) => {
  test(
    "a call waits until the user has consented, and reports the URL once",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const told = yield* Ref.make(0)
      const token = yield* identity.getToken({
        ...asUser,
        workloadAccessToken,
        forceAuthentication: true,
        consent: Consent.wait({
          onAuthUrl: (url, consent) =>
            Effect.gen(function*() {
              yield* Ref.update(told, (n) => n + 1)
              assertEqual(url, consent.authorizationUrl)
              yield* Effect.forkDaemon(Effect.delay(consents(consent), "12 seconds"))
            })
        })
      })
      assert.isNotEmpty(Redacted.value(token))
      assert.strictEqual(yield* Ref.get(told), 1)
      const { sessions } = yield* IdentityControls.IdentityControls
      assert.strictEqual((yield* sessions).length, 1)
    })
  )

  test(
    "onAuthUrl does not run if the token is stored",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      yield* consents(yield* required(identity.getToken({ ...asUser, workloadAccessToken })))
      yield* identity.getToken({
        ...asUser,
        workloadAccessToken,
        consent: Consent.wait({ onAuthUrl: () => Effect.dieMessage("consent was required again") })
      })
    })
  )

  test(
    "a denied consent ends the wait at once or, over HTTP, at the next poll, and a later request opens a new session",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const { deny } = yield* IdentityControls.IdentityControls
      const error = yield* Effect.flip(identity.getToken({
        ...asUser,
        workloadAccessToken,
        consent: Consent.wait({ onAuthUrl: (_, consent) => deny(consent.sessionUri) })
      }))
      assert.strictEqual(error._tag, "ConsentDenied")
      assert.include([0, 5000], yield* Effect.map(DateTime.now, DateTime.toEpochMillis))
      yield* required(identity.getToken({ ...asUser, workloadAccessToken }))
    })
  )

  test(
    "a session that the service ends early ends a wait, and a poll, in ConsentTimedOut",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const { expireSession } = yield* IdentityControls.IdentityControls
      const waits = Consent.wait({ onAuthUrl: (_, { sessionUri }) => Effect.orDie(expireSession(sessionUri)) })
      const polls = Consent.make(({ sessionUri }, { poll }) =>
        Effect.zipRight(Effect.orDie(expireSession(sessionUri)), poll)
      )
      for (const consent of [waits, polls]) {
        const error = yield* Effect.flip(identity.getToken({ ...asUser, workloadAccessToken, consent }))
        assert.strictEqual(error._tag, "ConsentTimedOut")
      }
      assert.isAtMost(yield* Effect.map(DateTime.now, DateTime.toEpochMillis), 5000)
    })
  )

  test(
    "a wait fails with ConsentTimedOut after ten minutes without an answer",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      // The default makes 120 polls.
      const eachMinute = Schedule.spaced("1 minute").pipe(Schedule.upTo("10 minutes"))
      const tokenPoller = extent === "whole" ? undefined : eachMinute
      const error = yield* Effect.flip(
        identity.getToken({
          ...asUser,
          workloadAccessToken,
          consent: Consent.wait({ onAuthUrl: () => Effect.void, tokenPoller })
        })
      )
      assert.strictEqual(error._tag, "ConsentTimedOut")
      assert.strictEqual(yield* Effect.map(DateTime.now, DateTime.toEpochMillis), 600_000)
    })
  )

  test(
    "a schedule that is longer than the session ends with it, after a last poll",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const error = yield* Effect.flip(identity.getToken({
        ...asUser,
        workloadAccessToken,
        consent: Consent.wait({ onAuthUrl: () => Effect.void, tokenPoller: Schedule.spaced("4 minutes") })
      }))
      assert.strictEqual(error._tag, "ConsentTimedOut")
      assert.strictEqual(yield* Effect.map(DateTime.now, DateTime.toEpochMillis), 600_000)
    })
  )

  test(
    "two waits for the same user receive their own tokens, and no poll opens a session",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const { sessions } = yield* IdentityControls.IdentityControls
      const wait = (scope: string) =>
        identity.getToken({
          ...asUser,
          workloadAccessToken,
          scopes: [scope],
          consent: Consent.wait({ onAuthUrl: (_, consent) => consents(consent) })
        })
      const tokens = yield* Effect.all([wait("repo"), wait("mail")], { concurrency: "unbounded" })
      assert.strictEqual(new Set(tokens.map(Redacted.value)).size, 2)
      assert.strictEqual((yield* sessions).length, 2)
    })
  )

  test(
    "a waiting call receives the token of a consent in the last seconds of the session",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const token = yield* identity.getToken({
        ...asUser,
        workloadAccessToken,
        consent: Consent.wait({
          onAuthUrl: (_, consent) => Effect.forkDaemon(Effect.delay(consents(consent), "598 seconds")),
          tokenPoller: Schedule.spaced("85 seconds")
        })
      })
      assert.isNotEmpty(Redacted.value(token))
    })
  )

  test(
    "a wait with an endless schedule ends with the session, also if polls are throttled",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const { failNext } = yield* IdentityControls.IdentityControls
      const throttled = new IdentityError.Throttled({ operation: "GetResourceOauth2Token", message: "slow down" })
      const error = yield* Effect.flip(identity.getToken({
        ...asUser,
        workloadAccessToken,
        consent: Consent.wait({
          onAuthUrl: () => failNext("getResourceOauth2Token", throttled, 1000),
          tokenPoller: Schedule.spaced("55 seconds")
        })
      }))
      assert.strictEqual(error._tag, "ConsentTimedOut")
      assert.strictEqual(yield* Effect.map(DateTime.now, DateTime.toEpochMillis), 600_000)
    })
  )

  test(
    "transient failures do not end the wait, and a lasting one ends in ConsentTimedOut",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const { failNext } = yield* IdentityControls.IdentityControls
      const operation = "GetResourceOauth2Token"
      const throttled = new IdentityError.Throttled({ operation, message: "slow down" })
      const broken = new IdentityError.InternalServerError({ operation, message: "broken" })
      yield* identity.getToken({
        ...asUser,
        workloadAccessToken,
        consent: Consent.wait({
          onAuthUrl: (_, consent) =>
            failNext("getResourceOauth2Token", throttled, 2).pipe(
              Effect.zipRight(failNext("getResourceOauth2Token", broken)),
              Effect.zipRight(consents(consent))
            )
        })
      })
      const error = yield* Effect.flip(identity.getToken({
        ...asUser,
        workloadAccessToken,
        forceAuthentication: true,
        consent: Consent.wait({
          onAuthUrl: () => failNext("getResourceOauth2Token", throttled, 1000),
          tokenPoller: Schedule.spaced("1 minute")
        })
      }))
      assert.strictEqual(error._tag, "ConsentTimedOut")
    })
  )

  test(
    "a typed failure of onAuthUrl ends the call",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const error = yield* Effect.flip(
        identity.getToken({
          ...asUser,
          workloadAccessToken,
          consent: Consent.wait({ onAuthUrl: () => new Unreachable() })
        })
      )
      assert.strictEqual(error._tag, "Unreachable")
    })
  )

  test(
    "the schedule of the program applies, unless the call has one",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const wait = (tokenPoller?: Schedule.Schedule<unknown>) =>
        Effect.flip(
          identity.getToken({
            ...asUser,
            workloadAccessToken,
            consent: Consent.wait({ onAuthUrl: () => Effect.void, tokenPoller })
          })
        )
      const inOneMinute = TokenPoller.layer(
        Schedule.spaced("20 seconds").pipe(Schedule.upTo("1 minute"))
      )
      assert.strictEqual((yield* Effect.provide(wait(), inOneMinute))._tag, "ConsentTimedOut")
      assert.strictEqual(yield* Effect.map(DateTime.now, DateTime.toEpochMillis), 60_000)
      const own = wait(Schedule.spaced("20 seconds").pipe(Schedule.upTo("3 minutes")))
      assert.strictEqual((yield* Effect.provide(own, inOneMinute))._tag, "ConsentTimedOut")
      assert.strictEqual(yield* Effect.map(DateTime.now, DateTime.toEpochMillis), 240_000)
    })
  )

  test(
    "a strategy can obtain the token in another way, and can poll",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const request = { ...asUser, workloadAccessToken, forceAuthentication: true }
      const elsewhere = Consent.make(() => Effect.succeed(Redacted.make("from elsewhere")))
      assertEqual(yield* identity.getToken({ ...request, consent: elsewhere }), Redacted.make("from elsewhere"))
      const polling = Consent.make((consent, { poll }) =>
        Effect.gen(function*() {
          assert.strictEqual((yield* Effect.flip(poll))._tag, "ConsentPending")
          yield* Effect.orDie(consents(consent))
          return yield* poll
        })
      )
      assert.isNotEmpty(Redacted.value(yield* identity.getToken({ ...request, consent: polling })))
    })
  )

  test(
    "interruption ends the wait, and a second call succeeds",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const told = yield* Deferred.make<IdentityError.ConsentRequired>()
      const fiber = yield* Effect.fork(identity.getToken({
        ...asUser,
        workloadAccessToken,
        consent: Consent.wait({ onAuthUrl: (_, consent) => Deferred.succeed(told, consent) })
      }))
      const asked = yield* Deferred.await(told)
      const exit = yield* Fiber.interrupt(fiber)
      assert.isTrue(exit._tag === "Failure" && Cause.isInterruptedOnly(exit.cause))
      yield* consents(asked)
      yield* identity.getToken({ ...asUser, workloadAccessToken })
    })
  )
})
