import { assert, describe, it } from "@effect/vitest"
import { Context, DateTime, Effect, Exit, Fiber, Redacted, TestClock } from "effect"
import * as Consent from "../src/Consent.js"
import type * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityError from "../src/IdentityError.js"
import * as tokenFlow from "../src/internal/service/askForToken.js"
import * as reauthentication from "../src/internal/service/reauthenticate.js"
import { ofOptions } from "../src/internal/service/tokenRequest.js"
import type * as TokenOptions from "../src/TokenOptions.js"
import { required } from "./support/consenting.js"
import { CountedMap } from "./support/countedMap.js"
import { assertContains, assertEqual } from "./support/equality.js"
import * as Raw from "./support/raw.js"
import { answering, throttled, token, type TokenReply, type TokenRequest } from "./support/stub.js"

type Options =
  & TokenOptions.TokenOptions
  & TokenOptions.WithWorkloadAccessToken
  & { readonly authFlow: "USER_FEDERATION" }
  & { readonly refused: Redacted.Redacted }

type PortError = IdentityApi.Failure<"getResourceOauth2Token">

const refused = Redacted.make("refused")

const user: Options = {
  providerName: "github",
  scopes: ["repo"],
  authFlow: "USER_FEDERATION",
  callbackUrl: "https://app.example/return",
  workloadAccessToken: Redacted.make("ada"),
  refused
}

const flows = ["USER_FEDERATION", "M2M", "ON_BEHALF_OF_TOKEN_EXCHANGE"] as const

const sessionOf = (name: string) => Redacted.make(`urn:ietf:params:oauth:request_uri:${name}`)

const consentOf = (name: string): TokenReply => ({
  authorizationUrl: Redacted.make(`https://idp.example/authorize/${name}`),
  sessionUri: sessionOf(name),
  sessionStatus: "IN_PROGRESS"
})

const kindOf = ({ forceAuthentication, sessionUri }: TokenRequest) =>
  sessionUri !== undefined
    ? `poll ${Redacted.value(sessionUri).replace(/.*:/, "")}`
    : forceAuthentication === undefined
    ? "request"
    : forceAuthentication
    ? "forced"
    : "not forced"

/**
 * The service over a port whose vault keeps the rejected token. A request with forceAuthentication opens a session:
 * `session-1`, then `session-2`. The response to a poll is `poll`.
 */
const keeping = (poll: Effect.Effect<TokenReply, PortError>) =>
  Effect.gen(function*() {
    let sessions = 0
    const { identity, requests } = yield* answering((request) =>
      Effect.suspend(() => {
        if (request.sessionUri !== undefined) return poll
        return Effect.succeed(
          request.forceAuthentication === true
            ? consentOf(`session-${++sessions}`)
            : { accessToken: refused }
        )
      })
    )
    return { identity, kinds: Effect.map(requests, (all) => all.map(kindOf)) }
  })

describe("reauthentication", () => {
  for (const authFlow of flows) {
    it.effect(`of ${authFlow} sends one request, without forceAuthentication, if the response has another token`, () =>
      Effect.gen(function*() {
        const { identity, requests } = yield* answering(() => Effect.succeed(token("new")))
        for (const forceAuthentication of [undefined, false, true]) {
          assertEqual(
            yield* identity.reauthenticate({ ...user, authFlow, forceAuthentication }),
            Redacted.make("new")
          )
        }
        assertEqual((yield* requests).map(kindOf), ["request", "request", "request"])
      }))

    it.effect(`of ${authFlow} sends a second request, with forceAuthentication, if the response has the rejected token`, () =>
      Effect.gen(function*() {
        const { identity, requests } = yield* answering(({ forceAuthentication }) =>
          Effect.succeed(forceAuthentication === true ? token("new") : token("refused"))
        )
        const result = yield* identity.reauthenticate({ ...user, authFlow, resources: ["https://api.example"] })
        assertEqual(result, Redacted.make("new"))
        const [first, second, ...others] = yield* requests
        assert.lengthOf(others, 0)
        assertContains(first, { oauth2Flow: authFlow, resources: ["https://api.example"] })
        assertEqual<unknown>(second, { ...first, forceAuthentication: true })
      }))

    it.effect(`of ${authFlow} succeeds with the rejected token if forceAuthentication returns no other token`, () =>
      Effect.gen(function*() {
        const { identity, requests } = yield* answering(() => Effect.succeed(token("refused")))
        assertEqual(yield* identity.reauthenticate({ ...user, authFlow }), refused)
        assertEqual((yield* requests).map(kindOf), ["request", "forced"])
      }))

    it.effect(`of ${authFlow} fails with the error of its request, and the next one starts from the beginning`, () =>
      Effect.gen(function*() {
        const denied = new IdentityError.AccessDenied({ operation: "GetResourceOauth2Token", message: "denied" })
        const { identity, requests } = yield* answering((_, index) =>
          index % 2 === 0 ? Effect.succeed(token("refused")) : Effect.fail(denied)
        )
        for (const _ of [1, 2]) assertEqual(yield* Effect.flip(identity.reauthenticate({ ...user, authFlow })), denied)
        assertEqual((yield* requests).map(kindOf), ["request", "forced", "request", "forced"])
      }))
  }

  for (const authFlow of ["M2M", "ON_BEHALF_OF_TOKEN_EXCHANGE"] as const) {
    it.effect(`of ${authFlow} reports an authorization URL as an unexpected response`, () =>
      Effect.gen(function*() {
        const { identity } = yield* keeping(Effect.never)
        const error = yield* Effect.flip(identity.reauthenticate({ ...user, authFlow }))
        assertContains(error, { _tag: "UndecodableReply", path: "accessToken" })
      }))
  }

  it.effect("of a user requires the consent that the service requests", () =>
    Effect.gen(function*() {
      const { identity } = yield* keeping(Effect.never)
      const consent = yield* required(identity.reauthenticate(user))
      assertContains(consent, {
        providerName: "github",
        scopes: ["repo"],
        sessionUri: sessionOf("session-1"),
        authorizationUrl: Redacted.make("https://idp.example/authorize/session-1")
      })
    }))

  it.effect("that waits for the consent succeeds with the token of the consent", () =>
    Effect.gen(function*() {
      const { identity, kinds } = yield* keeping(Effect.succeed(token("new")))
      const fiber = yield* Effect.fork(
        identity.reauthenticate({ ...user, consent: Consent.wait({ onAuthUrl: () => Effect.void }) })
      )
      yield* TestClock.adjust("10 seconds")
      assertEqual(yield* Fiber.join(fiber), Redacted.make("new"))
      assertEqual(yield* kinds, ["request", "forced", "poll session-1"])
    }))
})

describe("a consent that a reauthentication requires", () => {
  /** The results of the first call and of two that follow, and the requests of those two. */
  const followed = (poll: Effect.Effect<TokenReply, PortError>) =>
    Effect.gen(function*() {
      const { identity, kinds } = yield* keeping(poll)
      const call = identity.reauthenticate(user)
      const consent = yield* required(call)
      const before = yield* kinds
      const second = yield* Effect.exit(call)
      const between = yield* kinds
      const third = yield* Effect.exit(call)
      const after = yield* kinds
      return {
        consent,
        results: [second, third],
        requests: [between.slice(before.length), after.slice(between.length)]
      }
    })

  const poll = ["poll session-1"]
  const operation = "GetResourceOauth2Token"
  const unavailable = [
    throttled,
    new IdentityError.InternalServerError({ operation, message: "broken" }),
    new IdentityError.TransportFailure({ operation, message: "lost", reason: "Timeout" }),
    new IdentityError.UnknownServiceError({ operation, message: "gone", code: "GatewayTimeout", status: 504 })
  ]

  it.effect("is required again until the user responds, without a new consent request", () =>
    Effect.gen(function*() {
      for (const reply of [consentOf("session-1"), { ...consentOf("session-1"), sessionUri: undefined }, {}]) {
        const { consent, requests, results } = yield* followed(Effect.succeed(reply))
        assertEqual(results, [Exit.fail(consent), Exit.fail(consent)])
        assertEqual(requests, [poll, poll])
      }
    }))

  for (const error of unavailable) {
    it.effect(`is not requested again if its poll fails with ${error._tag}`, () =>
      Effect.gen(function*() {
        const { requests, results } = yield* followed(Effect.fail(error))
        assertEqual<unknown>(results, [Exit.fail(error), Exit.fail(error)])
        assertEqual(requests, [poll, poll])
      }))
  }

  it.effect("provides its token after the user approves", () =>
    Effect.gen(function*() {
      const { requests, results } = yield* followed(Effect.succeed(token("new")))
      assertEqual(results, [Exit.succeed(Redacted.make("new")), Exit.succeed(Redacted.make("new"))])
      assertEqual(requests, [poll, poll])
    }))

  const ended: ReadonlyArray<readonly [how: string, poll: Effect.Effect<TokenReply, PortError>]> = [
    ["the user has denied it", Effect.succeed({ sessionStatus: "FAILED" })],
    ["the service has opened another session", Effect.succeed(consentOf("unknown"))],
    ["its session is over", Effect.fail(new IdentityError.AccessDenied({ operation, message: "expired" }))],
    ["it returns the rejected token", Effect.succeed(token("refused"))]
  ]
  for (const [how, answer] of ended) {
    it.effect(`is requested once more if ${how}, and polled afterwards`, () =>
      Effect.gen(function*() {
        const { requests, results } = yield* followed(answer)
        for (const [index, result] of results.entries()) {
          const consent = yield* required(result)
          assertEqual(consent.sessionUri, sessionOf(`session-${index + 2}`))
        }
        assertEqual(requests, [
          [...poll, "request", "forced"],
          ["poll session-2", "request", "forced"]
        ])
      }))
  }

  it.effect("is polled until it expires, and then requested again", () =>
    Effect.gen(function*() {
      const { identity, kinds } = yield* keeping(Effect.succeed({}))
      const consent = yield* required(identity.reauthenticate(user))
      yield* TestClock.setTime(DateTime.toEpochMillis(consent.expiresAt) - 1)
      assertEqual(yield* required(identity.reauthenticate(user)), consent)
      yield* TestClock.adjust("1 millis")
      assertEqual((yield* required(identity.reauthenticate(user))).sessionUri, sessionOf("session-2"))
      assertEqual(yield* kinds, ["request", "forced", "poll session-1", "request", "forced"])
    }))

  it.effect("is polled with the token of its own user if two users have consents", () =>
    Effect.gen(function*() {
      const { identity, requests } = yield* answering((request) =>
        Effect.succeed(
          request.sessionUri !== undefined ? {} : consentOf(Redacted.value(request.workloadIdentityToken))
        )
      )
      const calls = ["ada", "grace"].map((name) =>
        identity.reauthenticate({ ...user, workloadAccessToken: Redacted.make(name) })
      )
      const first = yield* Effect.forEach(calls, required)
      assertEqual(first.map(({ sessionUri }) => sessionUri), ["ada", "grace"].map(sessionOf))
      assertEqual(yield* Effect.forEach(calls, required), first)
      assertEqual(
        (yield* requests).map((request) => [Redacted.value(request.workloadIdentityToken), kindOf(request)]),
        [["ada", "request"], ["grace", "request"], ["ada", "poll ada"], ["grace", "poll grace"]]
      )
    }))

  it.effect("has a constant average cost, independent of the number of earlier consents", () =>
    Effect.gen(function*() {
      const { api } = Object.assign(Raw.recorder(), {
        answer: { reply: { authorizationUrl: "https://idp.example/authorize", sessionUri: "urn:session" } }
      })
      const consents = new CountedMap<string, IdentityError.ConsentRequired>()
      const reauthenticate = reauthentication.make(tokenFlow.make(api), consents)
      const context = { options: ofOptions(user, Context.empty()), workloadAccessToken: Redacted.make("ada") }
      for (let index = 0; index < 500; index++) {
        yield* required(reauthenticate(context, Redacted.make(`refused-${index}`), `key-${index}`))
        // The consents of the first calls expire during this time.
        yield* TestClock.adjust("2 seconds")
      }
      assert.isAtMost(consents.count, 4 * 500)
      assert.isAtMost(consents.size, 2 * 300 + 1)
    }))
})
