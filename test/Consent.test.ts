import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Exit, Fiber, Layer, Option, Redacted, TestClock, type Tracer } from "effect"
import * as Consent from "../src/Consent.js"
import * as IdentityControls from "../src/IdentityControls.js"
import type * as IdentityError from "../src/IdentityError.js"
import * as IdentityService from "../src/IdentityService.js"
import * as TokenPoller from "../src/TokenPoller.js"
import { agent, asUser, workloadName } from "./support/agent.js"
import { consents } from "./support/consenting.js"
import { assertEqual } from "./support/equality.js"

/** The moments at which the service was asked for a token. */
const calls = Effect.gen(function*() {
  const { journal } = yield* IdentityControls.IdentityControls
  return (yield* journal).flatMap(({ at, operation }) => operation === "getResourceOauth2Token" ? [at.epochMillis] : [])
})

class Name extends Context.Tag("Name")<Name, string>() {}

describe("Consent", () => {
  it.effect("all waits share one budget of polls, and use most of it", () =>
    Effect.gen(function*() {
      const { identity } = yield* agent
      const users = Array.from({ length: 30 }, (_, n) => `user-${n}`)
      const wait = (userId: string) =>
        Effect.flatMap(identity.getWorkloadAccessToken({ workloadName, userId }), (workloadAccessToken) =>
          identity.getToken({
            ...asUser,
            workloadAccessToken,
            consent: Consent.wait({
              onAuthUrl: () =>
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

  it.effect("a strategy may end its wait and begin another, which the completion wakes as well", () =>
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const shown = yield* Deferred.make<IdentityError.ConsentRequired>()
      const reminding = Consent.make((consent, { wait }) =>
        Deferred.succeed(shown, consent).pipe(
          Effect.zipRight(Effect.timeoutOption(wait(), "12 seconds")),
          Effect.flatMap(Option.match({ onNone: () => wait(), onSome: Effect.succeed }))
        )
      )
      const fiber = yield* Effect.fork(identity.getToken({ ...asUser, workloadAccessToken, consent: reminding }))
      const consent = yield* Deferred.await(shown)
      yield* TestClock.adjust("23 seconds")
      // At 5, 10, 17 and 22 seconds.
      assertEqual((yield* calls).map((at, _, [first = 0]) => at - first), [0, 5000, 10_000, 17_000, 22_000])
      yield* consents(consent)
      assert.isNotEmpty(Redacted.value(yield* Fiber.join(fiber)))
    }).pipe(Effect.provide(IdentityService.layerTest)))

  it.effect("a call is one span of a trace, which includes its wait and onAuthUrl", () =>
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const spans: Array<Tracer.AnySpan> = []
      const here = Effect.map(Effect.currentParentSpan, (span) => spans.push(span))
      const shown = yield* Deferred.make<IdentityError.ConsentRequired>()
      const call = identity.getToken({
        ...asUser,
        workloadAccessToken,
        consent: Consent.wait({ onAuthUrl: (_, consent) => Effect.zipRight(here, Deferred.succeed(shown, consent)) })
      })
      const caller = yield* Effect.makeSpan("caller")
      const fiber = yield* Effect.fork(Effect.withParentSpan(Effect.zipRight(Effect.exit(call), here), caller))
      const { sessionUri } = yield* Deferred.await(shown)
      // The wait ends at once when its session is denied.
      yield* TestClock.adjust("4 seconds")
      yield* (yield* IdentityControls.IdentityControls).deny(sessionUri)
      yield* Fiber.join(fiber)

      const [span, after] = spans
      assert.strictEqual(after, caller)
      if (span?._tag !== "Span" || span.status._tag !== "Ended") return assert.fail("the span has not ended")
      assert.strictEqual(span.name, "IdentityService.getToken")
      assert.strictEqual(Option.getOrUndefined(span.parent), caller)
      assertEqual([...span.attributes], [["providerName", "github"], ["authFlow", "USER_FEDERATION"]])
      assert.strictEqual(span.status.endTime - span.status.startTime, 4_000_000_000n)
      assert.isTrue(Exit.isFailure(span.status.exit))
    }).pipe(Effect.provide(IdentityService.layerTest)))

  it.effect("without a strategy a call fails with ConsentRequired; the strategy of the program applies to calls without their own", () =>
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const options = { ...asUser, workloadAccessToken }
      assert.strictEqual(yield* Consent.ProgramStrategy, Consent.fail)
      const of = (name: string) => Consent.make(() => Effect.succeed(Redacted.make(name)))
      const program = Effect.provide(Consent.layer(of("the program's")))
      assertEqual(yield* program(identity.getToken(options)), Redacted.make("the program's"))
      assertEqual(
        yield* program(identity.getToken({ ...options, consent: of("the call's") })),
        Redacted.make("the call's")
      )
    }).pipe(Effect.provide(IdentityService.layerTest)))

  it.effect("a strategy of a program has the services of its layer", () =>
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const strategy = Consent.make(() => Effect.map(Name, Redacted.make))
      const layer = Consent.layer(strategy).pipe(Layer.provide(Layer.succeed(Name, "of the layer")))
      const token = yield* Effect.provide(identity.getToken({ ...asUser, workloadAccessToken }), layer)
      assertEqual(token, Redacted.make("of the layer"))
    }).pipe(Effect.provide(IdentityService.layerTest)))
})
