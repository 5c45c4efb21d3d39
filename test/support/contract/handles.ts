import { assert } from "@effect/vitest"
import { Cause, DateTime, Effect, Exit, Fiber, Layer, Redacted, Schedule, TestServices } from "effect"
import * as Consent from "../../../src/Consent.js"
import * as ConsentLedger from "../../../src/ConsentLedger.js"
import * as ConsentSeal from "../../../src/ConsentSeal.js"
import * as IdentityControls from "../../../src/IdentityControls.js"
import * as IdentityError from "../../../src/IdentityError.js"
import * as IdentityService from "../../../src/IdentityService.js"
import { agent, asUser, workloadName } from "../agent.js"
import { unhurried, withoutTimers } from "../clock.js"
import { consents, required } from "../consenting.js"
import { assertContains, assertEqual } from "../equality.js"
import { section } from "./section.js"

const Resuming = Layer.merge(ConsentSeal.layerEphemeral, ConsentLedger.layerMemory)

const handleOf = (consent: IdentityError.ConsentRequired) => consent.handle ?? Redacted.make("none")

/** Number of token requests. */
const calls = Effect.gen(function*() {
  const { journal } = yield* IdentityControls.IdentityControls
  return (yield* journal).filter(({ operation }) => operation === "getResourceOauth2Token")
})

/** Waits for this number of token requests. A handle is opened in real time, which the test clock does not control. */
const askedFor = (count: number) =>
  Effect.repeat(calls, { until: (all) => all.length >= count, schedule: Schedule.spaced("1 millis") }).pipe(
    TestServices.provideLive,
    unhurried
  )

/** Suspended calls and their handles on every layer. */
export const handles = section("handles", (test) => {
  test(
    "a suspended call can be resumed in another process, and returns the token of the same request",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const consent = yield* required(identity.getToken({
        ...asUser,
        workloadAccessToken,
        customParameters: { access_type: "offline" },
        consent: Consent.suspend
      }))
      const handle = handleOf(consent)
      assert.notInclude(Redacted.value(handle), "github")
      const elsewhere = yield* IdentityService.make
      const resumed = yield* Effect.fork(elsewhere.resume(handle, { workloadAccessToken }))
      yield* askedFor(2)
      yield* Effect.sleep("7 seconds")
      yield* consents(consent)
      const token = yield* Fiber.join(resumed)
      assertEqual(token, yield* identity.getToken({ ...asUser, workloadAccessToken }))
      const asked = (yield* calls).slice(0, 3).map(({ request }) => ({
        ...(typeof request === "object" ? request : {}),
        sessionUri: undefined
      }))
      assertEqual(asked[1], asked[0])
      assertEqual(asked[2], asked[0])
    }).pipe(Effect.provide(Resuming))
  )

  test(
    "resume without waiting fails with ConsentPending until the user has consented, and leaves the handle valid",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const consent = yield* required(identity.getToken({ ...asUser, workloadAccessToken, consent: Consent.suspend }))
      const resume = identity.resume(handleOf(consent), { wait: false, workloadAccessToken })
      for (const _ of [1, 2]) assert.strictEqual((yield* Effect.flip(resume))._tag, "ConsentPending")
      assert.lengthOf(yield* calls, 3)
      yield* consents(consent)
      assert.isNotEmpty(Redacted.value(yield* resume))
      assertContains(yield* Effect.flip(resume), { _tag: "HandleRejected", reason: "Replayed" })
    }).pipe(Effect.provide(Resuming))
  )

  test(
    "resume without waiting reports a denied consent and an expired session",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const { deny } = yield* IdentityControls.IdentityControls
      const suspended = (scope: string) =>
        required(identity.getToken({ ...asUser, scopes: [scope], workloadAccessToken, consent: Consent.suspend }))
      const denied = yield* suspended("a")
      const expired = yield* suspended("b")
      const resume = (consent: IdentityError.ConsentRequired) =>
        Effect.flip(identity.resume(handleOf(consent), { wait: false, workloadAccessToken }))
      yield* deny(denied.sessionUri)
      assert.strictEqual((yield* resume(denied))._tag, "ConsentDenied")
      yield* Effect.sleep("601 seconds")
      assertContains(yield* resume(expired), { _tag: "HandleRejected", reason: "Expired" })
    }).pipe(Effect.provide(Resuming))
  )

  test(
    "a session that the service ends early is Expired for resume, and AccessDenied stays for another user",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const { expireSession } = yield* IdentityControls.IdentityControls
      const consent = yield* required(identity.getToken({ ...asUser, workloadAccessToken, consent: Consent.suspend }))
      const renewed = yield* identity.getWorkloadAccessToken({ workloadName, userId: "ada" })
      const mallory = yield* identity.getWorkloadAccessToken({ workloadName, userId: "mallory" })
      const resumed = (workloadAccessToken: Redacted.Redacted) =>
        Effect.all([
          Effect.flip(identity.resume(handleOf(consent), { wait: false, workloadAccessToken })),
          Effect.flip(identity.resume(handleOf(consent), { workloadAccessToken }))
        ])
      for (const error of yield* resumed(mallory)) assert.strictEqual(error._tag, "AccessDenied")
      yield* expireSession(consent.sessionUri)
      for (const token of [workloadAccessToken, renewed]) {
        for (const error of yield* resumed(token)) {
          assertContains(error, { _tag: "HandleRejected", reason: "Expired" })
        }
      }
    }).pipe(Effect.provide(Resuming))
  )

  test(
    "five handles of one session return five tokens, and each handle returns one",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const handles: Array<Redacted.Redacted> = []
      const shared = Consent.make((consent, waiting) =>
        Effect.flip(Consent.suspend.onConsent(consent, waiting)).pipe(
          Effect.tap((suspended) => Effect.sync(() => handles.push(handleOf(suspended)))),
          Effect.repeatN(4),
          Effect.flip
        )
      )
      const consent = yield* required(identity.getToken({ ...asUser, workloadAccessToken, consent: shared }))
      yield* consents(consent)
      const tokens = yield* Effect.forEach(handles, (handle) => identity.resume(handle, { workloadAccessToken }))
      const token = yield* identity.getToken({ ...asUser, workloadAccessToken })
      assertEqual(tokens, [token, token, token, token, token])
      for (const handle of handles) {
        assertContains(yield* Effect.flip(identity.resume(handle, { workloadAccessToken })), {
          _tag: "HandleRejected",
          reason: "Replayed"
        })
      }
    }).pipe(Effect.provide(Resuming))
  )

  test(
    "a program can suspend all its calls",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const consent = yield* required(identity.getToken({ ...asUser, workloadAccessToken }))
      yield* consents(consent)
      yield* identity.resume(handleOf(consent), { workloadAccessToken })
    }).pipe(Effect.provide(Consent.layer(Consent.suspend).pipe(Layer.provideMerge(Resuming))))
  )

  test(
    "a handle that is changed, foreign, expired or used is rejected with the reason",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const suspended = Effect.map(
        required(identity.getToken({ ...asUser, workloadAccessToken, consent: Consent.suspend })),
        (consent) => ({ consent, handle: handleOf(consent) })
      )
      const reasonOf = (handle: Redacted.Redacted) =>
        Effect.map(
          Effect.flip(identity.resume(handle, { workloadAccessToken })),
          (error) => error._tag === "HandleRejected" ? error.reason : error._tag
        )
      const { consent, handle } = yield* suspended
      const text = Redacted.value(handle)
      assert.strictEqual(yield* reasonOf(Redacted.make("nonsense")), "Malformed")
      const other = text.at(-5) === "A" ? "Q" : "A"
      assert.strictEqual(yield* reasonOf(Redacted.make(`${text.slice(0, -5)}${other}${text.slice(-4)}`)), "Changed")
      assert.strictEqual(
        yield* reasonOf(handle).pipe(Effect.provide(ConsentSeal.layerEphemeral)),
        "Foreign"
      )
      yield* consents(consent)
      yield* identity.resume(handle, { workloadAccessToken })
      assert.strictEqual(yield* reasonOf(handle), "Replayed")
      const later = yield* Effect.flip(
        identity.getToken({ ...asUser, scopes: ["mail"], workloadAccessToken, consent: Consent.suspend })
      )
      assert.isTrue(later instanceof IdentityError.ConsentRequired)
      if (later instanceof IdentityError.ConsentRequired) {
        yield* Effect.sleep("601 seconds")
        assert.strictEqual(yield* reasonOf(handleOf(later)), "Expired")
      }
    }).pipe(Effect.provide(Resuming))
  )

  test(
    "a used handle is Replayed until its session expires, and then Expired",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const consent = yield* required(
        identity.getToken({ ...asUser, workloadAccessToken, consent: Consent.suspend })
      )
      yield* consents(consent)
      const resume = identity.resume(handleOf(consent), { workloadAccessToken })
      yield* resume
      const left = DateTime.distance(yield* DateTime.now, consent.expiresAt)
      for (const [delay, reason] of [[0, "Replayed"], [left - 1000, "Replayed"], [1000, "Expired"]] as const) {
        yield* Effect.sleep(delay)
        const error = yield* Effect.flip(resume)
        assert.strictEqual(error._tag === "HandleRejected" ? error.reason : error._tag, reason)
      }
    }).pipe(Effect.provide(Resuming))
  )

  test(
    "two calls resume one handle: if one is interrupted, the completion wakes the other at once",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const consent = yield* required(
        identity.getToken({ ...asUser, workloadAccessToken, consent: Consent.suspend })
      )
      const resume = withoutTimers(identity.resume(handleOf(consent), { workloadAccessToken }))
      const leaving = yield* Effect.fork(resume)
      const staying = yield* Effect.fork(resume)
      yield* askedFor(2)
      yield* Effect.sleep("1 second")
      const exit = yield* Fiber.interrupt(leaving)
      assert.isTrue(Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause))
      yield* consents(consent)
      assert.isNotEmpty(Redacted.value(yield* Fiber.join(staying)))
    }).pipe(Effect.provide(Resuming))
  )

  test(
    "another user receives no token for a handle, and the handle stays valid for its user",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const consent = yield* required(
        identity.getToken({ ...asUser, workloadAccessToken, consent: Consent.suspend })
      )
      yield* consents(consent)
      const mallory = yield* identity.getWorkloadAccessToken({ workloadName, userId: "mallory" })
      const error = yield* Effect.flip(identity.resume(handleOf(consent), { workloadAccessToken: mallory }))
      assert.strictEqual(error._tag, "AccessDenied")
      yield* identity.resume(handleOf(consent), { workloadAccessToken })
    }).pipe(Effect.provide(Resuming))
  )

  test(
    "one of many calls with one handle receives the token, and an interrupted call leaves the handle valid",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const consent = yield* required(
        identity.getToken({ ...asUser, workloadAccessToken, consent: Consent.suspend })
      )
      const resume = identity.resume(handleOf(consent), { workloadAccessToken })
      const first = yield* Effect.fork(resume)
      yield* Effect.sleep("6 seconds")
      const interrupted = yield* Fiber.interrupt(first)
      assert.isTrue(Exit.isFailure(interrupted) && Cause.isInterruptedOnly(interrupted.cause))
      yield* consents(consent)
      const all = yield* Effect.forEach(Array.from({ length: 10 }), () => Effect.either(resume), {
        concurrency: "unbounded"
      })
      assert.strictEqual(all.filter((one) => one._tag === "Right").length, 1)
    }).pipe(Effect.provide(Resuming))
  )
})
