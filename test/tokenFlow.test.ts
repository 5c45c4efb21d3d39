import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Fiber, Layer, Redacted, Schedule, TestClock } from "effect"
import * as Consent from "../src/Consent.js"
import * as IdentityError from "../src/IdentityError.js"
import * as RetryPolicy from "../src/RetryPolicy.js"
import * as TokenOptions from "../src/TokenOptions.js"
import * as TokenPoller from "../src/TokenPoller.js"
import { required } from "./support/consenting.js"
import { assertContains, assertEqual } from "./support/equality.js"
import { answering, inProgress, sessionUri, throttled, token, type TokenReply } from "./support/stub.js"

const workloadAccessToken = Redacted.make("workload-access-token")

const user = {
  providerName: "github",
  scopes: ["repo"],
  authFlow: "USER_FEDERATION",
  callbackUrl: "https://app.example/return",
  workloadAccessToken
} as const

const machine = { ...user, authFlow: "M2M", callbackUrl: undefined } as const

const always = (reply: TokenReply) => answering(() => Effect.succeed(reply))

const waits = Consent.wait({ onAuthUrl: () => Effect.void })

/** The error of a call that waits, once the service has given the second answer and those after it. */
const waited = (second: TokenReply) =>
  Effect.gen(function*() {
    const { identity, requests } = yield* answering((_, index) => Effect.succeed(index === 0 ? inProgress : second))
    const fiber = yield* Effect.fork(Effect.either(identity.getToken({ ...user, consent: waits })))
    yield* TestClock.adjust("5 seconds")
    return { fiber, requests: yield* requests }
  })

describe("the answer to a token request", () => {
  it.effect("is the token, whatever else the reply has", () =>
    Effect.gen(function*() {
      for (const options of [user, machine]) {
        const { identity } = yield* always({ ...inProgress, ...token("the-token") })
        assertEqual(yield* identity.getToken(options), Redacted.make("the-token"))
      }
    }))

  it.effect("FAILED in the first answer is ConsentDenied, which names the provider", () =>
    Effect.gen(function*() {
      const failed: ReadonlyArray<TokenReply> = [{ ...inProgress, sessionStatus: "FAILED" }, {
        sessionStatus: "FAILED"
      }]
      for (const reply of failed) {
        const { identity } = yield* always(reply)
        const error = yield* Effect.flip(identity.getToken(user))
        assert.strictEqual(error._tag, "ConsentDenied")
        assert.propertyVal(error, "providerName", "github")
      }
    }))

  it.effect("FAILED in the answer to a poll is ConsentDenied", () =>
    Effect.gen(function*() {
      const { fiber } = yield* waited({ ...inProgress, sessionStatus: "FAILED" })
      const outcome = yield* Fiber.join(fiber)
      assert.strictEqual(outcome._tag === "Left" ? outcome.left._tag : undefined, "ConsentDenied")
    }))

  it.effect("a poll that is answered with another session is ConsentTimedOut, which names the provider", () =>
    Effect.gen(function*() {
      const { fiber } = yield* waited({
        ...inProgress,
        sessionUri: Redacted.make("urn:ietf:params:oauth:request_uri:b")
      })
      const outcome = yield* Fiber.join(fiber)
      const error = outcome._tag === "Left" ? outcome.left : undefined
      assert.strictEqual(error?._tag, "ConsentTimedOut")
      assert.propertyVal(error, "providerName", "github")
    }))

  it.effect("a poll that is answered without a session, or with the same, waits on", () =>
    Effect.gen(function*() {
      for (const reply of [{ ...inProgress, sessionUri: undefined }, inProgress, { sessionUri }]) {
        const { fiber } = yield* waited(reply)
        assert.isNull(fiber.unsafePoll())
        yield* Fiber.interrupt(fiber)
      }
    }))

  it.effect("without a token, an authorization URL or a session it is UndecodableReply, which names the member", () =>
    Effect.gen(function*() {
      const cases: ReadonlyArray<readonly [TokenReply, typeof user | typeof machine, path: string]> = [
        [{}, user, "accessToken"],
        [{ accessToken: Redacted.make("") }, user, "accessToken"],
        [{ sessionUri, sessionStatus: "IN_PROGRESS" }, user, "accessToken"],
        [{ authorizationUrl: Redacted.make("https://idp.example/authorize") }, user, "sessionUri"],
        [{ authorizationUrl: Redacted.make("no URL") }, user, "sessionUri"],
        [{}, machine, "accessToken"],
        [{ accessToken: Redacted.make("") }, machine, "accessToken"],
        [inProgress, machine, "accessToken"]
      ]
      for (const [reply, options, path] of cases) {
        const { identity } = yield* always(reply)
        const error = yield* Effect.flip(identity.getToken(options))
        assert.strictEqual(error._tag, "UndecodableReply", path)
        assert.propertyVal(error, "path", path)
        assert.propertyVal(error, "operation", "GetResourceOauth2Token")
        const lacks = path === "sessionUri" ? "no sessionUri" : reply.authorizationUrl === undefined
          ? "neither a token nor an authorization URL"
          : "no accessToken"
        assert.strictEqual(error.message, `the reply of GetResourceOauth2Token has ${lacks}`)
      }
    }))

  it.effect("a session that only the authorization URL names is the session of the consent", () =>
    Effect.gen(function*() {
      const url = `https://idp.example/authorize?request_uri=${encodeURIComponent(Redacted.value(sessionUri))}`
      const { identity } = yield* always({ authorizationUrl: Redacted.make(url) })
      const consent = yield* required(identity.getToken(user))
      assertEqual(consent.sessionUri, sessionUri)
      assertEqual(consent.authorizationUrl, Redacted.make(url))
    }))

  it.effect("a consent ends ten minutes after the request, not after the answer", () =>
    Effect.gen(function*() {
      const { identity } = yield* answering(() => Effect.delay(Effect.succeed(inProgress), "7 seconds"))
      const start = yield* DateTime.now
      const fiber = yield* Effect.fork(required(identity.getToken(user)))
      yield* TestClock.adjust("7 seconds")
      const { expiresAt } = yield* Fiber.join(fiber)
      assert.strictEqual(DateTime.distance(start, expiresAt), Duration.toMillis("10 minutes"))
    }))
})

describe("a token request", () => {
  const full = {
    ...user,
    resources: ["https://api.example"],
    audiences: ["api"],
    customParameters: { access_type: "offline", prompt: Redacted.make("consent") },
    customState: "state"
  } as const

  const expected = {
    workloadIdentityToken: workloadAccessToken,
    resourceCredentialProviderName: "github",
    scopes: ["repo"],
    oauth2Flow: "USER_FEDERATION",
    resources: ["https://api.example"],
    audiences: ["api"],
    resourceOauth2ReturnUrl: "https://app.example/return",
    customParameters: { access_type: Redacted.make("offline"), prompt: Redacted.make("consent") },
    customState: Redacted.make("state"),
    forceAuthentication: undefined
  } as const

  it.effect("carries every option, and a poll the same with the session and without forcing", () =>
    Effect.gen(function*() {
      const { identity, requests } = yield* answering((_, index) =>
        Effect.succeed(index === 0 ? inProgress : token("the-token"))
      )
      const fiber = yield* Effect.fork(identity.getToken({ ...full, forceAuthentication: true, consent: waits }))
      yield* TestClock.adjust("5 seconds")
      assertEqual(yield* Fiber.join(fiber), Redacted.make("the-token"))
      assertEqual<unknown>(yield* requests, [
        { ...expected, forceAuthentication: true },
        { ...expected, sessionUri }
      ])
    }))

  it.effect("without options has none of their members", () =>
    Effect.gen(function*() {
      const { identity, requests } = yield* always(token("the-token"))
      yield* identity.getToken(user)
      assertEqual<unknown>(yield* requests, [{
        ...expected,
        resources: undefined,
        audiences: undefined,
        customParameters: undefined,
        customState: undefined
      }])
    }))

  it.effect("that the types do not allow but the service accepts requires consent", () =>
    Effect.gen(function*() {
      const { identity } = yield* always(inProgress)
      const options: typeof full = { ...full, ...JSON.parse(`{"resources":"https://api.example"}`) }
      const consent = yield* required(identity.getToken(options))
      assertEqual<unknown>(consent.resources, "https://api.example")
    }))

  it.effect("that the service refuses is refused in the names of the options, and a poll too", () =>
    Effect.gen(function*() {
      const refusal = new IdentityError.ValidationError({
        operation: "GetResourceOauth2Token",
        message: "Value at 'resourceOauth2ReturnUrl' is wrong",
        fieldList: [{ name: "resourceOauth2ReturnUrl", message: "wrong" }]
      })
      const { identity } = yield* answering((_, index) =>
        index === 1 ? Effect.succeed(inProgress) : Effect.fail(refusal)
      )
      const errors = [yield* Effect.flip(identity.getToken(user))]
      const fiber = yield* Effect.fork(Effect.flip(identity.getToken({ ...user, consent: waits })))
      yield* TestClock.adjust("5 seconds")
      for (const error of [...errors, yield* Fiber.join(fiber)]) {
        assertContains(error, { _tag: "ValidationError", message: "Value at 'callbackUrl' is wrong" })
        assertContains(error, { fieldList: [{ name: "callbackUrl", message: "wrong" }] })
      }
    }))

  it.effect("of a user has the default return URL of the invocation, unless it names its own", () =>
    Effect.gen(function*() {
      const { identity, requests } = yield* always(token("the-token"))
      yield* identity.getToken({ ...user, callbackUrl: undefined })
      yield* identity.getToken(user)
      assertEqual((yield* requests).map(({ resourceOauth2ReturnUrl }) => resourceOauth2ReturnUrl), [
        "https://app.example/default",
        "https://app.example/return"
      ])
    }).pipe(Effect.provide(TokenOptions.layerCallbackUrl("https://app.example/default"))))

  it.effect("of a machine has no return URL, although the invocation has a default", () =>
    Effect.gen(function*() {
      const { identity, requests } = yield* always(token("the-token"))
      yield* identity.getToken(machine)
      yield* identity.getToken({ ...machine, authFlow: "ON_BEHALF_OF_TOKEN_EXCHANGE" })
      for (const request of yield* requests) assert.isUndefined(request.resourceOauth2ReturnUrl)
    }).pipe(Effect.provide(TokenOptions.layerCallbackUrl("https://app.example/default"))))

  it.effect("is repeated under the program's retry policy, but a poll is left to its schedule", () =>
    Effect.gen(function*() {
      const { identity, requests } = yield* answering((_, index) =>
        index === 0 || index === 2
          ? Effect.fail(throttled)
          : Effect.succeed(index < 4 ? inProgress : token("the-token"))
      )
      const fiber = yield* Effect.fork(identity.getToken({ ...user, consent: waits }))
      yield* TestClock.adjust("0 millis")
      // The first request, and its repetition.
      assert.lengthOf(yield* requests, 2)
      yield* TestClock.adjust("5 seconds")
      assert.lengthOf(yield* requests, 3)
      yield* TestClock.adjust("5 seconds")
      assert.lengthOf(yield* requests, 4)
      yield* TestClock.adjust("5 seconds")
      assertEqual(yield* Fiber.join(fiber), Redacted.make("the-token"))
    }).pipe(Effect.provide(Layer.merge(
      RetryPolicy.layer(Schedule.recurs(3)),
      TokenPoller.layer(TokenPoller.defaultSchedule)
    ))))
})
