// @effect-diagnostics anyUnknownInErrorContext:off
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Logger, LogLevel, Redacted, type Scope, TestClock } from "effect"
import type * as IdentityApi from "../src/IdentityApi.js"
import * as emulator from "../src/internal/emulator/emulator.js"
import { Issuers, ProviderError } from "../src/internal/emulator/state/issuer.js"
import { jwt } from "./support/agent.js"
import { assertContains, assertEqual } from "./support/equality.js"
import * as stub from "./support/issuer.js"

type World = Effect.Effect.Success<ReturnType<typeof stub.world>>

type Change = Partial<IdentityApi.Request<"getResourceOauth2Token">>

const test = (name: string, body: (world: World) => Effect.Effect<void, unknown, Scope.Scope>) =>
  it.scoped(name, () => Effect.flatMap(stub.world(), body).pipe(Logger.withMinimumLogLevel(LogLevel.None)))

/** Completes the consent of the user, for which the vendor issues this token. */
const granted = (world: World, userId: string, ...issued: Parameters<typeof stub.token>) =>
  Effect.gen(function*() {
    const { complete } = yield* world.approved(userId)
    const completed = yield* Effect.fork(complete)
    yield* Deferred.succeed((yield* world.arrival).answer, stub.token(...issued))
    yield* Fiber.join(completed)
  })

const sub = "ada"

const iss = "https://issuer.example"

describe("the refresh of a grant", () => {
  test("is one request for each user, and each gets its own token", (world) =>
    Effect.gen(function*() {
      for (const user of ["ada", "bob"]) yield* granted(world, user, `${user}-1`, { refreshToken: "same" })
      yield* TestClock.adjust("1 hour")
      const asking = yield* Effect.forEach(["ada", "ada", "bob"], (user) => Effect.fork(world.ask(user)))
      for (const name of ["first", "second"]) {
        yield* Deferred.succeed((yield* world.arrival).answer, stub.token(name))
      }
      const tokens = yield* Fiber.join(Fiber.all(asking))
      assertEqual(tokens.map(stub.shown), ["first", "first", "second"])
    }))

  test("does not replace a grant without a refresh token that was stored in the meantime", (world) =>
    Effect.gen(function*() {
      yield* granted(world, "ada", "ada-1", { refreshToken: "refresh-1" })
      yield* TestClock.adjust("1 hour")
      const asking = yield* Effect.fork(world.ask("ada"))
      const late = yield* world.arrival
      const { complete } = yield* world.approved("ada", { forceAuthentication: true })
      const completed = yield* Effect.fork(complete)
      yield* Deferred.succeed((yield* world.arrival).answer, stub.token("ada-2"))
      yield* Fiber.join(completed)
      yield* Deferred.succeed(late.answer, stub.token("late", { refreshToken: "refresh-9" }))
      assert.strictEqual(stub.shown(yield* Fiber.join(asking)), "late")
      assert.strictEqual(stub.shown(yield* world.ask("ada")), "ada-2")
      assertEqual((yield* world.controls.grants).map(({ isRefreshable }) => isRefreshable), [false])
    }))
})

describe("the completion of a session", () => {
  test("requires exactly the user id or the JWT of the session", (world) =>
    Effect.gen(function*() {
      const { api, controls } = world
      const { workloadName } = stub
      const userToken = jwt({ iss, sub })
      const { workloadAccessToken } = yield* api.getWorkloadAccessTokenForJWT({ workloadName, userToken })
      const ofUser = yield* world.approved("ada")
      const { sessionUri: ofToken = Redacted.make("") } = yield* world.ask("ada", {
        workloadIdentityToken: workloadAccessToken
      })
      yield* controls.approve(ofToken)
      const identifiers = [
        { userId: "bob" },
        { userToken },
        { userId: "ada" },
        { userId: Redacted.value(userToken) },
        { userToken: jwt({ iss, sub, jti: "another" }) }
      ] as const
      const right = [
        { sessionUri: ofUser.sessionUri, userIdentifier: identifiers[2] },
        { sessionUri: ofToken, userIdentifier: identifiers[1] }
      ]
      for (const { sessionUri, userIdentifier } of right) {
        for (const other of identifiers.filter((one) => one !== userIdentifier)) {
          assertContains(
            yield* Effect.flip(api.completeResourceTokenAuth({ sessionUri, userIdentifier: other })),
            {
              _tag: "AccessDenied",
              operation: "CompleteResourceTokenAuth",
              message: "Invalid or expired session"
            }
          )
        }
        const completed = yield* Effect.fork(api.completeResourceTokenAuth({ sessionUri, userIdentifier }))
        yield* Deferred.succeed((yield* world.arrival).answer, stub.token("token"))
        assertEqual(yield* Fiber.join(completed), {})
      }
    }))
})

describe("an invalid token request", () => {
  const operation = "GetResourceOauth2Token"

  const refusals: { readonly [message: string]: (world: World) => Effect.Effect<Change, unknown> } = {
    "1 validation error detected: Value at 'workloadIdentityToken' failed to satisfy constraint: Member must be a workload access token of a user for the flow USER_FEDERATION":
      ({ api }) =>
        Effect.map(
          api.getWorkloadAccessToken({ workloadName: stub.workloadName }),
          ({ workloadAccessToken }) => ({ workloadIdentityToken: workloadAccessToken })
        ),
    "You must provide a ResourceOauth2ReturnUrl to proceed with this flow": () =>
      Effect.succeed({ resourceOauth2ReturnUrl: undefined }),
    "You must register and use at least one ResourceOauth2ReturnUrl for this workload identity": () =>
      Effect.succeed({ resourceOauth2ReturnUrl: "https://app.example/other" }),
    "1 validation error detected: Value at 'workloadIdentityToken' failed to satisfy constraint: Member must be a workload access token made from a JWT for the flow ON_BEHALF_OF_TOKEN_EXCHANGE":
      ({ api }) =>
        Effect.map(
          api.getWorkloadAccessToken({ workloadName: stub.workloadName }),
          ({ workloadAccessToken }) => ({
            workloadIdentityToken: workloadAccessToken,
            oauth2Flow: "ON_BEHALF_OF_TOKEN_EXCHANGE" as const
          })
        )
  }
  for (const [message, change] of Object.entries(refusals)) {
    test(`fails with: ${message}`, (world) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(world.ask("ada", yield* change(world)))
        assertContains(error, { _tag: "ValidationError", operation, message })
        assert.strictEqual(yield* world.waiting, 0)
      }))
  }

  test("is rejected for a token exchange with a user id instead of a JWT", (world) =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(world.ask("ada", { oauth2Flow: "ON_BEHALF_OF_TOKEN_EXCHANGE" }))
      assert.include(error.message, "Member must be a workload access token made from a JWT")
    }))
})

describe("a machine's token", () => {
  test("of another issuer is neither awaited nor stored after the provider becomes simulated", (world) =>
    Effect.gen(function*() {
      const machine = Effect.map(world.ask("ada", { oauth2Flow: "M2M" }), stub.shown)
      const asking = yield* Effect.fork(machine)
      const { answer } = yield* world.arrival
      yield* world.controls.setIssuer(stub.providerName, "simulated")
      // A call from now on does not join the request to the earlier issuer.
      assert.match((yield* machine) ?? "", /^simulated-/)
      yield* world.controls.expireTokens()
      yield* Deferred.succeed(answer, stub.token("machine-1"))
      assert.strictEqual(yield* Fiber.join(asking), "machine-1")
      assert.match((yield* machine) ?? "", /^simulated-/)
      assert.strictEqual(yield* world.waiting, 0)
    }))

  test("is requested again after an update of the provider, even while the earlier request is in progress", (world) =>
    Effect.gen(function*() {
      const machine = Effect.map(world.ask("ada", { oauth2Flow: "M2M" }), stub.shown)
      const before = yield* Effect.fork(machine)
      const first = yield* world.arrival
      yield* world.api.updateOauth2CredentialProvider(stub.provider("another secret"))
      const after = yield* Effect.fork(machine)
      const second = yield* world.arrival
      assertEqual([first, second].map(({ client }) => client.secret), [
        Redacted.make("secret"),
        Redacted.make("another secret")
      ])
      yield* Deferred.succeed(second.answer, stub.token("machine-2"))
      yield* Deferred.succeed(first.answer, stub.token("machine-1"))
      assertEqual(yield* Fiber.join(Fiber.all([before, after])), ["machine-1", "machine-2"])
    }))
})

describe("a workload access token", () => {
  const none = "it is not a JWT with the claims iss and sub"

  const claims: ReadonlyArray<readonly [claims: Readonly<Record<string, unknown>>, why: string | undefined]> = [
    [{ iss, sub }, undefined],
    [{ iss, sub, exp: 1 }, undefined],
    [{ iss, sub, exp: 0 }, "it has expired"],
    [{ iss, sub, exp: "1" }, none],
    [{ iss }, none],
    [{ sub }, none],
    [{ iss, sub: "" }, none],
    [{ iss: "", sub }, none],
    [{ iss: 5, sub }, none],
    [{ iss: "https://issuer|a", sub }, none],
    [{ iss: "|issuer", sub }, none],
    [{ iss: "issuer|", sub }, none],
    [{ iss: "a", sub }, undefined],
    [{ iss: "i".repeat(2048), sub: "s".repeat(2048) }, undefined],
    [{ iss: "i".repeat(2049), sub }, "its claim iss is longer than 2048 characters"],
    [{ iss, sub: "s".repeat(2049) }, "its claim sub is longer than 2048 characters"]
  ]
  for (const [given, why] of claims) {
    const title = JSON.stringify(given).slice(0, 60)
    test(`${why === undefined ? "is made" : "is rejected"} for a JWT with ${title}: ${why ?? "it is valid"}`, ({ api }) =>
      Effect.gen(function*() {
        const minted = api.getWorkloadAccessTokenForJWT({ workloadName: stub.workloadName, userToken: jwt(given) })
        if (why === undefined) {
          assert.isNotEmpty(Redacted.value((yield* minted).workloadAccessToken))
        } else {
          assertContains(yield* Effect.flip(minted), {
            _tag: "Unauthorized",
            operation: "GetWorkloadAccessTokenForJWT",
            message: `Invalid user token: ${why}`
          })
        }
      }))
  }

  test("of an identity that is linked to a service is rejected with the name of the operation", ({ api, controls }) =>
    Effect.gen(function*() {
      yield* controls.linkToService("linked")
      const workloadName = "linked"
      const mints = {
        GetWorkloadAccessToken: api.getWorkloadAccessToken({ workloadName }),
        GetWorkloadAccessTokenForUserId: api.getWorkloadAccessTokenForUserId({ workloadName, userId: "ada" }),
        GetWorkloadAccessTokenForJWT: api.getWorkloadAccessTokenForJWT({ workloadName, userToken: jwt({ iss, sub }) })
      }
      for (const [operation, mint] of Object.entries(mints)) {
        assertContains(yield* Effect.flip(mint), {
          _tag: "AccessDenied",
          operation,
          message: "WorkloadIdentity is linked to a service and cannot retrieve an access token by the caller"
        })
      }
    }))

  const unchecked = "it could not be checked"
  const verified = [
    [{ reason: "Refused", error: "its signature is wrong" }, "its signature is wrong"],
    [{ reason: "Refused", error: "its signature is wrong", description: "more" }, "its signature is wrong"],
    [{ reason: "Refused", description: "its key is unknown" }, "its key is unknown"],
    [{ reason: "Refused" }, unchecked],
    [{ reason: "Unreachable", error: "ECONNREFUSED 10.0.0.1" }, unchecked],
    [{ reason: "Malformed", description: "no JSON" }, unchecked]
  ] as const
  for (const [refusal, why] of verified) {
    it.effect(`is rejected for a JWT whose check fails with ${JSON.stringify(refusal)}: ${why}`, () =>
      Effect.gen(function*() {
        const verify = () => new ProviderError({ step: "verification", ...refusal })
        const { api, controls } = yield* Effect.provideService(
          emulator.make(emulator.settings({})),
          Issuers,
          { federated: undefined, verify }
        )
        yield* api.createWorkloadIdentity({ name: stub.workloadName })
        const userToken = jwt({ iss, sub })
        assertContains(
          yield* Effect.flip(api.getWorkloadAccessTokenForJWT({ workloadName: stub.workloadName, userToken })),
          { _tag: "Unauthorized", message: `Invalid user token: ${why}` }
        )
        assertContains((yield* controls.providerFailures)[0], { providerName: "(inbound JWT)", ...refusal })
      }).pipe(Logger.withMinimumLogLevel(LogLevel.None)))
  }
})
