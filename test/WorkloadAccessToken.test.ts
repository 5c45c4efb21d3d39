import { assert, describe, it } from "@effect/vitest"
import { Array as Arr, Effect, Layer, Option, Redacted } from "effect"
import { IdentityService, TokenOptions, WorkloadAccessToken } from "../src/index.js"
import { agent, workloadName } from "./support/agent.js"
import { assertEqual } from "./support/equality.js"
import { answering } from "./support/stub.js"

const bare = (headers: WorkloadAccessToken.Headers) =>
  Option.getOrUndefined(Option.map(WorkloadAccessToken.fromHeaders(headers), Redacted.value))

const both = Effect.all([WorkloadAccessToken.WorkloadAccessToken, TokenOptions.CallbackUrl])

describe("WorkloadAccessToken", () => {
  it("is read from an invocation's headers, however they are spelled", () => {
    assert.strictEqual(bare({ WorkloadAccessToken: "a" }), "a")
    assert.strictEqual(bare({ workloadaccesstoken: ["a", "b"] }), "a")
    assert.strictEqual(bare({ "x-amzn-bedrock-agentcore-runtime-workload-accesstoken": "a" }), "a")
    assert.isUndefined(bare({}))
    assert.isUndefined(bare({ workloadaccesstoken: "" }))
    assert.isUndefined(bare({ workloadaccesstoken: undefined }))
  })

  it("that came along a chain of agents wins over the one of this hop", () => {
    assert.strictEqual(bare({ workloadaccesstoken: "hop", "X-Amz-Bedrock-AgentCore-Identity-WAT": "chain" }), "chain")
  })

  it("is read from any of its headers, in this order, in any case, and not from an empty one", () => {
    const names = [
      "X-Amz-Bedrock-AgentCore-Identity-WAT",
      "WorkloadAccessToken",
      "X-Amzn-Bedrock-AgentCore-Runtime-Workload-AccessToken"
    ]
    for (
      const spell of [
        (name: string) => name,
        (name: string) => name.toLowerCase(),
        (name: string) => name.toUpperCase()
      ]
    ) {
      for (const [index, name] of names.entries()) {
        const after = Object.fromEntries(
          Arr.reverse(names.slice(index)).map((name) => [spell(name), `value of ${name}`])
        )
        assert.strictEqual(bare(after), `value of ${name}`)
        for (const empty of ["", [], [""], undefined]) {
          const before = Object.fromEntries(names.slice(0, index).map((name) => [spell(name), empty]))
          assert.strictEqual(bare({ ...before, ...after }), `value of ${name}`)
        }
      }
      assert.isUndefined(bare({ authorization: "Bearer token", [`${spell("WorkloadAccessToken")}s`]: "other" }))
    }
  })

  it.effect("comes with the return URL of the invocation, and without one of an earlier invocation", () =>
    Effect.gen(function*() {
      const [token, url] = yield* Effect.provide(
        both,
        WorkloadAccessToken.layerHeaders({ WorkloadAccessToken: "a", OAuth2CallbackUrl: "https://app.example" })
      )
      assertEqual([Redacted.value(token), url], ["a", "https://app.example"])
      const inner = both.pipe(
        Effect.provide(WorkloadAccessToken.layerHeaders({ WorkloadAccessToken: "b" })),
        Effect.provideService(TokenOptions.CallbackUrl, "https://earlier.example")
      )
      assertEqual((yield* inner)[1], undefined)
    }))

  it.effect("that is missing is an error that says how the agent has to be called", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Effect.provide(both, WorkloadAccessToken.layerHeaders({})))
      assert.strictEqual(error._tag, "WorkloadAccessTokenMissing")
      assert.include(error.message, "X-Amzn-Bedrock-AgentCore-Runtime-User-Id")
    }))

  it.effect("is requested for the workload and user that the layer names", () =>
    Effect.gen(function*() {
      const { identity } = yield* answering(() => Effect.never)
      const userToken = Redacted.make("a.b.c")
      for (const options of [{ workloadName }, { workloadName, userId: "ada" }, { workloadName, userToken }]) {
        let requested: unknown
        const layer = WorkloadAccessToken.layer(options).pipe(
          Layer.provide(Layer.succeed(IdentityService.IdentityService, {
            ...identity,
            getWorkloadAccessToken: (options) => {
              requested = options
              return Effect.succeed(Redacted.make("token"))
            }
          }))
        )
        assertEqual(yield* Effect.provide(WorkloadAccessToken.WorkloadAccessToken, layer), Redacted.make("token"))
        assertEqual(requested, options)
      }
    }))

  it.effect("is asked for once for all that a program does with it", () =>
    Effect.gen(function*() {
      yield* agent
      const token = WorkloadAccessToken.WorkloadAccessToken
      const [first, second] = yield* Effect.provide(
        Effect.all([token, token]),
        WorkloadAccessToken.layer({ workloadName, userId: "ada" })
      )
      assert.strictEqual(Redacted.value(first), Redacted.value(second))
    }).pipe(Effect.provide(Layer.fresh(IdentityService.layerTest))))
})
