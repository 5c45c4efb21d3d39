import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import * as Struct from "effect/Struct"
import { inspect } from "node:util"
import * as AwsIdentity from "../src/AwsIdentity.js"
import * as IdentityApi from "../src/IdentityApi.js"
import type * as IdentityError from "../src/IdentityError.js"
import { exceptions } from "../src/internal/model/exceptions.js"
import type * as Operation from "../src/Operation.js"
import { assertNoCredentials, credentials, flip, printedExit } from "./support/canaries.js"
import { assertContains } from "./support/equality.js"
import { type Answer, fault, type Received, serve } from "./support/wire.js"

const connect = (url: string, options?: AwsIdentity.Options) =>
  AwsIdentity.make({ region: "us-west-2", dataEndpoint: url, controlEndpoint: url, credentials, ...options })

const request = {
  workloadIdentityToken: Redacted.make("workload-access-token"),
  resourceCredentialProviderName: "provider-1"
}

const failed = (answer: Answer | ((request: Received) => Answer)) =>
  Effect.gen(function*() {
    const wire = yield* serve(typeof answer === "function" ? answer : () => answer)
    const api = yield* connect(wire.url)
    const error = yield* flip(api.getResourceApiKey(request))
    assert.strictEqual(wire.requests.length, 1)
    return error
  })

describe("AwsIdentity failures", () => {
  describe("errors of the service", () => {
    for (const key of Struct.keys(IdentityApi.operations)) {
      const operation: Operation.Operation.Any = IdentityApi.operations[key]

      it.scopedLive(`${operation.name} fails only with the errors of its model`, () =>
        Effect.gen(function*() {
          const answers = Struct.entries(exceptions)
          let turn = 0
          const wire = yield* serve(() => {
            const [, { exception, status }] = answers[turn++] ?? ["", { exception: "", status: 0 }]
            return fault(status, exception, { message: `said ${exception}`, reason: null, fieldList: null })
          })
          const api = yield* connect(wire.url)
          const [request] = FastCheck.sample(Arbitrary.make(operation.request), { seed: 1, numRuns: 1 })
          for (const [tag, { exception, status }] of answers) {
            const call: Effect.Effect<object, IdentityError.IdentityError> = api[key](request)
            const error = yield* flip(call)
            const fields = { operation: operation.name, message: `said ${exception}`, requestId: "request-1" }
            if (operation.errors.includes(tag)) {
              assertContains(error, { _tag: tag, ...fields })
              assert.doesNotHaveAnyKeys(error, ["reason", "fieldList"])
            } else {
              assertContains(error, { _tag: "UnknownServiceError", code: exception, status, ...fields })
            }
          }
          assert.strictEqual(wire.requests.length, answers.length)
        }))
    }

    it.scopedLive("a ValidationException contains its reason and its list of fields", () =>
      Effect.gen(function*() {
        const error = yield* failed(fault(400, "com.amazonaws.x#ValidationException:http://x/", {
          message: "no",
          reason: "FieldValidationFailed",
          fieldList: [{ name: "a", message: "b" }, { name: "c" }, null, 5]
        }))
        assertContains(error, { _tag: "ValidationError", message: "no", reason: "FieldValidationFailed" })
        assertContains(error, { fieldList: [{ name: "a", message: "b" }, { name: "c", message: "" }] })
      }))

    it.scopedLive("an error is also recognised by the type in its body", () =>
      Effect.gen(function*() {
        const error = yield* failed({ status: 403, body: `{"__type":"a.b#AccessDeniedException","Message":"no"}` })
        assertContains(error, { _tag: "AccessDenied", message: "no" })
      }))

    it.scopedLive("an unmodelled error is reported by its name and status", () =>
      Effect.gen(function*() {
        const error = yield* failed(fault(403, "InvalidSignatureException", { message: "no" }))
        assertContains(error, { _tag: "UnknownServiceError", code: "InvalidSignatureException", status: 403 })
      }))

    it.scopedLive("a service error with a member named code is not a network error", () =>
      Effect.gen(function*() {
        const error = yield* failed({ status: 400, body: `{"code":"ECONNRESET"}` })
        assertContains(error, { _tag: "UnknownServiceError", code: "ECONNRESET", status: 400 })
      }))

    for (const status of [429, 500, 502, 503]) {
      it.scopedLive(`an HTML page with status ${status} is reported by its status, after one attempt`, () =>
        Effect.gen(function*() {
          const error = yield* failed({ status, headers: { "content-type": "text/html" }, body: "<html></html>" })
          assertContains(error, { _tag: "UnknownServiceError", code: "Unknown", status })
          assert.notInclude(error.message, "html")
        }))
    }

    it.scopedLive("an error without a body or message is reported as such", () =>
      Effect.gen(function*() {
        const error = yield* failed({ status: 500, body: "" })
        assertContains(error, { _tag: "UnknownServiceError", status: 500, message: "HTTP 500 without a message" })
      }))
  })

  describe("invalid replies", () => {
    for (const body of ["garbage secret-token", `"secret-token"`, "null", "[\"secret-token\"]", "", "{}"]) {
      it.scopedLive(`${JSON.stringify(body)} cannot be decoded, and is not quoted`, () =>
        Effect.gen(function*() {
          const error = yield* failed({ body })
          assert.strictEqual(error._tag, "UndecodableReply")
          assert.notInclude(inspect(error, { depth: null }), "secret-token")
        }))
    }

    it.scopedLive("an invalid member is reported by name without its value", () =>
      Effect.gen(function*() {
        const error = yield* failed({ body: `{"apiKey":{"value":"secret-token"}}` })
        assertContains(error, {
          _tag: "UndecodableReply",
          path: "apiKey",
          message: "the reply of GetResourceApiKey did not match its schema at 'apiKey'"
        })
        assert.notInclude(inspect(error, { depth: null }), "secret-token")
      }))
  })

  describe("the network", () => {
    it.scopedLive("a refused, dropped or truncated connection is a connection failure", () =>
      Effect.gen(function*() {
        const api = yield* connect("http://127.0.0.1:1")
        const refused = yield* flip(api.getResourceApiKey(request))
        assertContains(refused, { _tag: "TransportFailure", reason: "Connection" })
        assert.include(refused.message, "ECONNREFUSED")
        for (const answer of ["drop", "cut"] as const) {
          const error = yield* failed(answer)
          assertContains(error, { _tag: "TransportFailure", reason: "Connection" })
          assert.include(error.message, "ECONNRESET")
        }
      }))

    it.scopedLive("interruption aborts the request", () =>
      Effect.gen(function*() {
        const wire = yield* serve(() => "hang")
        const api = yield* connect(wire.url)
        const fiber = yield* Effect.fork(api.getResourceApiKey(request))
        yield* Queue.take(wire.arrivals)
        yield* Fiber.interrupt(fiber)
        assert.strictEqual((yield* Queue.take(wire.aborts)).path, "/identities/api-key")
      }))

    it.scopedLive("a request that exceeds the time limit is aborted", () =>
      Effect.gen(function*() {
        const wire = yield* serve(() => "hang")
        const api = yield* connect(wire.url, { requestTimeout: "80 millis" })
        const error = yield* flip(api.getResourceApiKey(request))
        assertContains(error, { _tag: "TransportFailure", reason: "Timeout" })
        assert.include(error.message, "80ms")
        yield* Queue.take(wire.aborts)
      }))

    it.scopedLive("a request that exceeds the time limit is aborted in an uninterruptible region, such as an HttpApp", () =>
      Effect.gen(function*() {
        const wire = yield* serve(() => "hang")
        const api = yield* connect(wire.url, { requestTimeout: "80 millis" })
        const error = yield* Effect.flip(Effect.uninterruptible(api.getResourceApiKey(request)))
        assertContains(error, { _tag: "TransportFailure", reason: "Timeout" })
        yield* Queue.take(wire.aborts)
      }))

    it.scopedLive("an infinite time-out disables the time limit", () =>
      Effect.gen(function*() {
        const wire = yield* serve(() => ({ body: `{"apiKey":"key"}` }))
        const api = yield* connect(wire.url, { requestTimeout: Duration.infinity })
        assert.strictEqual(Redacted.value((yield* api.getResourceApiKey(request)).apiKey), "key")
      }))

    it.scopedLive("a call without credentials sends no request, and the error states how to supply them", () =>
      Effect.gen(function*() {
        const wire = yield* serve(() => ({}))
        const none = Object.assign(new Error("none"), { name: "CredentialsProviderError" })
        for (const reason of [none, new Error("the vault is sealed")]) {
          const api = yield* connect(wire.url, { credentials: () => Promise.reject(reason) })
          const error = yield* flip(api.getResourceApiKey(request))
          assertContains(error, { _tag: "TransportFailure", reason: "Credentials" })
          assert.include(error.message, "AWS_ACCESS_KEY_ID")
        }
        assert.strictEqual(wire.requests.length, 0)
      }))
  })

  describe("secrets", () => {
    const token = "wat/1+\"two\"\n\\three% ü"
    const state = "wat/1+\"two\"\n\\three% ü, and more"
    const parameter = "parameter-value"
    const plain = "session"
    const all = [token, state, parameter]

    const hostile: ReadonlyArray<(request: Received) => Answer> = [
      ({ body }) =>
        fault(400, "ValidationException", {
          message: `${body} ${all.map(encodeURIComponent).join()}`,
          reason: body,
          fieldList: [{ name: token, message: state }, { name: parameter, message: encodeURIComponent(state) }]
        }),
      () => fault(403, "AccessDeniedException", { message: new URLSearchParams({ state, token }).toString() }),
      () => fault(403, parameter, { message: all.join(" "), token, state }),
      ({ body }) => ({ status: 500, body: `<html>${body}</html>`, headers: { "x-amzn-requestid": parameter } }),
      ({ body }) => ({ body: `garbage ${body}` }),
      () => ({ body: JSON.stringify({ accessToken: { token, state } }), headers: { "x-amzn-requestid": parameter } })
    ]

    hostile.forEach((answer, index) =>
      it.scopedLive(`a server that echoes its request puts no secret into an error (${index + 1})`, () =>
        Effect.gen(function*() {
          const wire = yield* serve(answer)
          const api = yield* connect(wire.url)
          const exit = yield* Effect.exit(api.getResourceOauth2Token({
            workloadIdentityToken: Redacted.make(token),
            resourceCredentialProviderName: plain,
            scopes: [],
            oauth2Flow: "M2M",
            customParameters: { p: Redacted.make(parameter) },
            customState: Redacted.make(state)
          }))
          assert.isTrue(Exit.isFailure(exit))
          const seen = printedExit(exit).join("\n")
          assertNoCredentials(seen)
          for (const secret of all.flatMap((s) => [s, JSON.stringify(s).slice(1, -1), encodeURIComponent(s)])) {
            assert.notInclude(seen, secret)
          }
          assert.notInclude(seen, "and more")
        }))
    )
  })
})
