import { assert, describe, it } from "@effect/vitest"
import {
  Clock,
  DateTime,
  Deferred,
  Effect,
  Either,
  Exit,
  Fiber,
  Layer,
  Queue,
  Redacted,
  Schedule,
  TestClock
} from "effect"
import * as Consent from "../src/Consent.js"
import * as ConsentLedger from "../src/ConsentLedger.js"
import * as ConsentSeal from "../src/ConsentSeal.js"
import * as Credential from "../src/Credential.js"
import * as IdentityError from "../src/IdentityError.js"
import * as ledgerMemory from "../src/internal/consent/ledgerMemory.js"
import * as TokenPoller from "../src/TokenPoller.js"
import { assertEqual } from "./support/equality.js"
import { answering, inProgress, sessionUri, throttled, token, type TokenReply } from "./support/stub.js"

const operation = "GetResourceOauth2Token"

const workloadAccessToken = Redacted.make("workload-access-token")

const user = {
  providerName: "github",
  scopes: ["repo"],
  authFlow: "USER_FEDERATION",
  callbackUrl: "https://app.example/return",
  workloadAccessToken
} as const

/** Everything that a call can ask for. */
const full = {
  ...user,
  resources: ["https://api.example"],
  audiences: ["api"],
  customParameters: { access_type: "offline", prompt: Redacted.make("consent") },
  customState: "state"
} as const

const Resuming = Layer.merge(ConsentSeal.layerEphemeral, ConsentLedger.layerMemory)

/** The answer to a poll of any session. */
const pending: TokenReply = { ...inProgress, sessionUri: undefined }

const granted: TokenReply = token("the-token")

type Answer = ReturnType<Parameters<typeof answering>[0]>

/** A call that was suspended, and the service that answers its polls; `polled` ends with the next of these. */
const suspended = (poll: (index: number) => Answer, options: typeof user | typeof full = user, session = sessionUri) =>
  Effect.gen(function*() {
    const polls = yield* Queue.unbounded<number>()
    const { identity, requests } = yield* answering((request, index) =>
      request.sessionUri === undefined
        ? Effect.succeed({ ...inProgress, sessionUri: session })
        : Effect.zipRight(
          Effect.flatMap(Clock.currentTimeMillis, (now) => Queue.offer(polls, now)),
          poll(index - 1)
        )
    )
    const consent = yield* Effect.flip(identity.getToken({ ...options, consent: Consent.suspend }))
    if (consent._tag !== "ConsentRequired") return yield* Effect.dieMessage(consent._tag)
    const handle = consent.handle ?? Redacted.make("none")
    const resume = (tokenPoller?: Schedule.Schedule<unknown>, given = handle) =>
      identity.resume(given, { workloadAccessToken, tokenPoller })
    const complete = identity.completeResourceTokenAuth({
      sessionUri: session,
      userIdentifier: Credential.userId("ada")
    })
    return {
      identity,
      consent,
      handle,
      resume,
      complete,
      requests,
      polled: Queue.take(polls),
      polls: Queue.size(polls)
    }
  })

/** The error of a resumed call, or the reason of its rejection. */
const errorOf = <E extends IdentityError.IdentityError | IdentityError.LedgerFailure, R>(
  self: Effect.Effect<Redacted.Redacted, E, R>
) => Effect.map(Effect.flip(self), (error) => error._tag === "HandleRejected" ? error.reason : error._tag)

const accessDenied = new IdentityError.AccessDenied({ operation, message: "no" })

/** A ledger in memory, whose entries a test sees, with some of its methods replaced. */
const spied = (replaced: Partial<ConsentLedger.ConsentLedger["Type"]> = {}) => {
  const entries = new Map<string, ledgerMemory.Entry>()
  const ledger = Layer.succeed(ConsentLedger.ConsentLedger, { ...ledgerMemory.make(entries), ...replaced })
  return { entries, layer: Layer.merge(ConsentSeal.layerEphemeral, ledger) }
}

const test = <A, E>(title: string, body: Effect.Effect<A, E, ConsentSeal.ConsentSeal | ConsentLedger.ConsentLedger>) =>
  it.effect(title, () => Effect.provide(body, Resuming))

describe("resume without waiting", () => {
  test(
    "sends one poll and reports what it found: no other error stands for a session that the service has ended",
    Effect.gen(function*() {
      const other = { ...inProgress, sessionUri: Redacted.make(`${Redacted.value(sessionUri)}-2`) }
      for (
        const [poll, expected] of [
          [Effect.succeed(inProgress), "ConsentPending"],
          [Effect.succeed(other), "Expired"],
          [Effect.succeed({ ...inProgress, sessionStatus: "FAILED" } as const), "ConsentDenied"],
          [Effect.fail(throttled), "Throttled"],
          [Effect.fail(accessDenied), "AccessDenied"]
        ] as const
      ) {
        const { handle, identity, polls } = yield* suspended(() => poll)
        assert.strictEqual(
          yield* errorOf(identity.resume(handle, { wait: false, workloadAccessToken })),
          expected
        )
        assert.strictEqual(yield* polls, 1, expected)
      }
    })
  )
})

describe("a handle", () => {
  test(
    "is all that a suspended consent has in addition",
    Effect.gen(function*() {
      const { consent, identity } = yield* suspended(() => Effect.succeed(granted), full)
      const { handle, ...members } = consent
      assertEqual<unknown>({ ...(yield* Effect.flip(identity.getToken(full))) }, members)
      assert.isTrue(Redacted.isRedacted(handle))
    })
  )

  test(
    "continues the same request for the caller's token, with the session and without forcing",
    Effect.gen(function*() {
      const { identity, requests } = yield* answering((_, index) => Effect.succeed(index === 0 ? inProgress : granted))
      const consent = yield* Effect.flip(
        identity.getToken({ ...full, forceAuthentication: true, consent: Consent.suspend })
      )
      const handle = consent._tag === "ConsentRequired" ? consent.handle : undefined
      const renewed = Redacted.make("renewed-token")
      yield* identity.resume(handle ?? Redacted.make("none"), { workloadAccessToken: renewed })
      const [first, second] = yield* requests
      assert.isDefined(first)
      assertEqual<unknown>(second, {
        ...first,
        workloadIdentityToken: renewed,
        sessionUri,
        forceAuthentication: undefined
      })
    })
  )

  test(
    "that has no consent in it, or was sealed for another purpose, is rejected without a request",
    Effect.gen(function*() {
      const { polls, resume } = yield* suspended(() => Effect.succeed(granted))
      const { seal } = yield* ConsentSeal.ConsentSeal
      for (
        const text of ["", "nonsense", "{}", "null", `{"_tag":"ConsentRequired","providerName":"github"}`, `{"id":"a"}`]
      ) {
        assert.strictEqual(yield* errorOf(resume(undefined, yield* seal("resume", Redacted.make(text)))), "Malformed")
        assert.strictEqual(yield* errorOf(resume(undefined, yield* seal("binding", Redacted.make(text)))), "Changed")
      }
      assert.strictEqual(yield* polls, 0)
    })
  )

  test(
    "is good until its session ends, and not at the end",
    Effect.gen(function*() {
      for (const [wait, end] of [[599_999, "token"], [600_000, "Expired"]] as const) {
        const { polls, resume } = yield* suspended(
          () => Effect.succeed(granted),
          user,
          Redacted.make(`session ${wait}`)
        )
        yield* TestClock.adjust(wait)
        const either = yield* Effect.either(resume())
        assert.strictEqual(Either.isRight(either) ? "token" : yield* errorOf(either), end)
        assert.strictEqual(yield* polls, end === "token" ? 1 : 0)
      }
    })
  )

  test(
    "that was used is Replayed without a request until its session ends",
    Effect.gen(function*() {
      const { polls, resume } = yield* suspended(() => Effect.succeed(granted))
      yield* resume()
      for (const [wait, reason] of [[0, "Replayed"], [599_999, "Replayed"], [1, "Expired"]] as const) {
        yield* TestClock.adjust(wait)
        assert.strictEqual(yield* errorOf(resume()), reason)
      }
      assert.strictEqual(yield* polls, 1)
    })
  )

  test(
    "is good in spite of the use of another session's",
    Effect.gen(function*() {
      for (const session of ["urn:example:a", "urn:example:b"]) {
        const { resume } = yield* suspended(() => Effect.succeed(granted), user, Redacted.make(session))
        assertEqual(yield* resume(), Redacted.make("the-token"))
      }
    })
  )

  it.effect("is recorded by a random id, until a minute after its session, for clocks that differ", () => {
    const { entries, layer } = spied()
    return Effect.gen(function*() {
      const { consent, handle, resume } = yield* suspended(() => Effect.succeed(granted))
      yield* resume()
      const [[name = "", entry] = []] = entries
      assert.match(name, /^resumed\/[\w-]{43}$/)
      assert.notInclude(Redacted.value(handle), name.slice("resumed/".length))
      assertEqual(entry, { value: "", expiresAt: DateTime.add(consent.expiresAt, { minutes: 1 }) })
      assert.strictEqual(entries.size, 1)
    }).pipe(Effect.provide(layer))
  })

  for (const method of ["get", "add"] as const) {
    it.effect(`gives no token when the ledger fails with ${method}`, () => {
      const { entries, layer } = spied({ [method]: () => new IdentityError.LedgerFailure({ message: "disk full" }) })
      return Effect.gen(function*() {
        const { polls, resume } = yield* suspended(() => Effect.succeed(granted))
        assert.strictEqual(yield* errorOf(resume()), "LedgerFailure")
        assert.strictEqual(entries.size, 0)
        assert.strictEqual(yield* polls, method === "get" ? 0 : 1)
      }).pipe(Effect.provide(layer))
    })
  }
})

describe("a resumed call", () => {
  const first = [
    ["ConsentPending", Effect.succeed(pending)],
    ["Throttled", Effect.fail(throttled)],
    ["InternalServerError", Effect.fail(new IdentityError.InternalServerError({ operation, message: "broken" }))]
  ] satisfies ReadonlyArray<readonly [string, Answer]>

  for (const [tag, answer] of first) {
    test(
      `polls at once, and waits after ${tag}, on the schedule of the program or its own`,
      Effect.gen(function*() {
        const own = Schedule.spaced("3 seconds")
        for (const [poller, delay] of [[undefined, 5000], [own, 3000]] as const) {
          const { polled, resume } = yield* suspended(
            (index) => index === 0 ? answer : Effect.succeed(granted),
            user,
            Redacted.make(`session ${delay}`)
          )
          const start = yield* Clock.currentTimeMillis
          const fiber = yield* Effect.fork(resume(poller))
          assert.strictEqual(yield* polled, start)
          yield* TestClock.adjust(delay)
          assert.strictEqual(yield* polled, start + delay)
          assertEqual(yield* Fiber.join(fiber), Redacted.make("the-token"))
        }
      })
    )
  }

  for (
    const [tag, answer] of [
      ["AccessDenied", Effect.fail(accessDenied)],
      ["ConsentDenied", Effect.succeed<TokenReply>({ ...pending, sessionStatus: "FAILED" })]
    ] satisfies ReadonlyArray<readonly [string, Answer]>
  ) {
    test(
      `fails at once with ${tag}, and the handle stays valid`,
      Effect.gen(function*() {
        const { resume } = yield* suspended((index) => index === 0 ? answer : Effect.succeed(granted))
        assert.strictEqual(yield* errorOf(resume()), tag)
        assertEqual(yield* resume(), Redacted.make("the-token"))
      })
    )
  }

  test(
    "is woken by a completion during its first request",
    Effect.gen(function*() {
      const arrived = yield* Deferred.make<void>()
      const proceed = yield* Deferred.make<void>()
      const { complete, polled, resume } = yield* suspended((index) =>
        index > 0
          ? Effect.succeed(granted)
          : Effect.zipRight(Deferred.succeed(arrived, undefined), Deferred.await(proceed)).pipe(Effect.as(pending))
      )
      const fiber = yield* Effect.fork(resume(TokenPoller.completionOnly))
      yield* Deferred.await(arrived)
      yield* complete
      yield* Deferred.succeed(proceed, undefined)
      assertEqual(yield* Fiber.join(fiber), Redacted.make("the-token"))
      assertEqual([yield* polled, yield* polled], [0, 0])
    })
  )

  test(
    "of two for one handle is woken although the other is interrupted, and of two that are woken one gets the token",
    Effect.gen(function*() {
      for (const isInterrupted of [true, false]) {
        const session = Redacted.make(`session ${isInterrupted}`)
        const { complete, polled, resume } = yield* suspended(
          (index) => Effect.succeed(index < 2 ? pending : granted),
          user,
          session
        )
        const call = resume(TokenPoller.completionOnly)
        const one = yield* Effect.fork(Effect.either(call))
        const other = yield* Effect.fork(Effect.either(call))
        yield* Effect.zipRight(polled, polled)
        // Both have their first answer, and wait.
        yield* Effect.repeatN(Effect.yieldNow(), 100)
        if (isInterrupted) assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(one)))
        yield* complete
        const ends = yield* Effect.forEach(isInterrupted ? [other] : [one, other], Fiber.join)
        assert.lengthOf(ends.filter(Either.isRight), 1)
        for (const end of ends) if (Either.isLeft(end)) assert.strictEqual(yield* errorOf(end), "Replayed")
      }
    })
  )
})
