// @effect-diagnostics anyUnknownInErrorContext:off
import { BedrockAgentCoreClient } from "@aws-sdk/client-bedrock-agentcore"
import { BedrockAgentCoreControlClient } from "@aws-sdk/client-bedrock-agentcore-control"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Queue, Redacted, Schema, Struct, TestClock, TestServices } from "effect"
import * as Arbitrary from "effect/Arbitrary"
import * as FastCheck from "effect/FastCheck"
import * as AwsIdentity from "../src/AwsIdentity.js"
import * as IdentityApi from "../src/IdentityApi.js"
import type * as IdentityError from "../src/IdentityError.js"
import * as call from "../src/internal/aws/call.js"
import { perCommand } from "../src/internal/aws/observers.js"
import * as Operation from "../src/Operation.js"
import { credentials, printed } from "./support/canaries.js"
import { assertContains, assertEqual } from "./support/equality.js"
import { recording } from "./support/recording.js"
import { serve } from "./support/wire.js"

const connect = (url: string, options?: AwsIdentity.Options) =>
  AwsIdentity.make({ region: "us-west-2", dataEndpoint: url, controlEndpoint: url, credentials, ...options })

const requests = Struct.keys(IdentityApi.operations).map((key) => {
  const operation: Operation.Operation.Any = IdentityApi.operations[key]
  return { key, operation, request: FastCheck.sample(Arbitrary.make(operation.request), { seed: 7, numRuns: 1 })[0] }
})

/** One call of each operation. */
const calls = (api: IdentityApi.IdentityApi["Type"]) =>
  requests.map(({ key, operation, request }) => {
    const call: Effect.Effect<unknown, IdentityError.IdentityError> = api[key](request)
    return { operation, call }
  })

describe("a call of every operation", () => {
  it.scopedLive("is aborted if its fiber is interrupted", () =>
    Effect.gen(function*() {
      const arrivals = yield* Queue.unbounded<AbortSignal | undefined>()
      const config = {
        region: "us-west-2",
        credentials,
        requestHandler: {
          handle: (_: unknown, { abortSignal }: { readonly abortSignal?: AbortSignal | undefined } = {}) => {
            arrivals.unsafeOffer(abortSignal)
            return new Promise<never>(() => undefined)
          }
        }
      }
      const all = calls(
        yield* AwsIdentity.make({
          clients: {
            data: new BedrockAgentCoreClient(config),
            control: new BedrockAgentCoreControlClient(config)
          }
        })
      )
      assert.lengthOf(all, 40)
      for (const { call, operation } of all) {
        const fiber = yield* Effect.fork(call)
        const signal = yield* Queue.take(arrivals)
        assert.strictEqual(signal?.aborted, false, operation.name)
        yield* Fiber.interrupt(fiber)
        assert.isTrue(signal?.aborted, operation.name)
      }
    }))

  // All operations share the time limit code, so one operation of each plane is enough.
  it.scoped("is aborted after 30 seconds, unless another limit is given", () =>
    Effect.gen(function*() {
      const wire = yield* serve(() => "hang")
      const limits = [[undefined, "30s"], ["2 minutes", "2m"]] as const
      for (const [requestTimeout, limit] of limits) {
        const all = calls(yield* connect(wire.url, { requestTimeout }))
        for (
          const { call, operation } of ["data", "control"].flatMap((plane) =>
            all.filter(({ operation }) => operation.plane === plane).slice(0, 1)
          )
        ) {
          const fiber = yield* Effect.fork(Effect.flip(call))
          yield* Queue.take(wire.arrivals)
          yield* TestClock.adjust(
            Duration.subtract(Duration.decode(requestTimeout ?? "30 seconds"), "1 millis")
          )
          assert.isNull(fiber.unsafePoll(), operation.name)
          yield* TestClock.adjust("1 millis")
          assertContains(yield* Fiber.join(fiber), {
            _tag: "TransportFailure",
            operation: operation.name,
            reason: "Timeout",
            message: `no answer from the service within ${limit}`
          })
          yield* TestServices.provideLive(Queue.take(wire.aborts))
        }
      }
    }))

  it.scopedLive("creates a client span", () =>
    Effect.gen(function*() {
      const { layer, spans } = yield* recording
      const wire = yield* serve(() => "drop")
      for (const { call, operation } of calls(yield* connect(wire.url))) {
        yield* Effect.ignore(call).pipe(Effect.provide(layer))
        const span = spans.at(-1)
        assert.strictEqual(span?.name, `AwsIdentity.${operation.name}`)
        assert.strictEqual(span?.kind, "client")
        assertContains(Object.fromEntries(span?.attributes ?? []), {
          "rpc.system": "aws-api",
          "rpc.service": operation.plane === "data" ? "BedrockAgentCore" : "BedrockAgentCoreControl",
          "rpc.method": operation.name
        })
      }
    }))
})

const Secret = Schema.Redacted(Schema.String.pipe(Schema.minLength(4)))

const operation = Operation.make({
  name: "PutThing",
  plane: "data",
  path: "/things",
  request: Schema.Struct({ secret: Secret, list: Schema.optional(Schema.Array(Secret)) }),
  reply: Schema.Struct({ tags: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.String })) }),
  errors: []
})

/** A call of this operation through a client with this result or failure. */
const calling = (answer: () => Promise<unknown>, options: { readonly checkRequests?: boolean } = {}) =>
  call.make({
    client: () => Effect.succeed("the client"),
    observer: perCommand,
    checkRequests: true,
    requestTimeout: Duration.infinity,
    ...options
  })(operation, answer)

const secret = "the/secret of the request"

const request = { secret: Redacted.make(secret), list: [Redacted.make("another secret")] }

const $metadata = { httpStatusCode: 200, requestId: "request-7" }

describe("a reply", () => {
  it.effect("is decoded without the metadata of the SDK", () =>
    Effect.gen(function*() {
      const tags = { a: "b" }
      assertEqual(yield* calling(async () => ({ tags, $metadata }))(request), { tags })
      assertEqual(yield* calling(async () => ({ $metadata }))(request), {})
    }))

  it.effect("has error paths whose map keys contain no secrets of the request, in any encoding", () =>
    Effect.gen(function*() {
      for (const key of [secret, encodeURIComponent(secret), "another secret", JSON.stringify(secret).slice(1, -1)]) {
        const reply = { tags: { [`<${key}>`]: 5 }, $metadata: { ...$metadata, requestId: `r ${key}` } }
        const error = yield* Effect.flip(calling(async () => reply)(request))
        assertContains(error, {
          _tag: "UndecodableReply",
          operation: "PutThing",
          requestId: "r <redacted>",
          path: "tags.<<redacted>>",
          message: "the reply of PutThing did not match its schema at 'tags.<<redacted>>'"
        })
        for (const text of printed(error)) assert.notInclude(text, key)
      }
    }))

  it.effect("has error paths without values in the form of AWS credentials", () =>
    Effect.gen(function*() {
      const reply = { tags: { "ASIAIOSFODNN7EXAMPLE": 5 }, $metadata }
      assertContains(yield* Effect.flip(calling(async () => reply)(request)), { path: "tags.<redacted>" })
    }))

  it.effect("that is undefined or not an object is undecodable", () =>
    Effect.gen(function*() {
      for (const reply of [undefined, null, 5, "text", [$metadata]]) {
        const error = yield* Effect.flip(calling(async () => reply)(request))
        assertContains(error, {
          _tag: "UndecodableReply",
          path: undefined,
          message: "the reply of PutThing is not an object"
        })
        assert.doesNotHaveAnyKeys(error, ["requestId"])
      }
    }))
})

describe("a request", () => {
  const sent = (options: { readonly checkRequests?: boolean }, given: typeof request | { secret: Redacted.Redacted }) =>
    Effect.gen(function*() {
      const inputs: Array<unknown> = []
      const make = call.make({
        client: () => Effect.succeed("the client"),
        observer: perCommand,
        checkRequests: true,
        requestTimeout: Duration.infinity,
        ...options
      })
      const result = yield* Effect.either(
        make(operation, async (client, input) => {
          inputs.push(client, input)
          return {}
        })(given)
      )
      return { inputs, tag: result._tag }
    })

  it.effect("reaches the client with its secrets unwrapped", () =>
    Effect.gen(function*() {
      const input = { secret, list: ["another secret"] }
      for (const options of [{}, { checkRequests: false }]) {
        assertEqual(yield* sent(options, request), { inputs: ["the client", input], tag: "Right" })
      }
    }))

  it.effect("that breaks a limit is sent only if requests are not checked", () =>
    Effect.gen(function*() {
      const short = { secret: Redacted.make("abc") }
      assertEqual(yield* sent({}, short), { inputs: [], tag: "Left" })
      assertEqual(yield* sent({ checkRequests: false }, short), {
        inputs: ["the client", { secret: "abc" }],
        tag: "Right"
      })
    }))

  it.effect("leaks no secret through an error that a client throws, at any length", () =>
    Effect.gen(function*() {
      const thrown = Object.assign(new Error(`${secret}, another secret`), {
        $fault: "client",
        $metadata,
        name: "NewException"
      })
      assertContains(yield* Effect.flip(calling(() => Promise.reject(thrown))(request)), {
        _tag: "UnknownServiceError",
        message: "<redacted>, <redacted>"
      })
    }))

  it.effect("that is interrupted aborts the signal of the client", () =>
    Effect.gen(function*() {
      const signals: Array<{ readonly aborted: boolean }> = []
      const make = call.make({
        client: () => Effect.succeed("the client"),
        observer: perCommand,
        checkRequests: true,
        requestTimeout: Duration.seconds(5)
      })
      const fiber = yield* Effect.fork(
        make(operation, (_client, _input, { options }) => {
          if (options !== undefined) signals.push(options.abortSignal)
          return new Promise(() => undefined)
        })(request)
      )
      while (signals.length === 0) yield* Effect.yieldNow()
      assert.isFalse(signals[0]?.aborted)
      yield* Fiber.interrupt(fiber)
      assert.isTrue(signals[0]?.aborted)
    }))
})
