// @effect-diagnostics anyUnknownInErrorContext:off returnEffectInGen:off
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Logger, LogLevel, Redacted, type Scope, TestClock } from "effect"
import type * as IdentityApi from "../src/IdentityApi.js"
import type * as IdentityControls from "../src/IdentityControls.js"
import { ProviderError } from "../src/internal/emulator/state/issuer.js"
import { jwt } from "./support/agent.js"
import { assertContains, assertEqual } from "./support/equality.js"
import * as stub from "./support/issuer.js"

type World = Effect.Effect.Success<ReturnType<typeof stub.world>>

const test = (name: string, body: (world: World) => Effect.Effect<void, unknown, Scope.Scope>) =>
  it.scoped(name, () => Effect.flatMap(stub.world(), body).pipe(Logger.withMinimumLogLevel(LogLevel.None)))

const granted = (world: World, userId: string, change: Partial<IdentityApi.Request<"getResourceOauth2Token">> = {}) =>
  Effect.gen(function*() {
    const { complete, sessionUri } = yield* world.approved(userId, change)
    const completed = yield* Effect.fork(complete)
    yield* Deferred.succeed((yield* world.arrival).answer, stub.token(`${userId}-1`, { refreshToken: "refresh" }))
    yield* Fiber.join(completed)
    return sessionUri
  })

/** Registers a second workload identity and a second provider with the same issuer. */
const more = ({ api, controls }: World) =>
  Effect.gen(function*() {
    yield* api.createWorkloadIdentity({ name: "other-agent", allowedResourceOauth2ReturnUrls: [stub.returnUrl] })
    yield* controls.setIssuer("other", "federated")
    yield* api.createOauth2CredentialProvider({ ...stub.provider("secret"), name: "other" })
    const { workloadAccessToken } = yield* api.getWorkloadAccessTokenForUserId({
      workloadName: "other-agent",
      userId: "ada"
    })
    return workloadAccessToken
  })

describe("a poll", () => {
  test("is accepted only from the caller of the session with its return URL, and never opens a session", (world) =>
    Effect.gen(function*() {
      const otherWorkload = yield* more(world)
      yield* world.api.updateWorkloadIdentity({
        name: stub.workloadName,
        allowedResourceOauth2ReturnUrls: [stub.returnUrl, `${stub.returnUrl}/2`]
      })
      const { sessionUri = Redacted.make("") } = yield* world.ask("ada")
      const before = yield* world.controls.sessions
      const poll = (userId: string, change: Partial<IdentityApi.Request<"getResourceOauth2Token">>) =>
        Effect.either(world.ask(userId, { sessionUri, ...change }))
      const cases = [
        ["ada", {}, "IN_PROGRESS"],
        ["ada", { scopes: ["other"] }, "IN_PROGRESS"],
        ["bob", {}, "AccessDenied"],
        ["ada", { workloadIdentityToken: otherWorkload }, "AccessDenied"],
        ["ada", { resourceCredentialProviderName: "other" }, "AccessDenied"],
        ["ada", { sessionUri: Redacted.make("urn:ietf:params:oauth:request_uri:unknown") }, "AccessDenied"],
        ["ada", { resourceOauth2ReturnUrl: `${stub.returnUrl}/2` }, "ValidationError"],
        ["ada", { resourceOauth2ReturnUrl: undefined }, "ValidationError"]
      ] as const
      for (const [userId, change, expected] of cases) {
        const result = yield* poll(userId, change)
        const shown = result._tag === "Left" ? result.left._tag : stub.shown(result.right)
        assert.strictEqual(shown, expected, JSON.stringify([userId, Object.keys(change)]))
      }
      assertEqual(yield* world.controls.sessions, before)
      const other = yield* poll("ada", { resourceOauth2ReturnUrl: `${stub.returnUrl}/2` })
      if (other._tag === "Right") return assert.fail("the poll has an answer")
      assert.include(other.left.message, "Member must be the return URL with which the session began")
      const [last] = yield* Effect.all([poll("ada", {})])
      assertContains(last, {
        _tag: "Right",
        right: {
          sessionUri,
          sessionStatus: "IN_PROGRESS",
          authorizationUrl: Redacted.make(
            "https://bedrock-agentcore.us-east-1.amazonaws.com/identities/oauth2/authorize?request_uri=" +
              encodeURIComponent(Redacted.value(sessionUri))
          )
        }
      })
    }))

  test("returns the token of its session, even if the grant was replaced, and FAILED after a denial", (world) =>
    Effect.gen(function*() {
      const first = yield* granted(world, "ada")
      const second = yield* world.approved("ada", { forceAuthentication: true })
      assertEqual(yield* world.controls.grants, [])
      const completed = yield* Effect.fork(second.complete)
      yield* Deferred.succeed((yield* world.arrival).answer, stub.token("ada-2"))
      yield* Fiber.join(completed)
      assert.strictEqual(stub.shown(yield* world.ask("ada", { sessionUri: first })), "ada-1")
      assert.strictEqual(stub.shown(yield* world.ask("ada")), "ada-2")
      const { sessionUri: denied = first } = yield* world.ask("bob")
      yield* world.controls.deny(denied)
      const reply = yield* world.ask("bob", { sessionUri: denied })
      assertEqual(reply, { sessionUri: denied, sessionStatus: "FAILED" })
    }))
})

describe("a request for a user's token", () => {
  test("without a user, a return URL or a registered one, or with a colon in its state, opens no session", (world) =>
    Effect.gen(function*() {
      const { workloadAccessToken } = yield* world.api.getWorkloadAccessToken({ workloadName: stub.workloadName })
      const cases = [
        [{ workloadIdentityToken: workloadAccessToken }, "Member must be a workload access token of a user"],
        [{ resourceOauth2ReturnUrl: undefined }, "You must provide a ResourceOauth2ReturnUrl"],
        [{ resourceOauth2ReturnUrl: "https://app.example/other" }, "You must register and use at least one"],
        [{ customState: Redacted.make("a:b") }, "requestUri"],
        [{ forceAuthentication: true, resourceOauth2ReturnUrl: "https://app.example/other" }, "You must register"]
      ] as const
      yield* granted(world, "ada")
      const before = yield* world.controls.sessions
      for (const [change, expected] of cases) {
        const error = yield* Effect.flip(world.ask("bob", change))
        assert.strictEqual(error._tag, "ValidationError")
        assert.include(error.message, expected)
      }
      // A rejected request does not remove the grant.
      yield* Effect.flip(world.ask("ada", { forceAuthentication: true, resourceOauth2ReturnUrl: undefined }))
      assert.strictEqual(stub.shown(yield* world.ask("ada")), "ada-1")
      yield* world.api.createWorkloadIdentity({ name: "no-urls" })
      const none = yield* world.api.getWorkloadAccessTokenForUserId({ workloadName: "no-urls", userId: "ada" })
      const error = yield* Effect.flip(world.ask("ada", { workloadIdentityToken: none.workloadAccessToken }))
      assert.include(error.message, "You must register")
      assertEqual(yield* world.controls.sessions, before)
    }))
})

describe("a token exchange", () => {
  const custom = (onBehalfOf: object) => ({
    name: "exchange",
    credentialProviderVendor: "CustomOauth2" as const,
    oauth2ProviderConfigInput: {
      customOauth2ProviderConfig: {
        clientId: "id",
        clientSecret: Redacted.make("secret"),
        oauthDiscovery: { discoveryUrl: "https://idp.example/.well-known/openid-configuration" },
        ...onBehalfOf
      }
    }
  })
  const userToken = jwt({ iss: "https://issuer.example", sub: "ada" })

  const setUp = (world: World, onBehalfOf: object) =>
    Effect.gen(function*() {
      yield* world.controls.setIssuer("exchange", "federated")
      yield* world.api.createOauth2CredentialProvider(custom(onBehalfOf))
      const { workloadAccessToken } = yield* world.api.getWorkloadAccessTokenForJWT({
        workloadName: stub.workloadName,
        userToken
      })
      return world.ask("ada", {
        workloadIdentityToken: workloadAccessToken,
        resourceCredentialProviderName: "exchange",
        oauth2Flow: "ON_BEHALF_OF_TOKEN_EXCHANGE",
        customParameters: { a: Redacted.make("b") }
      })
    })
  const bearer = { onBehalfOfTokenExchangeConfig: { grantType: "JWT_AUTHORIZATION_GRANT" } }

  test("sends the user's JWT and the caller's parameters, each time", (world) =>
    Effect.gen(function*() {
      const exchange = yield* setUp(world, bearer)
      for (const name of ["one", "two"]) {
        const asking = yield* Effect.fork(exchange)
        const { answer, kind, request } = yield* world.arrival
        assertEqual([kind, request.userToken, request.customParameters], [
          "onBehalfOf",
          userToken,
          { a: Redacted.make("b") }
        ])
        yield* Deferred.succeed(answer, stub.token(name))
        assertEqual(yield* Fiber.join(asking), { accessToken: Redacted.make(name) })
      }
    }))

  const refusals = [
    [{ step: "exchange", reason: "Refused", status: 400 }, "Token exchange failed with HTTP status 400"],
    [{ step: "exchange", reason: "Refused", status: 503 }, "Token exchange failed with HTTP status 503"],
    [{ step: "exchange", reason: "Lost" }, "Failed to retrieve token"],
    [{ step: "token", reason: "Refused", status: 400 }, "Failed to retrieve token"],
    [{ step: "discovery", reason: "Malformed", status: 200 }, "Failed to retrieve token"]
  ] as const
  for (const [refusal, expected] of refusals) {
    test(`that fails with ${JSON.stringify(refusal)} fails with '${expected}'`, (world) =>
      Effect.gen(function*() {
        const asking = yield* Effect.fork(Effect.flip(yield* setUp(world, bearer)))
        yield* Deferred.fail((yield* world.arrival).answer, new ProviderError(refusal))
        assertContains(yield* Fiber.join(asking), {
          _tag: "ValidationError",
          operation: "GetResourceOauth2Token",
          message: expected
        })
        assertContains((yield* world.controls.providerFailures)[0], { providerName: "exchange", ...refusal })
      }))
  }

  const kinds = [
    [{}, "Member must be a provider with onBehalfOfTokenExchangeConfig"],
    [
      {
        onBehalfOfTokenExchangeConfig: {
          grantType: "TOKEN_EXCHANGE",
          tokenExchangeGrantTypeConfig: { actorTokenContent: "AWS_IAM_ID_TOKEN_JWT" }
        }
      },
      "actorTokenContent AWS_IAM_ID_TOKEN_JWT is not available"
    ]
  ] as const
  for (const [onBehalfOf, expected] of kinds) {
    test(`that is not possible is rejected before a request to the vendor: ${expected}`, (world) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(yield* setUp(world, onBehalfOf))
        assert.include(error.message, expected)
        assert.strictEqual(yield* world.waiting, 0)
      }))
  }
})

describe("a workload access token", () => {
  const exchange = (world: World, workloadIdentityToken: Redacted.Redacted) =>
    Effect.map(
      Effect.either(world.ask("ada", { workloadIdentityToken })),
      (result) => result._tag === "Left" ? result.left._tag : stub.shown(result.right)
    )

  test("lasts exactly one hour, or until its JWT expires if that is earlier", (world) =>
    Effect.gen(function*() {
      const { api } = world
      const { workloadName } = stub
      const mint = (exp?: number) =>
        Effect.map(
          api.getWorkloadAccessTokenForJWT({
            workloadName,
            userToken: jwt({ iss: "https://issuer.example", sub: "ada", ...(exp !== undefined && { exp }) })
          }),
          ({ workloadAccessToken }) => workloadAccessToken
        )
      const short = yield* mint(1800)
      const { workloadAccessToken } = yield* api.getWorkloadAccessTokenForUserId({ workloadName, userId: "ada" })
      const hours = [yield* mint(), yield* mint(7200), workloadAccessToken]
      for (const [seconds, tokens] of [[1800, [short]], [3600, hours]] as const) {
        yield* TestClock.setTime(seconds * 1000 - 1)
        for (const token of tokens) assert.strictEqual(yield* exchange(world, token), "IN_PROGRESS")
        yield* TestClock.setTime(seconds * 1000)
        for (const token of tokens) assert.strictEqual(yield* exchange(world, token), "Unauthorized")
      }
      const late = yield* Effect.flip(mint(3600))
      assertEqual([late._tag, late.message], ["Unauthorized", "Invalid user token: it has expired"])
      yield* mint(3601)
    }))

  test("of an identity that is linked to a service, or for a malformed JWT, is rejected with the reason", (world) =>
    Effect.gen(function*() {
      const { api, controls } = world
      yield* controls.linkToService("linked")
      for (
        const mint of [
          api.getWorkloadAccessToken({ workloadName: "linked" }),
          api.getWorkloadAccessTokenForUserId({ workloadName: "linked", userId: "ada" }),
          api.getWorkloadAccessTokenForJWT({
            workloadName: "linked",
            userToken: jwt({ iss: "https://issuer.example", sub: "ada" })
          })
        ]
      ) assert.strictEqual((yield* Effect.flip(mint))._tag, "AccessDenied")
      for (const text of ["e30.e30.x", "a.b.c", "e30.bnVsbA.x"]) {
        const userToken = Redacted.make(text)
        const { workloadName } = stub
        const error = yield* Effect.flip(api.getWorkloadAccessTokenForJWT({ workloadName, userToken }))
        assertContains(error, {
          _tag: "Unauthorized",
          message: "Invalid user token: it is not a JWT with the claims iss and sub"
        })
      }
    }))
})

describe("the test controls", () => {
  const filters: ReadonlyArray<readonly [IdentityControls.GrantFilter, grants: number, machineTokens: number]> = [
    [{}, 3, 2],
    [{ workloadName: stub.workloadName }, 3, 2],
    [{ workloadName: "other-agent" }, 0, 0],
    [{ providerName: stub.providerName }, 2, 1],
    [{ providerName: "other" }, 1, 1],
    [{ user: "userId:ada" }, 2, 0],
    [{ user: "userId:bob" }, 1, 0],
    [{ user: "userId:ada", providerName: "other" }, 1, 0],
    [{ user: "userId:bob", providerName: "other" }, 0, 0],
    [{ user: "ada" }, 0, 0]
  ]

  for (const [filter, grants, machineTokens] of filters) {
    test(`the filter ${JSON.stringify(filter)} selects ${grants} grants and ${machineTokens} machine tokens`, (world) =>
      Effect.gen(function*() {
        yield* more(world)
        const other = { resourceCredentialProviderName: "other" }
        yield* granted(world, "ada")
        yield* granted(world, "bob")
        yield* granted(world, "ada", other)
        for (const change of [{}, other]) {
          const asking = yield* Effect.fork(world.ask("ada", { oauth2Flow: "M2M", ...change }))
          yield* Deferred.succeed((yield* world.arrival).answer, stub.token("machine"))
          yield* Fiber.join(asking)
        }
        const { controls } = world
        assertEqual(
          (yield* controls.grants).map(({ providerName, user }) => [providerName, user]),
          [["google", "userId:ada"], ["google", "userId:bob"], ["other", "userId:ada"]]
        )
        assert.strictEqual(yield* controls.revoke(filter), grants)
        assert.strictEqual((yield* controls.grants).filter(({ isRefreshable }) => !isRefreshable).length, grants)
        assert.strictEqual(yield* controls.expireTokens(filter), grants + machineTokens)
        assert.strictEqual(yield* controls.expireTokens(filter), 0)
        assert.strictEqual(yield* controls.expireTokens(), 5 - grants - machineTokens)
      }))
  }

  test("setting the current issuer of a provider keeps its grants, and setting another removes them", (world) =>
    Effect.gen(function*() {
      yield* more(world)
      const { controls } = world
      const discoveryUrl = "https://idp.example/.well-known/openid-configuration"
      for (const issuer of [{ discoveryUrl }, undefined] as const) {
        yield* controls.setIssuer(stub.providerName, "federated")
        yield* granted(world, "ada")
        yield* controls.setIssuer(stub.providerName, "federated")
        assert.lengthOf(yield* controls.grants, 1)
        yield* controls.setIssuer("other", "simulated")
        assert.lengthOf(yield* controls.grants, 1)
        yield* controls.setIssuer(stub.providerName, issuer)
        assertEqual(yield* controls.grants, [])
        assertEqual(
          (yield* controls.inventory).oauth2CredentialProviders.map(({ issuerChoice, name }) => [name, issuerChoice]),
          [["google", issuer], ["other", "simulated"]]
        )
      }
    }))
})
