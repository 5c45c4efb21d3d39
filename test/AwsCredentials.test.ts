// @effect-diagnostics anyUnknownInErrorContext:off multipleEffectProvide:off globalDate:off
import { BedrockAgentCoreClient, type BedrockAgentCoreClientConfig } from "@aws-sdk/client-bedrock-agentcore"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Redacted, Struct } from "effect"
import * as Arbitrary from "effect/Arbitrary"
import * as FastCheck from "effect/FastCheck"
import * as AwsIdentity from "../src/AwsIdentity.js"
import * as IdentityApi from "../src/IdentityApi.js"
import type * as IdentityError from "../src/IdentityError.js"
import * as IdentityService from "../src/IdentityService.js"
import type * as Operation from "../src/Operation.js"
import { assertNoCredentials, credentials, credentialSpellings, printedExit } from "./support/canaries.js"
import { assertContains } from "./support/equality.js"
import { recording } from "./support/recording.js"
import { type Answer, asAws, fault, type Received, serve } from "./support/wire.js"

const { accessKeyId, secretAccessKey, sessionToken } = credentials

const everything = credentialSpellings.join(" ")

const options = (url: string, more?: AwsIdentity.Options): AwsIdentity.Options => ({
  region: "us-west-2",
  dataEndpoint: url,
  controlEndpoint: url,
  credentials,
  ...more
})

/** Fails a call in a program that logs and traces everything, checks for leaks, and returns the error. */
const failing = <E extends IdentityError.IdentityError>(
  call: Effect.Effect<unknown, E, IdentityApi.IdentityApi | IdentityService.IdentityService>,
  given: AwsIdentity.Options,
  also: ReadonlyArray<string> = []
) =>
  Effect.gen(function*() {
    const { layer, spans, text } = yield* recording
    const api = AwsIdentity.layerApi(given)
    const exit = yield* call.pipe(
      Effect.tapErrorCause((cause) => Effect.logError("failed", cause)),
      Effect.withSpan("program"),
      Effect.provide(IdentityService.layer.pipe(Layer.provideMerge(api))),
      Effect.provide(layer),
      Effect.exit
    )
    assert.isTrue(spans.some(({ name }) => name.startsWith("AwsIdentity.")))
    const texts = [...printedExit(exit), text()]
    assertNoCredentials(...texts)
    for (const secret of also) for (const text of texts) assert.notInclude(text, secret)
    return Exit.isFailure(exit) ? yield* Effect.flip(exit) : yield* Effect.dieMessage("the call succeeded")
  })

const request = {
  workloadIdentityToken: Redacted.make("canary-workload-access-token"),
  resourceCredentialProviderName: "provider-1"
}

const getApiKey = Effect.flatMap(IdentityApi.IdentityApi, (api) => api.getResourceApiKey(request))

/** The canonical string that a service expects, in the form of AWS. */
const canonical = ({ headers, method, path }: Received) => {
  const { connection: _, ...signed } = headers
  const lines = Object.entries(signed).map(([name, value]) => `${name}:${String(value)}`).join("\n")
  return "The request signature we calculated does not match the signature you provided. The Canonical String for this "
    + `request should have been\n'${method}\n${path}\n\n${lines}\n\n${Object.keys(signed).join(";")}\n${
      "0".repeat(64)
    }'\n\n`
    + `The String-to-Sign should have been\n'AWS4-HMAC-SHA256\n20261122T000000Z'`
}

const echoes: { readonly [title: string]: (received: Received) => Answer } = {
  "the canonical string": (received) => fault(403, "InvalidSignatureException", { message: canonical(received) }),
  "the canonical string, as S3 names the error": (received) =>
    fault(403, "SignatureDoesNotMatch", { message: canonical(received), AWSAccessKeyId: accessKeyId }),
  "the canonical string in a modelled error": (received) =>
    fault(400, "ValidationException", {
      message: canonical(received),
      reason: received.headers.authorization,
      fieldList: [{ name: sessionToken, message: canonical(received) }, { name: accessKeyId, message: everything }]
    }),
  "every encoding": () => fault(403, "AccessDeniedException", { message: everything }),
  "the headers as JSON": ({ headers }) =>
    fault(500, "InternalServerException", { message: JSON.stringify(JSON.stringify({ headers })) }),
  "the headers as a form": ({ headers }) =>
    fault(403, "AccessDeniedException", {
      message: new URLSearchParams(Object.entries(headers).map(([name, value]) => [name, String(value)])).toString()
    }),
  "credentials as the code": () => ({
    status: 403,
    headers: { "x-amzn-errortype": accessKeyId },
    body: JSON.stringify({ message: sessionToken })
  }),
  "credentials as the request id": () => ({
    status: 403,
    headers: { "x-amzn-errortype": "AccessDeniedException", "x-amzn-requestid": sessionToken },
    body: JSON.stringify({ message: secretAccessKey })
  }),
  "credentials in an HTML error page": ({ headers }) => ({
    status: 502,
    headers: { "content-type": "text/html", "x-amzn-requestid": accessKeyId },
    body: `<html>${JSON.stringify(headers)}</html>`
  }),
  "credentials in an HTML success page": ({ headers }) => ({
    headers: { "content-type": `text/html; ${accessKeyId}`, "x-amzn-requestid": accessKeyId },
    body: `<html>${JSON.stringify(headers)}</html>`
  }),
  "credentials in a reply of the wrong type": () => ({
    headers: { ...asAws, "x-amzn-requestid": sessionToken },
    body: JSON.stringify({ apiKey: { [sessionToken]: accessKeyId } })
  })
}

describe("AWS credentials", () => {
  for (const [title, answer] of Struct.entries(echoes)) {
    it.scopedLive(`appear in no error, span or log if the service echoes ${title}`, () =>
      Effect.gen(function*() {
        const wire = yield* serve(answer)
        yield* failing(getApiKey, options(wire.url))
        assert.include(wire.requests[0]?.headers.authorization, accessKeyId)
        assert.strictEqual(wire.requests[0]?.headers["x-amz-security-token"], sessionToken)
      }))
  }

  it.scopedLive("are removed from a message, and the rest is kept", () =>
    Effect.gen(function*() {
      const wire = yield* serve(echoes["the canonical string"] ?? (() => "drop"))
      const error = yield* failing(getApiKey, options(wire.url))
      assertContains(error, { _tag: "UnknownServiceError", code: "InvalidSignatureException", status: 403 })
      assert.include(error.message, "x-amz-security-token:<redacted>\n")
      assert.include(error.message, "POST\n/identities/api-key\n")
      const [, signature = "no signature"] = /Signature=(\w+)/.exec(wire.requests[0]?.headers.authorization ?? "") ?? []
      assert.lengthOf(signature, 64)
      assert.notInclude(error.message, signature)
      assert.notInclude(error.message, "Credential=")
    }))

  for (const key of Struct.keys(IdentityApi.operations)) {
    const operation: Operation.Operation.Any = IdentityApi.operations[key]
    it.scopedLive(`do not appear in an error of ${operation.name}`, () =>
      Effect.gen(function*() {
        const [request] = FastCheck.sample(Arbitrary.make(operation.request), { seed: 1, numRuns: 1 })
        const wire = yield* serve((received) =>
          fault(403, "InvalidSignatureException", { message: canonical(received) + everything })
        )
        const call = Effect.flatMap(IdentityApi.IdentityApi, (api) => {
          const called: Effect.Effect<unknown, IdentityError.IdentityError> = api[key](request)
          return called
        })
        assert.strictEqual((yield* failing(call, options(wire.url)))._tag, "UnknownServiceError")
      }))
  }

  it.scopedLive("do not appear in an error path that contains names from the response", () =>
    Effect.gen(function*() {
      const wire = yield* serve(() => ({ body: JSON.stringify({ tags: { [sessionToken]: 5 } }) }))
      const resourceArn = "arn:aws:bedrock-agentcore:us-east-1:123456789012:workload-identity-directory/default"
      const call = Effect.flatMap(IdentityApi.IdentityApi, (api) => api.listTagsForResource({ resourceArn }))
      const error = yield* failing(call, options(wire.url))
      assertContains(error, { _tag: "UndecodableReply", path: "tags.<redacted>" })
    }))

  it.scopedLive("are also recognised by their form, because a truncated message contains only a prefix", () =>
    Effect.gen(function*() {
      const other = { token: "IQoJb3JpZ2luX2VjEXAMPLE/abc", key: "ASIAIOSFODNN7EXAMPLE", signature: "ab".repeat(30) }
      const message = `x-amz-security-token:${sessionToken.slice(0, 30)} {"X-Amz-Security-Token": "${other.token}"} `
        + `X-Amz-Security-Token=${
          encodeURIComponent(other.token)
        }&X-Amz-Credential=${other.key}%2F20261122&X-Amz-Signature=`
        + `${other.signature} AWS4-HMAC-SHA256 Credential=local/20261122/x, SignedHeaders=host, Signature=${other.signature}`
        + ` key ${other.key} is unknown, and region=us-west-2 is kept`
      const wire = yield* serve(() => fault(403, "InvalidSignatureException", { message }))
      const hidden = [sessionToken.slice(0, 20), ...Object.values(other), "IQoJ", "local/"]
      const error = yield* failing(getApiKey, options(wire.url), hidden)
      assert.include(error.message, "is unknown, and region=us-west-2 is kept")
    }))

  it.scopedLive("that are a plain word of a local server are kept, so that messages stay readable", () =>
    Effect.gen(function*() {
      const message = "the test of 'latest' failed: 'Credential' is missing"
      const wire = yield* serve(() => fault(403, "AccessDeniedException", { message }))
      const local = { accessKeyId: "test", secretAccessKey: "test" }
      assert.strictEqual((yield* failing(getApiKey, options(wire.url, { credentials: local }))).message, message)
    }))

  it.scopedLive("do not appear in the error of a consent request", () =>
    Effect.gen(function*() {
      const wire = yield* serve(echoes["the canonical string"] ?? (() => "drop"))
      const call = Effect.flatMap(IdentityService.IdentityService, (identity) =>
        identity.getToken({
          workloadAccessToken: Redacted.make("wat"),
          providerName: "github",
          scopes: ["repo"],
          authFlow: "M2M"
        }))
      assert.strictEqual((yield* failing(call, options(wire.url)))._tag, "UnknownServiceError")
    }))

  describe("when a client fails", () => {
    const client = (config: Partial<BedrockAgentCoreClientConfig>) =>
      options("http://127.0.0.1:1", {
        clients: { data: new BedrockAgentCoreClient({ region: "eu-north-1", credentials, maxAttempts: 2, ...config }) }
      })

    const thrown: ReadonlyArray<readonly [title: string, value: unknown, said: string]> = [
      [
        "a socket that quotes the request",
        Object.assign(new Error(`write ECONNRESET ${everything}`), { code: "ECONNRESET" }),
        "(ECONNRESET): write ECONNRESET"
      ],
      ["an error with a cause", new Error(everything, { cause: new Error(everything) }), "(Error)"],
      [
        "an error named after a key",
        Object.assign(new Error("x"), { name: accessKeyId, code: accessKeyId }),
        "(<redacted>)"
      ],
      ["an error named after a token", Object.assign(new Error("x"), { name: sessionToken }), "(Unknown)"],
      ["an error with a header", new TypeError(`Headers.append: "${sessionToken}" is invalid.`), "(TypeError)"],
      ["a text", everything, "(Error)"],
      ["an object", { message: everything, name: sessionToken, secretAccessKey }, "(Unknown)"],
      ["null", null, "no answer from the service"],
      ["nothing", undefined, "no answer from the service"]
    ]

    for (const [title, value, said] of thrown) {
      it.scopedLive(`do not appear in the error for ${title}`, () =>
        Effect.gen(function*() {
          const given = client({ requestHandler: { handle: () => Promise.reject(value) } })
          const error = yield* failing(getApiKey, given)
          assertContains(error, { _tag: "TransportFailure", reason: "Connection" })
          assert.include(error.message, said)
        }))
    }

    it.scopedLive("do not appear in the error of a signer", () =>
      Effect.gen(function*() {
        const sign = () => Promise.reject(Object.assign(new Error(everything), { code: "ENOENT" }))
        const error = yield* failing(getApiKey, client({ signer: { sign } }))
        assertContains(error, { _tag: "TransportFailure", reason: "Credentials" })
        assert.include(error.message, "nothing was sent: the request could not be prepared or signed (Error)")
        const local = { accessKeyId: "test", secretAccessKey: "test" }
        const again = yield* failing(getApiKey, client({ signer: { sign }, credentials: local }))
        assert.strictEqual(again.message, error.message)
      }))

    it.scopedLive("do not appear in the error for an invalid endpoint", () =>
      Effect.gen(function*() {
        const given = client({ endpoint: "http://127.0.0.1:1", useFipsEndpoint: true })
        const error = yield* failing(getApiKey, given)
        assertContains(error, { _tag: "TransportFailure", reason: "Credentials" })
        assert.include(error.message, "endpoint")
      }))

    it.scopedLive("do not appear in the error of a client that replaces send", () =>
      Effect.gen(function*() {
        for (
          const value of [new Error(everything), Object.assign(new Error("x"), { name: sessionToken }), everything]
        ) {
          const given = client({})
          const { data } = given.clients ?? {}
          if (data !== undefined) data.send = () => Promise.reject(value)
          yield* failing(getApiKey, given)
        }
      }))
  })

  describe("when they cannot be found", () => {
    const named = (name: unknown, more: object = {}) => Object.assign(new Error(everything), { name, ...more })

    const thrown: ReadonlyArray<readonly [title: string, value: unknown, said: string]> = [
      ["the SDK's own error", named("CredentialsProviderError"), "(CredentialsProviderError)"],
      [
        "the output of a process",
        new Error(`Command failed: get-keys\n${everything}`),
        "(Error: the credential_process of the profile failed)"
      ],
      [
        "a profile without credentials",
        Object.assign(
          new Error(
            `Could not resolve credentials using profile: [${everything}] in configuration/credentials file(s).`
          ),
          { name: "CredentialsProviderError" }
        ),
        "(CredentialsProviderError: the profile does not exist or has no credentials)"
      ],
      [
        "a session of SSO that has expired",
        Object.assign(new Error(`Token is expired. ${everything}`), { name: "TokenProviderError" }),
        "(TokenProviderError: the SSO session does not exist or has expired)"
      ],
      [
        "an error of STS",
        named("AccessDenied", { $fault: "client", $metadata: { httpStatusCode: 403 } }),
        "(AccessDenied)"
      ],
      [
        "an error of SSO",
        named("ResourceNotFoundException", {
          $fault: "client",
          $metadata: { httpStatusCode: 404, requestId: accessKeyId }
        }),
        "(ResourceNotFoundException)"
      ],
      ["a connection that is refused", named("Error", { code: "ECONNREFUSED" }), "(Error)"],
      ["a name that is a secret", named(secretAccessKey), "credentials. Pass"],
      ["a name that is a key", named(accessKeyId), "credentials. Pass"],
      ["a name that is not text", named({ secretAccessKey }), "credentials. Pass"],
      ["a text", everything, "credentials. Pass"],
      ["an object", { secretAccessKey, message: everything, code: accessKeyId }, "credentials. Pass"],
      ["null", null, "for want of AWS credentials"],
      ["nothing", undefined, "for want of AWS credentials"]
    ]

    for (const [title, value, said] of thrown) {
      it.scopedLive(`the error omits the message of the credential provider: ${title}`, () =>
        Effect.gen(function*() {
          const wire = yield* serve(() => ({}))
          const error = yield* failing(getApiKey, options(wire.url, { credentials: () => Promise.reject(value) }))
          assertContains(error, { _tag: "TransportFailure", reason: "Credentials" })
          assert.include(error.message, said)
          assert.include(error.message, "AWS_ACCESS_KEY_ID")
          assert.strictEqual(wire.requests.length, 0)
        }))
    }

    it.scopedLive("the error omits that message if the credentials become unavailable between two attempts", () =>
      Effect.gen(function*() {
        const wire = yield* serve(() => fault(500, "InternalServerException", { message: "later" }))
        const provider = () =>
          wire.requests.length > 0
            ? Promise.reject(new Error(`refresh failed: ${everything}`))
            : Promise.resolve({ ...credentials, expiration: new Date(0) })
        const data = new BedrockAgentCoreClient({
          region: "us-west-2",
          endpoint: wire.url,
          maxAttempts: 3,
          credentials: provider
        })
        const error = yield* failing(getApiKey, options(wire.url, { clients: { data } }))
        assert.strictEqual(wire.requests.length, 1)
        assert.strictEqual(error._tag, "TransportFailure")
      }))
  })
})
