import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Redacted, type Scope } from "effect"
import * as jose from "jose"
import { api } from "../scratchpad/agent/AuthorizationServer.js"
import type * as FederatedIssuer from "../src/FederatedIssuer.js"
import { Credential, type IdentityControls, type IdentityService } from "../src/index.js"
import { callbackUrl, workloadName } from "./support/agent.js"
import * as hostile from "./support/answering.js"
import * as federated from "./support/federated.js"
import * as jar from "./support/jar.js"
import { required } from "./support/person.js"
import * as vendor from "./support/vendor.js"

type Services =
  | IdentityService.IdentityService
  | IdentityControls.IdentityControls
  | Effect.Effect.Context<typeof jar.jar>

const test = <E>(
  name: string,
  body: (server: vendor.Vendor) => Effect.Effect<void, E, Services | Scope.Scope>,
  options: FederatedIssuer.Options = {}
) => it.scopedLive(name, () => Effect.flatMap(vendor.make(), body).pipe(Effect.provide(federated.layer(options))))

const hour = (browser: jar.Jar, seconds: number) => browser.json("/_local/clock", { moveSeconds: seconds })

const keyArn = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"

describe("a machine", () => {
  for (
    const [clientAuthenticationMethod, method] of [
      ["CLIENT_SECRET_BASIC", "client_secret_basic"],
      ["CLIENT_SECRET_POST", "client_secret_post"]
    ] as const
  ) {
    test(`gets a token, its client authenticated by ${method}`, (server) =>
      Effect.gen(function*() {
        const { asMachine, identity } = yield* federated.setUp(server, { clientAuthenticationMethod })
        server.register({ clientId: "me", clientSecret: "s:e/c r+e%t", method })
        const token = yield* identity.getToken(asMachine)
        const { scope, sub } = yield* server.verify(Redacted.value(token), api)
        assert.strictEqual(sub, "me")
        assert.strictEqual(scope, "read")
        assert.deepStrictEqual(yield* identity.getToken(asMachine), token)
        const [request, ...others] = server.requests("client_credentials")
        assert.deepStrictEqual(others, [])
        assert.strictEqual(request?.authorization !== undefined, method === "client_secret_basic")
        assert.strictEqual(request?.parameters.has("client_secret"), method === "client_secret_post")
      }))
  }

  for (const algorithm of ["RS256", "PS256", "ES256"] as const) {
    test(`gets a token, its client authenticated by a private key and ${algorithm}`, (server) =>
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

  test("gets a token for the resource it asks for, and many askers make one request", (server) =>
    Effect.gen(function*() {
      const { asMachine, identity } = yield* federated.setUp(server)
      const asked = identity.getToken({ ...asMachine, resources: ["https://files.example"] })
      const tokens = yield* Effect.all(Array.from({ length: 50 }, () => asked), { concurrency: "unbounded" })
      for (const token of tokens) yield* server.verify(Redacted.value(token), "https://files.example")
      assert.strictEqual(server.requests().length, 1)
    }))
})

describe("a person", () => {
  test("consents at the provider's own pages, by a code with PKCE", (server) =>
    Effect.gen(function*() {
      const { asUser, controls, identity, provider } = yield* federated.setUp(server)
      const consent = yield* required(
        identity.getToken({ ...asUser, customParameters: { ui_locales: "de", state: "mine", code_challenge: "mine" } })
      )
      const { asked, callback } = yield* federated.consents(server, consent)
      assert.strictEqual(asked.searchParams.get("code_challenge_method"), "S256")
      assert.strictEqual(asked.searchParams.get("ui_locales"), "de")
      assert.deepStrictEqual(asked.searchParams.getAll("redirect_uri"), [provider.callbackUrl])
      assert.notInclude(asked.search, "mine")
      assert.strictEqual(callback.searchParams.get("iss"), server.issuer)
      const token = yield* identity.getToken(asUser)
      const { scope, sub } = yield* server.verify(Redacted.value(token), api)
      assert.strictEqual(sub, "ada at the provider")
      assert.strictEqual(scope, "openid read")
      assert.match(server.requests("authorization_code")[0]?.parameters.get("code_verifier") ?? "", /^[\w-]{43,}$/)
      assert.isTrue((yield* controls.grants)[0]?.isRefreshable)
      assert.deepStrictEqual(yield* controls.providerFailures, [])
    }))

  test("who says no ends the wait at once", (server) =>
    Effect.gen(function*() {
      const { asUser, controls, identity } = yield* federated.setUp(server)
      const error = yield* Effect.flip(identity.getToken({
        ...asUser,
        tokenPoller: { poll: (_, ask) => ask },
        onAuthUrl: (_, consent) =>
          Effect.map(federated.returns(server, consent, "deny"), ({ page }) => assert.strictEqual(page.status, 200))
      }))
      assert.strictEqual(error._tag, "ConsentDenied")
      const [failure] = yield* controls.providerFailures
      assert.deepInclude(failure, {
        step: "authorization",
        reason: "Refused",
        error: "access_denied",
        description: "the person said no"
      })
    }))

  test("whose code is refused ends the wait at once, and the completion says so", (server) =>
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
      assert.deepInclude(failure, { step: "token", reason: "Refused", status: 401, error: "invalid_client" })
      assert.notInclude(JSON.stringify(failure), "s:e/c")
    }))

  test("whose redirect URI is not registered is told so by the provider, and nothing is approved", (server) =>
    Effect.gen(function*() {
      const { asUser, controls, identity } = yield* federated.setUp(server)
      server.register({ clientId: "me", clientSecret: "s:e/c r+e%t", redirectUris: ["https://elsewhere.example/"] })
      const consent = yield* required(identity.getToken(asUser))
      const exit = yield* Effect.exit(federated.goes(server, consent))
      assert.match(Exit.match(exit, { onSuccess: String, onFailure: Cause.pretty }), /redirect_uri/)
      assert.strictEqual((yield* controls.sessions)[0]?.status, "pending")
    }))

  test("whose provider cannot be reached when the code is exchanged can be completed again", (server) =>
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
        userIdentifier: Credential.UserIdIdentifier("ada")
      })
      assert.strictEqual((yield* Effect.flip(complete))._tag, "ValidationError")
      assert.deepInclude((yield* controls.providerFailures)[0], { step: "token", reason: "Unreachable" })
      assert.strictEqual((yield* controls.sessions)[0]?.status, "approved")
      yield* hostile.relay(port, server.issuer)
      yield* complete
      yield* server.verify(Redacted.value(yield* identity.getToken(asUser)), api)
    }))

  test("comes back to the callback of another provider, or with another's answer, and nothing happens", (server) =>
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
      assert.deepStrictEqual(
        (yield* controls.sessions).map(({ status }) => status),
        Array.from({ length: 8 }, () => "pending")
      )
      assert.strictEqual(server.requests().length, 0)
      assert.isString(provider.callbackUrl)
    }))

  test("'s answer counts in the browser that went, and once", (server) =>
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

describe("a refresh", () => {
  const granted = (server: vendor.Vendor) =>
    Effect.gen(function*() {
      const world = yield* federated.setUp(server)
      yield* federated.consents(server, yield* required(world.identity.getToken(world.asUser)))
      return { ...world, ask: world.identity.getToken(world.asUser), browser: yield* jar.jar }
    })

  test("is made once for a hundred askers, rotates, and can be made again", (server) =>
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
      assert.deepStrictEqual(server.requests("refresh_token").map(({ status }) => status), [200, 200, 200])
    }))

  test("comes a minute before the token ends, and not earlier", (server) =>
    Effect.gen(function*() {
      const { ask, browser } = yield* granted(server)
      const token = yield* ask
      yield* hour(browser, 3530)
      assert.deepStrictEqual(yield* ask, token)
      yield* hour(browser, 20)
      assert.notDeepEqual(Redacted.value(yield* ask), Redacted.value(token))
      assert.strictEqual(server.requests("refresh_token").length, 1)
    }))

  test("that is refused means that the person is asked again", (server) =>
    Effect.gen(function*() {
      const { ask, controls } = yield* granted(server)
      yield* server.revokeAll
      yield* controls.expireTokens()
      yield* required(ask)
      assert.deepStrictEqual(yield* controls.grants, [])
      const [failure] = yield* controls.providerFailures
      assert.deepInclude(failure, { step: "refresh", reason: "Refused", status: 400, error: "invalid_grant" })
    }))

  test("whose request was lost is made again, with the same token", (server) =>
    Effect.gen(function*() {
      const { ask, controls } = yield* granted(server)
      yield* controls.expireTokens()
      server.failNext("lost request")
      yield* server.verify(Redacted.value(yield* ask), api)
      assert.deepStrictEqual(server.requests("refresh_token").map(({ status }) => status), [200])
    }))

  test("whose answer was lost is made again, and a provider that takes it for theft means that the person is asked", (server) =>
    Effect.gen(function*() {
      const { ask, controls } = yield* granted(server)
      yield* controls.expireTokens()
      server.failNext("lost answer")
      yield* required(ask)
      assert.deepStrictEqual(server.requests("refresh_token").map(({ status }) => status), [200, 400])
      assert.deepStrictEqual(yield* controls.grants, [])
    }))

  test("that finds the provider ailing gives the old token while it lasts, then an error, and loses nothing", (server) =>
    Effect.gen(function*() {
      const { ask: before, asUser, browser, controls, identity } = yield* granted(server)
      const token = yield* before
      yield* hour(browser, 3550)
      // The workload access token lasts no longer than that.
      const workloadAccessToken = yield* identity.getWorkloadAccessToken({ workloadName, userId: "ada" })
      const ask = identity.getToken({ ...asUser, workloadAccessToken })
      const ailing = () => [1, 2, 3].forEach(() => server.failNext({ status: 503, body: "not now" }))
      ailing()
      assert.deepStrictEqual(yield* ask, token)
      yield* hour(browser, 60)
      ailing()
      const error = yield* Effect.flip(ask)
      assert.strictEqual(error._tag, "ValidationError")
      assert.strictEqual(error.message, "Failed to retrieve token")
      assert.deepInclude((yield* controls.providerFailures).at(-1), { step: "refresh", reason: "Refused", status: 503 })
      assert.notDeepEqual(Redacted.value(yield* ask), Redacted.value(token))
    }))

  test("that the client's secret no longer does for loses nothing", (server) =>
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
  const acting = (server: vendor.Vendor, config: Parameters<typeof federated.setUp>[1]) =>
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
      assert.deepInclude(claims, {
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
      assert.deepStrictEqual((yield* server.verify(Redacted.value(token), "https://files.example"))["act"], {
        sub: "me"
      })
      assert.strictEqual(server.requests("client_credentials")[0]?.parameters.get("scope"), "write")
    }))

  test("a user, the type of the subject's token can be said, and nothing else be replaced", (server) =>
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
      assert.deepInclude(claims, { sub: "ada", subject_token_type: type })
      assert.strictEqual(server.requests()[0]?.parameters.get("tenant"), "mine")
    }))

  test("a user, the JWT is an assertion (RFC 7523)", (server) =>
    Effect.gen(function*() {
      const { ask } = yield* acting(server, {
        onBehalfOfTokenExchangeConfig: { grantType: "JWT_AUTHORIZATION_GRANT" }
      })
      const token = yield* ask(yield* server.userToken({ sub: "ada" }))
      assert.strictEqual((yield* server.verify(Redacted.value(token), "https://files.example")).sub, "ada")
      assert.deepStrictEqual(server.requests().map(({ grantType }) => grantType), [
        "urn:ietf:params:oauth:grant-type:jwt-bearer"
      ])
    }))

  test("a user whose token is refused, the error says with which status", (server) =>
    Effect.gen(function*() {
      const { ask, controls } = yield* acting(server, exchange())
      const userToken = yield* server.userToken({ sub: "ada", isForged: true })
      const error = yield* Effect.flip(ask(userToken))
      assert.strictEqual(error._tag, "ValidationError")
      assert.strictEqual(error.message, "Token exchange failed with HTTP status 400")
      const failures = yield* controls.providerFailures
      assert.deepInclude(failures[0], { step: "exchange", error: "invalid_grant" })
      assert.notInclude(JSON.stringify(failures), Redacted.value(userToken))
    }))

  test("a user, an actor of AWS STS is not to be had", (server) =>
    Effect.gen(function*() {
      const { ask } = yield* acting(server, exchange({ actorTokenContent: "AWS_IAM_ID_TOKEN_JWT" }))
      const error = yield* Effect.flip(ask(yield* server.userToken({ sub: "ada" })))
      assert.strictEqual(error._tag, "ValidationError")
      assert.include(error.message, "STS")
      assert.strictEqual(server.requests().length, 0)
    }))
})

describe("a JWT that a user comes with", () => {
  const mint = (userToken: Redacted.Redacted) =>
    Effect.gen(function*() {
      const { IdentityService: Service } = yield* Effect.promise(() => import("../src/IdentityService.js"))
      const identity = yield* Service
      yield* Effect.ignore(identity.createWorkloadIdentity({ name: workloadName }))
      return yield* identity.getWorkloadAccessToken({ workloadName, userToken })
    })
  const verifying = { verifyJwtFor: ["the agent"], allowedHosts: ["127.0.0.1"] }

  test(
    "is good if its issuer has signed it for us",
    (server) =>
      Effect.flatMap(
        Effect.flatMap(server.userToken({ sub: "ada" }), mint),
        (token) => Effect.sync(() => assert.isNotEmpty(Redacted.value(token)))
      ),
    verifying
  )

  for (
    const [what, claims, why] of [
      ["that somebody else has signed", { isForged: true }, /ERR_JWS_SIGNATURE_VERIFICATION_FAILED/],
      ["for somebody else", { aud: "another agent" }, /ERR_JWT_CLAIM_VALIDATION_FAILED/],
      ["that is over", { expiresIn: -1 }, /ERR_JWT_EXPIRED/]
    ] as const
  ) {
    test(`${what} is refused`, (server) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(mint(yield* server.userToken({ sub: "ada", ...claims })))
        assert.strictEqual(error._tag, "Unauthorized")
        assert.match(error.message, why)
      }), verifying)
  }

  test("without a signature, or signed with a secret, is refused", (server) =>
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

describe("who answers", () => {
  test("is nobody but this library for a vendor elsewhere, until somebody says so", (server) =>
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
      assert.deepStrictEqual(yield* issuers, [["github", "simulated"], ["own", "federated"]])
      const ask = identity.getToken({ ...asUser, providerName: "github" })
      yield* controls.approve((yield* required(ask)).sessionUri)
      yield* controls.setIssuer("github", { discoveryUrl: server.discoveryUrl })
      assert.deepStrictEqual(yield* issuers, [["github", "federated"], ["own", "federated"]])
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
