import { BedrockAgentCoreClient, CompleteResourceTokenAuthCommand } from "@aws-sdk/client-bedrock-agentcore"
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"
import * as Struct from "effect/Struct"
import * as AwsIdentity from "../src/AwsIdentity.js"
import * as Diagnosis from "../src/Diagnosis.js"
import * as IdentityApi from "../src/IdentityApi.js"
import type * as IdentityError from "../src/IdentityError.js"
import type * as Operation from "../src/Operation.js"
import { credentials, printed } from "./support/canaries.js"
import { assertContains, assertEqual } from "./support/equality.js"
import { type Answer, asAws, serve } from "./support/wire.js"

const connect = (url: string, options?: AwsIdentity.Options) =>
  AwsIdentity.make({ region: "us-west-2", dataEndpoint: url, controlEndpoint: url, credentials, ...options })

const operations = Struct.keys(IdentityApi.operations).map((key) => {
  const operation: Operation.Operation.Any = IdentityApi.operations[key]
  const members = AST.getPropertySignatures(AST.encodedAST(operation.reply.ast))
  return {
    key,
    operation,
    hasOutput: members.length > 0,
    mayBeEmpty: members.every(({ isOptional }) => isOptional),
    request: FastCheck.sample(Arbitrary.make(operation.request), { seed: 5, numRuns: 1 })[0]
  }
})

const secret = "secret-of-the-page"

const page = `<html><form action="/login?${secret}"></form></html>`

const html = { "content-type": "text/html; charset=utf-8" }
const json = { "content-type": "application/json" }
const identified = { "x-amzn-requestid": "request-7" }

/** Responses that are not a reply of any operation. */
const foreign: ReadonlyArray<readonly [title: string, answer: Answer]> = [
  ["an HTML page with status 200", { headers: html, body: page }],
  ["an HTML page with a JSON content type", { headers: json, body: page }],
  ["an HTML page with a request id of AWS", { headers: { ...html, ...identified }, body: page }],
  ["a page without a content type", { headers: {}, body: page }],
  ["an empty page", { headers: html, body: "" }],
  ["an empty body with status 200", { headers: {}, body: "" }],
  ["an empty body with status 204", { status: 204, headers: {}, body: "" }],
  ["an empty body with status 202", { status: 202, headers: { "x-request-id": "of-a-proxy" }, body: "" }],
  ["an empty request id", { headers: { "x-amzn-requestid": "" }, body: "{}" }],
  ["an object in plain text", { headers: { "content-type": "text/plain" }, body: "{}" }],
  ["a truncated object", { headers: asAws, body: `{"name":"${secret}` }],
  ["an object with trailing text", { headers: asAws, body: `{}${secret}` }],
  ["a list", { headers: asAws, body: "[]" }],
  ["a list of objects", { headers: asAws, body: `[{"name":"${secret}"}]` }],
  ["a text", { headers: asAws, body: `"${secret}"` }],
  ["null", { headers: asAws, body: "null" }],
  ["a number", { headers: asAws, body: "0" }],
  ["false", { headers: asAws, body: "false" }],
  ["white space", { headers: asAws, body: " \n" }],
  ["bytes that are not UTF-8", { headers: asAws, body: new Uint8Array([123, 34, 255, 34, 58, 49, 125]) }],
  ["an object of another service without a request id", { headers: json, body: `{"error":"${secret}"}` }]
]

/** Empty replies of AWS and compatible services. */
const nothing: ReadonlyArray<readonly [title: string, answer: Answer]> = [
  ["an empty body with a request id", { headers: identified, body: "" }],
  ["an empty body with status 204 and a request id", { status: 204, headers: identified, body: "" }],
  ["an empty body of JSON", { headers: json, body: "" }],
  ["an empty object", { headers: { "content-type": "application/x-amz-json-1.1; charset=utf-8" }, body: "{}" }],
  ["unknown members", { headers: identified, body: `{"later":{"a":[1]}}` }]
]

const call = (api: IdentityApi.IdentityApi["Type"], { key, request }: typeof operations[number]) => {
  const called: Effect.Effect<object, IdentityError.IdentityError> = api[key](request)
  return called
}

describe("replies of AWS", () => {
  for (const one of operations) {
    const { hasOutput, mayBeEmpty, operation: { name, reply, status } } = one

    it.scopedLive(`${name} fails on every invalid response, without its content`, () =>
      Effect.gen(function*() {
        let turn = 0
        const wire = yield* serve(() => foreign[turn++]?.[1] ?? {})
        const api = yield* connect(wire.url)
        for (const [title] of foreign) {
          const error = yield* Effect.flip(call(api, one))
          assertContains(error, { _tag: "UndecodableReply", operation: name }, title)
          for (const text of printed(error)) assert.notInclude(text, secret, title)
        }
        assert.strictEqual(wire.requests.length, foreign.length)
      }))

    it.scopedLive(`${name} fails if its reply is truncated`, () =>
      Effect.gen(function*() {
        const answers = ["cut", "short"] as const
        let turn = 0
        const wire = yield* serve(() => answers[turn++] ?? "drop")
        const api = yield* connect(wire.url)
        for (const _ of answers) {
          assertContains(yield* Effect.flip(call(api, one)), { _tag: "TransportFailure", reason: "Connection" })
        }
      }))

    it.scopedLive(`${name} accepts its reply with a request id, or as JSON without one`, () =>
      Effect.gen(function*() {
        const [sample] = FastCheck.sample(Arbitrary.make(reply), { seed: 3, numRuns: 30 })
          .map((one) => JSON.stringify(Schema.encodeSync(reply)(one)))
          .filter((body) => !body.includes("$unknown") && (!hasOutput || body !== "{}"))
        const body = status === 204 ? "" : sample ?? "{}"
        const answers: ReadonlyArray<Answer> = [
          { status, headers: identified, body },
          { status, headers: { "x-amz-request-id": "r" }, body },
          { status, headers: json, body }
        ]
        let turn = 0
        const wire = yield* serve(() => answers[turn++] ?? "drop")
        const api = yield* connect(wire.url)
        for (const _ of answers) yield* call(api, one)
      }))

    it.scopedLive(`${name} ${mayBeEmpty ? "accepts" : "does not accept"} a reply without members`, () =>
      Effect.gen(function*() {
        let turn = 0
        const wire = yield* serve(() => nothing[turn++]?.[1] ?? "drop")
        const api = yield* connect(wire.url)
        for (const [title] of nothing) {
          const result = yield* Effect.either(call(api, one))
          assert.strictEqual(result._tag, mayBeEmpty ? "Right" : "Left", title)
          if (result._tag === "Left") assert.strictEqual(result.left._tag, "UndecodableReply", title)
          else assertEqual(result.right, {})
        }
      }))
  }

  const wrong: { readonly [Key in IdentityApi.OperationKey]?: { readonly body: string; readonly path: string } } = {
    getResourceOauth2Token: { body: `{"accessToken":5}`, path: "accessToken" },
    listTagsForResource: { body: `{"tags":["a"]}`, path: "tags" },
    getResourcePolicy: { body: `{"policy":{}}`, path: "policy" },
    listWorkloadIdentities: { body: `{"workloadIdentities":"none"}`, path: "workloadIdentities" }
  }

  for (const one of operations) {
    const answer = wrong[one.key]
    if (answer === undefined) continue
    it.scopedLive(`${one.operation.name} reports the name of a member with the wrong type`, () =>
      Effect.gen(function*() {
        const wire = yield* serve(() => ({ body: answer.body }))
        const error = yield* Effect.flip(call(yield* connect(wire.url), one))
        assertContains(error, { _tag: "UndecodableReply", path: answer.path, requestId: "request-0" })
      }))
  }

  const complete = operations.find(({ key }) => key === "completeResourceTokenAuth") ?? operations[0]

  const completion = (api: IdentityApi.IdentityApi["Type"]) =>
    complete === undefined ? Effect.dieMessage("no operations") : call(api, complete)

  it.scopedLive("the error contains the reason, the remedy and the request id", () =>
    Effect.gen(function*() {
      const answers: ReadonlyArray<readonly [answer: Answer, message: string]> = [
        [{ headers: html, body: page }, "neither an AWS request id nor a JSON content type"],
        [{ headers: json, body: `{"error":"login"}` }, "no AWS request id and no member"],
        [{ headers: { ...html, ...identified }, body: page }, "is not a JSON object"]
      ]
      let turn = 0
      const wire = yield* serve(() => answers[turn++]?.[0] ?? "drop")
      const api = yield* connect(wire.url)
      for (const [index, [, message]] of answers.entries()) {
        const error = yield* Effect.flip(completion(api))
        assert.include(error.message, "CompleteResourceTokenAuth (HTTP 200)")
        assert.include(error.message, message)
        if (index < 2) assert.include(Diagnosis.explain(error), "proxy")
        else assert.propertyVal(error, "requestId", "request-7")
      }
    }))

  describe("size", () => {
    const large = `{"later":"${"x".repeat(8 * 1024 * 1024)}"}`

    it.scopedLive("a reply of more than 8 MiB is rejected", () =>
      Effect.gen(function*() {
        const wire = yield* serve(() => ({ body: large }))
        const error = yield* Effect.flip(completion(yield* connect(wire.url)))
        assert.strictEqual(error._tag, "UndecodableReply")
        assert.include(error.message, "larger than 8 MiB")
      }))

    it.scopedLive("an error of more than 8 MiB is identified by its headers", () =>
      Effect.gen(function*() {
        const headers = { "x-amzn-errortype": "AccessDeniedException", ...identified }
        const wire = yield* serve(() => ({ status: 403, headers, body: large }))
        const error = yield* Effect.flip(completion(yield* connect(wire.url)))
        assertContains(error, {
          _tag: "AccessDenied",
          requestId: "request-7",
          message: "HTTP 403 without a message"
        })
      }))
  })

  describe("supplied clients", () => {
    const config = { region: "eu-north-1", credentials, maxAttempts: 3 }

    it.scopedLive("have their replies verified, and are not modified", () =>
      Effect.gen(function*() {
        const wire = yield* serve(() => ({ headers: html, body: page }))
        const data = new BedrockAgentCoreClient({ ...config, endpoint: wire.url })
        const before = data.middlewareStack.identify()
        const api = yield* connect(wire.url, { clients: { data } })
        assert.strictEqual((yield* Effect.flip(completion(api)))._tag, "UndecodableReply")
        assert.strictEqual(wire.requests.length, 1)
        assertEqual(data.middlewareStack.identify(), before)
        const input = { sessionUri: "urn:x", userIdentifier: { userId: "ada" } }
        const bare = yield* Effect.promise(() => data.send(new CompleteResourceTokenAuthCommand(input)))
        assert.strictEqual(bare.$metadata.httpStatusCode, 200)
      }))

    /** A client whose request handler produces the response. */
    const answered = (headers: Readonly<Record<string, string>>, body: unknown) =>
      connect("http://127.0.0.1:1", {
        clients: {
          data: new BedrockAgentCoreClient({
            ...config,
            requestHandler: { handle: async () => ({ response: { statusCode: 200, headers: { ...headers }, body } }) }
          })
        }
      })

    const web = (text: string) => new Response(text)

    it.scopedLive("can have a handler that returns web streams", () =>
      Effect.gen(function*() {
        for (const body of [web("{}").body, yield* Effect.promise(() => web("{}").blob()), "{}", undefined]) {
          yield* completion(yield* answered({ "X-Amzn-RequestId": "r" }, body))
        }
        for (const body of [web(page).body, yield* Effect.promise(() => web(page).blob()), page]) {
          const error = yield* Effect.flip(completion(yield* answered({ "X-Amzn-RequestId": "r" }, body)))
          assert.strictEqual(error._tag, "UndecodableReply")
        }
      }))

    it.scopedLive("can have a handler that does not detect a truncated body", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(completion(yield* answered({ ...asAws, "content-length": "3" }, "{}")))
        assertContains(error, { _tag: "TransportFailure", reason: "Connection" })
        assert.include(error.message, "declared length")
        // The declared length is that of the compressed body.
        yield* completion(yield* answered({ ...asAws, "content-length": "30", "content-encoding": "gzip" }, "{}"))
      }))
  })
})
