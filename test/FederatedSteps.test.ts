// @effect-diagnostics anyUnknownInErrorContext:off
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Redacted, TestClock } from "effect"
import type { RequestListener } from "node:http"
import type { Client, ProviderError } from "../src/internal/emulator/state/issuer.js"
import { target } from "../src/internal/emulator/state/target.js"
import * as authorization from "../src/internal/oauth/authorizationCode.js"
import * as issuer from "../src/internal/oauth/federatedIssuer.js"
import * as verifyJwt from "../src/internal/oauth/verifyJwt.js"
import { selfSigned } from "./fixtures/selfSigned.js"
import { jwt } from "./support/agent.js"
import { answering, freePort, overTls } from "./support/answering.js"
import { clientOf, completingSession, metadata, pendingSession, reach } from "./support/authorizationServer.js"
import { assertEqual } from "./support/equality.js"

const nothing = target({ scopes: [] })

const authorized = { code: Redacted.make("code"), codeVerifier: Redacted.make("verifier") }

const { machine, onBehalfOf, refresh, user } = issuer.make(reach)

const { authorization: authorize, code } = authorization.make(reach)

const here = { ...reach, hosts: ["127.0.0.1"] }

type Flow = (client: Client) => Effect.Effect<unknown, ProviderError>

/** Every flow, and the step of its token request. */
const flows: ReadonlyArray<readonly [step: ProviderError["step"], name: string, flow: Flow]> = [
  ["token", "a machine's token", (client) => machine(client, { target: nothing, customParameters: undefined })],
  ["token", "a user's code", (client) => user(client, completingSession({ authorization: authorized }))],
  ["refresh", "a refresh", (client) => refresh(client, { target: nothing, refreshToken: Redacted.make("again") })],
  [
    "exchange",
    "a token exchange",
    (client) => onBehalfOf(client, { target: nothing, customParameters: undefined, userToken: Redacted.make("user") })
  ],
  [
    "exchange",
    "a JWT bearer grant",
    (client) =>
      onBehalfOf(
        { ...client, provider: { ...client.provider, onBehalfOf: { grantType: "JWT_AUTHORIZATION_GRANT" } } },
        {
          target: nothing,
          customParameters: undefined,
          userToken: Redacted.make("user")
        }
      )
  ]
]

const at = (listener: RequestListener) => Effect.map(answering(listener), ({ origin }) => origin)

/** The failures of a server at any endpoint, and how to start such a server. */
const failures: ReadonlyArray<readonly [reason: ProviderError["reason"], start: ReturnType<typeof at>]> = [
  ["Unreachable", Effect.map(freePort, (port) => `http://127.0.0.1:${port}`)],
  ["Certificate", overTls((_, response) => response.end("{}"), selfSigned)],
  ["Redirected", at((_, response) => response.writeHead(302, { location: "/" }).end())],
  ["TooLarge", at((_, response) => response.end("x".repeat(1_048_577)))],
  ["Lost", at(({ socket }) => socket.destroy())],
  ["Malformed", at((_, response) => response.end("<html>"))]
]

const reasonOf = (flow: Effect.Effect<unknown, ProviderError>) =>
  Effect.map(Effect.flip(flow), ({ reason, step }) => [step, reason])

/** The failure reason of a flow whose server does not respond within the time limit. */
const timedOut = (flow: (origin: string) => Effect.Effect<unknown, ProviderError>) =>
  Effect.gen(function*() {
    const asked = yield* Deferred.make<void>()
    const origin = yield* at(() => Deferred.unsafeDone(asked, Effect.void))
    const fiber = yield* Effect.fork(reasonOf(flow(origin)))
    yield* Deferred.await(asked)
    yield* TestClock.adjust(reach.limit)
    return yield* fiber
  })

const openId = "/.well-known/openid-configuration"

/** Every operation that starts with discovery. */
const discovering: ReadonlyArray<readonly [name: string, flow: Flow]> = [
  ...flows.map(([, name, flow]) => [name, flow] as const),
  ["an authorization URL", (client) => authorize(client, pendingSession(), "state")],
  [
    "an authorization response",
    (client) => code(client, pendingSession(), "state", new URLSearchParams("state=state&code=code"))
  ]
]

for (const [step, name, flow] of flows) {
  describe(`a token request for ${name}`, () => {
    const of = (origin: string) => flow(clientOf({ oauthDiscovery: metadata(origin) }))

    for (const [reason, start] of failures) {
      it.scoped(`fails with ${reason}`, () =>
        Effect.gen(function*() {
          assertEqual<unknown>(yield* reasonOf(of(yield* start)), [step, reason])
        }))
    }

    it.scoped("fails with TimedOut", () =>
      Effect.gen(function*() {
        assertEqual<unknown>(yield* timedOut(of), [step, "TimedOut"])
      }))

    it.scoped("fails with Refused", () =>
      Effect.gen(function*() {
        const origin = yield* at((_, response) => response.writeHead(400).end(`{"error":"invalid_grant"}`))
        const refused = yield* Effect.flip(of(origin))
        assertEqual([refused.step, refused.reason, refused.status, refused.error], [
          step,
          "Refused",
          400,
          "invalid_grant"
        ])
      }))

    it.effect("fails with Forbidden", () =>
      Effect.gen(function*() {
        assertEqual<unknown>(yield* reasonOf(of("https://10.0.0.7")), [step, "Forbidden"])
      }))

    it.scoped("fails with Misconfigured", () =>
      Effect.gen(function*() {
        const client = clientOf({ custom: { clientAuthenticationMethod: "AWS_IAM_ID_TOKEN_JWT" } })
        assertEqual<unknown>(yield* reasonOf(flow(client)), [step, "Misconfigured"])
      }))
  })
}

for (const [name, flow] of discovering) {
  describe(`the discovery of a provider, for ${name}`, () => {
    const of = (origin: string) => flow(clientOf({ oauthDiscovery: { discoveryUrl: `${origin}${openId}` } }))

    for (const [reason, start] of failures) {
      it.scoped(`fails with ${reason}`, () =>
        Effect.gen(function*() {
          assertEqual<unknown>(yield* reasonOf(of(yield* start)), ["discovery", reason])
        }))
    }

    it.scoped("fails with TimedOut", () =>
      Effect.gen(function*() {
        assertEqual<unknown>(yield* timedOut(of), ["discovery", "TimedOut"])
      }))

    it.effect("fails with Forbidden and with Misconfigured", () =>
      Effect.gen(function*() {
        assertEqual<unknown>(yield* reasonOf(of("https://10.0.0.7")), ["discovery", "Forbidden"])
        assertEqual<unknown>(yield* reasonOf(flow(clientOf({ discovery: undefined }))), ["discovery", "Misconfigured"])
      }))
  })
}

describe("the verification of a user's JWT", () => {
  const verifying = (iss: string) =>
    Effect.flatMap(
      verifyJwt.make(here, { audiences: ["the agent"], clients: [] }),
      (verify) => verify(jwt({ iss, sub: "ada", aud: "the agent", exp: 600 }))
    )

  /** An issuer with its keys at another origin. */
  const withKeysAt = (origin: string) =>
    at(({ headers: { host } }, response) =>
      response.end(JSON.stringify({ issuer: `http://${host}`, jwks_uri: `${origin}/keys` }))
    )

  for (const [reason, start] of failures) {
    it.scoped(`fails with ${reason}, for the metadata and for the keys`, () =>
      Effect.gen(function*() {
        assertEqual<unknown>(yield* reasonOf(verifying(yield* start)), ["discovery", reason])
        assertEqual<unknown>(yield* reasonOf(verifying(yield* withKeysAt(yield* start))), ["verification", reason])
      }))
  }

  it.scoped("fails with TimedOut, for the metadata and for the keys", () =>
    Effect.gen(function*() {
      assertEqual<unknown>(yield* timedOut(verifying), ["discovery", "TimedOut"])
      const ofKeys = (origin: string) => Effect.scoped(Effect.flatMap(withKeysAt(origin), verifying))
      assertEqual<unknown>(yield* timedOut(ofKeys), ["verification", "TimedOut"])
    }))

  it.scoped("fails with Forbidden, for the metadata and for the keys", () =>
    Effect.gen(function*() {
      assertEqual<unknown>(yield* reasonOf(verifying("https://10.0.0.7")), ["discovery", "Forbidden"])
      assertEqual<unknown>(yield* reasonOf(verifying(yield* withKeysAt("https://10.0.0.7"))), [
        "verification",
        "Forbidden"
      ])
    }))

  it.scoped("fails with Refused and with Misconfigured", () =>
    Effect.gen(function*() {
      assertEqual<unknown>(yield* reasonOf(verifying("idp")), ["verification", "Refused"])
      const issuer = yield* at(({ headers: { host } }, response) =>
        response.end(JSON.stringify({ issuer: `http://${host}`, jwks_uri: "keys" }))
      )
      const refused = yield* Effect.flip(verifying(issuer))
      assert.strictEqual(refused.reason, "Misconfigured")
    }))
})
