// @effect-diagnostics anyUnknownInErrorContext:off
import { assert, describe, it } from "@effect/vitest"
import { Array as Arr, Clock, Effect, Fiber, Layer, Option, Redacted, Ref, TestClock } from "effect"
import * as IdentityError from "../src/IdentityError.js"
import * as IdentityService from "../src/IdentityService.js"
import * as TokenOptions from "../src/TokenOptions.js"
import * as WorkloadAccessToken from "../src/WorkloadAccessToken.js"
import { jwt, workloadName } from "./support/agent.js"
import { assertEqual } from "./support/equality.js"
import { answering, token } from "./support/stub.js"

const bare = (headers: WorkloadAccessToken.Headers) =>
  Option.getOrUndefined(Option.map(WorkloadAccessToken.fromHeaders(headers), Redacted.value))

const current = Effect.flatMap(WorkloadAccessToken.WorkloadAccessToken, ({ get }) => get)

const both = Effect.all([current, TokenOptions.CallbackUrl])

/** A service that answers the requests for workload access tokens with these results, in order. */
const minting = (...results: ReadonlyArray<Effect.Effect<string, IdentityError.Throttled>>) =>
  Effect.gen(function*() {
    const { identity } = yield* answering(() => Effect.never)
    const requested: Array<unknown> = []
    const layer = Layer.succeed(IdentityService.IdentityService, {
      ...identity,
      getWorkloadAccessToken: (options) => {
        const result = results[requested.length] ?? Effect.dieMessage("one request too many")
        requested.push(options)
        return Effect.map(result, Redacted.make)
      }
    })
    return { layer, requested }
  })

describe("WorkloadAccessToken", () => {
  it("is read from an invocation's headers, however they are spelled", () => {
    assert.strictEqual(bare({ WorkloadAccessToken: "a" }), "a")
    assert.strictEqual(bare({ workloadaccesstoken: ["a", "b"] }), "a")
    assert.strictEqual(bare({ "x-amzn-bedrock-agentcore-runtime-workload-accesstoken": "a" }), "a")
    assert.isUndefined(bare({}))
    assert.isUndefined(bare({ workloadaccesstoken: "" }))
    assert.isUndefined(bare({ workloadaccesstoken: undefined }))
  })

  it("is read from the headers of Fetch, a Map and any iterable of pairs", () => {
    const pairs = [["Accept", "*/*"], ["WorkloadAccessToken", "a"]] as const
    for (const headers of [new Headers(pairs.map(([...pair]) => pair)), new Map(pairs), pairs, pairs.values()]) {
      assert.strictEqual(bare(headers), "a")
    }
    assert.isUndefined(bare(new Headers()))
  })

  it("of a chain of agents takes precedence over that of this hop", () => {
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

  it.effect("is provided with the return URL of the invocation, and not that of an earlier one", () =>
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

  it.effect("that is missing is an error that states how to call the agent", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Effect.provide(both, WorkloadAccessToken.layerHeaders({})))
      assert.strictEqual(error._tag, "WorkloadAccessTokenMissing")
      assert.include(error.message, "X-Amzn-Bedrock-AgentCore-Runtime-User-Id")
    }))

  it.effect("is requested for the workload and user that the layer names", () =>
    Effect.gen(function*() {
      const userToken = Redacted.make("a.b.c")
      for (const options of [{ workloadName }, { workloadName, userId: "ada" }, { workloadName, userToken }]) {
        const { layer, requested } = yield* minting(Effect.succeed("token"))
        const source = yield* Effect.provide(
          WorkloadAccessToken.WorkloadAccessToken,
          Layer.provide(WorkloadAccessToken.layer(options), layer)
        )
        assertEqual(requested, [])
        assertEqual(yield* source.get, Redacted.make("token"))
        assertEqual<unknown>(requested, [options])
        // A JWT names its user to the service, not to this program.
        assertEqual(
          source.identity,
          "userToken" in options
            ? undefined
            : { workloadName, userId: "userId" in options ? options.userId : undefined }
        )
      }
    }))

  it.effect("is requested once for all that a program does with it, also at the same time", () =>
    Effect.gen(function*() {
      const { layer, requested } = yield* minting(Effect.delay(Effect.succeed("token"), "1 second"))
      const tokens = yield* Effect.fork(Effect.provide(
        Effect.all([current, current, current], { concurrency: "unbounded" }),
        Layer.provide(WorkloadAccessToken.layer({ workloadName }), layer)
      ))
      yield* TestClock.adjust("1 second")
      const token = Redacted.make("token")
      assertEqual(yield* Fiber.join(tokens), [token, token, token])
      assert.lengthOf(requested, 1)
    }))

  it.effect("that could not be requested is requested again at the next use", () =>
    Effect.gen(function*() {
      const error = new IdentityError.Throttled({ operation: "GetWorkloadAccessToken", message: "slow down" })
      const { layer } = yield* minting(Effect.fail(error), Effect.succeed("token"))
      yield* Effect.gen(function*() {
        assertEqual<unknown>(yield* Effect.flip(current), error)
        assertEqual(yield* current, Redacted.make("token"))
      }).pipe(Effect.provide(Layer.provide(WorkloadAccessToken.layer({ workloadName }), layer)))
    }))

  it.effect("is renewed once for all callers whose token was rejected", () =>
    Effect.gen(function*() {
      const { layer, requested } = yield* minting(...["first", "second", "third"].map((text) => Effect.succeed(text)))
      yield* Effect.gen(function*() {
        const { get, renew } = yield* WorkloadAccessToken.WorkloadAccessToken
        const first = yield* get
        const renewed = yield* Effect.all([renew(first), renew(first)], { concurrency: "unbounded" })
        assertEqual(renewed, [Redacted.make("second"), Redacted.make("second")])
        assertEqual(yield* get, Redacted.make("second"))
        assertEqual(yield* renew(first), Redacted.make("second"))
        assertEqual(yield* renew(Redacted.make("second")), Redacted.make("third"))
        assert.lengthOf(requested, 3)
      }).pipe(Effect.provide(Layer.provide(WorkloadAccessToken.layer({ workloadName }), layer)))
    }))

  it.effect("is requested with a fresh JWT of the user each time, if an effect gives it", () =>
    Effect.gen(function*() {
      const { layer, requested } = yield* minting(Effect.succeed("first"), Effect.succeed("second"))
      const jwts = yield* Ref.make(0)
      const userToken = Effect.map(Ref.updateAndGet(jwts, (n) => n + 1), (n) => Redacted.make(`jwt-${n}`))
      yield* Effect.gen(function*() {
        const { get, renew } = yield* WorkloadAccessToken.WorkloadAccessToken
        const rejected = yield* get
        yield* renew(rejected)
        assertEqual<unknown>(requested, [
          { workloadName, userToken: Redacted.make("jwt-1") },
          { workloadName, userToken: Redacted.make("jwt-2"), rejected }
        ])
      }).pipe(Effect.provide(Layer.provide(WorkloadAccessToken.layer({ workloadName, userToken }), layer)))
    }))

  it.effect("is renewed one minute before a fresh JWT expires, or after half of a shorter life", () =>
    Effect.gen(function*() {
      const lives = [[600, 540], [90, 45], [10, 5]] as const
      for (const [life, renewed] of lives) {
        const { layer, requested } = yield* minting(...["first", "second"].map((text) => Effect.succeed(text)))
        const userToken = Effect.map(
          Clock.currentTimeMillis,
          (now) => jwt({ iss: "https://i.example", sub: "a", exp: now / 1000 + life })
        )
        yield* Effect.gen(function*() {
          yield* current
          yield* TestClock.adjust(renewed * 1000 - 1)
          yield* current
          assert.lengthOf(requested, 1)
          yield* TestClock.adjust("1 millis")
          assertEqual(yield* current, Redacted.make("second"))
        }).pipe(Effect.provide(Layer.provide(WorkloadAccessToken.layer({ workloadName, userToken }), layer)))
      }
    }))

  it.effect("is not renewed before its end with a fixed JWT, and without a JWT that has one", () =>
    Effect.gen(function*() {
      const fixed = jwt({ iss: "https://i.example", sub: "a", exp: 60 })
      for (
        const userToken of [
          fixed,
          Effect.succeed(jwt({ iss: "https://i.example", sub: "a" })),
          Effect.succeed(Redacted.make("opaque"))
        ]
      ) {
        const { layer, requested } = yield* minting(Effect.succeed("first"))
        yield* Effect.gen(function*() {
          yield* current
          yield* TestClock.adjust("1 day")
          yield* current
          assert.lengthOf(requested, 1)
        }).pipe(Effect.provide(Layer.provide(WorkloadAccessToken.layer({ workloadName, userToken }), layer)))
      }
    }))

  it.effect("is unavailable if the JWT of the user is, and the error repeats nothing of the failure but its name", () =>
    Effect.gen(function*() {
      const { layer } = yield* minting()
      const failures: ReadonlyArray<readonly [failure: unknown, name: string]> = [
        [{ _tag: "SignedOut", jwt: "a secret" }, "SignedOut"],
        [new TypeError("a secret"), "TypeError"],
        ["a secret", "an error"]
      ]
      for (const [failure, name] of failures) {
        const options = { workloadName, userToken: Effect.fail(failure) }
        const error = yield* Effect.flip(
          Effect.provide(current, Layer.provide(WorkloadAccessToken.layer(options), layer))
        )
        assert.strictEqual(error._tag, "WorkloadAccessTokenUnavailable")
        assert.strictEqual(error.message, `the JWT of the user is not available: its effect failed with ${name}`)
        assert.notInclude(JSON.stringify(error), "a secret")
      }
    }))

  it.effect("of an invocation cannot be renewed, and the error states what to do", () =>
    Effect.gen(function*() {
      const { get, renew } = yield* WorkloadAccessToken.WorkloadAccessToken
      const error = yield* Effect.flip(renew(yield* get))
      assertEqual(
        error.message,
        "the workload access token was rejected, and a fixed token cannot be renewed: provide WorkloadAccessToken.layer, or " +
          "suspend the call (Consent.suspend) and resume it with another token"
      )
    }).pipe(Effect.provide(WorkloadAccessToken.layerHeaders({ WorkloadAccessToken: "a" }))))

  it.effect("may be a source wherever a call takes a token, and its failure is the failure of the call", () =>
    Effect.gen(function*() {
      const { identity, requests } = yield* answering(() => Effect.succeed(token("token")))
      const unavailable = new IdentityError.WorkloadAccessTokenUnavailable({ reason: "UserToken" })
      const failing = { get: unavailable, renew: () => unavailable }
      const calls = (workloadAccessToken: WorkloadAccessToken.Source) => {
        const options = { providerName: "github", scopes: [], authFlow: "M2M", workloadAccessToken } as const
        return [
          identity.getToken(options),
          identity.reauthenticate({ ...options, refused: Redacted.make("refused") }),
          Effect.asVoid(identity.getApiKey(options)),
          Effect.asVoid(identity.getPaymentToken({
            ...options,
            request: { stripePrivyTokenRequest: { requestPath: "/v1", requestBody: Redacted.make("{}") } }
          }))
        ]
      }
      for (const call of calls(failing)) assertEqual<unknown>(yield* Effect.flip(call), unavailable)
      assertEqual(yield* requests, [])
      for (const call of calls(WorkloadAccessToken.fixed(Redacted.make("workload"))).slice(0, 2)) yield* call
      for (const request of yield* requests) assertEqual(request.workloadIdentityToken, Redacted.make("workload"))
    }))
})
