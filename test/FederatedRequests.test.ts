import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { generateKeyPairSync } from "node:crypto"
import { target } from "../src/internal/emulator/state/target.js"
import * as issuer from "../src/internal/oauth/federatedIssuer.js"
import type { OnBehalfOfTokenExchangeConfig } from "../src/Oauth2ProviderConfig.js"
import {
  callbackUrl,
  clientId,
  clientOf,
  type ClientOptions,
  clientSecret,
  completingSession,
  metadata,
  parametersOf,
  reach,
  type Received,
  redactedMap,
  server,
  sorted,
  tokens
} from "./support/authorizationServer.js"
import { assertEqual } from "./support/equality.js"

const { machine, onBehalfOf, refresh, user } = issuer.make(reach)

const wanted = target({ scopes: ["write", "read"], resources: ["urn:b", "urn:a"], audiences: ["d", "c"] })

const nothing = target({ scopes: [] })

const named = ["audience=c", "audience=d", "resource=urn:a", "resource=urn:b", "scope=read write"]

const resources = ["resource=urn:a", "resource=urn:b"]

/** The requests that a flow sends to a server. */
const requestsOf = <E>(
  flow: (client: ReturnType<typeof clientOf>) => Effect.Effect<unknown, E>,
  options: ClientOptions = {}
) =>
  Effect.gen(function*() {
    const { origin, requests } = yield* server()
    yield* flow(clientOf({ oauthDiscovery: metadata(origin), ...options }))
    return requests
  })

const basic = `Basic ${Buffer.from(`${clientId}:s%3Ae%2Fc+r%2Be%25t`).toString("base64")}`

const customOf = (values: { readonly [name: string]: string }) => redactedMap(values)

describe("the request for a machine token", () => {
  it.scoped("uses the client credentials grant with every scope, resource and audience in order", () =>
    Effect.gen(function*() {
      const requests = yield* requestsOf((client) => machine(client, { target: wanted, customParameters: undefined }))
      assertEqual(parametersOf(requests), sorted([...named, "grant_type=client_credentials"]))
      assert.strictEqual(requests.length, 1)
      const [request] = requests
      assert.strictEqual(request?.method, "POST")
      assert.strictEqual(request?.path, "/token")
      assert.strictEqual(request?.headers.authorization, basic)
      assert.strictEqual(request?.headers.accept, "application/json")
      assert.match(request?.headers["content-type"] ?? "", /^application\/x-www-form-urlencoded/)
    }))

  it.scoped("has only the grant type without scopes, resources and audiences", () =>
    Effect.gen(function*() {
      const requests = yield* requestsOf((client) => machine(client, { target: nothing, customParameters: undefined }))
      assertEqual(parametersOf(requests), ["grant_type=client_credentials"])
    }))

  it.scoped("has the client secret in its body with client_secret_post", () =>
    Effect.gen(function*() {
      const requests = yield* requestsOf(
        (client) => machine(client, { target: nothing, customParameters: undefined }),
        { custom: { clientAuthenticationMethod: "CLIENT_SECRET_POST" } }
      )
      assert.isUndefined(requests[0]?.headers.authorization)
      assertEqual(parametersOf(requests), [
        `client_id=${clientId}`,
        `client_secret=${clientSecret}`,
        "grant_type=client_credentials"
      ])
    }))
})

describe("an invalid token request", () => {
  const description =
    "the token request cannot be built: the provider needs a clientId, an issuer, and at least 2048 bits in an RSA key"
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 1024 })
  const cases: ReadonlyArray<readonly [what: string, options: (origin: string) => ClientOptions]> = [
    ["without a clientId", (origin) => ({ oauthDiscovery: metadata(origin), custom: { clientId: "" } })],
    ["without an issuer", (origin) => ({
      oauthDiscovery: {
        authorizationServerMetadata: { ...metadata(origin).authorizationServerMetadata, issuer: "" }
      }
    })],
    ["with an RSA key of 1024 bits", (origin) => ({
      oauthDiscovery: metadata(origin),
      custom: { clientAuthenticationMethod: "PRIVATE_KEY_JWT" },
      privateKey: JSON.stringify(privateKey.export({ format: "jwk" }))
    })]
  ]
  for (const [what, options] of cases) {
    it.scoped(`${what} is Misconfigured, the message states the requirement, and no request is sent`, () =>
      Effect.gen(function*() {
        const { origin, requests } = yield* server()
        const refused = yield* Effect.flip(
          machine(clientOf(options(origin)), { target: nothing, customParameters: undefined })
        )
        assert.strictEqual(refused.step, "token")
        assert.strictEqual(refused.reason, "Misconfigured")
        assert.strictEqual(refused.description, description)
        assert.strictEqual(requests.length, 0)
      }))
  }
})

describe("the exchange of a code", () => {
  const session = (redirectUri?: string) =>
    completingSession({
      target: wanted,
      customParameters: customOf({ prompt: "login" }),
      authorization: {
        code: Redacted.make("the-code"),
        codeVerifier: Redacted.make("the-verifier"),
        ...(redirectUri !== undefined && { redirectUri })
      }
    })
  const usual = ["code=the-code", "grant_type=authorization_code", ...resources]

  it.scoped("has the code, its verifier, the callback URL and the resources, and neither scopes nor audiences", () =>
    Effect.gen(function*() {
      const requests = yield* requestsOf((client) => user(client, session()))
      const expected = [...usual, "code_verifier=the-verifier", `redirect_uri=${callbackUrl}`]
      assertEqual(parametersOf(requests), sorted(expected))
    }))

  it.scoped("repeats the callback URL of the authorization request", () =>
    Effect.gen(function*() {
      const requests = yield* requestsOf((client) => user(client, session("https://before.example/callback")))
      assert.include(parametersOf(requests), "redirect_uri=https://before.example/callback")
    }))

  it.scoped("has no verifier if the vendor does not use PKCE", () =>
    Effect.gen(function*() {
      const requests = yield* requestsOf((client) => user(client, session()), { vendor: "LinkedinOauth2" })
      const secret = [`client_id=${clientId}`, `client_secret=${clientSecret}`]
      assertEqual(parametersOf(requests), sorted([...usual, ...secret, `redirect_uri=${callbackUrl}`]))
    }))

  it.scoped("is sent as JSON if the vendor requires JSON", () =>
    Effect.gen(function*() {
      const [request] = yield* requestsOf(
        (client) => user(client, { ...session(), target: nothing }),
        { vendor: "NotionOauth2" }
      )
      assert.strictEqual(request?.headers["content-type"], "application/json")
      assertEqual(JSON.parse(request?.body ?? ""), {
        code: "the-code",
        code_verifier: "the-verifier",
        grant_type: "authorization_code",
        redirect_uri: callbackUrl
      })
    }))

  it.scoped("has the headers that the vendor requires", () =>
    Effect.gen(function*() {
      const [request] = yield* requestsOf((client) => user(client, session()), { vendor: "GithubOauth2" })
      assert.strictEqual(request?.headers.accept, "application/json")
      assert.match(request?.headers["content-type"] ?? "", /^application\/x-www-form-urlencoded/)
    }))

  it.scoped("is Misconfigured without a code, and no request is sent", () =>
    Effect.gen(function*() {
      const { origin, requests } = yield* server()
      const refused = yield* Effect.flip(user(clientOf({ oauthDiscovery: metadata(origin) }), completingSession()))
      assert.strictEqual(refused.step, "token")
      assert.strictEqual(refused.reason, "Misconfigured")
      assert.strictEqual(
        refused.description,
        "the user consented while the provider was simulated: request the consent again"
      )
      assert.strictEqual(requests.length, 0)
    }))
})

it.scoped("a refresh has the refresh token and the resources, and neither scopes nor audiences", () =>
  Effect.gen(function*() {
    const refreshToken = Redacted.make("the-refresh-token")
    const requests = yield* requestsOf((client) => refresh(client, { target: wanted, refreshToken }))
    assertEqual(
      parametersOf(requests),
      sorted([...resources, "grant_type=refresh_token", "refresh_token=the-refresh-token"])
    )
  }))

describe("a request on behalf of a user", () => {
  const userToken = Redacted.make("the-user-token")

  const exchanged = (
    config: OnBehalfOfTokenExchangeConfig | undefined,
    customParameters?: { readonly [name: string]: string },
    options: ClientOptions = {}
  ) =>
    requestsOf(
      (client) =>
        onBehalfOf(client, {
          target: wanted,
          userToken,
          customParameters: customParameters && customOf(customParameters)
        }),
      { ...options, ...(config !== undefined && { onBehalfOf: config }) }
    )

  const tokenType = "urn:ietf:params:oauth:token-type:"
  const exchange = [
    ...named,
    "grant_type=urn:ietf:params:oauth:grant-type:token-exchange",
    "subject_token=the-user-token",
    `subject_token_type=${tokenType}jwt`
  ]
  const bearer = [...named, "assertion=the-user-token", "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer"]

  const plain: ReadonlyArray<readonly [what: string, config: OnBehalfOfTokenExchangeConfig | undefined]> = [
    ["no configuration", undefined],
    ["no configuration of the actor", { grantType: "TOKEN_EXCHANGE" }],
    ["no actor", { grantType: "TOKEN_EXCHANGE", tokenExchangeGrantTypeConfig: { actorTokenContent: "NONE" } }]
  ]
  for (const [what, config] of plain) {
    it.scoped(`is a token exchange without an actor (RFC 8693), with ${what}`, () =>
      Effect.gen(function*() {
        const requests = yield* exchanged(config)
        assert.strictEqual(requests.length, 1)
        assertEqual(parametersOf(requests), sorted([...exchange]))
      }))
  }

  it.scoped("has the machine token as its actor token, which is requested with the actor scopes only", () =>
    Effect.gen(function*() {
      for (const actorTokenScopes of [undefined, ["b", "a"]]) {
        const [first, ...rest] = yield* exchanged({
          grantType: "TOKEN_EXCHANGE",
          tokenExchangeGrantTypeConfig: {
            actorTokenContent: "M2M",
            ...(actorTokenScopes !== undefined && { actorTokenScopes })
          }
        })
        const asked: ReadonlyArray<Received> = first === undefined ? [] : [first]
        assertEqual(parametersOf(asked), [
          "grant_type=client_credentials",
          ...(actorTokenScopes === undefined ? [] : ["scope=a b"])
        ])
        assert.strictEqual(rest.length, 1)
        assertEqual(
          parametersOf(rest),
          sorted([...exchange, `actor_token=${tokens.access_token}`, `actor_token_type=${tokenType}access_token`])
        )
      }
    }))

  it.scoped("is a JWT bearer grant (RFC 7523) if configured, with an additional parameter for Microsoft", () =>
    Effect.gen(function*() {
      const config = { grantType: "JWT_AUTHORIZATION_GRANT" } as const
      assertEqual(parametersOf(yield* exchanged(config)), sorted([...bearer]))
      const secret = [`client_id=${clientId}`, `client_secret=${clientSecret}`]
      assertEqual(
        parametersOf(yield* exchanged(config, undefined, { vendor: "MicrosoftOauth2" })),
        sorted([...bearer, ...secret, "requested_token_use=on_behalf_of"])
      )
    }))

  const kinds = [
    ["a token exchange", {
      grantType: "TOKEN_EXCHANGE",
      tokenExchangeGrantTypeConfig: { actorTokenContent: "M2M" }
    }],
    ["a JWT bearer grant", { grantType: "JWT_AUTHORIZATION_GRANT" }]
  ] as const
  const reserved = [
    "actor_token",
    "actor_token_type",
    "assertion",
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "grant_type",
    "subject_token"
  ]
  for (const [what, config] of kinds) {
    for (const name of reserved) {
      it.scoped(`as ${what} ignores ${name} in the caller's custom parameters`, () =>
        Effect.gen(function*() {
          const request = (yield* exchanged(config, { [name]: "canary", tenant: "mine" })).at(-1)
          assert.include(request?.body, "tenant=mine")
          assert.notInclude(request?.body, "canary")
        }))
    }
  }

  it.scoped("has the subject token type of the caller", () =>
    Effect.gen(function*() {
      const type = `${tokenType}access_token`
      const requests = yield* exchanged({ grantType: "TOKEN_EXCHANGE" }, { subject_token_type: type })
      assertEqual(parametersOf(requests), sorted([...exchange.slice(0, -1), `subject_token_type=${type}`]))
    }))

  it.scoped("is not sent if the actor token request fails, and reports that failure", () =>
    Effect.gen(function*() {
      const { origin, requests } = yield* server(() => ({ status: 400, body: { error: "invalid_scope" } }))
      const client = clientOf({
        oauthDiscovery: metadata(origin),
        onBehalfOf: { grantType: "TOKEN_EXCHANGE", tokenExchangeGrantTypeConfig: { actorTokenContent: "M2M" } }
      })
      const refused = yield* Effect.flip(
        onBehalfOf(client, { target: wanted, userToken, customParameters: undefined })
      )
      assert.strictEqual(refused.step, "token")
      assert.strictEqual(refused.error, "invalid_scope")
      assert.strictEqual(requests.length, 1)
    }))
})
