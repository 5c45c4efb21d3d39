import { BedrockAgentCoreClient } from "@aws-sdk/client-bedrock-agentcore"
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as ConfigProvider from "effect/ConfigProvider"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as HashMap from "effect/HashMap"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Struct from "effect/Struct"
import { vi } from "vitest"
import * as AwsIdentity from "../src/AwsIdentity.js"
import * as IdentityApi from "../src/IdentityApi.js"
import type * as Operation from "../src/Operation.js"
import { credentials, flip } from "./support/canaries.js"
import { assertContains, assertEqual } from "./support/equality.js"
import { type Answer, fault, type Received, serve } from "./support/wire.js"

const loaded = vi.hoisted(() => ({ count: 0 }))

vi.mock("@aws-sdk/client-bedrock-agentcore-control", (original) => {
  loaded.count++
  return original()
})

const connect = (url: string, options?: AwsIdentity.Options) =>
  AwsIdentity.make({ region: "us-west-2", dataEndpoint: url, controlEndpoint: url, credentials, ...options })

const withConfig = (...entries: ReadonlyArray<readonly [string, string]>) =>
  Effect.withConfigProvider(ConfigProvider.fromMap(new Map(entries)))

// A process in which the SDK finds no configuration.
const bareEnvironment = Effect.acquireRelease(
  Effect.sync(() => {
    const saved = { ...process.env }
    for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) delete process.env[name]
    process.env["AWS_CONFIG_FILE"] = process.env["AWS_SHARED_CREDENTIALS_FILE"] = "/dev/null"
    process.env["AWS_EC2_METADATA_DISABLED"] = "true"
    return saved
  }),
  (saved) =>
    Effect.sync(() => {
      delete process.env["AWS_CONFIG_FILE"]
      delete process.env["AWS_SHARED_CREDENTIALS_FILE"]
      delete process.env["AWS_EC2_METADATA_DISABLED"]
      Object.assign(process.env, saved)
    })
)

const keys = Struct.keys(IdentityApi.operations)

const samples = <A, I>(schema: Schema.Schema<A, I>, numRuns: number) =>
  FastCheck.sample(Arbitrary.make(schema), { seed: 22, numRuns })

const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

const body = (received: Received | undefined): unknown => JSON.parse(received?.body ?? "null")

/** The members of a request, collected from its path, query and body. */
const sent = ({ path, query }: Operation.Operation.Any, received: Received | undefined): unknown => {
  const url = new URL(received?.path ?? "", "http://localhost")
  const [prefix = "", label] = path.split(/[{}]/)
  assert.isTrue(label === undefined ? url.pathname === prefix : url.pathname.startsWith(prefix))
  return {
    ...(received?.body === "" ? {} : JSON.parse(received?.body ?? "null")),
    ...Object.fromEntries(query.map((member) => [member, url.searchParams.getAll(member)])),
    ...(label !== undefined && { [label]: decodeURIComponent(url.pathname.slice(prefix.length)) })
  }
}

const identity = { body: JSON.stringify({ workloadAccessToken: "wat-1" }) }

const request = { workloadName: "agent-1" }

// The endpoint setting through which each plane was reached. An empty value means the server at the setting's path.
const reached = (provider: ReadonlyArray<readonly [string, string]>) =>
  Effect.gen(function*() {
    yield* bareEnvironment
    const wire = yield* serve(({ path }) => path?.endsWith("Identity") ? { status: 204, body: "" } : identity)
    const at = (name: string) => [name, `${wire.url}/${name}`] as const
    const located = provider.map(([name, value]) => value === "" ? at(name) : [name, value] as const)
    yield* Effect.gen(function*() {
      const api = yield* AwsIdentity.make({ region: "us-west-2", credentials })
      yield* api.getWorkloadAccessToken(request)
      yield* api.deleteWorkloadIdentity({ name: "agent-1" })
    }).pipe(withConfig(...located))
    return wire.requests.map(({ path }) => path?.split("/")[1])
  })

describe("AwsIdentity", () => {
  // Runs first, because a module is loaded once per process.
  it.scopedLive("the control plane client is loaded on first use", () =>
    Effect.gen(function*() {
      const wire = yield* serve(({ path }) => path?.endsWith("Identity") ? { status: 204, body: "" } : identity)
      const api = yield* connect(wire.url)
      yield* api.getWorkloadAccessToken(request)
      yield* flip(api.deleteWorkloadIdentity({ name: "" }))
      assert.strictEqual(loaded.count, 0)
      yield* api.deleteWorkloadIdentity({ name: "agent-1" })
      assert.strictEqual(loaded.count, 1)
    }))

  describe("requests and replies", () => {
    for (const key of keys) {
      const operation: Operation.Operation.Any = IdentityApi.operations[key]

      it.scopedLive(`${operation.name} is sent as the model defines it, and its reply is complete`, () =>
        Effect.gen(function*() {
          const encodeReply = Schema.encodeSync(operation.reply)
          const replies = samples(operation.reply, 20).map((reply) => json(encodeReply(reply)))
            // Unknown members come from the SDK, not from the wire.
            .filter((reply) => !JSON.stringify(reply).includes("$unknown")).slice(0, 3)
          let turn = 0
          const wire = yield* serve(() => ({
            status: operation.status,
            ...(operation.status !== 204 && { body: JSON.stringify(replies[turn++]) })
          }))
          const api = yield* connect(wire.url)

          for (const request of samples(operation.request, replies.length)) {
            const expected = operation.status === 204 ? {} : Schema.decodeUnknownSync(operation.reply)(replies[turn])
            const reply = yield* api[key](request)
            const received = wire.requests.at(-1)
            assert.strictEqual(received?.method, operation.method)
            assertEqual(sent(operation, received), json(Schema.encodeSync(operation.request)(request)))
            assert.match(
              received?.headers.authorization ?? "",
              /^AWS4-HMAC-SHA256 Credential=CANARYACCESSKEYID\/\d{8}\/us-west-2\/bedrock-agentcore\/aws4_request,/
            )
            assertEqual(reply, expected)
          }
          assert.strictEqual(wire.requests.length, replies.length)
          assert.isAbove(replies.length, 0)
        }))
    }

    it.scopedLive("epoch seconds of a response become times, and secrets become Redacted", () =>
      Effect.gen(function*() {
        const wire = yield* serve(({ path }) =>
          path === "/identities/GetWorkloadIdentity"
            ? {
              body: JSON.stringify({
                name: "agent-1",
                workloadIdentityArn: "arn",
                createdTime: 1700000000.123,
                lastUpdatedTime: 0
              })
            }
            : identity
        )
        const api = yield* connect(wire.url)
        const { createdTime } = yield* api.getWorkloadIdentity({ name: "agent-1" })
        assert.strictEqual(DateTime.toEpochMillis(createdTime), 1700000000123)
        const { workloadAccessToken } = yield* api.getWorkloadAccessToken(request)
        assert.strictEqual(String(workloadAccessToken), "<redacted>")
        assert.strictEqual(Redacted.value(workloadAccessToken), "wat-1")
      }))
  })

  describe("checking requests", () => {
    const invalid = { workloadName: "a", userToken: Redacted.make("not a jwt") }

    it.scopedLive("a request that breaks a limit is never sent", () =>
      Effect.gen(function*() {
        const wire = yield* serve(() => identity)
        const api = yield* connect(wire.url)
        const error = yield* flip(api.getWorkloadAccessTokenForJWT(invalid))
        assert.strictEqual(error._tag, "ValidationError")
        assert.strictEqual(wire.requests.length, 0)
      }))

    it.scopedLive("a request is sent unchanged if checkRequests is false, and the service validates it", () =>
      Effect.gen(function*() {
        const wire = yield* serve(() =>
          fault(400, "ValidationException", { message: "too short", reason: "CannotParse" })
        )
        const api = yield* connect(wire.url, { checkRequests: false })
        const error = yield* flip(api.getWorkloadAccessTokenForJWT(invalid))
        assertContains(error, { _tag: "ValidationError", message: "too short", reason: "CannotParse" })
        assertEqual(body(wire.requests[0]), { workloadName: "a", userToken: "not a jwt" })
      }))

    it.scopedLive("an unchecked request has its secrets unwrapped at any depth and is otherwise unchanged", () =>
      Effect.gen(function*() {
        const wire = yield* serve(() => ({}))
        const api = yield* connect(wire.url, { checkRequests: false })
        yield* api.getResourceOauth2Token({
          workloadIdentityToken: Redacted.make("wat"),
          resourceCredentialProviderName: "?",
          scopes: [],
          oauth2Flow: "M2M",
          customParameters: { "": Redacted.make("deep") }
        })
        assertEqual(body(wire.requests[0]), {
          workloadIdentityToken: "wat",
          resourceCredentialProviderName: "?",
          scopes: [],
          oauth2Flow: "M2M",
          customParameters: { "": "deep" }
        })
      }))
  })

  describe("settings", () => {
    const own = "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE"
    const dataPython = "BEDROCK_AGENTCORE_DP_ENDPOINT"
    const controlPython = "BEDROCK_AGENTCORE_CP_ENDPOINT"
    const all = "AWS_ENDPOINT_URL"

    it.scopedLive("the endpoint variable of the service takes precedence over that of the Python SDK, and that over AWS_ENDPOINT_URL", () =>
      Effect.gen(function*() {
        const every = [[own, ""], [`${own}_CONTROL`, ""], [dataPython, ""], [controlPython, ""], [all, ""]] as const
        assertEqual(yield* reached(every), [own, `${own}_CONTROL`])
        assertEqual(yield* reached(every.slice(2)), [dataPython, controlPython])
        assertEqual(yield* reached(every.slice(4)), [all, all])
        assertEqual(yield* reached([...every, ["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"]]), [
          dataPython,
          controlPython
        ])
      }))

    it.scopedLive("an option takes precedence over any variable", () =>
      Effect.gen(function*() {
        const wire = yield* serve(() => identity)
        const api = yield* connect(wire.url).pipe(
          withConfig(["AWS_REGION", "eu-west-1"], [own, "http://127.0.0.1:1"])
        )
        yield* api.getWorkloadAccessToken(request)
        assert.include(wire.requests[0]?.headers.authorization, "/us-west-2/")
      }))

    it.scopedLive("the region is AWS_REGION, else AWS_DEFAULT_REGION, and an empty value is ignored", () =>
      Effect.gen(function*() {
        const wire = yield* serve(() => identity)
        const call = Effect.gen(function*() {
          const api = yield* connect(wire.url, { region: "" })
          yield* api.getWorkloadAccessToken(request)
        })
        yield* call.pipe(withConfig(["AWS_REGION", "eu-west-1"], ["AWS_DEFAULT_REGION", "eu-west-2"]))
        yield* call.pipe(withConfig(["AWS_REGION", ""], ["AWS_DEFAULT_REGION", "eu-west-2"]))
        const scopes = wire.requests.map(({ headers }) => headers.authorization?.split("/")[2])
        assertEqual(scopes, ["eu-west-1", "eu-west-2"])
      }))

    it.scopedLive("without a region the layer fails with an error that lists all ways to set it", () =>
      Effect.gen(function*() {
        yield* bareEnvironment
        const error = yield* flip(connect("http://127.0.0.1:1", { region: undefined })).pipe(withConfig())
        assert.isTrue(ConfigError.isMissingDataOnly(error))
        for (const way of ["option `region`", "AWS_REGION", "AWS_DEFAULT_REGION", "profile"]) {
          assert.include(String(error), way)
        }
      }))

    it.scopedLive("a malformed endpoint or region is reported by name without its value", () =>
      Effect.gen(function*() {
        const secret = "user:password@nowhere"
        const fromOption = yield* flip(connect(secret))
        assertContains(fromOption, { _op: "InvalidData", path: ["dataEndpoint"] })
        const fromVariable = yield* flip(AwsIdentity.make({ region: "us-west-2" })).pipe(
          withConfig([`${own}_CONTROL`, secret])
        )
        assertContains(fromVariable, { _op: "InvalidData", path: [`${own}_CONTROL`] })
        const region = yield* flip(AwsIdentity.make()).pipe(withConfig(["AWS_REGION", "us west"]))
        assertContains(region, { _op: "InvalidData", path: ["AWS_REGION"] })
        assert.notInclude(`${String(fromOption)}${String(fromVariable)}`, "password")
      }))

    it.scopedLive("options can be read from Config", () =>
      Effect.gen(function*() {
        const wire = yield* serve(() => identity)
        const layer = AwsIdentity.layerApiConfig({
          region: Config.string("MY_REGION"),
          dataEndpoint: Config.string("MY_ENDPOINT"),
          credentials: Config.succeed(credentials)
        })
        yield* Effect.flatMap(IdentityApi.IdentityApi, (api) => api.getWorkloadAccessToken(request)).pipe(
          Effect.provide(layer),
          withConfig(["MY_REGION", "eu-west-3"], ["MY_ENDPOINT", wire.url])
        )
        assert.include(wire.requests[0]?.headers.authorization, "/eu-west-3/")
      }))
  })

  describe("clients", () => {
    it.scopedLive("supplied clients are used, need no region, and outlive the scope", () =>
      Effect.gen(function*() {
        yield* bareEnvironment
        const wire = yield* serve(({ path }): Answer => path?.includes("Token") ? identity : { status: 204, body: "" })
        const { BedrockAgentCoreControlClient } = yield* Effect.promise(() =>
          import("@aws-sdk/client-bedrock-agentcore-control")
        )
        const config = { region: "eu-north-1", endpoint: wire.url, credentials, maxAttempts: 1 }
        const clients = {
          data: new BedrockAgentCoreClient(config),
          control: new BedrockAgentCoreControlClient(config)
        }
        let destroyed = 0
        clients.data.destroy = clients.control.destroy = () => void destroyed++
        yield* Effect.gen(function*() {
          const api = yield* AwsIdentity.make({ clients })
          yield* api.getWorkloadAccessToken(request)
          yield* api.deleteWorkloadIdentity({ name: "agent-1" })
        }).pipe(Effect.scoped, withConfig())
        assertEqual(wire.requests.map(({ headers }) => headers.authorization?.split("/")[2]), [
          "eu-north-1",
          "eu-north-1"
        ])
        assert.strictEqual(destroyed, 0)
      }))

    it.scopedLive("an interruption of the first control plane caller does not affect waiting callers", () =>
      Effect.gen(function*() {
        const wire = yield* serve(() => ({ status: 204, body: "" }))
        const api = yield* connect(wire.url)
        const remove = api.deleteWorkloadIdentity({ name: "agent-1" })
        const first = yield* Effect.fork(remove)
        const others = yield* Effect.fork(Effect.all([remove, remove], { concurrency: "unbounded" }))
        yield* Effect.yieldNow()
        yield* Fiber.interrupt(first)
        assert.isTrue(Exit.isSuccess(yield* Fiber.await(others)))
      }))

    it.scopedLive("later callers of the control plane inherit nothing from the first one", () =>
      Effect.gen(function*() {
        const wire = yield* serve(() => ({ status: 204, body: "" }))
        const api = yield* connect(wire.url)
        const remove = api.deleteWorkloadIdentity({ name: "agent-1" })
        yield* Effect.annotateLogs(remove, "user", "alice")
        const annotations = yield* remove.pipe(
          Effect.zipRight(Effect.logAnnotations),
          Effect.annotateLogs("user", "bob")
        )
        assertEqual(HashMap.toEntries(annotations), [["user", "bob"]])
      }))

    it.live("a scope that closes while the control plane is loading destroys its client", () =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const api = yield* Scope.extend(connect("http://127.0.0.1:1"), scope)
        const call = yield* Effect.fork(api.deleteWorkloadIdentity({ name: "agent-1" }))
        yield* Effect.yieldNow()
        yield* Scope.close(scope, Exit.void)
        assert.isTrue(Exit.isFailure(yield* Fiber.await(call)))
      }))
  })
})
