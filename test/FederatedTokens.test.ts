import { assert, describe } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as jose from "jose"
import { api } from "../scratchpad/agent/AuthorizationServer.js"
import * as IdentityControls from "../src/IdentityControls.js"
import * as IdentityService from "../src/IdentityService.js"
import { workloadName } from "./support/agent.js"
import { required } from "./support/consenting.js"
import { assertContains, assertEqual, assertNotEqual } from "./support/equality.js"
import * as federated from "./support/federated.js"
import { test } from "./support/federated.js"
import * as jar from "./support/jar.js"
import type { Vendor } from "./support/vendor.js"

const moved = (browser: jar.Jar, seconds: number) => browser.json("/_local/clock", { moveSeconds: seconds })

describe("a refresh", () => {
  const granted = (server: Vendor) =>
    Effect.gen(function*() {
      const world = yield* federated.setUp(server)
      yield* federated.consents(server, yield* required(world.identity.getToken(world.asUser)))
      return { ...world, ask: world.identity.getToken(world.asUser), browser: yield* jar.jar }
    })

  test("runs once for a hundred concurrent calls, rotates the refresh token, and can run again", (server) =>
    Effect.gen(function*() {
      const { ask, controls } = yield* granted(server)
      for (const refreshes of [1, 2, 3]) {
        yield* controls.expireTokens()
        const tokens = yield* Effect.all(Array.from({ length: 100 }, () => ask), { concurrency: "unbounded" })
        assert.strictEqual(new Set(tokens.map((token) => Redacted.value(token))).size, 1)
        assert.strictEqual(server.requests("refresh_token").length, refreshes)
      }
      const used = server.requests("refresh_token").map(({ parameters }) => parameters.get("refresh_token"))
      assert.strictEqual(new Set(used).size, 3)
      assertEqual(server.requests("refresh_token").map(({ status }) => status), [200, 200, 200])
    }))

  test("runs one minute before the token expires, and not earlier", (server) =>
    Effect.gen(function*() {
      const { ask, browser } = yield* granted(server)
      const token = yield* ask
      yield* moved(browser, 3530)
      assertEqual(yield* ask, token)
      yield* moved(browser, 20)
      assertNotEqual(Redacted.value(yield* ask), Redacted.value(token))
      assert.strictEqual(server.requests("refresh_token").length, 1)
    }))

  test("that is rejected leads to a new request for consent", (server) =>
    Effect.gen(function*() {
      const { ask, controls } = yield* granted(server)
      yield* server.revokeAll
      yield* controls.expireTokens()
      yield* required(ask)
      assertEqual(yield* controls.grants, [])
      const [failure] = yield* controls.providerFailures
      assertContains(failure, { step: "refresh", reason: "Refused", status: 400, error: "invalid_grant" })
    }))

  test("with a lost request is repeated with the same refresh token", (server) =>
    Effect.gen(function*() {
      const { ask, controls } = yield* granted(server)
      yield* controls.expireTokens()
      server.failNext("lost request")
      yield* server.verify(Redacted.value(yield* ask), api)
      assertEqual(server.requests("refresh_token").map(({ status }) => status), [200])
    }))

  test("with a lost response is repeated, and a rejected reuse leads to a new request for consent", (server) =>
    Effect.gen(function*() {
      const { ask, controls } = yield* granted(server)
      yield* controls.expireTokens()
      server.failNext("lost answer")
      yield* required(ask)
      assertEqual(server.requests("refresh_token").map(({ status }) => status), [200, 400])
      assertEqual(yield* controls.grants, [])
    }))

  test("at a failing provider returns the old token until it expires, then an error, and keeps the grant", (server) =>
    Effect.gen(function*() {
      const { ask: before, asUser, browser, controls, identity } = yield* granted(server)
      const token = yield* before
      yield* moved(browser, 3550)
      // The workload access token expires at that time.
      const workloadAccessToken = yield* identity.getWorkloadAccessToken({ workloadName, userId: "ada" })
      const ask = identity.getToken({ ...asUser, workloadAccessToken })
      const ailing = () => [1, 2, 3].forEach(() => server.failNext({ status: 503, body: "not now" }))
      ailing()
      assertEqual(yield* ask, token)
      yield* moved(browser, 60)
      ailing()
      const error = yield* Effect.flip(ask)
      assert.strictEqual(error._tag, "ValidationError")
      assert.strictEqual(error.message, "Failed to retrieve token")
      assertContains((yield* controls.providerFailures).at(-1), { step: "refresh", reason: "Refused", status: 503 })
      assertNotEqual(Redacted.value(yield* ask), Redacted.value(token))
    }))

  test("with an outdated client secret keeps the grant", (server) =>
    Effect.gen(function*() {
      const { ask, controls, provider } = yield* granted(server)
      const redirectUris = [provider.callbackUrl ?? ""]
      yield* controls.expireTokens()
      server.register({ clientId: "me", clientSecret: "rotated", redirectUris })
      assert.strictEqual((yield* Effect.flip(ask))._tag, "ValidationError")
      server.register({ clientId: "me", clientSecret: "s:e/c r+e%t", redirectUris })
      yield* ask
    }))
})

describe("on behalf of", () => {
  const acting = (server: Vendor, config: Parameters<typeof federated.setUp>[1]) =>
    Effect.gen(function*() {
      const { asMachine, controls, identity } = yield* federated.setUp(server, config)
      const ask = (userToken: Redacted.Redacted, customParameters = {}) =>
        Effect.flatMap(identity.getWorkloadAccessToken({ workloadName, userToken }), (workloadAccessToken) =>
          identity.getToken({
            ...asMachine,
            authFlow: "ON_BEHALF_OF_TOKEN_EXCHANGE",
            workloadAccessToken,
            audiences: ["https://files.example"],
            customParameters
          }))
      return { ask, controls }
    })

  const exchange = (tokenExchangeGrantTypeConfig?: {
    readonly actorTokenContent: "NONE" | "M2M" | "AWS_IAM_ID_TOKEN_JWT"
    readonly actorTokenScopes?: ReadonlyArray<string>
  }) => ({ onBehalfOfTokenExchangeConfig: { grantType: "TOKEN_EXCHANGE" as const, tokenExchangeGrantTypeConfig } })

  test("a user, a token is exchanged for one of another audience", (server) =>
    Effect.gen(function*() {
      const { ask } = yield* acting(server, exchange({ actorTokenContent: "NONE" }))
      const token = yield* ask(yield* server.userToken({ sub: "ada" }))
      const claims = yield* server.verify(Redacted.value(token), "https://files.example")
      assertContains(claims, {
        sub: "ada",
        scope: "read",
        subject_token_type: "urn:ietf:params:oauth:token-type:jwt"
      })
      assert.isUndefined(claims["act"])
    }))

  test("a user, the actor is the agent's own token", (server) =>
    Effect.gen(function*() {
      const { ask } = yield* acting(server, exchange({ actorTokenContent: "M2M", actorTokenScopes: ["write"] }))
      const token = yield* ask(yield* server.userToken({ sub: "ada" }))
      assertEqual((yield* server.verify(Redacted.value(token), "https://files.example"))["act"], {
        sub: "me"
      })
      assert.strictEqual(server.requests("client_credentials")[0]?.parameters.get("scope"), "write")
    }))

  test("a user, only the subject token type can be replaced", (server) =>
    Effect.gen(function*() {
      const { ask } = yield* acting(server, exchange())
      const type = "urn:ietf:params:oauth:token-type:access_token"
      const token = yield* ask(yield* server.userToken({ sub: "ada" }), {
        subject_token_type: type,
        subject_token: "another's",
        grant_type: "client_credentials",
        tenant: "mine"
      })
      const claims = yield* server.verify(Redacted.value(token), "https://files.example")
      assertContains(claims, { sub: "ada", subject_token_type: type })
      assert.strictEqual(server.requests()[0]?.parameters.get("tenant"), "mine")
    }))

  test("a user, the JWT is an assertion (RFC 7523)", (server) =>
    Effect.gen(function*() {
      const { ask } = yield* acting(server, {
        onBehalfOfTokenExchangeConfig: { grantType: "JWT_AUTHORIZATION_GRANT" }
      })
      const token = yield* ask(yield* server.userToken({ sub: "ada" }))
      assert.strictEqual((yield* server.verify(Redacted.value(token), "https://files.example")).sub, "ada")
      assertEqual(server.requests().map(({ grantType }) => grantType), [
        "urn:ietf:params:oauth:grant-type:jwt-bearer"
      ])
    }))

  test("a user whose token is rejected, the error contains the status", (server) =>
    Effect.gen(function*() {
      const { ask, controls } = yield* acting(server, exchange())
      const userToken = yield* server.userToken({ sub: "ada", isForged: true })
      const error = yield* Effect.flip(ask(userToken))
      assert.strictEqual(error._tag, "ValidationError")
      assert.strictEqual(error.message, "Token exchange failed with HTTP status 400")
      const failures = yield* controls.providerFailures
      assertContains(failures[0], { step: "exchange", error: "invalid_grant" })
      assert.notInclude(JSON.stringify(failures), Redacted.value(userToken))
    }))

  test("a user, an actor token of AWS STS is not available", (server) =>
    Effect.gen(function*() {
      const { ask } = yield* acting(server, exchange({ actorTokenContent: "AWS_IAM_ID_TOKEN_JWT" }))
      const error = yield* Effect.flip(ask(yield* server.userToken({ sub: "ada" })))
      assert.strictEqual(error._tag, "ValidationError")
      assert.include(error.message, "STS")
      assert.strictEqual(server.requests().length, 0)
    }))
})

describe("a user's JWT", () => {
  const mint = (userToken: Redacted.Redacted) =>
    Effect.gen(function*() {
      const identity = yield* IdentityService.IdentityService
      yield* Effect.ignore(identity.createWorkloadIdentity({ name: workloadName }))
      return yield* identity.getWorkloadAccessToken({ workloadName, userToken })
    })
  const verifying = { verifyJwtFor: ["the agent"], allowedHosts: ["127.0.0.1"] }

  test(
    "is accepted if its issuer has signed it for the expected audience",
    (server) =>
      Effect.flatMap(
        Effect.flatMap(server.userToken({ sub: "ada" }), mint),
        (token) => Effect.sync(() => assert.isNotEmpty(Redacted.value(token)))
      ),
    verifying
  )

  test(
    "with an issuer on loopback is rejected without a request, unless its host is allowed by name",
    (server) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(mint(yield* server.userToken({ sub: "ada" })))
        assert.strictEqual(error._tag, "Unauthorized")
        assert.strictEqual(error.message, "Invalid user token: it could not be checked")
        const { providerFailures } = yield* IdentityControls.IdentityControls
        assertContains((yield* providerFailures)[0], { reason: "Forbidden" })
      }),
    { verifyJwtFor: ["the agent"] }
  )

  for (
    const [what, claims, why] of [
      ["that another issuer has signed", { isForged: true }, /ERR_JWS_SIGNATURE_VERIFICATION_FAILED/],
      ["for another audience", { aud: "another agent" }, /ERR_JWT_CLAIM_VALIDATION_FAILED/],
      ["that has expired", { expiresIn: -1 }, /ERR_JWT_EXPIRED/]
    ] as const
  ) {
    test(`${what} is rejected`, (server) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(mint(yield* server.userToken({ sub: "ada", ...claims })))
        assert.strictEqual(error._tag, "Unauthorized")
        assert.match(error.message, why)
      }), verifying)
  }

  test("without a signature, or signed with a symmetric key, is rejected", (server) =>
    Effect.gen(function*() {
      const payload = { iss: server.issuer, sub: "ada", aud: "the agent", exp: 4_102_444_800 }
      const none = `${new jose.UnsecuredJWT(payload).encode()}c2ln`
      const shared = yield* Effect.promise(() =>
        new jose.SignJWT(payload).setProtectedHeader({ alg: "HS256" }).sign(new Uint8Array(32))
      )
      for (const token of [none, shared]) {
        assert.strictEqual((yield* Effect.flip(mint(Redacted.make(token))))._tag, "Unauthorized")
      }
    }), verifying)
})
