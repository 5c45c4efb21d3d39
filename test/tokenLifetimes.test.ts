// @effect-diagnostics anyUnknownInErrorContext:off floatingEffect:off returnEffectInGen:off
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Logger, LogLevel, Queue, Redacted, type Scope, TestClock } from "effect"
import { ProviderError } from "../src/internal/emulator/state/issuer.js"
import { assertEqual } from "./support/equality.js"
import * as stub from "./support/issuer.js"

type World = Effect.Effect.Success<ReturnType<typeof stub.world>>

const test = (name: string, body: (world: World) => Effect.Effect<void, unknown, Scope.Scope>) =>
  it.scoped(name, () => Effect.flatMap(stub.world(), body).pipe(Logger.withMinimumLogLevel(LogLevel.None)))

type Issued = Parameters<typeof stub.token>

const issue = ({ answer }: stub.Arrival, ...issued: Issued) => Deferred.succeed(answer, stub.token(...issued))

/** Completes the consent of the user, for which the vendor issues this token. */
const granted = (world: World, ...issued: Issued) =>
  Effect.gen(function*() {
    const { complete, poll } = yield* world.approved("ada")
    const completed = yield* Effect.fork(complete)
    yield* issue(yield* world.arrival, ...issued)
    yield* Fiber.join(completed)
    return poll
  })

const ask = (world: World) => Effect.map(world.ask("ada"), stub.shown)

/** The request to the vendor that a token request causes, and the reply after the vendor's response. */
const renewed = (world: World, ...issued: Issued) =>
  Effect.gen(function*() {
    const asking = yield* Effect.fork(ask(world))
    const arrival = yield* world.arrival
    yield* issue(arrival, ...issued)
    const { kind, request } = arrival
    return [kind, request.refreshToken && Redacted.value(request.refreshToken), yield* Fiber.join(asking)]
  })

/** The lifetime of an access token, and the time of its refresh, in seconds. */
const lifetimes: ReadonlyArray<readonly [lifetime: number, renewed: number]> = [
  [7200, 7140],
  [3600, 3540],
  [601, 541],
  [600, 540],
  [590, 531],
  [100, 90],
  [10, 9]
]

describe("a user's token", () => {
  for (const [lifetime, ahead] of lifetimes) {
    test(`that lasts ${lifetime} s is refreshed after exactly ${ahead} s`, (world) =>
      Effect.gen(function*() {
        yield* granted(world, "ada-1", { expiresIn: lifetime, refreshToken: "refresh-1" })
        yield* TestClock.adjust(ahead * 1000 - 1)
        assert.strictEqual(yield* ask(world), "ada-1")
        assert.strictEqual(yield* world.waiting, 0)
        yield* TestClock.adjust(1)
        assertEqual(yield* renewed(world, "ada-2"), ["refresh", "refresh-1", "ada-2"])
        assert.strictEqual(yield* ask(world), "ada-2")
      }))
  }

  test("without a refresh token is used until it expires; then consent is required", (world) =>
    Effect.gen(function*() {
      yield* granted(world, "ada-1", { expiresIn: 3600 })
      yield* TestClock.adjust(3_600_000 - 1)
      assert.strictEqual(yield* ask(world), "ada-1")
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* ask(world), "IN_PROGRESS")
      assertEqual(yield* world.controls.grants, [])
      assert.strictEqual(yield* world.waiting, 0)
    }))

  test("whose lifetime the vendor does not state lasts one year", (world) =>
    Effect.gen(function*() {
      yield* granted(world, "ada-1", { expiresIn: undefined })
      yield* TestClock.adjust(365 * 86_400_000 - 1)
      assert.strictEqual(yield* ask(world), "ada-1")
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* ask(world), "IN_PROGRESS")
    }))

  test("is refreshed with the newest refresh token, or with the old one if the vendor issues no new one", (world) =>
    Effect.gen(function*() {
      yield* granted(world, "ada-1", { refreshToken: "refresh-1" })
      yield* TestClock.adjust("1 hour")
      assertEqual(yield* renewed(world, "ada-2"), ["refresh", "refresh-1", "ada-2"])
      yield* TestClock.adjust("1 hour")
      assertEqual(yield* renewed(world, "ada-3", { refreshToken: "refresh-2" }), ["refresh", "refresh-1", "ada-3"])
      yield* TestClock.adjust("1 hour")
      assertEqual(yield* renewed(world, "ada-4"), ["refresh", "refresh-2", "ada-4"])
      assertEqual((yield* world.controls.grants).map(({ isRefreshable }) => isRefreshable), [true])
    }))

  test("is not refreshed with an expired refresh token, and is used until it expires", (world) =>
    Effect.gen(function*() {
      yield* granted(world, "ada-1", { refreshToken: "refresh-1", refreshExpiresIn: 3550 })
      yield* TestClock.adjust(3_550_000 - 1)
      const asking = yield* Effect.fork(ask(world))
      const arrival = yield* world.arrival
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* ask(world), "ada-1")
      yield* TestClock.adjust(50_000 - 1)
      assert.strictEqual(yield* ask(world), "ada-1")
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* ask(world), "IN_PROGRESS")
      yield* issue(arrival, "ada-2")
      yield* Fiber.join(asking)
    }))

  for (const [accessToken, refreshToken] of [["ada-1", "refresh-2"], ["ada-2", "refresh-1"]] as const) {
    test(`that was replaced by ${accessToken} and ${refreshToken} while it was refreshed stays replaced`, (world) =>
      Effect.gen(function*() {
        yield* granted(world, "ada-1", { refreshToken: "refresh-1" })
        yield* TestClock.adjust("1 hour")
        const asking = yield* Effect.fork(ask(world))
        const late = yield* world.arrival
        const { complete } = yield* world.approved("ada", { forceAuthentication: true })
        const completed = yield* Effect.fork(complete)
        yield* issue(yield* world.arrival, accessToken, { refreshToken })
        yield* Fiber.join(completed)
        yield* issue(late, "late", { refreshToken: "refresh-9" })
        assert.strictEqual(yield* Fiber.join(asking), "late")
        assert.strictEqual(yield* ask(world), accessToken)
        yield* TestClock.adjust("1 hour")
        assertEqual(yield* renewed(world, "ada-3"), ["refresh", refreshToken, "ada-3"])
      }))
  }

  test("of a completed session is returned to its poll until the token expires, even after the session has expired", (world) =>
    Effect.gen(function*() {
      const poll = yield* granted(world, "ada-1", { expiresIn: 3600 })
      yield* TestClock.adjust(3_600_000 - 1)
      assert.strictEqual(stub.shown(yield* poll), "ada-1")
      yield* TestClock.adjust(1)
      assert.strictEqual((yield* Effect.flip(poll))._tag, "AccessDenied")
    }))

  test("that expires before its session is returned to the poll until the session expires", (world) =>
    Effect.gen(function*() {
      const poll = yield* granted(world, "ada-1", { expiresIn: 10 })
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(stub.shown(yield* poll), "ada-1")
      yield* TestClock.adjust(1)
      assert.strictEqual((yield* Effect.flip(poll))._tag, "AccessDenied")
    }))
})

type Refusal = Omit<ConstructorParameters<typeof ProviderError>[0], "step">

/** The number of requests to the vendor, and the replies before and after the stored token has expired. */
interface Outcome {
  readonly asked: number
  readonly early: string
  readonly late: string
  readonly isGone: boolean
}

const passing: Outcome = { asked: 3, early: "ada-1", late: "ValidationError", isGone: false }
const ended: Outcome = { asked: 1, early: "IN_PROGRESS", late: "IN_PROGRESS", isGone: true }
const ofTheClient: Outcome = { asked: 1, early: "ada-1", late: "ValidationError", isGone: false }
const unknown: Outcome = { asked: 1, early: "ada-1", late: "IN_PROGRESS", isGone: false }

const ends = [
  "invalid_grant",
  "bad_refresh_token",
  "invalid_refresh_token",
  "token_revoked",
  "token_expired",
  "access_denied"
]

const client = ["invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "invalid_target"]

const refusals: ReadonlyArray<readonly [Refusal, Outcome]> = [
  ...(["Unreachable", "Lost", "TimedOut"] as const).map((reason) => [{ reason }, passing] as const),
  ...[500, 503, 599, 429].map((status) =>
    [{ reason: "Refused" as const, status, error: "invalid_grant" }, passing] as const
  ),
  ...ends.map((error) => [{ reason: "Refused" as const, status: 400, error }, ended] as const),
  [{ reason: "Refused", error: "INVALID_GRANT" }, ended],
  ...client.map((error) => [{ reason: "Refused" as const, status: 401, error }, ofTheClient] as const),
  ...([400, 428, 430, 499, undefined] as const).map((status) =>
    [{ reason: "Refused" as const, status, error: "something_else" }, unknown] as const
  ),
  [{ reason: "Refused" }, unknown],
  ...(["Malformed", "Certificate", "Redirected", "TooLarge", "Forbidden", "Misconfigured"] as const).map((reason) =>
    [{ reason, error: "invalid_grant" }, ofTheClient] as const
  )
]

describe("a refresh that the vendor rejects", () => {
  for (const [refusal, { asked, early, isGone, late }] of refusals) {
    for (const isLate of [false, true]) {
      const outcome = isLate ? late : early
      const title = [refusal.reason, refusal.status, refusal.error].filter((part) => part !== undefined).join(" ")
      test(`(${title}), ${isLate ? "after" : "before"} the token has expired, is sent ${asked} times and results in ${outcome}`, (world) =>
        Effect.gen(function*() {
          yield* granted(world, "ada-1", { refreshToken: "refresh-1" })
          yield* TestClock.adjust(isLate ? "1 hour" : "3550 seconds")
          const asking = yield* Effect.fork(Effect.either(ask(world)))
          let count = 0
          yield* Effect.fork(Effect.gen(function*() {
            while (true) {
              const { answer } = yield* world.arrival
              count++
              yield* Deferred.fail(answer, new ProviderError({ step: "refresh", ...refusal }))
              yield* Effect.yieldNow().pipe(Effect.repeatN(20))
              yield* TestClock.adjust("1 second")
            }
          }))
          const result = yield* Fiber.join(asking)
          assert.strictEqual(result._tag === "Left" ? result.left._tag : result.right, outcome)
          assert.strictEqual((yield* world.controls.grants).length, isGone ? 0 : 1)
          assert.strictEqual(count, asked)
        }))
    }
  }
})

const asMachine = { oauth2Flow: "M2M" } as const

describe("a machine's token", () => {
  for (const [lifetime, ahead] of lifetimes) {
    test(`that lasts ${lifetime} s is requested again after exactly ${ahead} s`, (world) =>
      Effect.gen(function*() {
        const machine = Effect.map(world.ask("ada", asMachine), stub.shown)
        const first = yield* Effect.fork(machine)
        yield* issue(yield* world.arrival, "machine-1", { expiresIn: lifetime })
        assert.strictEqual(yield* Fiber.join(first), "machine-1")
        yield* TestClock.adjust(ahead * 1000 - 1)
        assert.strictEqual(yield* machine, "machine-1")
        yield* TestClock.adjust(1)
        const second = yield* Effect.fork(machine)
        yield* issue(yield* world.arrival, "machine-2")
        assert.strictEqual(yield* Fiber.join(second), "machine-2")
      }))
  }

  test("whose lifetime the vendor does not state is requested each time", (world) =>
    Effect.gen(function*() {
      for (const name of ["machine-1", "machine-2"]) {
        const asking = yield* Effect.fork(world.ask("ada", asMachine))
        yield* issue(yield* world.arrival, name, { expiresIn: undefined })
        assert.strictEqual(stub.shown(yield* Fiber.join(asking)), name)
      }
    }))

  test("is requested once for concurrent callers of the same target, and separately for another target", (world) =>
    Effect.gen(function*() {
      const { api } = world
      yield* api.createWorkloadIdentity({ name: "other-agent" })
      const { workloadAccessToken } = yield* api.getWorkloadAccessToken({ workloadName: "other-agent" })
      const base = { ...asMachine, scopes: ["a", "b"], resources: ["r", "s"], audiences: ["x", "y"] }
      const askers = [
        base,
        { ...base, scopes: ["b", "a", "a"], resources: ["s", "r"], audiences: ["y", "x", "y"] },
        { ...base, customParameters: { a: Redacted.make("b") } },
        { ...base, scopes: ["a"] },
        { ...base, resources: ["r"] },
        { ...base, audiences: ["x"] },
        { ...base, resources: ["x", "y"], audiences: ["r", "s"] },
        { ...base, workloadIdentityToken: workloadAccessToken }
      ]
      const asking = yield* Effect.forEach(askers, (change) => Effect.fork(world.ask("ada", change)))
      yield* Effect.yieldNow().pipe(Effect.repeatN(50))
      const arrivals = [...yield* Queue.takeAll(world.arrivals)]
      assert.isTrue(arrivals.every(({ isInterruptible }) => isInterruptible))
      yield* Effect.forEach(arrivals, (arrival, index) => issue(arrival, `machine-${index}`))
      const tokens = (yield* Fiber.join(Fiber.all(asking))).map(stub.shown)
      assert.strictEqual(arrivals.length, 6)
      assert.strictEqual(new Set(tokens).size, 6)
      assertEqual(new Set(tokens.slice(0, 3)).size, 1)
    }))

  const changes: { readonly [title: string]: (world: World) => Effect.Effect<unknown, unknown> } = {
    "the workload identity is deleted": ({ api }) => api.deleteWorkloadIdentity({ name: stub.workloadName }),
    "the provider is deleted": ({ api }) => api.deleteOauth2CredentialProvider({ name: stub.providerName }),
    "the provider is updated": ({ api }) => api.updateOauth2CredentialProvider(stub.provider("another secret")),
    "the issuer is another": ({ controls }) =>
      controls.setIssuer(stub.providerName, { discoveryUrl: "https://idp.example/.well-known/openid-configuration" })
  }

  for (const [title, change] of Object.entries(changes)) {
    test(`is not stored if ${title} during the request to the vendor`, (world) =>
      Effect.gen(function*() {
        const asking = yield* Effect.fork(world.ask("ada", asMachine))
        const arrival = yield* world.arrival
        yield* change(world)
        yield* issue(arrival, "machine-1")
        assert.strictEqual(stub.shown(yield* Fiber.join(asking)), "machine-1")
        yield* Effect.ignore(world.api.createWorkloadIdentity({ name: stub.workloadName }))
        yield* Effect.ignore(world.api.createOauth2CredentialProvider(stub.provider("secret")))
        const again = yield* Effect.fork(world.ask("ada", asMachine))
        yield* issue(yield* world.arrival, "machine-2")
        assert.strictEqual(stub.shown(yield* Fiber.join(again)), "machine-2")
      }))
  }

  test("that the vendor rejects is one error for all waiting callers, and is requested again", (world) =>
    Effect.gen(function*() {
      const asking = yield* Effect.forEach([1, 2], () => Effect.fork(Effect.flip(world.ask("ada", asMachine))))
      yield* Deferred.fail((yield* world.arrival).answer, new ProviderError({ step: "token", reason: "Refused" }))
      for (const error of yield* Fiber.join(Fiber.all(asking))) {
        assertEqual([error._tag, error.message], ["ValidationError", "Failed to retrieve token"])
      }
      const again = yield* Effect.fork(world.ask("ada", asMachine))
      yield* issue(yield* world.arrival, "machine-1")
      assert.strictEqual(stub.shown(yield* Fiber.join(again)), "machine-1")
      assert.strictEqual((yield* world.controls.providerFailures).length, 1)
    }))
})
