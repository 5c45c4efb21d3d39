import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Either, Redacted } from "effect"
import * as jose from "jose"
import { target } from "../src/internal/emulator/state/target.js"
import * as issuer from "../src/internal/oauth/federatedIssuer.js"
import { answering } from "./support/answering.js"
import {
  type Answer,
  clientOf,
  type ClientOptions,
  metadata,
  reach,
  type Received,
  server
} from "./support/authorizationServer.js"
import { assertContains, assertEqual } from "./support/equality.js"

const { machine, refresh } = issuer.make(reach)

const nothing = { target: target({ scopes: [] }), customParameters: undefined }

const year = Duration.toSeconds("365 days")

/** The result of a machine token request with this response. */
const outcomeOf = (answer: Answer | ((received: Received) => Answer), options: ClientOptions = {}) =>
  Effect.gen(function*() {
    const { origin } = yield* server(typeof answer === "function" ? answer : () => answer)
    return yield* Effect.either(machine(clientOf({ oauthDiscovery: metadata(origin), ...options }), nothing))
  })

const good = { access_token: "the-token", token_type: "Bearer", expires_in: 60, refresh_token: "again" }

const issuedOf = (answer: Answer, options?: ClientOptions) =>
  Effect.map(outcomeOf(answer, options), (outcome) => {
    if (Either.isLeft(outcome)) return assert.fail(`no token: ${outcome.left.reason} ${outcome.left.description}`)
    const { accessToken, expiresIn, refreshToken } = outcome.right
    return {
      accessToken: Redacted.value(accessToken),
      expiresIn,
      refreshToken: refreshToken && Redacted.value(refreshToken)
    }
  })

const refusedOf = (answer: Answer | ((received: Received) => Answer), options?: ClientOptions) =>
  Effect.map(outcomeOf(answer, options), (outcome) => {
    if (Either.isRight(outcome)) return assert.fail("there is a token")
    const { description, error, reason, status, step } = outcome.left
    assert.strictEqual(step, "token")
    return { reason, status, error, description }
  })

/** The valid response with another value of a member; `undefined` omits the member. */
const withMember = (name: keyof typeof good, value: unknown): Answer => ({ body: { ...good, [name]: value } })

const notRfc6749 = "the response does not match RFC 6749, section 5.1"

describe("the member", () => {
  const accepted: ReadonlyArray<readonly [name: keyof typeof good, value: unknown, expected: object]> = [
    ["expires_in", undefined, { expiresIn: undefined }],
    ["expires_in", null, { expiresIn: undefined }],
    ["expires_in", 0, { expiresIn: 0 }],
    ["expires_in", 1, { expiresIn: 1 }],
    ["expires_in", 59.5, { expiresIn: 59.5 }],
    ["expires_in", "60", { expiresIn: 60 }],
    ["expires_in", year, { expiresIn: year }],
    ["expires_in", year + 1, { expiresIn: year }],
    ["expires_in", 2 ** 63, { expiresIn: year }],
    ["expires_in", Number.MAX_VALUE, { expiresIn: year }],
    ["refresh_token", undefined, { refreshToken: undefined }],
    ["refresh_token", null, { refreshToken: undefined }],
    ["refresh_token", "", { refreshToken: undefined }],
    ["refresh_token", "other", { refreshToken: "other" }],
    ["token_type", undefined, {}],
    ["token_type", null, {}],
    ["token_type", 7, {}],
    ["token_type", "bearer", {}],
    ["token_type", "BEARER", {}],
    ["token_type", "N_A", {}],
    ["access_token", "other", { accessToken: "other" }]
  ]
  for (const [name, value, expected] of accepted) {
    it.scoped(`${name} can be ${JSON.stringify(value) ?? "missing"}`, () =>
      Effect.gen(function*() {
        const usual = { accessToken: "the-token", expiresIn: 60, refreshToken: "again" }
        assertEqual<object>(yield* issuedOf(withMember(name, value)), { ...usual, ...expected })
      }))
  }

  const rejected: ReadonlyArray<readonly [name: keyof typeof good, values: ReadonlyArray<unknown>, why: string]> = [
    ["expires_in", [-1, -0.5, "-1", "soon", "", true, false, [], {}], notRfc6749],
    ["refresh_token", [7, 0, true, [], {}], notRfc6749],
    ["token_type", ["mac", "DPoP", "constructor", "", "bearer token"], "the token type is not Bearer"],
    ["access_token", [undefined, null, 7, 0, true, [], {}], "the response contains no access token"],
    ["access_token", [""], notRfc6749]
  ]
  for (const [name, values, description] of rejected) {
    for (const value of values) {
      it.scoped(`${name} cannot be ${JSON.stringify(value) ?? "missing"}`, () =>
        Effect.gen(function*() {
          assertEqual(yield* refusedOf(withMember(name, value)), {
            reason: "Malformed",
            status: 200,
            error: undefined,
            description
          })
        }))
    }
  }

  it.scoped("expires_in must be a finite number", () =>
    Effect.gen(function*() {
      const failure = yield* refusedOf({ body: `{"access_token":"the-token","expires_in":1e999}` })
      assertContains(failure, { reason: "Malformed", description: notRfc6749 })
    }))

  it.scoped("id_token, scope or any unknown member is ignored", () =>
    Effect.gen(function*() {
      const body = { ...good, id_token: 7, scope: 7, error: 7, error_description: 7, ok: false, authed_user: 7 }
      assert.strictEqual((yield* issuedOf({ body })).accessToken, "the-token")
    }))
})

describe("a token response", () => {
  it.scoped("with a status from 200 to 299 can contain a token, regardless of its content type", () =>
    Effect.gen(function*() {
      // 204 and 205 have no body.
      const statuses = Array.from({ length: 100 }, (_, index) => 200 + index).filter((status) =>
        status !== 204 && status !== 205
      )
      const { origin } = yield* server(({ path }) => ({
        status: Number(path.slice(1)),
        headers: { "content-type": "text/html" },
        body: good
      }))
      for (const status of statuses) {
        const { authorizationServerMetadata } = metadata(origin)
        const oauthDiscovery = {
          authorizationServerMetadata: { ...authorizationServerMetadata, tokenEndpoint: `${origin}/${status}` }
        }
        const { accessToken } = yield* machine(clientOf({ oauthDiscovery }), nothing)
        assert.strictEqual(Redacted.value(accessToken), "the-token")
      }
    }))

  for (const status of [400, 401, 403, 404, 429, 499, 500, 503, 599]) {
    it.scoped(`with status ${status} is Refused, with a token, with an error, and without JSON`, () =>
      Effect.gen(function*() {
        const refused = { reason: "Refused", status, error: undefined, description: undefined }
        assertEqual<object>(yield* refusedOf({ status, body: good }), refused)
        assertEqual<object>(yield* refusedOf({ status, body: "<html>" }), refused)
        assertEqual<object>(yield* refusedOf({ status, body: { error: "no", error_description: "never" } }), {
          ...refused,
          error: "no",
          description: "never"
        })
      }))
  }

  it.scoped("with a status below 200 is Refused", () =>
    Effect.gen(function*() {
      const body = JSON.stringify(good)
      const { origin } = yield* answering(({ socket }) =>
        socket.end(`HTTP/1.1 099 Odd\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
      )
      const refused = yield* Effect.flip(machine(clientOf({ oauthDiscovery: metadata(origin) }), nothing))
      assertContains(refused, { reason: "Refused", status: 99 })
    }))

  for (const body of ["", "<html>", "[]", "7", "null", `"text"`, `{"access_token":`]) {
    it.scoped(`with status 299 and the body ${body === "" ? "empty" : body} is Malformed`, () =>
      Effect.gen(function*() {
        assertEqual(yield* refusedOf({ status: 299, body }), {
          reason: "Malformed",
          status: 299,
          error: undefined,
          description: "the response is not a JSON object"
        })
      }))
  }

  it.scoped("with an error and no token is Refused, even with status 200", () =>
    Effect.gen(function*() {
      for (const access_token of [undefined, null, 7]) {
        const body = { ...good, access_token, error: "invalid_grant", error_description: "never" }
        assertEqual(yield* refusedOf({ body }), {
          reason: "Refused",
          status: 200,
          error: "invalid_grant",
          description: "never"
        })
      }
    }))

  it.scoped("with a token and an error is a success", () =>
    Effect.gen(function*() {
      for (const error of ["", "none", null]) {
        assert.strictEqual((yield* issuedOf({ body: { ...good, error } })).accessToken, "the-token")
      }
    }))

  it.scoped("with a non-string error is reported without the error", () =>
    Effect.gen(function*() {
      const failure = yield* refusedOf({ status: 400, body: { error: { code: 7 }, error_description: ["x"] } })
      assertEqual(failure, { reason: "Refused", status: 400, error: undefined, description: undefined })
    }))
})

describe("request data that a token response echoes", () => {
  /** The raw request, and the HTTP Basic credentials, encoded and decoded. */
  const echoed = ({ body, headers: { authorization = "" } }: Received): Answer => {
    const [, credentials = ""] = authorization.split(" ")
    const pair = Buffer.from(credentials, "base64").toString()
    return { status: 400, body: { error: "e", error_description: `${body} ${credentials} ${pair}`.slice(0, 290) } }
  }

  it.scoped("is redacted if it is secret, and kept otherwise", () =>
    Effect.gen(function*() {
      const { origin } = yield* server(echoed)
      const client = clientOf({
        oauthDiscovery: metadata(origin),
        custom: { clientAuthenticationMethod: "CLIENT_SECRET_POST" }
      })
      const { description } = yield* Effect.flip(refresh(client, {
        target: target({ scopes: [], resources: ["urn:resource"] }),
        refreshToken: Redacted.make("the-refresh-token")
      }))
      assert.strictEqual(
        description,
        "resource=urn%3Aresource&refresh_token=<redacted>&grant_type=refresh_token&client_id=the-client" +
          "&client_secret=<redacted>"
      )
    }))

  it.scoped("is kept for scope, audience, resource and redirect_uri", () =>
    Effect.gen(function*() {
      const { origin } = yield* server(echoed)
      const client = clientOf({ oauthDiscovery: metadata(origin), secret: undefined })
      const wanted = target({ scopes: ["the-scope"], resources: ["the-resource"], audiences: ["the-audience"] })
      const { description } = yield* Effect.flip(machine(client, { ...nothing, target: wanted }))
      assert.strictEqual(
        description,
        "scope=the-scope&resource=the-resource&audience=the-audience&grant_type=client_credentials&client_id=the-client"
      )
    }))

  it.scoped("is redacted for HTTP Basic credentials and for the secret alone", () =>
    Effect.gen(function*() {
      assert.strictEqual(
        (yield* refusedOf(echoed)).description,
        "grant_type=client_credentials <redacted> <redacted>"
      )
      const secret = yield* refusedOf({ status: 400, body: { error: "s%3Ae%2Fc+r%2Be%25t", error_description: "x" } })
      assert.strictEqual(secret.error, "<redacted>")
    }))

  it.scoped("is redacted for the client secret, even if it was not sent", () =>
    Effect.gen(function*() {
      const { origin } = yield* server(() => ({ status: 400, body: { error: "not s:e/c r+e%t, but" } }))
      const privateKey = yield* Effect.promise(async () => {
        const { privateKey } = await jose.generateKeyPair("ES256", { extractable: true })
        return JSON.stringify(await jose.exportJWK(privateKey))
      })
      const client = clientOf({
        oauthDiscovery: metadata(origin),
        privateKey,
        custom: { clientAuthenticationMethod: "PRIVATE_KEY_JWT", privateKeyJwtConfig: { signingAlgorithm: "ES256" } }
      })
      const failure = yield* Effect.flip(machine(client, nothing))
      assert.strictEqual(failure.error, "not <redacted>, but")
    }))
})

describe("the vendor", () => {
  const slack = { vendor: "SlackOauth2" } as const

  it.scoped("Slack returns the user token under authed_user, and the bot token is not used", () =>
    Effect.gen(function*() {
      const authed_user = { access_token: "users", token_type: "user", expires_in: 7, refresh_token: "users-again" }
      const users = { accessToken: "users", expiresIn: 7, refreshToken: "users-again" }
      for (const outer of [{}, { ...good, token_type: "bot" }, { error: "none" }]) {
        assertEqual(yield* issuedOf({ body: { ok: true, ...outer, authed_user } }, slack), users)
      }
      const none = yield* refusedOf({ body: { ok: true, ...good, authed_user: { access_token: null } } }, slack)
      assertContains(none, { reason: "Malformed", description: "the response contains no access token" })
    }))

  it.scoped("Slack returns the refreshed token at the top level, with any token type", () =>
    Effect.gen(function*() {
      for (const authed_user of [undefined, null, 7, {}, { id: "U1" }]) {
        const issued = yield* issuedOf({ body: { ok: true, ...good, token_type: "user", authed_user } }, slack)
        assertEqual(issued, { accessToken: "the-token", expiresIn: 60, refreshToken: "again" })
      }
    }))

  it.scoped("Slack, and no other vendor, reports an error with ok false", () =>
    Effect.gen(function*() {
      assertContains(yield* refusedOf({ body: { ...good, ok: false } }, slack), { reason: "Refused", status: 200 })
      for (const ok of [true, undefined, null, 0]) {
        assert.strictEqual((yield* issuedOf({ body: { ...good, ok } }, slack)).accessToken, "the-token")
      }
      for (const vendor of ["CustomOauth2", "GithubOauth2"] as const) {
        assert.strictEqual((yield* issuedOf({ body: { ...good, ok: false } }, { vendor })).accessToken, "the-token")
      }
    }))

  const words: ReadonlyArray<readonly [vendor: ClientOptions["vendor"], body: object, told: object]> = [
    ["HubspotOauth2", { status: "BAD", message: "bad one" }, { error: "BAD", description: "bad one" }],
    ["HubspotOauth2", { error: "E", error_description: "D", status: "BAD", message: "bad one" }, {
      error: "E",
      description: "D"
    }],
    ["ZoomOauth2", { error: "invalid", reason: "bad one" }, { error: "invalid", description: "bad one" }],
    ["TwitchOauth2", { status: 400, message: "bad one" }, { error: undefined, description: "bad one" }],
    ["CustomOauth2", { status: "BAD", message: "bad one", reason: "bad one" }, {
      error: undefined,
      description: undefined
    }]
  ]
  for (const [vendor, body, told] of words) {
    it.scoped(`${vendor} rejects a request with ${JSON.stringify(body)}`, () =>
      Effect.gen(function*() {
        assertContains(yield* refusedOf({ status: 400, body }, { vendor: vendor ?? "CustomOauth2" }), told)
      }))
  }
})
