import { BedrockAgentCoreClient } from "@aws-sdk/client-bedrock-agentcore"
import { BedrockAgentCoreControlClient } from "@aws-sdk/client-bedrock-agentcore-control"
import { assert, describe, it } from "@effect/vitest"
import { Config, ConfigProvider, Effect, Layer, Redacted, Schedule } from "effect"
import { afterEach, vi } from "vitest"
import * as AwsIdentity from "../src/AwsIdentity.js"
import * as IdentityService from "../src/IdentityService.js"
import * as RetryPolicy from "../src/RetryPolicy.js"
import { credentials } from "./support/canaries.js"
import { assertEqual } from "./support/equality.js"
import { fault, serve } from "./support/wire.js"

const connect = (url: string, options?: AwsIdentity.Options) =>
  AwsIdentity.make({ region: "us-west-2", dataEndpoint: url, controlEndpoint: url, credentials, ...options })

const answers = serve(({ path }) =>
  path?.endsWith("Identity")
    ? { status: 204, body: "" }
    : { body: JSON.stringify({ workloadAccessToken: "wat-1" }) }
)

const getToken = { workloadName: "agent-1" }

const remove = { name: "agent-1" }

afterEach(() => {
  vi.restoreAllMocks()
})

/** The number of destroyed clients of each plane. */
const destroyed = () => {
  const data = vi.spyOn(BedrockAgentCoreClient.prototype, "destroy")
  const control = vi.spyOn(BedrockAgentCoreControlClient.prototype, "destroy")
  return () => [data.mock.calls.length, control.mock.calls.length]
}

describe("the clients of AwsIdentity", () => {
  it.scopedLive("are destroyed when the scope closes, if they were created", () =>
    Effect.gen(function*() {
      const counts = destroyed()
      const wire = yield* answers
      yield* Effect.scoped(Effect.gen(function*() {
        const api = yield* connect(wire.url)
        yield* api.getWorkloadAccessToken(getToken)
        assertEqual(counts(), [0, 0])
      }))
      assertEqual(counts(), [1, 0])
      yield* Effect.scoped(Effect.gen(function*() {
        const api = yield* connect(wire.url)
        yield* api.deleteWorkloadIdentity(remove)
        yield* api.deleteWorkloadIdentity(remove)
        assertEqual(counts(), [1, 0])
      }))
      assertEqual(counts(), [2, 1])
    }))

  const config = { region: "eu-north-1", credentials, maxAttempts: 1 }

  const given: ReadonlyArray<readonly [plane: "data" | "control", regions: ReadonlyArray<string>]> = [
    // Without a separate region the control plane uses the region of the data plane.
    ["data", ["eu-north-1", "eu-north-1"]],
    ["control", ["eu-west-1", "eu-north-1"]]
  ]
  for (const [plane, regions] of given) {
    it.scopedLive(`can be supplied for the ${plane} plane only, and the other client is created`, () =>
      Effect.gen(function*() {
        const counts = destroyed()
        const wire = yield* answers
        const clients = plane === "data"
          ? { data: new BedrockAgentCoreClient({ ...config, endpoint: wire.url }) }
          : { control: new BedrockAgentCoreControlClient({ ...config, endpoint: wire.url }) }
        const environment = plane === "data" ? [] : [["AWS_REGION", "eu-west-1"]] as const
        yield* Effect.scoped(Effect.gen(function*() {
          const api = yield* connect(wire.url, { clients, region: undefined })
          yield* api.getWorkloadAccessToken(getToken)
          yield* api.deleteWorkloadIdentity(remove)
        })).pipe(Effect.withConfigProvider(ConfigProvider.fromMap(new Map(environment))))
        assertEqual<ReadonlyArray<string | undefined>>(
          wire.requests.map(({ headers }) => headers.authorization?.split("/")[2]),
          regions
        )
        assertEqual(counts(), plane === "data" ? [0, 1] : [1, 0])
      }))
  }

  it.scopedLive("make one attempt on each plane", () =>
    Effect.gen(function*() {
      const wire = yield* serve(() => fault(500, "InternalServerException", { message: "later" }))
      const api = yield* connect(wire.url)
      assert.strictEqual((yield* Effect.flip(api.getWorkloadAccessToken(getToken)))._tag, "InternalServerError")
      assert.strictEqual((yield* Effect.flip(api.deleteWorkloadIdentity(remove)))._tag, "InternalServerError")
      assert.strictEqual(wire.requests.length, 2)
    }))
})

describe("the service over AWS", () => {
  const layers = {
    layer: (url: string) => AwsIdentity.layer({ region: "eu-west-3", dataEndpoint: url, credentials }),
    layerConfig: (url: string) =>
      AwsIdentity.layerConfig({
        region: Config.string("MY_REGION"),
        dataEndpoint: Config.succeed(url),
        credentials: Config.succeed(credentials)
      })
  }
  for (const name of ["layer", "layerConfig"] as const) {
    it.scopedLive(`is created by ${name}`, () =>
      Effect.gen(function*() {
        const wire = yield* answers
        const token = yield* Effect.flatMap(
          IdentityService.IdentityService,
          (identity) => identity.getWorkloadAccessToken(getToken)
        ).pipe(
          Effect.provide(layers[name](wire.url).pipe(Layer.merge(RetryPolicy.layer(Schedule.stop)))),
          Effect.withConfigProvider(ConfigProvider.fromMap(new Map([["MY_REGION", "eu-west-3"]])))
        )
        assert.strictEqual(Redacted.value(token), "wat-1")
        assert.include(wire.requests[0]?.headers.authorization, "/eu-west-3/")
      }))
  }
})
