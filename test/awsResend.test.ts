// @effect-diagnostics globalDate:off
import { BedrockAgentCoreClient } from "@aws-sdk/client-bedrock-agentcore"
import { assert, describe, it } from "@effect/vitest"
import { Array, Effect, Fiber, Queue, Redacted } from "effect"
import * as AwsIdentity from "../src/AwsIdentity.js"
import * as Credential from "../src/Credential.js"
import * as retryAfter from "../src/internal/aws/retryAfter.js"
import { credentials, flip } from "./support/canaries.js"
import { assertContains } from "./support/equality.js"
import { type Answer, fault, serve } from "./support/wire.js"

const connect = (url: string, options?: AwsIdentity.Options) =>
  AwsIdentity.make({ region: "us-west-2", dataEndpoint: url, controlEndpoint: url, credentials, ...options })

/** A service that sends these responses in order, then empty objects. */
const serving = (...answers: ReadonlyArray<Answer>) =>
  Effect.suspend(() => {
    let turn = 0
    return serve(() => answers[turn++] ?? {})
  })

const ok: Answer = {}

const apiKey = { body: "{\"apiKey\":\"the-key\"}" }

const complete = {
  sessionUri: Redacted.make("urn:ietf:params:oauth:request_uri:session"),
  userIdentifier: Credential.userId("ada")
}

const keyOf = { workloadIdentityToken: Redacted.make("workload-access-token"), resourceCredentialProviderName: "p" }

describe("a request on a reused connection that the server closes before the first byte", () => {
  it.scopedLive("is resent once, on another connection", () =>
    Effect.gen(function*() {
      const wire = yield* serving(ok, "drop", apiKey)
      const api = yield* connect(wire.url)
      yield* api.getWorkloadAccessToken({ workloadName: "workload" }).pipe(Effect.flip)
      const { apiKey: key } = yield* api.getResourceApiKey(keyOf)
      assert.strictEqual(Redacted.value(key), "the-key")
      assert.lengthOf(wire.requests, 3)
      const [, lost, again] = wire.requests
      assertContains(again, { path: lost?.path, body: lost?.body })
    }))

  it.scopedLive("is not sent a third time", () =>
    Effect.gen(function*() {
      const wire = yield* serving(ok, "drop", "drop")
      const api = yield* connect(wire.url)
      yield* Effect.flip(api.getWorkloadAccessToken({ workloadName: "workload" }))
      assertContains(yield* flip(api.getResourceApiKey(keyOf)), { _tag: "TransportFailure", reason: "Connection" })
      assert.lengthOf(wire.requests, 3)
    }))

  it.scopedLive("is not sent again after a byte has arrived", () =>
    Effect.gen(function*() {
      const wire = yield* serving(ok, "cut")
      const api = yield* connect(wire.url)
      yield* Effect.flip(api.getWorkloadAccessToken({ workloadName: "workload" }))
      assert.strictEqual((yield* flip(api.getResourceApiKey(keyOf)))._tag, "TransportFailure")
      assert.lengthOf(wire.requests, 2)
    }))

  it.scopedLive("differs from an interrupted call, which closes no other connection", () =>
    Effect.gen(function*() {
      const wire = yield* serve(({ body }) => body.includes("hang") ? "hang" : apiKey)
      const api = yield* connect(wire.url)
      const calls = (count: number) =>
        Effect.all(Array.replicate(api.getResourceApiKey(keyOf), count), { concurrency: "unbounded" })
      yield* calls(5)
      assert.strictEqual(yield* wire.connections, 5)
      const hanging = yield* Effect.fork(
        api.getResourceApiKey({ ...keyOf, workloadIdentityToken: Redacted.make("hang") })
      )
      yield* Effect.repeatN(Queue.take(wire.arrivals), 5)
      yield* Fiber.interrupt(hanging)
      yield* Queue.take(wire.aborts)
      yield* calls(4)
      assert.strictEqual(yield* wire.connections, 5)
    }))

  it.scopedLive("is not sent again through a supplied client", () =>
    Effect.gen(function*() {
      const wire = yield* serving(ok, "drop")
      const data = new BedrockAgentCoreClient({ region: "us-west-2", endpoint: wire.url, credentials, maxAttempts: 1 })
      yield* Effect.addFinalizer(() => Effect.sync(() => data.destroy()))
      const api = yield* connect(wire.url, { clients: { data } })
      yield* Effect.flip(api.getWorkloadAccessToken({ workloadName: "workload" }))
      assert.strictEqual((yield* flip(api.getResourceApiKey(keyOf)))._tag, "TransportFailure")
      assert.lengthOf(wire.requests, 2)
    }))
})

it.scopedLive("a request on a new connection that is closed is not sent again", () =>
  Effect.gen(function*() {
    const wire = yield* serving("drop")
    const api = yield* connect(wire.url)
    assert.strictEqual((yield* flip(api.getResourceApiKey(keyOf)))._tag, "TransportFailure")
    assert.lengthOf(wire.requests, 1)
  }))

describe("a second attempt that fails as if the first had succeeded", () => {
  for (
    const [status, exception] of [
      [403, "AccessDeniedException"],
      [404, "ResourceNotFoundException"],
      [400, "ValidationException"]
    ] as const
  ) {
    it.scopedLive(`leaves a completion unconfirmed: ${exception}`, () =>
      Effect.gen(function*() {
        const wire = yield* serving(ok, "drop", fault(status, exception, { message: "invalid or expired session" }))
        const api = yield* connect(wire.url)
        yield* Effect.flip(api.getWorkloadAccessToken({ workloadName: "workload" }))
        const error = yield* flip(api.completeResourceTokenAuth(complete))
        assertContains(error, { _tag: "TransportFailure", reason: "Connection" })
        assert.match(error.message, /could not confirm CompleteResourceTokenAuth.*Try again/)
        assert.lengthOf(wire.requests, 3)
      }))
  }

  it.scopedLive("leaves a create and a delete unconfirmed", () =>
    Effect.gen(function*() {
      for (
        const [answer, call] of [
          [fault(409, "ConflictException", { message: "exists" }), "createApiKeyCredentialProvider"],
          [fault(402, "ServiceQuotaExceededException", { message: "full" }), "createApiKeyCredentialProvider"],
          [fault(409, "ConflictException", { message: "in use" }), "deleteOauth2CredentialProvider"],
          [fault(404, "ResourceNotFoundException", { message: "none" }), "deleteApiKeyCredentialProvider"]
        ] as const
      ) {
        const wire = yield* serving(ok, "drop", answer)
        const api = yield* connect(wire.url)
        yield* Effect.flip(api.getTokenVault({}))
        const error = call === "createApiKeyCredentialProvider"
          ? yield* flip(api[call]({ name: "n", apiKey: Redacted.make("key") }))
          : yield* flip(api[call]({ name: "n" }))
        assertContains(error, { _tag: "TransportFailure", reason: "Connection", requestId: "request-1" })
        assert.match(error.message, /(exists|full|in use|none)\. Try again$/)
      }
    }))

  it.scopedLive("is reported unchanged if the first attempt cannot be the cause", () =>
    Effect.gen(function*() {
      const other = yield* serving(ok, "drop", fault(404, "ResourceNotFoundException", { message: "none" }))
      const api = yield* connect(other.url)
      yield* Effect.flip(api.getWorkloadAccessToken({ workloadName: "workload" }))
      assert.strictEqual((yield* flip(api.getResourceApiKey(keyOf)))._tag, "ResourceNotFound")
      const first = yield* serving(fault(403, "AccessDeniedException", { message: "session" }))
      const error = yield* Effect.flatMap(connect(first.url), (api) => flip(api.completeResourceTokenAuth(complete)))
      assert.strictEqual(error._tag, "AccessDenied")
    }))
})

describe("a clock skew", () => {
  const rejected = (code: string, hours: number): Answer => ({
    status: 403,
    headers: {
      "x-amzn-errortype": code,
      "x-amzn-requestid": "request-1",
      date: new Date(Date.now() + hours * 3_600_000).toUTCString()
    },
    body: "{\"message\":\"Signature not yet current\"}"
  })

  const dateOf = (headers: { readonly [name: string]: unknown } | undefined) => String(headers?.["x-amz-date"])

  it.scopedLive("is corrected within the call, and the request is resent once", () =>
    Effect.gen(function*() {
      const wire = yield* serving(rejected("InvalidSignatureException", 1), apiKey)
      const api = yield* connect(wire.url)
      assert.strictEqual(Redacted.value((yield* api.getResourceApiKey(keyOf)).apiKey), "the-key")
      const [first, second] = wire.requests
      assert.lengthOf(wire.requests, 2)
      assert.notStrictEqual(dateOf(second?.headers).slice(0, 11), dateOf(first?.headers).slice(0, 11))
    }))

  it.scopedLive("is corrected only once, and a second rejection fails the call", () =>
    Effect.gen(function*() {
      const wire = yield* serving(rejected("InvalidSignatureException", 1), rejected("InvalidSignatureException", 2))
      const api = yield* connect(wire.url)
      assertContains(yield* flip(api.getResourceApiKey(keyOf)), { code: "InvalidSignatureException", status: 403 })
      assert.lengthOf(wire.requests, 2)
    }))

  it.scopedLive("does not cause a retry for another error, or for a rejection by a service with the same time", () =>
    Effect.gen(function*() {
      for (const answer of [rejected("AccessDeniedException", 1), rejected("InvalidSignatureException", 0)]) {
        const wire = yield* serving(answer)
        yield* Effect.flatMap(connect(wire.url), (api) => flip(api.getResourceApiKey(keyOf)))
        assert.lengthOf(wire.requests, 1)
      }
    }))
})

it.scopedLive("a time-out of the AWS credential provider is attributed to that provider, not to the service", () =>
  Effect.gen(function*() {
    const wire = yield* serving()
    const api = yield* connect(wire.url, { credentials: () => new Promise(() => {}), requestTimeout: "50 millis" })
    const error = yield* flip(api.getResourceApiKey(keyOf))
    assertContains(error, { _tag: "TransportFailure", reason: "Credentials" })
    assert.match(error.message, /the provider of the AWS credentials did not answer within 50ms/)
    assert.isEmpty(wire.requests)
  }))

describe("the header Retry-After", () => {
  const at = "Wed, 21 Oct 2026 07:28:00 GMT"
  const cases = [
    ["7", 7],
    ["0", 0],
    ["Wed, 21 Oct 2026 07:28:30 GMT", 30],
    ["Wed, 21 Oct 2026 07:27:00 GMT", 0],
    ["-1", undefined],
    ["1.5", undefined],
    ["soon", undefined],
    ["9".repeat(30), undefined],
    ["Wed, soon", undefined],
    ["Wed, 2026", undefined],
    ["Xyz, 21 Oct 2026 07:28:30 GMT", undefined]
  ] as const
  for (const [value, expected] of cases) {
    it.scopedLive(`${value} is ${expected === undefined ? "ignored" : `${expected} seconds`}`, () =>
      Effect.gen(function*() {
        for (const code of ["ThrottlingException", "InternalServerException", "ServiceUnavailable"]) {
          const headers = { "x-amzn-errortype": code, "x-amzn-requestid": "r", date: at, "retry-after": value }
          const wire = yield* serving({ status: 503, headers, body: "{\"message\":\"later\"}" })
          const api = yield* connect(wire.url)
          const error = yield* flip(api.getResourceApiKey(keyOf))
          assert.strictEqual("retryAfter" in error ? error.retryAfter : undefined, expected, code)
        }
      }))
  }

  it("is compared with the clock if the response has no date", () => {
    const now = Date.parse(at) - 90_000
    assert.strictEqual(retryAfter.seconds({ "retry-after": at }, now), 90)
    assert.strictEqual(retryAfter.seconds({ "retry-after": at, date: "today" }, now), 90)
  })
})
