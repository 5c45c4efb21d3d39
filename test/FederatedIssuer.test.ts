import { assert, describe } from "@effect/vitest"
import { Cause, Effect, Exit, Redacted } from "effect"
import * as jose from "jose"
import { api } from "../scratchpad/agent/AuthorizationServer.js"
import * as Consent from "../src/Consent.js"
import * as Credential from "../src/Credential.js"
import { callbackUrl } from "./support/agent.js"
import * as hostile from "./support/answering.js"
import { required } from "./support/consenting.js"
import { assertContains, assertEqual } from "./support/equality.js"
import * as federated from "./support/federated.js"
import { test } from "./support/federated.js"
import * as jar from "./support/jar.js"
import type { Vendor } from "./support/vendor.js"

const keyArn = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"

describe("a machine", () => {
  for (
    const [clientAuthenticationMethod, method] of [
      ["CLIENT_SECRET_BASIC", "client_secret_basic"],
      ["CLIENT_SECRET_POST", "client_secret_post"]
    ] as const
  ) {
    test(`gets a token with client authentication by ${method}`, (server) =>
      Effect.gen(function*() {
        const { asMachine, identity } = yield* federated.setUp(server, { clientAuthenticationMethod })
        server.register({ clientId: "me", clientSecret: "s:e/c r+e%t", method })
        const token = yield* identity.getToken(asMachine)
        const { scope, sub } = yield* server.verify(Redacted.value(token), api)
        assert.strictEqual(sub, "me")
        assert.strictEqual(scope, "read")
        assertEqual(yield* identity.getToken(asMachine), token)
        const [request, ...others] = server.requests("client_credentials")
        assertEqual(others, [])
        assert.strictEqual(request?.authorization !== undefined, method === "client_secret_basic")
        assert.strictEqual(request?.parameters.has("client_secret"), method === "client_secret_post")
      }))
  }

  for (const algorithm of ["RS256", "PS256", "ES256"] as const) {
    test(`gets a token with client authentication by a private key and ${algorithm}`, (server) =>
      Effect.gen(function*() {
        const { asMachine, controls, identity } = yield* federated.setUp(server, {
          clientAuthenticationMethod: "PRIVATE_KEY_JWT",
          clientSecret: undefined,
          privateKeyJwtConfig: {
            privateKeySource: { kmsKeySource: { kmsKeyArn: keyArn } },
            signingAlgorithm: algorithm,
            additionalHeaderClaims: { "x5t#S256": Redacted.make("thumbprint") },
            additionalPayloadClaims: { tenant: Redacted.make("mine") }
          }
        })
        const { privateKey, publicKey } = yield* Effect.promise(() =>
          jose.generateKeyPair(algorithm, { extractable: true })
        )
        const jwk = yield* Effect.promise(() => jose.exportJWK(privateKey))
        const known = yield* Effect.promise(() => jose.exportJWK(publicKey))
        server.register({ clientId: "me", method: "private_key_jwt", jwks: { keys: [{ ...known, alg: algorithm }] } })
        yield* controls.setSecret(keyArn, Redacted.make(JSON.stringify(jwk)))
        yield* server.verify(Redacted.value(yield* identity.getToken(asMachine)), api)
        const assertion = server.requests()[0]?.parameters.get("client_assertion") ?? ""
        assert.strictEqual(jose.decodeProtectedHeader(assertion)["x5t#S256"], "thumbprint")
        assert.strictEqual(jose.decodeProtectedHeader(assertion).alg, algorithm)
        assert.strictEqual(jose.decodeJwt(assertion)["tenant"], "mine")
        assert.strictEqual(jose.decodeJwt(assertion).aud, `${server.issuer}/token`)
      }))
  }

  test("gets a token for the requested resource, and concurrent calls share one request", (server) =>
    Effect.gen(function*() {
      const { asMachine, identity } = yield* federated.setUp(server)
      const asked = identity.getToken({ ...asMachine, resources: ["https://files.example"] })
      const tokens = yield* Effect.all(Array.from({ length: 50 }, () => asked), { concurrency: "unbounded" })
      for (const token of tokens) yield* server.verify(Redacted.value(token), "https://files.example")
      assert.strictEqual(server.requests().length, 1)
    }))
})

describe("a user", () => {
  test("consents at the provider's pages with an authorization code and PKCE", (server) =>
    Effect.gen(function*() {
      const { asUser, controls, identity, provider } = yield* federated.setUp(server)
      const consent = yield* required(
        identity.getToken({ ...asUser, customParameters: { ui_locales: "de", state: "mine", code_challenge: "mine" } })
      )
      const { asked, callback } = yield* federated.consents(server, consent)
      assert.strictEqual(asked.searchParams.get("code_challenge_method"), "S256")
      assert.strictEqual(asked.searchParams.get("ui_locales"), "de")
      assertEqual<unknown>(asked.searchParams.getAll("redirect_uri"), [provider.callbackUrl])
      assert.notInclude(asked.search, "mine")
      assert.strictEqual(callback.searchParams.get("iss"), server.issuer)
      const token = yield* identity.getToken(asUser)
      const { scope, sub } = yield* server.verify(Redacted.value(token), api)
      assert.strictEqual(sub, "ada at the provider")
      assert.strictEqual(scope, "openid read")
      assert.match(server.requests("authorization_code")[0]?.parameters.get("code_verifier") ?? "", /^[\w-]{43,}$/)
      assert.isTrue((yield* controls.grants)[0]?.isRefreshable)
      assertEqual(yield* controls.providerFailures, [])
    }))

  test("who denies ends the wait immediately", (server) =>
    Effect.gen(function*() {
      const { asUser, controls, identity } = yield* federated.setUp(server)
      const error = yield* Effect.flip(identity.getToken({
        ...asUser,
        consent: Consent.make((consent, { poll }) =>
          Effect.zipRight(
            Effect.map(federated.returns(server, consent, "deny"), ({ page }) => assert.strictEqual(page.status, 200)),
            poll
          )
        )
      }))
      assert.strictEqual(error._tag, "ConsentDenied")
      const [failure] = yield* controls.providerFailures
      assertContains(failure, {
        step: "authorization",
        reason: "Refused",
        error: "access_denied",
        description: "the user denied the consent"
      })
    }))

  test("whose code is rejected ends the wait immediately, and the completion reports it", (server) =>
    Effect.gen(function*() {
      const { asUser, controls, identity, provider } = yield* federated.setUp(server)
      server.register({ clientId: "me", clientSecret: "another", redirectUris: [provider.callbackUrl ?? ""] })
      const consent = yield* required(identity.getToken(asUser))
      const completion = yield* Effect.flip(federated.consents(server, consent))
      assert.strictEqual(completion._tag, "ValidationError")
      assert.strictEqual(completion.message, "Failed to retrieve token")
      const [session] = yield* controls.sessions
      assert.strictEqual(session?.status, "failed")
      const [failure] = yield* controls.providerFailures
      assertContains(failure, { step: "token", reason: "Refused", status: 401, error: "invalid_client" })
      assert.notInclude(JSON.stringify(failure), "s:e/c")
    }))

  test("with an unregistered redirect URI sees the provider's error, and nothing is approved", (server) =>
    Effect.gen(function*() {
      const { asUser, controls, identity } = yield* federated.setUp(server)
      server.register({ clientId: "me", clientSecret: "s:e/c r+e%t", redirectUris: ["https://elsewhere.example/"] })
      const consent = yield* required(identity.getToken(asUser))
      const exit = yield* Effect.exit(federated.goes(server, consent))
      assert.match(Exit.match(exit, { onSuccess: String, onFailure: Cause.pretty }), /redirect_uri/)
      assert.strictEqual((yield* controls.sessions)[0]?.status, "pending")
    }))

  test("can complete the session again if the provider is unreachable during the code exchange", (server) =>
    Effect.gen(function*() {
      const port = yield* hostile.freePort
      const { asUser, controls, identity } = yield* federated.setUp(server, {
        oauthDiscovery: {
          authorizationServerMetadata: {
            issuer: server.issuer,
            authorizationEndpoint: `${server.issuer}/auth`,
            tokenEndpoint: `http://127.0.0.1:${port}/token`
          }
        }
      })
      const consent = yield* required(identity.getToken(asUser))
      const { page } = yield* federated.returns(server, consent)
      assert.strictEqual(page.status, 303)
      const complete = identity.completeResourceTokenAuth({
        sessionUri: consent.sessionUri,
        userIdentifier: Credential.userId("ada")
      })
      assert.strictEqual((yield* Effect.flip(complete))._tag, "ValidationError")
      assertContains((yield* controls.providerFailures)[0], { step: "token", reason: "Unreachable" })
      assert.strictEqual((yield* controls.sessions)[0]?.status, "approved")
      yield* hostile.relay(port, server.issuer)
      yield* complete
      yield* server.verify(Redacted.value(yield* identity.getToken(asUser)), api)
    }))

  test("who returns to another provider's callback, or with another provider's response, changes nothing", (server) =>
    Effect.gen(function*() {
      const { asUser, controls, identity, provider } = yield* federated.setUp(server)
      const other = yield* federated.provide(server.discoveryUrl, { name: "other" })
      for (
        const change of [
          (url: URL) => url.searchParams.set("iss", "https://attacker.example"),
          (url: URL) => url.searchParams.delete("iss"),
          (url: URL) => url.searchParams.append("iss", server.issuer),
          (url: URL) => url.searchParams.set("state", "A".repeat(43)),
          (url: URL) => url.searchParams.delete("state"),
          (url: URL) => url.searchParams.delete("code"),
          (url: URL) => url.searchParams.append("code", "another"),
          (url: URL) => {
            url.pathname = new URL(other.callbackUrl ?? "").pathname
          }
        ]
      ) {
        const consent = yield* required(identity.getToken(asUser))
        const { browser, callback } = yield* federated.goes(server, consent)
        change(callback)
        const page = yield* browser.get(callback.pathname + callback.search)
        assert.isTrue(page.status >= 400 && page.status < 500, `${callback.href} ${page.status}`)
        assert.isNull(page.headers.get("location"))
      }
      assertEqual<unknown>(
        (yield* controls.sessions).map(({ status }) => status),
        Array.from({ length: 8 }, () => "pending")
      )
      assert.strictEqual(server.requests().length, 0)
      assert.isString(provider.callbackUrl)
    }))

  test("can use the authorization response only once, in the browser that started the flow", (server) =>
    Effect.gen(function*() {
      const { asUser, identity } = yield* federated.setUp(server)
      const consent = yield* required(identity.getToken(asUser))
      const { browser, callback } = yield* federated.goes(server, consent)
      const at = callback.pathname + callback.search
      assert.strictEqual((yield* (yield* jar.jar).get(at)).status, 403)
      assert.strictEqual((yield* browser.get(at)).status, 303)
      assert.strictEqual((yield* browser.get(at)).status, 409)
    }))
})

describe("a failing provider", () => {
  const ailments: ReadonlyArray<readonly [string, Parameters<Vendor["failNext"]>[0], object]> = [
    ["is slow", { millis: 3000 }, { reason: "TimedOut" }],
    ["responds with HTML", { status: 200, body: "<html>hello" }, { reason: "Malformed", status: 200 }],
    ["closes the connection", "lost request", { reason: "Lost" }],
    ["fails", { status: 500, body: "{}" }, { reason: "Refused", status: 500 }]
  ]
  for (const [what, fault, failure] of ailments) {
    test(
      `that ${what} yields no machine token, and ends a user's wait immediately`,
      (server) =>
        Effect.gen(function*() {
          const { asMachine, asUser, controls, identity } = yield* federated.setUp(server)
          server.failNext(fault)
          const error = yield* Effect.flip(identity.getToken(asMachine))
          assert.strictEqual(error._tag, "ValidationError")
          assert.strictEqual(error.message, "Failed to retrieve token")
          server.failNext(fault)
          const ended = yield* Effect.flip(identity.getToken({
            ...asUser,
            consent: Consent.make((consent, { poll }) =>
              Effect.zipRight(
                Effect.map(Effect.either(federated.consents(server, consent)), (completion) => {
                  if (completion._tag === "Right") return assert.fail("the completion was accepted")
                  assert.strictEqual(completion.left._tag, "ValidationError")
                  assert.strictEqual(completion.left.message, "Failed to retrieve token")
                }),
                poll
              )
            )
          }))
          assert.strictEqual(ended._tag, "ConsentDenied")
          const failures = yield* controls.providerFailures
          assert.strictEqual(failures.length, 2)
          for (const told of failures) assertContains(told, { step: "token", ...failure })
          yield* server.verify(Redacted.value(yield* identity.getToken(asMachine)), api)
        }),
      { timeout: "1 second" }
    )
  }

  test("that is down fails the machine token request, and shows the user an error page", (server) =>
    Effect.gen(function*() {
      const origin = `http://127.0.0.1:${yield* hostile.freePort}`
      const { asMachine, asUser, controls, identity } = yield* federated.setUp(server, {
        oauthDiscovery: { discoveryUrl: `${origin}/.well-known/openid-configuration` }
      })
      assert.strictEqual((yield* Effect.flip(identity.getToken(asMachine)))._tag, "ValidationError")
      const consent = yield* required(identity.getToken(asUser))
      const { pathname, search } = new URL(Redacted.value(consent.authorizationUrl))
      const page = yield* Effect.flatMap(jar.jar, (browser) => browser.get(pathname + search))
      assert.strictEqual(page.status, 502)
      assert.include(page.text, "The provider is not available")
      assert.strictEqual((yield* controls.sessions)[0]?.status, "pending")
      for (const told of yield* controls.providerFailures) {
        assertContains(told, { step: "discovery", reason: "Unreachable" })
      }
    }))
})

describe("the issuer of a provider", () => {
  test("is the simulated issuer for a remote vendor, unless it is federated explicitly", (server) =>
    Effect.gen(function*() {
      const { asUser, controls, identity } = yield* federated.setUp(server)
      const github = yield* identity.createOauth2CredentialProvider({
        name: "github",
        credentialProviderVendor: "GithubOauth2",
        oauth2ProviderConfigInput: {
          githubOauth2ProviderConfig: { clientId: "me", clientSecret: Redacted.make("s:e/c r+e%t") }
        }
      })
      const issuers = Effect.map(
        controls.inventory,
        ({ oauth2CredentialProviders: all }) => all.map(({ issuer, name }) => [name, issuer])
      )
      assertEqual(yield* issuers, [["github", "simulated"], ["own", "federated"]])
      const ask = identity.getToken({ ...asUser, providerName: "github" })
      yield* controls.approve((yield* required(ask)).sessionUri)
      yield* controls.setIssuer("github", { discoveryUrl: server.discoveryUrl })
      assertEqual(yield* issuers, [["github", "federated"], ["own", "federated"]])
      server.register({
        clientId: "me",
        clientSecret: "s:e/c r+e%t",
        method: "client_secret_post",
        redirectUris: [github.callbackUrl ?? ""]
      })
      const consent = yield* required(ask)
      assert.strictEqual((yield* Effect.flip(controls.approve(consent.sessionUri)))._tag, "NotSimulated")
      yield* federated.consents(server, consent)
      yield* server.verify(Redacted.value(yield* ask), api)
      yield* controls.setIssuer("github", { discoveryUrl: server.discoveryUrl })
      yield* ask
      yield* controls.setIssuer("github", undefined)
      yield* required(ask)
      assert.strictEqual(asUser.callbackUrl, callbackUrl)
    }))
})
