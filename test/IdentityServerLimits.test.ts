import * as HttpServer from "@effect/platform/HttpServer"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityServer from "../src/IdentityServer.js"
import * as MemoryIdentity from "../src/MemoryIdentity.js"
import type { Operation } from "../src/Operation.js"
import { assertEqual } from "./support/equality.js"
import { all, type Case, casesOf, type Member, put, whole } from "./support/limits.js"
import { nested } from "./support/nestedLimits.js"
import * as Raw from "./support/raw.js"
import { origin, Port } from "./support/server.js"

const port = Raw.recorder()

const Refusal = Schema.Struct({
  message: Schema.String,
  reason: Schema.String,
  fieldList: Schema.Array(Schema.Struct({ name: Schema.String, message: Schema.String }))
})

const isRequest = Predicate.isReadonlyRecord

/** The names of the members that a rejected request reports, or no names if the request reached the port. */
const outcome = (operation: Operation.Any, request: unknown, why: string) =>
  Effect.gen(function*() {
    port.calls.length = 0
    port.answer = { reply: Schema.encodeUnknownSync(operation.reply)(whole(operation.reply)) }
    const answer = yield* Raw.send(yield* origin, Raw.rawOf(operation, isRequest(request) ? request : {}))
    if (answer.status !== 400) {
      assert.strictEqual(answer.status, operation.status, why)
      assert.lengthOf(port.calls, 1, why)
      return []
    }
    assert.lengthOf(port.calls, 0, why)
    assert.strictEqual(answer.headers.get("x-amzn-errortype"), "ValidationException", why)
    const { fieldList, reason } = Schema.decodeUnknownSync(Refusal)(answer.json)
    assert.strictEqual(reason, "FieldValidationFailed", why)
    return fieldList.map((field) => field.name)
  })

interface Expected {
  readonly why: string
  readonly value: unknown
  readonly refused: ReadonlyArray<string>
}

/** A case in JSON, which has no `Redacted` and no NaN, and in which null means a missing value. */
const inJson = (name: string, required: boolean, { refused, value, why }: Case): ReadonlyArray<Expected> => {
  if (Number.isNaN(value)) return []
  if (why === "the wrong type" && (Redacted.isRedacted(value) || value === "bare")) return []
  if (value === null) return [{ why: `${name}, null`, value, refused: required ? [name] : [] }]
  return [{ why: `${name}, ${why}`, value, refused: refused === undefined ? [] : [refused] }]
}

// One of several equivalent cases: rejected for the same members, or accepted, and of the same size.
const kind = ({ refused, value }: Case) => `${refused} ${JSON.stringify(Raw.exposed(value))?.length}`

const few = (cases: ReadonlyArray<Case>) => [...new Map(cases.map((one) => [kind(one), one])).values()]

/** In a path or a query every value is a string or a list of strings. */
const inUrl = ({ value }: Expected, { type }: Member) =>
  type === "list" ? Array.isArray(value) : typeof value === "string"

it.layer(Raw.serving(port))("a request over HTTP", (it) => {
  for (const { fact, operation } of all) {
    it.effect(`of ${fact.operation} is accepted just inside every limit, and rejected just outside`, () =>
      Effect.gen(function*() {
        const base = whole(operation.request)
        for (const name of fact.required) {
          assertEqual(yield* outcome(operation, Record.remove(base, name), name), [name])
        }
        for (const [name, member] of Object.entries(fact.members)) {
          const bound = operation.query.includes(name) || operation.path.includes(`{${name}}`)
          const cases = few(casesOf(name, member, base[name])).flatMap((one) =>
            inJson(name, fact.required.includes(name), one)
          )
          for (const one of cases.filter((one) => !bound || inUrl(one, member))) {
            const names = yield* outcome(operation, { ...base, [name]: one.value }, one.why)
            assertEqual<unknown>(names, one.refused, one.why)
          }
        }
      }))
  }

  for (const { fact, operation } of all.filter(({ operation }) => operation.query.length > 0)) {
    for (const name of fact.required.filter((name) => operation.query.includes(name))) {
      /** The queries of other clients: boto3 sends no query, or the names of other members. */
      const without = (search: string) =>
        Effect.gen(function*() {
          port.calls.length = 0
          const raw = Raw.rawOf(operation, Record.remove(whole(operation.request), name))
          const path = raw.path.split("?")[0] ?? ""
          const answer = yield* Raw.send(yield* origin, {
            ...raw,
            path: `${path}${search}`,
            headers: { "user-agent": "Boto3/1.40 Botocore/1.40", "content-length": "0" }
          })
          assert.lengthOf(port.calls, 0, search)
          return answer
        })

      it.effect(`of ${fact.operation} without ${name} in its query is a ValidationException`, () =>
        Effect.gen(function*() {
          for (const search of ["", "?", `?${name.toUpperCase()}=x`, `?other=x&x-id=${fact.operation}`, "?&&="]) {
            const answer = yield* without(search)
            assert.strictEqual(answer.status, 400, search)
            assert.strictEqual(answer.headers.get("x-amzn-errortype"), "ValidationException", search)
            assertEqual(answer.json, {
              message:
                `1 validation error detected: Value at '${name}' failed to satisfy constraint: Member must not be null`,
              reason: "FieldValidationFailed",
              fieldList: [{ name, message: "Member must not be null" }]
            }, search)
          }
        }))

      it.effect(`of ${fact.operation} with an empty ${name} in its query contains one empty item`, () =>
        Effect.gen(function*() {
          const answer = yield* without(`?${name}=`)
          assert.strictEqual(answer.status, 400)
          const { fieldList } = Schema.decodeUnknownSync(Refusal)(answer.json)
          assertEqual(fieldList.map((field) => field.name), [`${name}[0]`])
        }))
    }
  }

  it("has required members in the query of at least one operation", () => {
    assert.isNotEmpty(all.filter(({ fact, operation }) => fact.required.some((name) => operation.query.includes(name))))
  })

  for (
    const [bytes, names] of [[65_536, ["name", "allowedResourceOauth2ReturnUrls[0]"]], [65_537, ["name"]]] as const
  ) {
    it.effect(`of ${bytes} bytes is rejected for ${names.join(" and ")}`, () =>
      Effect.gen(function*() {
        const faulty = { name: "a", allowedResourceOauth2ReturnUrls: ["no URL"], padding: "" }
        const padding = "x".repeat(bytes - JSON.stringify(faulty).length)
        const operation = IdentityApi.operations.createWorkloadIdentity
        const body = JSON.stringify({ ...faulty, padding })
        const answer = yield* Raw.send(yield* origin, { method: operation.method, path: operation.path, body })
        const { fieldList } = Schema.decodeUnknownSync(Refusal)(answer.json)
        assert.sameMembers(fieldList.map(({ name }) => name), [...names])
      }))
  }

  describe("with nested members", () => {
    for (const { at, base, below = "", breaks, fits, operation } of nested) {
      const name = below === "" || below.startsWith("[") ? `${at}${below}` : `${at}.${below}`
      it.effect(`enforces the limits of ${name} of ${operation.name}`, () =>
        Effect.gen(function*() {
          for (const value of fits) {
            assertEqual(yield* outcome(operation, put(base, at, value), JSON.stringify(value)), [])
          }
          // In JSON the secret is a plain string.
          for (const value of breaks.filter((value) => value !== "bare")) {
            assertEqual(yield* outcome(operation, put(base, at, value), JSON.stringify(value)), [name])
          }
        }))
    }
  })
})

const Memory = HttpServer.serve(IdentityServer.api).pipe(
  Layer.provide(MemoryIdentity.layerApi()),
  Layer.provideMerge(Port)
)

it.layer(Memory)("a list over memory", (it) => {
  for (const { operation } of all.filter(({ fact }) => "nextToken" in fact.members)) {
    it.effect(`rejects an invalid next-page token of ${operation.name}`, () =>
      Effect.gen(function*() {
        for (const nextToken of ["made-up", "eyJuIjoxfQ==", "0", "x".repeat(2048)]) {
          const answer = yield* Raw.send(yield* origin, Raw.rawOf(operation, { nextToken }))
          assert.strictEqual(answer.status, 400, nextToken)
          assert.strictEqual(answer.headers.get("x-amzn-errortype"), "ValidationException")
        }
      }))
  }
})
