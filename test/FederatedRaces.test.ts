import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Layer, Logger, LogLevel, Queue, Redacted, type Scope, TestClock } from "effect"
import * as FederatedIssuer from "../src/FederatedIssuer.js"
import * as IdentityControls from "../src/IdentityControls.js"
import * as IdentityService from "../src/IdentityService.js"
import { callbackUrl, workloadName } from "./support/agent.js"
import { answering } from "./support/answering.js"
import { required } from "./support/consenting.js"
import { assertEqual } from "./support/equality.js"
import * as federated from "./support/federated.js"

// Socket responses do not depend on the test clock.
const layer = IdentityService.layerTest.pipe(
  Layer.provide(FederatedIssuer.layer({ timeout: Duration.infinity })),
  Layer.provide(Logger.minimumLogLevel(LogLevel.None))
)

interface Arrival {
  readonly parameters: URLSearchParams
  /** The client secret, from HTTP Basic authentication. */
  readonly secret: string | undefined
  readonly answer: (accessToken: string, refreshToken?: string) => void
}

const secretOf = (authorization = "") =>
  Buffer.from(authorization.slice("Basic ".length), "base64").toString().split(":")[1]

/** An agent whose provider responds to each request when the test releases it. */
const setUp = Effect.gen(function*() {
  const identity = yield* IdentityService.IdentityService
  const controls = yield* IdentityControls.IdentityControls
  const arrivals = yield* Queue.unbounded<Arrival>()
  const { origin } = yield* answering((request, response) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () =>
      arrivals.unsafeOffer({
        parameters: new URLSearchParams(Buffer.concat(chunks).toString()),
        secret: secretOf(request.headers.authorization),
        answer: (access_token, refresh_token) =>
          void response.writeHead(200, { "content-type": "application/json" })
            .end(JSON.stringify({ access_token, refresh_token, token_type: "Bearer", expires_in: 3600 }))
      }))
  })
  yield* identity.createWorkloadIdentity({ name: workloadName, allowedResourceOauth2ReturnUrls: [callbackUrl] })
  const config = {
    clientId: "me",
    clientSecret: Redacted.make("secret"),
    oauthDiscovery: {
      authorizationServerMetadata: {
        issuer: origin,
        authorizationEndpoint: `${origin}/auth`,
        tokenEndpoint: `${origin}/token`
      }
    }
  }
  yield* federated.provide(origin, config)
  const { providerName } = federated
  const update = (change: Partial<typeof config>) =>
    identity.updateOauth2CredentialProvider({
      name: providerName,
      credentialProviderVendor: "CustomOauth2",
      oauth2ProviderConfigInput: { customOauth2ProviderConfig: { ...config, ...change } }
    })
  const askFor = (userId: string, scopes = ["read"]) =>
    Effect.flatMap(
      identity.getWorkloadAccessToken({ workloadName, userId }),
      (workloadAccessToken) =>
        identity.getToken({
          providerName,
          scopes,
          authFlow: "USER_FEDERATION",
          callbackUrl,
          workloadAccessToken
        })
    )
  const arrival = Queue.take(arrivals)
  /** The user consents at the provider; `complete` completes the session. */
  const approved = (userId: string, scopes?: Array<string>) =>
    Effect.gen(function*() {
      const { sessionUri } = yield* required(askFor(userId, scopes))
      const state = "state"
      const redirect = yield* controls.beginAuthorization(sessionUri, state)
      if (redirect === undefined) return yield* Effect.dieMessage("the provider is simulated")
      const parameters = new URLSearchParams({ state, code: "code" })
      yield* controls.completeAuthorization(sessionUri, { state, codeVerifier: redirect.codeVerifier, parameters })
      return { complete: identity.completeResourceTokenAuth({ sessionUri, userIdentifier: { userId } }) }
    })
  return {
    identity,
    controls,
    update,
    arrivals,
    arrival,
    askFor,
    // Each call is that of another process, since calls of one service share a request.
    askAsMachine: Effect.flatMap(
      Effect.zip(IdentityService.make, identity.getWorkloadAccessToken({ workloadName })),
      ([elsewhere, workloadAccessToken]) =>
        elsewhere.getToken({ providerName, scopes: ["read"], authFlow: "M2M", workloadAccessToken })
    ),
    approved,
    consents: (userId: string, accessToken: string, refreshToken: string, scopes?: Array<string>) =>
      Effect.gen(function*() {
        const completed = yield* Effect.fork(Effect.flatMap(approved(userId, scopes), ({ complete }) => complete))
        const { answer } = yield* arrival
        answer(accessToken, refreshToken)
        yield* Fiber.join(completed)
      })
  }
})

const test = <E>(
  name: string,
  body: (
    world: Effect.Effect.Success<typeof setUp>
  ) => Effect.Effect<void, E, Layer.Layer.Success<typeof layer> | Scope.Scope>
) => it.scoped(name, () => Effect.provide(Effect.flatMap(setUp, body), layer))

const value = Effect.map(Redacted.value<string>)

describe("while a token is refreshed", () => {
  test("another user with the same refresh token receives a separate token", (world) =>
    Effect.gen(function*() {
      yield* world.consents("ada", "ada-1", "shared")
      yield* world.consents("bob", "bob-1", "shared")
      yield* world.controls.expireTokens()
      const asked = yield* Effect.forEach(
        ["ada", "ada", "bob", "bob"],
        (user) => Effect.fork(value(world.askFor(user)))
      )
      for (const token of ["one", "two"]) {
        const { answer, parameters } = yield* world.arrival
        assert.strictEqual(parameters.get("refresh_token"), "shared")
        answer(token)
      }
      const [ada, adaToo, bob, bobToo] = yield* Fiber.join(Fiber.all(asked))
      assertEqual([adaToo, bobToo], [ada, bob])
      assert.notStrictEqual(ada, bob)
      assert.strictEqual(yield* value(world.askFor("ada")), ada)
      assert.strictEqual(yield* value(world.askFor("bob")), bob)
      assert.strictEqual(yield* Queue.size(world.arrivals), 0)
    }))

  test("an interruption of the caller does not discard the new tokens, and the old refresh token is not used again", (world) =>
    Effect.gen(function*() {
      yield* world.consents("ada", "ada-1", "refresh-1")
      yield* world.controls.expireTokens()
      const left = yield* Effect.fork(world.askFor("ada"))
      const { answer } = yield* world.arrival
      yield* Fiber.interrupt(left)
      const stays = yield* Effect.fork(value(world.askFor("ada")))
      answer("ada-2", "refresh-2")
      assert.strictEqual(yield* Fiber.join(stays), "ada-2")
      yield* world.controls.expireTokens()
      const again = yield* Effect.fork(value(world.askFor("ada")))
      const next = yield* world.arrival
      assert.strictEqual(next.parameters.get("refresh_token"), "refresh-2")
      next.answer("ada-3", "refresh-3")
      assert.strictEqual(yield* Fiber.join(again), "ada-3")
    }))

  test("an expiry of the workload access token does not discard the new tokens", (world) =>
    Effect.gen(function*() {
      yield* world.consents("ada", "ada-1", "refresh-1")
      yield* world.controls.expireTokens()
      yield* Effect.fork(world.askFor("ada"))
      const { answer } = yield* world.arrival
      yield* TestClock.adjust("2 hours")
      const stays = yield* Effect.fork(value(world.askFor("ada")))
      answer("ada-2", "refresh-2")
      assert.strictEqual(yield* Fiber.join(stays), "ada-2")
      assert.strictEqual(yield* value(world.askFor("ada")), "ada-2")
      assert.strictEqual(yield* Queue.size(world.arrivals), 0)
    }))

  test("a new consent of the user creates a grant that the refreshed tokens do not replace", (world) =>
    Effect.gen(function*() {
      yield* world.consents("ada", "ada-1", "refresh-1")
      yield* world.controls.expireTokens()
      const asked = yield* Effect.fork(value(world.askFor("ada")))
      const { answer } = yield* world.arrival
      yield* world.consents("ada", "ada-2", "refresh-1", ["read", "write"])
      answer("ada-late", "refresh-1")
      assert.strictEqual(yield* Fiber.join(asked), "ada-late")
      assert.strictEqual(yield* value(world.askFor("ada", ["read", "write"])), "ada-2")
    }))

  test("a change of the issuer discards the new tokens", (world) =>
    Effect.gen(function*() {
      yield* world.consents("ada", "ada-1", "refresh-1")
      yield* world.controls.expireTokens()
      const asked = yield* Effect.fork(value(world.askFor("ada")))
      const { answer } = yield* world.arrival
      yield* world.controls.setIssuer(federated.providerName, "simulated")
      answer("ada-2", "refresh-2")
      yield* Fiber.await(asked)
      assertEqual(yield* world.controls.grants, [])
      yield* required(world.askFor("ada"))
    }))
})

describe("while a machine token is requested", () => {
  test("a call after a change of the issuer does not receive the token of the old issuer", (world) =>
    Effect.gen(function*() {
      const before = yield* Effect.fork(value(world.askAsMachine))
      const { answer } = yield* world.arrival
      yield* world.controls.setIssuer(federated.providerName, "simulated")
      const after = yield* value(world.askAsMachine)
      assert.match(after, /^simulated-/)
      answer("of before")
      assert.strictEqual(yield* Fiber.join(before), "of before")
      assert.strictEqual(yield* value(world.askAsMachine), after)
    }))

  test("a call after an update of the provider does not receive the token of the old client", (world) =>
    Effect.gen(function*() {
      const before = yield* Effect.fork(value(world.askAsMachine))
      const first = yield* world.arrival
      yield* world.update({ clientId: "another" })
      const after = yield* Effect.fork(value(world.askAsMachine))
      const second = yield* world.arrival
      second.answer("of another")
      assert.strictEqual(yield* Fiber.join(after), "of another")
      first.answer("of me")
      assert.strictEqual(yield* Fiber.join(before), "of me")
      assert.strictEqual(yield* value(world.askAsMachine), "of another")
      assert.strictEqual(yield* Queue.size(world.arrivals), 0)
    }))
})

describe("an update of a provider", () => {
  const rotated = { clientSecret: Redacted.make("rotated") }
  const another = { clientId: "another" }

  test("with a new secret while a token is refreshed keeps the grant and stores the new token", (world) =>
    Effect.gen(function*() {
      yield* world.consents("ada", "ada-1", "refresh-1")
      yield* world.controls.expireTokens()
      const asked = yield* Effect.fork(value(world.askFor("ada")))
      const { answer } = yield* world.arrival
      yield* world.update(rotated)
      answer("ada-2", "refresh-2")
      assert.strictEqual(yield* Fiber.join(asked), "ada-2")
      assert.strictEqual(yield* value(world.askFor("ada")), "ada-2")
    }))

  test("with another client id while a token is refreshed ends the grant, and the new token is not stored", (world) =>
    Effect.gen(function*() {
      yield* world.consents("ada", "ada-1", "refresh-1")
      yield* world.controls.expireTokens()
      const asked = yield* Effect.fork(value(world.askFor("ada")))
      const { answer } = yield* world.arrival
      yield* world.update(another)
      answer("ada-2", "refresh-2")
      yield* Fiber.await(asked)
      assertEqual(yield* world.controls.grants, [])
      yield* required(world.askFor("ada"))
    }))

  test("with a new secret while a code is exchanged keeps the session, and the session completes", (world) =>
    Effect.gen(function*() {
      const { complete } = yield* world.approved("ada")
      const completed = yield* Effect.fork(complete)
      const { answer } = yield* world.arrival
      yield* world.update(rotated)
      answer("ada-1", "refresh-1")
      yield* Fiber.join(completed)
      assert.strictEqual(yield* value(world.askFor("ada")), "ada-1")
    }))

  test("with another client id while a code is exchanged ends the session, and its token is not stored", (world) =>
    Effect.gen(function*() {
      const { complete } = yield* world.approved("ada")
      const completed = yield* Effect.fork(complete)
      const { answer } = yield* world.arrival
      yield* world.update(another)
      answer("ada-1", "refresh-1")
      yield* Fiber.await(completed)
      assertEqual(yield* world.controls.grants, [])
      assertEqual(yield* world.controls.sessions, [])
      yield* required(world.askFor("ada"))
    }))

  test("with a new secret applies to a session that was approved before the update", (world) =>
    Effect.gen(function*() {
      const { complete } = yield* world.approved("ada")
      yield* world.update(rotated)
      const completed = yield* Effect.fork(complete)
      const { answer, secret } = yield* world.arrival
      assert.strictEqual(secret, "rotated")
      answer("ada-1", "refresh-1")
      yield* Fiber.join(completed)
      assert.strictEqual(yield* value(world.askFor("ada")), "ada-1")
    }))

  test("with another client id rejects the completion of a session that was approved before the update", (world) =>
    Effect.gen(function*() {
      const { complete } = yield* world.approved("ada")
      yield* world.update(another)
      assert.strictEqual((yield* Effect.flip(complete))._tag, "AccessDenied")
      assert.strictEqual(yield* Queue.size(world.arrivals), 0)
    }))

  test("with a new secret keeps a machine token, and later calls do not share a pending request", (world) =>
    Effect.gen(function*() {
      const before = yield* Effect.fork(value(world.askAsMachine))
      const first = yield* world.arrival
      yield* world.update(rotated)
      const after = yield* Effect.fork(value(world.askAsMachine))
      const second = yield* world.arrival
      assertEqual([first.secret, second.secret], ["secret", "rotated"])
      second.answer("with the new secret")
      assert.strictEqual(yield* Fiber.join(after), "with the new secret")
      first.answer("with the old secret")
      assert.strictEqual(yield* Fiber.join(before), "with the old secret")
      assert.strictEqual(yield* value(world.askAsMachine), "with the new secret")
      yield* world.update(rotated)
      assert.strictEqual(yield* value(world.askAsMachine), "with the new secret")
      assert.strictEqual(yield* Queue.size(world.arrivals), 0)
    }))
})
