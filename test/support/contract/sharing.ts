import { assert } from "@effect/vitest"
import { Data, Deferred, Effect, Exit, Fiber, Layer, Redacted, Ref, Schedule, TestServices } from "effect"
import * as Consent from "../../../src/Consent.js"
import * as ConsentLedger from "../../../src/ConsentLedger.js"
import * as ConsentSeal from "../../../src/ConsentSeal.js"
import * as IdentityControls from "../../../src/IdentityControls.js"
import type * as IdentityError from "../../../src/IdentityError.js"
import * as TokenPoller from "../../../src/TokenPoller.js"
import { agent, asUser, workloadName } from "../agent.js"
import { unhurried, withoutTimers } from "../clock.js"
import { consents, required } from "../consenting.js"
import { assertEqual, assertNotEqual } from "../equality.js"
import { section } from "./section.js"

class Unreachable extends Data.TaggedError("Unreachable")<{}> {}

const Resuming = Layer.merge(ConsentSeal.layerEphemeral, ConsentLedger.layerMemory)

const five = { concurrency: "unbounded" } as const

/** Token requests and polls that the service received. */
const requests = Effect.gen(function*() {
  const { journal } = yield* IdentityControls.IdentityControls
  return (yield* journal).filter(({ operation }) => operation === "getResourceOauth2Token").length
})

/** Waits for this number of requests, in real time. */
const askedFor = (count: number) =>
  Effect.repeat(requests, { until: (found) => found >= count, schedule: Schedule.spaced("1 millis") }).pipe(
    TestServices.provideLive
  )

/** Sessions that the service opened. */
const sessions = Effect.gen(function*() {
  const { sessions } = yield* IdentityControls.IdentityControls
  return (yield* sessions).length
})

/** A strategy that waits for the completion and never polls, and the consents that it showed. */
const showing = Effect.gen(function*() {
  const shown = yield* Ref.make<ReadonlyArray<IdentityError.ConsentRequired>>([])
  const first = yield* Deferred.make<IdentityError.ConsentRequired>()
  const consent = Consent.wait({
    onAuthUrl: (_, consent) =>
      Effect.zipRight(Ref.update(shown, (all) => [...all, consent]), Deferred.succeed(first, consent)),
    tokenPoller: TokenPoller.completionOnly
  })
  return { consent, shown: Ref.get(shown), first: Deferred.await(first) }
})

/** Concurrent calls that request the same grant share its request, its session and its result, on every layer. */
export const sharing = section("sharing", (test) => {
  test(
    "fifty concurrent calls for one machine token send one request",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const options = { providerName: "github", scopes: ["a", "b"], authFlow: "M2M", workloadAccessToken } as const
      const tokens = yield* Effect.forEach(
        Array.from({ length: 50 }),
        (_, index) => identity.getToken({ ...options, scopes: index % 2 === 0 ? ["a", "b"] : ["b", "a", "b"] }),
        five
      )
      assert.lengthOf(new Set(tokens.map(Redacted.value)), 1)
      assert.strictEqual(yield* requests, 1)
    })
  )

  test(
    "a call after another one sends a request of its own",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const options = { providerName: "github", scopes: [], authFlow: "M2M", workloadAccessToken } as const
      yield* identity.getToken(options)
      yield* identity.getToken(options)
      assert.strictEqual(yield* requests, 2)
    })
  )

  test(
    "five concurrent calls under the strategy of the program prompt the user once, and all receive the token",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const { consent, first, shown } = yield* showing
      const calls = yield* Effect.fork(
        Effect.replicateEffect(identity.getToken({ ...asUser, workloadAccessToken }), 5, five).pipe(
          Effect.provide(Consent.layer(consent))
        )
      )
      yield* consents(yield* first)
      const tokens = yield* Fiber.join(calls)
      assert.lengthOf(tokens, 5)
      assert.lengthOf(new Set(tokens.map(Redacted.value)), 1)
      assert.lengthOf(yield* shown, 1)
      assertEqual([yield* sessions, yield* requests], [1, 2])
    })
  )

  test(
    "five concurrent calls that poll send one series of polls",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const shown = yield* Deferred.make<IdentityError.ConsentRequired>()
      const consent = Consent.wait({
        onAuthUrl: (_, consent) => Deferred.succeed(shown, consent),
        tokenPoller: Schedule.spaced("1 minute")
      })
      const calls = yield* Effect.fork(
        Effect.replicateEffect(identity.getToken({ ...asUser, workloadAccessToken, consent }), 5, five)
      )
      yield* Deferred.await(shown)
      yield* Effect.sleep("210 seconds")
      assert.strictEqual(yield* requests, 4)
      yield* consents(yield* Deferred.await(shown))
      assert.lengthOf(yield* Fiber.join(calls), 5)
      assertEqual([yield* sessions, yield* requests], [1, 5])
    })
  )

  test(
    "a call that joins later has the same session, with the state that was sent, and receives the same token",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const { consent, first } = yield* showing
      const options = { ...asUser, workloadAccessToken }
      const waiting = yield* Effect.fork(
        withoutTimers(identity.getToken({ ...options, customState: "first", consent }))
      )
      const { authorizationUrl, sessionUri } = yield* first
      const joined = yield* required(identity.getToken({ ...options, customState: "second", consent: Consent.fail }))
      assertEqual(joined.sessionUri, sessionUri)
      assertEqual(joined.authorizationUrl, authorizationUrl)
      assertEqual(joined.customState, Redacted.make("first"))
      const later = yield* Effect.fork(withoutTimers(identity.getToken({ ...options, consent })))
      yield* askedFor(3)
      assert.strictEqual(yield* sessions, 1)
      yield* consents(joined)
      assertEqual(yield* Fiber.join(later), yield* Fiber.join(waiting))
    })
  )

  test(
    "a call that joins a session polls it once, and receives the token that the waiting calls have not noticed",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const { approve, complete } = yield* IdentityControls.IdentityControls
      const shown = yield* Deferred.make<IdentityError.ConsentRequired>()
      // Waits for something else than the token of its session.
      const consent = Consent.make((consent) => Effect.zipRight(Deferred.succeed(shown, consent), Effect.never))
      const options = { ...asUser, workloadAccessToken }
      const waiting = yield* Effect.fork(identity.getToken({ ...options, consent }))
      const { sessionUri } = yield* Deferred.await(shown)
      const before = yield* requests
      assertEqual((yield* required(identity.getToken({ ...options, consent: Consent.fail }))).sessionUri, sessionUri)
      assert.strictEqual((yield* requests) - before, 1)
      yield* approve(sessionUri)
      yield* complete(sessionUri)
      assert.isNotEmpty(Redacted.value(yield* identity.getToken({ ...options, consent: Consent.fail })))
      assert.strictEqual(yield* sessions, 1)
      yield* Fiber.interrupt(waiting)
    })
  )

  test(
    "five concurrent calls that are suspended have five handles of one session, and five resumed calls five tokens",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const all = yield* Effect.replicateEffect(
        required(identity.getToken({ ...asUser, workloadAccessToken, consent: Consent.suspend })),
        5,
        five
      )
      assert.strictEqual(yield* sessions, 1)
      assert.lengthOf(new Set(all.map(({ sessionUri }) => Redacted.value(sessionUri))), 1)
      const handles = all.map(({ handle }) => handle ?? Redacted.make("none"))
      assert.lengthOf(new Set(handles.map(Redacted.value)), 5)
      for (const consent of all.slice(0, 1)) yield* consents(consent)
      const resume = (handle: Redacted.Redacted) => identity.resume(handle, { workloadAccessToken })
      assert.lengthOf(yield* Effect.forEach(handles, resume, five), 5)
      for (const handle of handles) assert.strictEqual((yield* Effect.flip(resume(handle)))._tag, "HandleRejected")
    }).pipe(Effect.provide(Resuming))
  )

  test(
    "onAuthUrl of each strategy runs once, with the same session",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const [one, other] = [yield* showing, yield* showing]
      const calls = yield* Effect.fork(Effect.forEach(
        [one, other, one, other, one],
        ({ consent }) => identity.getToken({ ...asUser, workloadAccessToken, consent }),
        five
      ))
      const first = yield* one.first
      assertEqual((yield* other.first).sessionUri, first.sessionUri)
      yield* consents(first)
      assert.lengthOf(yield* Fiber.join(calls), 5)
      assertEqual([(yield* one.shown).length, (yield* other.shown).length], [1, 1])
    })
  )

  test(
    "if the call that runs onAuthUrl is interrupted, the next one runs it, and the others are not affected",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const started = yield* Deferred.make<void>()
      const second = yield* Deferred.make<IdentityError.ConsentRequired>()
      const consent = Consent.wait({
        onAuthUrl: (_, consent) =>
          Effect.flatMap(
            Deferred.succeed(started, undefined),
            (isFirst) => isFirst ? Effect.never : Deferred.succeed(second, consent)
          ),
        tokenPoller: TokenPoller.completionOnly
      })
      const call = identity.getToken({ ...asUser, workloadAccessToken, consent })
      const first = yield* Effect.fork(call)
      yield* Deferred.await(started)
      const others = yield* Effect.replicateEffect(Effect.fork(call), 2)
      yield* Effect.sleep("1 second")
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(first)))
      yield* consents(yield* Deferred.await(second))
      for (const other of others) assert.isNotEmpty(Redacted.value(yield* Fiber.join(other)))
      assert.strictEqual(yield* sessions, 1)
    })
  )

  test(
    "a failure of onAuthUrl ends every call with its strategy, and no other",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const { consent, first } = yield* showing
      const waiting = yield* Effect.fork(withoutTimers(identity.getToken({ ...asUser, workloadAccessToken, consent })))
      const shown = yield* first
      const failing = Consent.wait({ onAuthUrl: () => new Unreachable() })
      const errors = yield* Effect.replicateEffect(
        Effect.flip(identity.getToken({ ...asUser, workloadAccessToken, consent: failing })),
        3,
        five
      )
      assertEqual(errors.map(({ _tag }) => _tag), ["Unreachable", "Unreachable", "Unreachable"])
      yield* consents(shown)
      assert.isNotEmpty(Redacted.value(yield* Fiber.join(waiting)))
    })
  )

  test(
    "the schedule of a call ends only its own wait",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const { consent, first } = yield* showing
      const options = { ...asUser, workloadAccessToken }
      const waiting = yield* Effect.fork(withoutTimers(identity.getToken({ ...options, consent })))
      const shown = yield* first
      const impatient = Consent.wait({ onAuthUrl: () => Effect.void, tokenPoller: Schedule.stop })
      const error = yield* Effect.flip(identity.getToken({ ...options, consent: impatient }))
      assert.strictEqual(error._tag, "ConsentTimedOut")
      yield* consents(shown)
      assert.isNotEmpty(Redacted.value(yield* Fiber.join(waiting)))
    })
  )

  test(
    "a denial ends all calls that wait for the session",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const { deny } = yield* IdentityControls.IdentityControls
      const shown = yield* Deferred.make<IdentityError.ConsentRequired>()
      const consent = Consent.wait({ onAuthUrl: (_, consent) => Deferred.succeed(shown, consent) })
      const calls = yield* Effect.fork(Effect.replicateEffect(
        Effect.flip(identity.getToken({ ...asUser, workloadAccessToken, consent })),
        5,
        five
      ))
      yield* unhurried(Effect.flatMap(Deferred.await(shown), ({ sessionUri }) => deny(sessionUri)))
      const errors = yield* Fiber.join(calls)
      assert.lengthOf(errors.filter(({ _tag }) => _tag === "ConsentDenied"), 5)
    })
  )

  test(
    "a forced call does not join a call that is not forced, and joins a forced one",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const [plain, forced] = [yield* showing, yield* showing]
      const options = { ...asUser, workloadAccessToken }
      const waiting = yield* Effect.fork(identity.getToken({ ...options, consent: plain.consent }))
      const first = yield* plain.first
      const force = { ...options, forceAuthentication: true, consent: forced.consent }
      const both = yield* Effect.fork(Effect.replicateEffect(identity.getToken(force), 2, five))
      const second = yield* forced.first
      assertNotEqual(second.sessionUri, first.sessionUri)
      assert.strictEqual(yield* sessions, 2)
      yield* consents(second)
      assert.lengthOf(yield* Fiber.join(both), 2)
      yield* consents(first)
      assert.isNotEmpty(Redacted.value(yield* Fiber.join(waiting)))
      // Neither session may end while the other one is used.
    }).pipe(unhurried)
  )

  test(
    "two tokens that were requested for one user belong to one grant, and other users, scopes and providers do not",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const { consent, first } = yield* showing
      yield* Effect.fork(withoutTimers(identity.getToken({ ...asUser, workloadAccessToken, consent })))
      const { sessionUri } = yield* first
      const other = { ...asUser, consent: Consent.fail }
      const again = yield* identity.getWorkloadAccessToken({ workloadName, userId: "ada" })
      assertNotEqual(again, workloadAccessToken)
      assertEqual((yield* required(identity.getToken({ ...other, workloadAccessToken: again }))).sessionUri, sessionUri)
      const grace = yield* identity.getWorkloadAccessToken({ workloadName, userId: "grace" })
      // The same token from elsewhere: only its text is known.
      const unknown = Redacted.make(Redacted.value(again))
      const different = [
        { ...other, workloadAccessToken: grace },
        { ...other, workloadAccessToken: unknown },
        { ...other, workloadAccessToken, scopes: ["repo", "mail"] },
        { ...other, workloadAccessToken, customParameters: { prompt: "consent" } }
      ]
      for (const options of different) {
        assertNotEqual((yield* required(identity.getToken(options))).sessionUri, sessionUri)
      }
    })
  )

  test(
    "the completion of an earlier session of the grant wakes a call that waits for another one, which requests the token once more",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const options = { ...asUser, workloadAccessToken }
      const earlier = yield* required(identity.getToken({ ...options, consent: Consent.fail }))
      const { consent, first } = yield* showing
      const calls = yield* Effect.fork(Effect.replicateEffect(identity.getToken({ ...options, consent }), 2, five))
      assertNotEqual((yield* first).sessionUri, earlier.sessionUri)
      yield* consents(earlier)
      assert.lengthOf(yield* Fiber.join(calls), 2)
      // Two requests that opened sessions, a poll that found no token, and the new request.
      assertEqual([yield* sessions, yield* requests], [2, 4])
    })
  )

  test(
    "a reauthentication shares its session in the same way",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const options = { ...asUser, workloadAccessToken }
      yield* consents(yield* required(identity.getToken(options)))
      const refused = yield* identity.getToken(options)
      const { consent, first, shown } = yield* showing
      const before = yield* requests
      const calls = yield* Effect.fork(
        Effect.replicateEffect(identity.reauthenticate({ ...options, refused, consent }), 5, five)
      )
      yield* consents(yield* first)
      const tokens = yield* Fiber.join(calls)
      assert.lengthOf(new Set(tokens.map(Redacted.value)), 1)
      assertNotEqual(tokens[0], refused)
      assert.lengthOf(yield* shown, 1)
      // The request, the forced request, and one poll.
      assert.strictEqual((yield* requests) - before, 3)
    })
  )
})
