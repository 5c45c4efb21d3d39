import { assert, describe, it } from "@effect/vitest"
import { DateTime, Deferred, Effect, Fiber, Queue, Redacted, Runtime } from "effect"
import * as AwsIdentity from "../src/AwsIdentity.js"
import * as observers from "../src/internal/aws/observers.js"
import { assertEqual } from "./support/equality.js"
import { fault, serve } from "./support/wire.js"

const request = (provider: string) => ({
  workloadIdentityToken: Redacted.make("workload-access-token"),
  resourceCredentialProviderName: provider
})

const connect = (url: string, options: AwsIdentity.Options) =>
  AwsIdentity.make({ region: "us-west-2", dataEndpoint: url, controlEndpoint: url, ...options })

const credentialsOf = (number: number) => ({
  accessKeyId: `ACCESSKEYOFCALL${number}`,
  secretAccessKey: `secret-access-key-of-call-${number}`,
  sessionToken: `session-token-of-call-${number}`,
  // The SDK requests credentials that have expired again for each call.
  expiration: DateTime.toDate(DateTime.unsafeMake(0))
})

describe("concurrent calls of one operation", () => {
  it.scopedLive("have credentials of their own, which their errors do not contain", () =>
    Effect.gen(function*() {
      const wire = yield* serve(({ headers }) => {
        const number = Number(String(headers["x-amz-security-token"]).replaceAll(/\D/g, ""))
        const { accessKeyId, sessionToken } = credentialsOf(number)
        return fault(403, "AccessDeniedException", { message: `quoted: ${accessKeyId} ${sessionToken}` })
      })
      let resolved = 0
      const api = yield* connect(wire.url, { credentials: async () => credentialsOf(++resolved) })
      const calls = Effect.forEach(
        Array.from({ length: 20 }, (_, i) => String(i + 1)),
        (provider) => Effect.flip(api.getResourceApiKey(request(provider))),
        { concurrency: 3 }
      )
      for (const { message } of yield* calls) {
        assert.include(message, "quoted:")
        assert.notMatch(message, /ACCESSKEY|session-token/)
      }
      assert.isAtLeast(new Set(wire.requests.map(({ headers }) => headers["x-amz-security-token"])).size, 2)
    }))

  it.scopedLive("are reported with the stage of their own: one without credentials is not sent", () =>
    Effect.gen(function*() {
      const wire = yield* serve(() => ({ body: JSON.stringify({ apiKey: "key" }) }))
      let isSlow = false
      const api = yield* connect(wire.url, {
        credentials: () => isSlow ? new Promise(() => undefined) : Promise.resolve(credentialsOf(1)),
        requestTimeout: "500 millis"
      })
      yield* api.getResourceApiKey(request("first"))
      isSlow = true
      const error = yield* Effect.flip(api.getResourceApiKey(request("second")))
      assert.strictEqual(error._tag === "TransportFailure" ? error.reason : error._tag, "Credentials")
      assert.lengthOf(wire.requests, 1)
    }))

  it.scopedLive("are interrupted one by one: the connection of one is closed, the other receives its reply", () =>
    Effect.gen(function*() {
      const wire = yield* serve(({ body }) =>
        body.includes("slow") ? "hang" : { body: JSON.stringify({ apiKey: "key" }) }
      )
      const api = yield* connect(wire.url, { credentials: credentialsOf(1) })
      const slow = yield* Effect.fork(api.getResourceApiKey(request("slow-1")))
      const other = yield* Effect.fork(api.getResourceApiKey(request("slow-2")))
      yield* Effect.replicateEffect(Queue.take(wire.arrivals), 2)
      yield* Fiber.interrupt(slow)
      assert.include((yield* Queue.take(wire.aborts)).body, "slow-1")
      assert.isNull(other.unsafePoll())
      assert.strictEqual(Redacted.value((yield* api.getResourceApiKey(request("quick"))).apiKey), "key")
      assert.isTrue(yield* Queue.isEmpty(wire.aborts))
      yield* Fiber.interrupt(other)
    }))

  it.scopedLive("that are interrupted before they are sent are not sent", () =>
    Effect.gen(function*() {
      const wire = yield* serve(() => ({ body: JSON.stringify({ apiKey: "key" }) }))
      const runPromise = Runtime.runPromise(yield* Effect.runtime())
      const asked = yield* Deferred.make<void>()
      const given = yield* Deferred.make<ReturnType<typeof credentialsOf>>()
      const api = yield* connect(wire.url, {
        credentials: () => runPromise(Effect.zipRight(Deferred.succeed(asked, undefined), Deferred.await(given)))
      })
      const fiber = yield* Effect.fork(api.getResourceApiKey(request("first")))
      yield* Deferred.await(asked)
      yield* Fiber.interrupt(fiber)
      yield* Deferred.succeed(given, credentialsOf(1))
      yield* api.getResourceApiKey(request("second"))
      assertEqual(wire.requests.map(({ body }) => JSON.parse(body).resourceCredentialProviderName), ["second"])
    }))
})

describe("a client that is observed", () => {
  it("does not keep the command for which its middleware is put together", () => {
    type Next = () => Promise<{ readonly response: unknown }>
    const added: Array<(next: Next, context: object) => unknown> = []
    observers.perClient().attach({
      middlewareStack: { add: (middleware: (next: Next, context: object) => unknown) => void added.push(middleware) },
      config: { requestHandler: { handle: () => Promise.resolve({}) } },
      destroy: () => undefined
    })
    const context = { __smithy_context: { commandInstance: { input: { secret: "secret" } }, operation: "GetThing" } }
    for (const middleware of added) middleware(() => Promise.resolve({ response: {} }), context)
    assertEqual<unknown>(context, { __smithy_context: { commandInstance: undefined, operation: "GetThing" } })
  })
})
