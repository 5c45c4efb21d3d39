// @effect-diagnostics anyUnknownInErrorContext:off
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer, Random, Schedule, Stream, Struct, TestClock } from "effect"
import * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityError from "../src/IdentityError.js"
import * as IdentityService from "../src/IdentityService.js"
import { withRetries } from "../src/internal/service/retry.js"
import type { Operation } from "../src/Operation.js"
import * as RetryPolicy from "../src/RetryPolicy.js"
import { assertEqual } from "./support/equality.js"
import { all, whole } from "./support/limits.js"
import * as Raw from "./support/raw.js"

type PortError = IdentityApi.Failure<IdentityApi.OperationKey>

type Rule = "after every transient error" | "after throttling only" | "never"

/**
 * The errors after which each operation is repeated. After a lost response, a repeated creation would report that the
 * name is taken, and a session can be completed only once.
 */
const rules: { readonly [Key in Exclude<IdentityApi.OperationKey, "getResourceOauth2Token">]: Rule } = {
  getWorkloadAccessToken: "after every transient error",
  getWorkloadAccessTokenForJWT: "after every transient error",
  getWorkloadAccessTokenForUserId: "after every transient error",
  getResourceApiKey: "after every transient error",
  completeResourceTokenAuth: "after throttling only",
  getResourcePaymentToken: "after every transient error",
  createWorkloadIdentity: "after throttling only",
  getWorkloadIdentity: "after every transient error",
  updateWorkloadIdentity: "after every transient error",
  deleteWorkloadIdentity: "after every transient error",
  listWorkloadIdentities: "after every transient error",
  createOauth2CredentialProvider: "after throttling only",
  getOauth2CredentialProvider: "after every transient error",
  updateOauth2CredentialProvider: "after throttling only",
  deleteOauth2CredentialProvider: "after every transient error",
  listOauth2CredentialProviders: "after every transient error",
  createApiKeyCredentialProvider: "after throttling only",
  getApiKeyCredentialProvider: "after every transient error",
  updateApiKeyCredentialProvider: "after every transient error",
  deleteApiKeyCredentialProvider: "after every transient error",
  listApiKeyCredentialProviders: "after every transient error",
  createPaymentCredentialProvider: "after throttling only",
  getPaymentCredentialProvider: "after every transient error",
  updatePaymentCredentialProvider: "after throttling only",
  deletePaymentCredentialProvider: "after every transient error",
  listPaymentCredentialProviders: "after every transient error",
  getTokenVault: "after every transient error",
  setTokenVaultCMK: "after every transient error",
  createConsentPortal: "after throttling only",
  getConsentPortal: "after every transient error",
  updateConsentPortal: "after every transient error",
  deleteConsentPortal: "after every transient error",
  listConsentPortals: "after every transient error",
  tagResource: "after every transient error",
  untagResource: "after every transient error",
  listTagsForResource: "after every transient error",
  putResourcePolicy: "after every transient error",
  getResourcePolicy: "after every transient error",
  deleteResourcePolicy: "after every transient error"
}

const urn = "urn:ietf:params:oauth:request_uri:session"

/** The requests of `getResourceOauth2Token`: a first user request may open a session, and a poll has its own schedule. */
const tokenRequests: ReadonlyArray<readonly [members: object, rule: Rule]> = [
  [{ oauth2Flow: "M2M", sessionUri: undefined }, "after every transient error"],
  [{ oauth2Flow: "M2M", sessionUri: undefined, forceAuthentication: true }, "after every transient error"],
  [{ oauth2Flow: "ON_BEHALF_OF_TOKEN_EXCHANGE", sessionUri: undefined }, "after every transient error"],
  [{ oauth2Flow: "USER_FEDERATION", sessionUri: undefined }, "after throttling only"],
  [{ oauth2Flow: "USER_FEDERATION", sessionUri: undefined, forceAuthentication: true }, "after throttling only"],
  [{ oauth2Flow: "USER_FEDERATION", sessionUri: urn }, "never"],
  [{ oauth2Flow: "M2M", sessionUri: urn }, "after every transient error"]
]

type Kind = "throttling" | "transient" | "final"

const members = { operation: "Operation", message: "message" }

/** Every error of the port, in every form, and its kind. */
const errors: {
  readonly [Tag in PortError["_tag"]]: ReadonlyArray<
    readonly [error: Extract<PortError, { readonly _tag: Tag }>, kind: Kind]
  >
} = {
  ValidationError: [[new IdentityError.ValidationError(members), "final"]],
  Unauthorized: [[new IdentityError.Unauthorized(members), "final"]],
  AccessDenied: [[new IdentityError.AccessDenied(members), "final"]],
  ResourceNotFound: [[new IdentityError.ResourceNotFound(members), "final"]],
  Throttled: [[new IdentityError.Throttled(members), "throttling"]],
  InternalServerError: [[new IdentityError.InternalServerError(members), "transient"]],
  Conflict: [[new IdentityError.Conflict(members), "final"]],
  ServiceQuotaExceeded: [[new IdentityError.ServiceQuotaExceeded(members), "final"]],
  ResourceLimitExceeded: [[new IdentityError.ResourceLimitExceeded(members), "final"]],
  EncryptionFailure: [[new IdentityError.EncryptionFailure(members), "final"]],
  DecryptionFailure: [[new IdentityError.DecryptionFailure(members), "final"]],
  ConcurrentModification: [[new IdentityError.ConcurrentModification(members), "final"]],
  TransportFailure: [
    [new IdentityError.TransportFailure({ ...members, reason: "Connection" }), "transient"],
    [new IdentityError.TransportFailure({ ...members, reason: "Timeout" }), "transient"],
    [new IdentityError.TransportFailure({ ...members, reason: "Credentials" }), "final"]
  ],
  UndecodableReply: [
    [new IdentityError.UndecodableReply(members), "final"],
    [new IdentityError.UndecodableReply({ ...members, path: "member" }), "final"]
  ],
  UnknownServiceError: [
    [new IdentityError.UnknownServiceError({ ...members, code: "Code" }), "final"],
    [new IdentityError.UnknownServiceError({ ...members, code: "Code", status: 429 }), "throttling"],
    ...[400, 403, 407, 409, 428, 430, 499, 501, 505, 599].map((status) =>
      [new IdentityError.UnknownServiceError({ ...members, code: "Code", status }), "final"] as const
    ),
    ...[408, 500, 502, 503, 504].map((status) =>
      [new IdentityError.UnknownServiceError({ ...members, code: "Code", status }), "transient"] as const
    )
  ]
}

const isRepeated = (rule: Rule, kind: Kind) =>
  rule === "after every transient error" ? kind !== "final" : rule === "after throttling only" && kind === "throttling"

const nameOf = (error: PortError) =>
  [error._tag, "reason" in error && error.reason, "status" in error && error.status].filter(Boolean).join(" ")

const twice = RetryPolicy.layer(Schedule.recurs(2))

/** The names of the errors after which a request is sent three times. After every other error it is sent once. */
const repeatedAfter = (port: Raw.Recorder, call: Effect.Effect<unknown, PortError>) =>
  Effect.gen(function*() {
    const names: Array<string> = []
    for (const [error] of Object.values(errors).flat()) {
      port.calls.length = 0
      port.answer = { error }
      assertEqual<unknown>(yield* Effect.flip(call), error)
      if (port.calls.length !== 1) {
        assert.lengthOf(port.calls, 3, nameOf(error))
        names.push(nameOf(error))
      }
      for (const { request } of port.calls) assert.strictEqual(request, port.calls[0]?.request)
    }
    return names
  }).pipe(Effect.provide(twice))

const expectedAfter = (rule: Rule) =>
  Object.values(errors).flat().filter(([, kind]) => isRepeated(rule, kind)).map(([error]) => nameOf(error))

describe("an operation", () => {
  for (const key of Struct.keys(IdentityApi.operations)) {
    const operation: Operation.Any = IdentityApi.operations[key]
    const cases = key === "getResourceOauth2Token" ? tokenRequests : [[{}, rules[key]] as const]
    for (const [members, rule] of cases) {
      it.effect(`${operation.name} ${JSON.stringify(members)} is repeated ${rule}`, () =>
        Effect.gen(function*() {
          const port = Raw.recorder()
          const api = yield* withRetries(port.api)
          const call = (request: typeof operation.request.Type) => api[key](request)
          const names = yield* repeatedAfter(port, call({ ...whole(operation.request), ...members }))
          assertEqual(names, expectedAfter(rule))
          assert.isTrue(port.calls.every((call) => call.key === key))
        }))
    }
  }
})

/** Operations that the model does not mark as idempotent, although a repetition has no visible effect. */
const harmless = [
  "GetWorkloadAccessToken",
  "GetWorkloadAccessTokenForJWT",
  "GetWorkloadAccessTokenForUserId",
  "SetTokenVaultCMK",
  "TagResource"
]

it("operations are repeated after every transient error if the model marks them as idempotent or read-only, except creations", () => {
  for (const { fact, operation } of all) {
    if (operation.name === "GetResourceOauth2Token") continue
    const isMarked = (fact.idempotent || fact.readonly) && !operation.name.startsWith("Create")
    const expected = isMarked || harmless.includes(operation.name) ? "always" : "throttled"
    assert.strictEqual(operation.repeat(whole(operation.request)), expected, operation.name)
  }
})

type Own = Exclude<IdentityApi.OperationKey, keyof IdentityService.PassthroughOperations>

type Service = IdentityService.IdentityService["Type"]

/** Operations that have no method of the same name in the service. */
const own: {
  readonly [Key in Own]: (
    identity: Service,
    request: IdentityApi.Request<Key>
  ) => Effect.Effect<unknown, PortError | IdentityError.WorkloadAccessTokenUnavailable>
} = {
  completeResourceTokenAuth: (identity, request) => identity.completeResourceTokenAuth(request),
  createOauth2CredentialProvider: (identity, request) => identity.createOauth2CredentialProvider(request),
  createWorkloadIdentity: (identity, request) => identity.createWorkloadIdentity(request),
  getResourceApiKey: (identity, request) =>
    identity.getApiKey({
      providerName: request.resourceCredentialProviderName,
      workloadAccessToken: request.workloadIdentityToken
    }),
  getResourceOauth2Token: (identity, request) =>
    identity.getToken({
      providerName: request.resourceCredentialProviderName,
      workloadAccessToken: request.workloadIdentityToken,
      scopes: request.scopes,
      authFlow: "M2M"
    }),
  getResourcePaymentToken: (identity, request) =>
    identity.getPaymentToken({
      providerName: request.resourceCredentialProviderName,
      workloadAccessToken: request.workloadIdentityToken,
      request: request.paymentTokenRequest
    }),
  getWorkloadAccessToken: (identity, request) => identity.getWorkloadAccessToken(request),
  listApiKeyCredentialProviders: (identity) => Stream.runDrain(identity.listApiKeyCredentialProviders()),
  listConsentPortals: (identity) => Stream.runDrain(identity.listConsentPortals()),
  listOauth2CredentialProviders: (identity) => Stream.runDrain(identity.listOauth2CredentialProviders()),
  listPaymentCredentialProviders: (identity) => Stream.runDrain(identity.listPaymentCredentialProviders()),
  listWorkloadIdentities: (identity) => Stream.runDrain(identity.listWorkloadIdentities()),
  updateOauth2CredentialProvider: (identity, request) => identity.updateOauth2CredentialProvider(request)
}

const isOwn = (key: IdentityApi.OperationKey): key is Own => key in own

describe("the service", () => {
  for (const key of Struct.keys(IdentityApi.operations)) {
    const operation: Operation.Any = IdentityApi.operations[key]

    it.effect(`repeats ${operation.name} by the rule of the operation, and returns the response of the last attempt`, () =>
      Effect.gen(function*() {
        const port = Raw.recorder()
        const layer = Layer.succeed(IdentityApi.IdentityApi, port.api)
        const identity = yield* Effect.provide(IdentityService.make, layer)
        const call = (
          request: typeof operation.request.Type
        ): Effect.Effect<unknown, PortError | IdentityError.WorkloadAccessTokenUnavailable> =>
          isOwn(key) ? own[key](identity, request) : identity[key](request)
        for (const rule of key === "getResourceOauth2Token" ? ["after every transient error" as const] : [rules[key]]) {
          const calling = Effect.suspend(() => call(whole(operation.request)))
          for (const [error, kind] of [...errors.Throttled, ...errors.InternalServerError, ...errors.AccessDenied]) {
            port.calls.length = 0
            port.answer = { error }
            assert.strictEqual((yield* Effect.flip(calling))._tag, error._tag)
            assert.lengthOf(port.calls, isRepeated(rule, kind) ? 3 : 1, error._tag)
          }
        }
      }).pipe(Effect.provide(twice)))
  }
})

/** A port that fails with each of these errors in turn and then succeeds, and the times of its attempts. */
const failing = (first: ReadonlyArray<PortError>) =>
  Effect.gen(function*() {
    const times: Array<number> = []
    const port = Raw.recorder()
    const api = IdentityApi.make((key) => (request) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const error = first[times.length]
        times.push(now)
        port.answer = error === undefined ? { reply: { name: "agent", workloadIdentityArn: "arn" } } : { error }
        return port.api[key](request)
      })
    )
    const identity = yield* Effect.provide(IdentityService.make, Layer.succeed(IdentityApi.IdentityApi, api))
    return { create: identity.createWorkloadIdentity({ name: "agent" }), times }
  })

describe("a request that is repeated", () => {
  const throttled = new IdentityError.Throttled(members)
  const broken = new IdentityError.InternalServerError(members)

  it.effect("succeeds with the first response", () =>
    Effect.gen(function*() {
      const { create, times } = yield* failing([throttled, throttled])
      assertEqual<unknown>(yield* create, { name: "agent", workloadIdentityArn: "arn" })
      assert.lengthOf(times, 3)
    }).pipe(Effect.provide(twice)))

  it.effect("fails with the first error that is not repeated", () =>
    Effect.gen(function*() {
      const { create, times } = yield* failing([throttled, broken])
      assertEqual<unknown>(yield* Effect.flip(create), broken)
      assert.lengthOf(times, 2)
    }).pipe(Effect.provide(twice)))

  it.effect("is sent once if the policy is Schedule.stop", () =>
    Effect.gen(function*() {
      const { create, times } = yield* failing([throttled])
      assertEqual<unknown>(yield* Effect.flip(create), throttled)
      assert.lengthOf(times, 1)
    }).pipe(Effect.provide(RetryPolicy.layer(Schedule.stop))))

  const waits = [[0, [0, 0, 0, 0, 0]], [0.5, [0, 100, 300, 700, 1500]], [1, [0, 200, 600, 1400, 3000]]] as const
  for (const [random, expected] of waits) {
    it.effect(`is sent at most five times by default, after random waits: at ${expected.join(", ")} ms for ${random}`, () =>
      Effect.gen(function*() {
        const { create, times } = yield* failing(Array.from({ length: 9 }, () => throttled))
        const fiber = yield* Effect.fork(Effect.flip(create))
        yield* TestClock.adjust("1 minute")
        assertEqual<unknown>(yield* Fiber.join(fiber), throttled)
        assertEqual<ReadonlyArray<number>>(times, expected)
      }).pipe(Effect.withRandom(Random.fixed([random]))))
  }

  const later = (retryAfter: number) => new IdentityError.Throttled({ ...members, retryAfter })
  const delays = [
    ["waits for the Retry-After of the service", [later(7), later(2)], [0, 7000, 9000]],
    ["waits for Retry-After one minute at most", [later(3600)], [0, 60_000]],
    ["waits for its own schedule if that is longer than Retry-After", [later(0), throttled], [0, 1000, 2000]]
  ] as const
  for (const [title, first, expected] of delays) {
    it.effect(title, () =>
      Effect.gen(function*() {
        const { create, times } = yield* failing(first)
        const fiber = yield* Effect.fork(create)
        yield* TestClock.adjust("1 hour")
        yield* Fiber.join(fiber)
        assertEqual<ReadonlyArray<number>>(times, expected)
      }).pipe(Effect.provide(RetryPolicy.layer(
        title.includes("own schedule") ? Schedule.spaced("1 second") : Schedule.recurs(4)
      ))))
  }
})
