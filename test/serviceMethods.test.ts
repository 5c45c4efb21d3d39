// @effect-diagnostics anyUnknownInErrorContext:off
import { describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, Redacted } from "effect"
import * as ConsentLedger from "../src/ConsentLedger.js"
import * as ConsentSeal from "../src/ConsentSeal.js"
import * as Credential from "../src/Credential.js"
import * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityError from "../src/IdentityError.js"
import * as IdentityService from "../src/IdentityService.js"
import type * as TokenOptions from "../src/TokenOptions.js"
import { assertContains, assertEqual } from "./support/equality.js"
import * as Raw from "./support/raw.js"
import { recording } from "./support/recording.js"
import { answering, token } from "./support/stub.js"

type Service = IdentityService.IdentityService["Type"]

const workloadAccessToken = Redacted.make("workload")
const userToken = Redacted.make("a.b.c")
const urn = "urn:ietf:params:oauth:request_uri:session"
const request = { coinbaseCdpTokenRequest: { requestMethod: "GET", requestPath: "/path" } } as const
const bearer = { coinbaseCdpTokenResponse: { bearerToken: "bearer" } }
const userIdentifier = Credential.userId("ada")

interface Call {
  readonly title: string
  readonly call: (identity: Service) => Effect.Effect<unknown, { readonly _tag: string }>
  readonly key: IdentityApi.OperationKey
  readonly request: unknown
  readonly reply: unknown
  readonly result: unknown
}

const minted = { reply: { workloadAccessToken: "minted" }, result: Redacted.make("minted") }

/** What each method of the service requests from the port, and what it gives for the reply. */
const calls: ReadonlyArray<Call> = [
  {
    title: "getWorkloadAccessToken of a workload",
    call: (identity) => identity.getWorkloadAccessToken({ workloadName: "agent" }),
    key: "getWorkloadAccessToken",
    request: { workloadName: "agent" },
    ...minted
  },
  {
    title: "getWorkloadAccessToken with a user id",
    call: (identity) => identity.getWorkloadAccessToken({ workloadName: "agent", userId: "ada" }),
    key: "getWorkloadAccessTokenForUserId",
    request: { workloadName: "agent", userId: "ada" },
    ...minted
  },
  {
    title: "getWorkloadAccessToken with an empty user id",
    call: (identity) => identity.getWorkloadAccessToken({ workloadName: "agent", userId: "" }),
    key: "getWorkloadAccessTokenForUserId",
    request: { workloadName: "agent", userId: "" },
    ...minted
  },
  {
    title: "getWorkloadAccessToken with a user token",
    call: (identity) => identity.getWorkloadAccessToken({ workloadName: "agent", userToken }),
    key: "getWorkloadAccessTokenForJWT",
    request: { workloadName: "agent", userToken },
    ...minted
  },
  {
    title: "getWorkloadAccessToken with a user token and a user id",
    call: (identity) => identity.getWorkloadAccessToken({ workloadName: "agent", userToken, userId: "ada" }),
    key: "getWorkloadAccessTokenForJWT",
    request: { workloadName: "agent", userToken },
    ...minted
  },
  {
    title: "getApiKey",
    call: (identity) => identity.getApiKey({ providerName: "weather", workloadAccessToken }),
    key: "getResourceApiKey",
    request: { workloadIdentityToken: workloadAccessToken, resourceCredentialProviderName: "weather" },
    reply: { apiKey: "key" },
    result: Redacted.make("key")
  },
  {
    title: "getPaymentToken",
    call: (identity) => identity.getPaymentToken({ providerName: "coinbase", request, workloadAccessToken }),
    key: "getResourcePaymentToken",
    request: {
      workloadIdentityToken: workloadAccessToken,
      resourceCredentialProviderName: "coinbase",
      paymentTokenRequest: request
    },
    reply: { paymentTokenResponse: bearer },
    result: { coinbaseCdpTokenResponse: { bearerToken: Redacted.make("bearer") } }
  },
  ...[urn, Redacted.make(urn)].map((sessionUri) => ({
    title: `completeResourceTokenAuth of a session in ${typeof sessionUri === "string" ? "plain" : "Redacted"}`,
    call: (identity: Service) => identity.completeResourceTokenAuth({ sessionUri, userIdentifier }),
    key: "completeResourceTokenAuth" as const,
    request: { sessionUri: Redacted.make(urn), userIdentifier },
    reply: {},
    result: undefined
  }))
]

const Sealing = Layer.merge(ConsentSeal.layerEphemeral, ConsentLedger.layerMemory)

const overPort = Effect.gen(function*() {
  const port = Raw.recorder()
  const api = Layer.succeed(IdentityApi.IdentityApi, port.api)
  return { identity: yield* Effect.provide(IdentityService.make, api), port }
})

describe("a method of the service", () => {
  for (const { call, key, reply, request, result, title } of calls) {
    it.effect(`${title} requests ${key}, and gives what it replies`, () =>
      Effect.gen(function*() {
        const { identity, port } = yield* overPort
        port.answer = { reply }
        assertEqual(yield* call(identity), result)
        assertEqual<unknown>(port.calls, [{ key, request }])
      }))

    it.effect(`${title} is a span that is named after it, and fails as ${key} does`, () =>
      Effect.gen(function*() {
        const { layer, spans } = yield* recording
        const { identity, port } = yield* overPort
        const error = new IdentityError.AccessDenied({ operation: "Operation", message: "denied" })
        port.answer = { error }
        assertEqual<unknown>(yield* Effect.provide(Effect.flip(call(identity)), layer), error)
        assertEqual(spans.map(({ name }) => name), [`IdentityService.${title.split(" ")[0]}`])
      }))
  }

  for (const method of ["getToken", "reauthenticate"] as const) {
    it.effect(`${method} is a span with the provider and the flow, for every flow`, () =>
      Effect.gen(function*() {
        const { layer, spans } = yield* recording
        const { identity } = yield* answering(() => Effect.succeed(token("token")))
        const request = (
          options: TokenOptions.UserTokenOptions & TokenOptions.WithWorkloadAccessToken & IdentityService.RefusedToken
        ) => method === "getToken" ? identity.getToken(options) : identity.reauthenticate(options)
        const flows = ["USER_FEDERATION", "M2M", "ON_BEHALF_OF_TOKEN_EXCHANGE"] as const
        for (const authFlow of flows) {
          const options = { providerName: "github", scopes: [], authFlow, workloadAccessToken }
          yield* Effect.provide(request({ ...options, refused: Redacted.make("refused") }), layer)
        }
        assertEqual<unknown>(
          spans.map(({ attributes, name }) => [name, ...attributes]),
          flows.map((flow) => [`IdentityService.${method}`, ["providerName", "github"], ["authFlow", flow]])
        )
      }))
  }

  it.effect("resume is a span", () =>
    Effect.gen(function*() {
      const { layer, spans } = yield* recording
      const { identity } = yield* overPort
      yield* identity.resume(Redacted.make("handle"), { workloadAccessToken }).pipe(
        Effect.flip,
        Effect.provide([layer, Sealing])
      )
      assertEqual(spans.map(({ name }) => name), ["IdentityService.resume"])
    }))

  it.effect("warns of a user id beside a user token, and of neither alone", () =>
    Effect.gen(function*() {
      const warnings: Array<unknown> = []
      const logger = Logger.replace(
        Logger.defaultLogger,
        Logger.make(({ logLevel, message }) => warnings.push(logLevel.label, ...[message].flat()))
      )
      const { identity, port } = yield* overPort
      port.answer = { reply: { workloadAccessToken: "minted" } }
      for (const user of [{}, { userId: "ada" }, { userToken }]) {
        yield* Effect.provide(identity.getWorkloadAccessToken({ workloadName: "agent", ...user }), logger)
      }
      assertEqual(warnings, [])
      yield* Effect.provide(
        identity.getWorkloadAccessToken({ workloadName: "agent", userId: "ada", userToken }),
        logger
      )
      assertEqual(warnings, ["WARN", "Both userToken and userId were given: userToken is used. Pass only one of them"])
    }))

  const renamed: ReadonlyArray<readonly [wire: string, option: string, call: Call["call"]]> = [
    [
      "resourceCredentialProviderName",
      "providerName",
      (identity) => identity.getApiKey({ providerName: "x", workloadAccessToken })
    ],
    [
      "workloadIdentityToken",
      "workloadAccessToken",
      (identity) => identity.getApiKey({ providerName: "x", workloadAccessToken })
    ],
    ["paymentTokenRequest.coinbaseCdpTokenRequest.requestPath", "request.coinbaseCdpTokenRequest.requestPath", (
      identity
    ) => identity.getPaymentToken({ providerName: "x", request, workloadAccessToken })],
    [
      "oauth2Flow",
      "authFlow",
      (identity) => identity.getToken({ providerName: "x", scopes: [], authFlow: "M2M", workloadAccessToken })
    ],
    [
      "resourceOauth2ReturnUrl",
      "callbackUrl",
      (identity) =>
        identity.getToken({ providerName: "x", scopes: [], authFlow: "USER_FEDERATION", workloadAccessToken })
    ]
  ]
  for (const [wire, option, call] of renamed) {
    it.effect(`reports a fault in ${wire} as one in ${option}`, () =>
      Effect.gen(function*() {
        const { identity, port } = yield* overPort
        const fault = (name: string) => ({
          operation: "Operation",
          message: `Value at '${name}' is wrong`,
          requestId: "id",
          reason: "FieldValidationFailed",
          fieldList: [{ name, message: "wrong" }]
        })
        port.answer = { error: new IdentityError.ValidationError(fault(wire)) }
        const error = yield* Effect.flip(call(identity))
        assertContains(error, { _tag: "ValidationError", ...fault(option) })
      }))
  }
})

describe("a call without type checks", () => {
  const sent = () => Effect.dieMessage("a request was sent")
  const given: ReadonlyArray<unknown> = [undefined, null, "token", { get: "token" }, 7]

  it.effect("fails with a ValidationError that names workloadAccessToken, and sends nothing", () =>
    Effect.gen(function*() {
      const { identity } = yield* answering(sent)
      for (const workloadAccessToken of given) {
        const calls = [
          // @ts-expect-error: the value of a program without type checks
          identity.getToken({ providerName: "p", scopes: [], authFlow: "M2M", workloadAccessToken }),
          // @ts-expect-error: the value of a program without type checks
          identity.getApiKey({ providerName: "p", workloadAccessToken })
        ]
        for (const call of calls) {
          const message = "Member must be Redacted, or a source of workload access tokens"
          const fieldList = [{ name: "workloadAccessToken", message }]
          assertContains(yield* Effect.flip(call), { _tag: "ValidationError", fieldList })
        }
      }
    }))

  it.effect("rejects a handle that is a bare string", () =>
    Effect.gen(function*() {
      const { identity } = yield* answering(sent)
      // @ts-expect-error: the value of a program without type checks
      const error = yield* Effect.flip(identity.resume("handle", { workloadAccessToken }))
      assertContains(error, { _tag: "HandleRejected", reason: "Malformed" })
    }).pipe(Effect.provide(Layer.merge(ConsentSeal.layerEphemeral, ConsentLedger.layerMemory))))
})
