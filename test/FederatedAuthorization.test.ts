import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Redacted } from "effect"
import { createHash } from "node:crypto"
import { target } from "../src/internal/emulator/state/target.js"
import * as authorization from "../src/internal/oauth/authorizationCode.js"
import { presets } from "../src/internal/presets/table.js"
import {
  callbackUrl,
  clientId,
  clientOf,
  metadata,
  pendingSession,
  reach,
  redactedMap,
  sorted
} from "./support/authorizationServer.js"
import { assertEqual } from "./support/equality.js"
import { vendors } from "./support/presets.js"

const { authorization: authorize, code } = authorization.make(reach)

/** Parameters of RFC 6749, RFC 7636, RFC 9101 and OAuth response modes that a caller or endpoint must not replace. */
const reserved = [
  "client_id",
  "client_secret",
  "code_challenge",
  "code_challenge_method",
  "redirect_uri",
  "request",
  "request_uri",
  "response_mode",
  "response_type",
  "scope",
  "state"
]

const endpointOf = (authorizationEndpoint: string) => ({
  authorizationServerMetadata: {
    ...metadata("https://idp.example").authorizationServerMetadata,
    authorizationEndpoint
  }
})

const at = (
  {
    customParameters,
    endpoint = "https://idp.example/auth",
    resources = [],
    scopes = ["write", "read"],
    audiences = [],
    vendor
  }: {
    readonly customParameters?: { readonly [name: string]: string }
    readonly endpoint?: string
    readonly scopes?: ReadonlyArray<string>
    readonly resources?: ReadonlyArray<string>
    readonly audiences?: ReadonlyArray<string>
    readonly vendor?: (typeof vendors)[number]
  } = {}
) =>
  Effect.map(
    authorize(
      clientOf({ ...(vendor !== undefined && { vendor }), oauthDiscovery: endpointOf(endpoint) }),
      pendingSession({
        target: target({ scopes, resources, audiences }),
        customParameters: customParameters && redactedMap(customParameters)
      }),
      "the-state"
    ),
    ({ codeVerifier, url }) => ({ codeVerifier: Redacted.value(codeVerifier), url: new URL(Redacted.value(url)) })
  )

/** All parameters except the challenge, which differs for each URL. */
const parametersOf = ({ searchParams }: URL) =>
  sorted([...searchParams].filter(([name]) => name !== "code_challenge").map(([name, value]) => `${name}=${value}`))

const usual = [
  `client_id=${clientId}`,
  "code_challenge_method=S256",
  `redirect_uri=${callbackUrl}`,
  "response_type=code",
  "scope=read write",
  "state=the-state"
]

describe("the authorization URL", () => {
  it.effect("has only the parameters of RFC 6749 and RFC 7636", () =>
    Effect.gen(function*() {
      const { codeVerifier, url } = yield* at()
      assert.strictEqual(url.origin + url.pathname, "https://idp.example/auth")
      assertEqual(parametersOf(url), usual)
      assert.match(codeVerifier, /^[\w-]{43,128}$/)
      const challenge = createHash("sha256").update(codeVerifier).digest("base64url")
      assertEqual(url.searchParams.getAll("code_challenge"), [challenge])
    }))

  it.effect("has a new verifier each time", () =>
    Effect.gen(function*() {
      assert.notStrictEqual((yield* at()).codeVerifier, (yield* at()).codeVerifier)
    }))

  it.effect("has each requested scope, resource and audience, and none by default", () =>
    Effect.gen(function*() {
      const none = (yield* at({ scopes: [] })).url
      assertEqual(parametersOf(none), usual.filter((parameter) => !parameter.startsWith("scope=")))
      const { url } = yield* at({ resources: ["urn:b", "urn:a"], audiences: ["d", "c"] })
      assertEqual(parametersOf(url), sorted([...usual, "resource=urn:a", "resource=urn:b", "audience=c", "audience=d"]))
    }))

  for (const name of reserved) {
    it.effect(`has the library's ${name} once, and not that of the caller or endpoint`, () =>
      Effect.gen(function*() {
        const { url } = yield* at({
          customParameters: { [name]: "canary", ui_locales: "de" },
          endpoint: `https://idp.example/auth?${name}=canary&tenant=1&${name}=canary`
        })
        assertEqual(parametersOf(url), sorted([...usual, "tenant=1", "ui_locales=de"]))
        assert.strictEqual(url.searchParams.getAll("code_challenge").length, 1)
        assert.notInclude(url.href, "canary")
      }))

    it.effect(`omits ${name} of the caller or endpoint if the library does not set it`, () =>
      Effect.gen(function*() {
        // LinkedIn receives no PKCE parameters, and no scope unless one is requested.
        const { url } = yield* at({
          vendor: "LinkedinOauth2",
          scopes: [],
          customParameters: { [name]: "canary" },
          endpoint: `https://idp.example/auth?${name}=canary`
        })
        assert.notInclude(url.href, "canary")
      }))
  }

  it.effect("has a parameter of the caller once, in place of the endpoint's", () =>
    Effect.gen(function*() {
      const { url } = yield* at({
        customParameters: { prompt: "login", "x y": "a&b=c" },
        endpoint: "https://idp.example/auth?prompt=none&x+y=1"
      })
      assertEqual(parametersOf(url), sorted([...usual, "prompt=login", "x y=a&b=c"]))
    }))

  it.effect("has the parameters of the vendor, unless the caller replaces them", () =>
    Effect.gen(function*() {
      const { url } = yield* at({ vendor: "AtlassianOauth2" })
      assertEqual(parametersOf(url), sorted([...usual, "audience=api.atlassian.com", "prompt=consent"]))
      const other = yield* at({ vendor: "AtlassianOauth2", customParameters: { prompt: "none" } })
      assertEqual(parametersOf(other.url), sorted([...usual, "audience=api.atlassian.com", "prompt=none"]))
    }))

  it.effect("has the scopes in the vendor's parameter, and ignores scopes in custom parameters", () =>
    Effect.gen(function*() {
      const { url } = yield* at({
        vendor: "SlackOauth2",
        customParameters: { user_scope: "canary", scope: "canary" },
        endpoint: "https://idp.example/auth?user_scope=canary"
      })
      const others = usual.filter((parameter) => !parameter.startsWith("scope="))
      assertEqual(parametersOf(url), [...others, "user_scope=read,write"])
    }))

  for (const vendor of vendors) {
    const { authorizationParameters = {}, pkce, scopeSeparator, scopeParameter = "scope" } = presets[vendor]
    it.effect(`of ${vendor} follows its preset`, () =>
      Effect.gen(function*() {
        const { url } = yield* at({ vendor })
        const isProtected = pkce !== "omit"
        assert.strictEqual(url.searchParams.has("code_challenge"), isProtected)
        assert.strictEqual(url.searchParams.get("code_challenge_method"), isProtected ? "S256" : null)
        assert.strictEqual(url.searchParams.get(scopeParameter), ["read", "write"].join(scopeSeparator))
        assert.strictEqual(url.searchParams.get("response_type"), "code")
        // A reserved parameter would be dropped.
        for (const [name, value] of Object.entries(authorizationParameters)) {
          assert.strictEqual(url.searchParams.get(name), value)
        }
      }))
  }

  it.effect("is not created for an endpoint that is not allowed for browsers", () =>
    Effect.gen(function*() {
      const refused = yield* Effect.flip(at({ endpoint: "http://idp.example/auth" }))
      assert.strictEqual(refused.step, "authorization")
      assert.strictEqual(refused.reason, "Forbidden")
      assert.strictEqual(
        refused.description,
        "authorization_endpoint: the URL is not https: use https, or http on loopback"
      )
    }))

  it.effect("is not created without an endpoint", () =>
    Effect.gen(function*() {
      const refused = yield* Effect.flip(at({ endpoint: "" }))
      assert.strictEqual(refused.reason, "Malformed")
      assert.strictEqual(refused.description, "the authorization server has no authorization_endpoint")
    }))
})

describe("the authorization response in a callback URL", () => {
  const answered = (parameters: string, customParameters?: { readonly [name: string]: string }) =>
    Effect.either(
      code(
        clientOf(),
        pendingSession({ customParameters: customParameters && redactedMap(customParameters) }),
        "the-state",
        new URLSearchParams(parameters)
      )
    )

  const failureOf = (answer: Effect.Effect.Success<ReturnType<typeof answered>>) => {
    if (Either.isRight(answer)) return assert.fail("there is a code")
    const { description, error, reason, status, step } = answer.left
    assert.strictEqual(step, "authorization")
    assert.isUndefined(status)
    return { reason, error, description }
  }

  it.effect("has the code, with or without the issuer", () =>
    Effect.gen(function*() {
      for (const issuer of ["", "&iss=https%3A%2F%2Fidp.example"]) {
        assertEqual(
          yield* answered(`state=the-state&code=the-code${issuer}`),
          Either.right(Redacted.make("the-code"))
        )
      }
    }))

  it.effect("with an error is Refused, without the parameters of the caller", () =>
    Effect.gen(function*() {
      const answer = yield* answered("state=the-state&error=canary_1&error_description=no+canary_1,+never", {
        login_hint: "canary_1"
      })
      assertEqual(failureOf(answer), {
        reason: "Refused",
        error: "<redacted>",
        description: "no <redacted>, never"
      })
      const bare = failureOf(yield* answered("state=the-state&error=access_denied"))
      assertEqual(bare, { reason: "Refused", error: "access_denied", description: undefined })
    }))

  it.effect("from another issuer is Malformed, and the message contains both issuers", () =>
    Effect.gen(function*() {
      const answer = yield* answered("state=the-state&code=the-code&iss=https%3A%2F%2Fevil.example%00")
      assertEqual(failureOf(answer), {
        reason: "Malformed",
        error: undefined,
        description:
          "the response has the issuer https://evil.example, but the issuer of the provider is https://idp.example"
      })
    }))

  for (
    const parameters of [
      "code=the-code",
      "state=another&code=the-code",
      "state=the-state&state=the-state&code=the-code",
      "state=another&code=the-code&iss=https%3A%2F%2Fidp.example",
      "state=another&error=access_denied"
    ]
  ) {
    it.effect(`${parameters} is Malformed`, () =>
      Effect.gen(function*() {
        assertEqual(failureOf(yield* answered(parameters)), {
          reason: "Malformed",
          error: undefined,
          description: "the response belongs to another authorization server or to another request"
        })
      }))
  }

  it.effect("without a code, or with an empty one, is Malformed", () =>
    Effect.gen(function*() {
      for (const parameters of ["state=the-state", "state=the-state&code="]) {
        assertEqual(failureOf(yield* answered(parameters)), {
          reason: "Malformed",
          error: undefined,
          description: "the response contains neither a code nor an error"
        })
      }
    }))
})
