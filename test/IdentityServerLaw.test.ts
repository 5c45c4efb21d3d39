import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import * as IdentityApi from "../src/IdentityApi.js"
import { UnknownServiceError, ValidationError } from "../src/IdentityError.js"
import { exceptions, repeatable } from "../src/internal/model/exceptions.js"
import type { ModelledTag, Operation } from "../src/Operation.js"
import { assertContains, assertEqual } from "./support/equality.js"
import { bare, samples, travels, whole } from "./support/limits.js"
import * as Raw from "./support/raw.js"
import { Client } from "./support/server.js"

const runs = 10

const port = Raw.recorder()

const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

/** A member name that is reserved for the prototype of an object is rejected on both sides. */
const nameable = (value: unknown): boolean => !JSON.stringify(json(value)).includes("__proto__")

const message = "no such thing: \"naïve\" ✓"
const requestId = "0a1b2c3d-request"

const modelled = (operation: string, tag: ModelledTag) =>
  tag === "ValidationError"
    ? new ValidationError({
      operation,
      message,
      requestId,
      reason: "ResourceConflict",
      fieldList: [{ name: "a.b[0]", message: "✗" }, { name: "", message: "" }]
    })
    : new exceptions[tag].make({ operation, message, requestId, ...(repeatable.has(tag) && { retryAfter: 7 }) })

it.layer(Client.pipe(Layer.provideMerge(Raw.serving(port))))("the port over HTTP", (it) => {
  for (const key of Struct.keys(IdentityApi.operations)) {
    const operation: Operation.Any = IdentityApi.operations[key]

    const call = (request: typeof operation.request.Type) =>
      Effect.gen(function*() {
        const api = yield* IdentityApi.IdentityApi
        return yield* api[key](request)
      })

    describe(operation.name, () => {
      it.effect("arrives unchanged, and its response is returned unchanged", () =>
        Effect.gen(function*() {
          const requests = samples(operation.request, 2 * runs).filter(nameable).slice(0, runs - 1)
          const replies = samples(operation.reply, 3 * runs).filter(travels).slice(0, runs - 1)
          assert.isAtLeast(requests.length, 1)
          assert.isAtLeast(replies.length, 1)
          requests.push(whole(operation.request))
          for (const [turn, request] of requests.entries()) {
            const reply: unknown = replies[turn % replies.length]
            port.calls.length = 0
            port.answer = { reply: Schema.encodeUnknownSync(operation.reply)(reply) }
            const answered = yield* call(request)
            assertEqual(bare(port.calls), [{ key, request: bare(request) }])
            assertEqual(bare(answered), bare(reply))
          }
        }))

      it.effect("fails with each of its errors, with every member", () =>
        Effect.gen(function*() {
          const request = whole(operation.request)
          for (const tag of operation.errors) {
            const error = modelled(operation.name, tag)
            port.answer = { error }
            const failure = yield* Effect.flip(call(request))
            assert.strictEqual(failure.constructor, error.constructor)
            assertEqual({ ...failure, message: failure.message }, { ...error, message: error.message })
          }
        }))

      it.effect("returns an error that the model does not list", () =>
        Effect.gen(function*() {
          const request = whole(operation.request)
          const unheard = {
            operation: operation.name,
            message,
            requestId,
            code: "TeapotException",
            status: 418,
            retryAfter: 0
          }
          port.answer = { error: new UnknownServiceError(unheard) }
          const failure = yield* Effect.flip(call(request))
          assertContains(failure, { _tag: "UnknownServiceError", ...unheard })
        }))
    })
  }
})
