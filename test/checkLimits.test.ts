import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Redacted, Schema } from "effect"
import { operations } from "../src/IdentityApi.js"
import * as check from "../src/internal/model/validation.js"
import type { Operation } from "../src/Operation.js"
import { assertEqual } from "./support/equality.js"
import { growth } from "./support/growth.js"
import { all, whole } from "./support/limits.js"

const tokenRequest = {
  workloadIdentityToken: Redacted.make("token"),
  resourceCredentialProviderName: "github",
  scopes: [],
  oauth2Flow: "M2M" as const
}

const encode = check.encode(operations.getResourceOauth2Token)

const proto = (value: unknown) => JSON.parse(`{"__proto__":${JSON.stringify(value)}}`)

const notThisName = (name: string) => ({ name, message: "Member must not have this name" })

describe("a request with many faults", () => {
  for (const [faults, reported] of [[1, 1], [2, 2], [99, 99], [100, 100], [101, 100], [1000, 100]] as const) {
    it.effect(`reports ${reported} of ${faults}, and their number`, () =>
      Effect.gen(function*() {
        const scopes = Array.from({ length: faults }, () => "")
        const error = yield* Effect.flip(encode({ ...tokenRequest, scopes }))
        assertEqual(
          error.fieldList?.map(({ name }) => name),
          Array.from({ length: reported }, (_, index) => `scopes[${index}]`)
        )
        const [count, details = ""] = error.message.split(" detected: ")
        assert.strictEqual(count, faults === 1 ? "1 validation error" : `${faults} validation errors`)
        const rule = "failed to satisfy constraint: Member must have length between 1 and 128, inclusive"
        assertEqual(details.split("; "), [
          ...Array.from({ length: reported }, (_, index) => `Value at 'scopes[${index}]' ${rule}`),
          ...(faults > reported ? ["and more"] : [])
        ])
      }))
  }

  for (const length of [1023, 1024, 1025, 5000]) {
    it.effect(`reports ${length > 1024 ? "the first 1024 characters" : "all"} of a name of ${length} characters`, () =>
      Effect.gen(function*() {
        const key = "!".repeat(length - "customParameters.".length)
        const error = yield* Effect.flip(encode({ ...tokenRequest, customParameters: { [key]: Redacted.make("x") } }))
        const name = `customParameters.${key}`
        const expected = length > 1024 ? `${name.slice(0, 1024)}…` : name
        assertEqual(error.fieldList?.map((field) => field.name), [expected])
        assert.include(error.message, `Value at '${expected}' failed`)
      }))
  }
})

describe("a request that is decoded", () => {
  const decode = check.decode(operations.createWorkloadIdentity)

  for (const [size, reported] of [[0, 2], [65_536, 2], [65_537, 1], [1_000_000, 1]] as const) {
    it(`of ${size} bytes reports ${reported} of its faults`, () => {
      const decoded = decode({ name: "a", allowedResourceOauth2ReturnUrls: ["no URL"] }, size)
      assert.lengthOf(Either.getOrThrow(Either.flip(decoded)).fieldList ?? [], reported)
    })
  }

  const named = { name: "ab" }
  const provider = operations.getApiKeyCredentialProvider
  const workload = operations.getWorkloadIdentity

  it.effect("is not checked again for the same operation", () =>
    Effect.gen(function*() {
      const request = yield* check.decode(provider)(named, 0)
      assert.strictEqual(yield* check.validate(provider)(request), request)
    }))

  it.effect("is checked again for another operation", () =>
    Effect.gen(function*() {
      const request = yield* check.decode(provider)(named, 0)
      const error = yield* Effect.flip(check.validate(workload)(request))
      assert.strictEqual(error.operation, "GetWorkloadIdentity")
      assertEqual(error.fieldList, [
        { name: "name", message: "Member must have length between 3 and 255, inclusive" }
      ])
    }))

  it.effect("is checked again as a copy, and when it is encoded", () =>
    Effect.gen(function*() {
      const request = yield* check.decode(provider)(named, 0)
      const changed = Object.assign(request, { name: "" })
      assert.isTrue(Either.isRight(check.validate(provider)(request)))
      assert.isTrue(Either.isLeft(check.validate(provider)({ ...changed })))
      assert.isTrue(Either.isLeft(check.encode(provider)(changed)))
    }))
})

describe("a request that is validated", () => {
  const validate = check.validate(operations.createWorkloadIdentity)

  it.effect("keeps the members of its operation only", () =>
    Effect.gen(function*() {
      const request = { name: "agent", tags: { team: "a" } }
      assertEqual(yield* validate(Object.assign({ other: 1 }, request)), request)
    }))

  it.effect("reports all its faults", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(validate({ name: "a", allowedResourceOauth2ReturnUrls: ["no URL"] }))
      assert.strictEqual(error.operation, "CreateWorkloadIdentity")
      assert.sameMembers(error.fieldList?.map(({ name }) => name) ?? [], ["name", "allowedResourceOauth2ReturnUrls[0]"])
    }))
})

describe("the name __proto__, which JavaScript would lose", () => {
  const places: ReadonlyArray<readonly [name: string, request: object]> = [
    ["__proto__", proto({})],
    ["a.__proto__", { a: proto("x") }],
    ["a.b.__proto__", { a: { b: proto(1) } }],
    ["a[1].__proto__", { a: [{}, proto(null)] }],
    ["a[0][1].b.__proto__", { a: [[1, { b: proto([]) }]] }]
  ]
  for (const [name, request] of places) {
    it.effect(`is refused at ${name}, whether the request is encoded or validated`, () =>
      Effect.gen(function*() {
        const whole = Object.assign(request, { name: "agent" })
        for (const checked of [check.encode, check.validate]) {
          const error = yield* Effect.flip(checked(operations.createWorkloadIdentity)(whole))
          assertEqual(error.fieldList, [notThisName(name)])
          assert.strictEqual(error.operation, "CreateWorkloadIdentity")
        }
      }))
  }

  it.effect("is refused at each of its places", () =>
    Effect.gen(function*() {
      const request = { name: "agent", tags: proto("x"), more: [proto("x")] }
      const error = yield* Effect.flip(check.validate(operations.createWorkloadIdentity)(request))
      assertEqual(error.fieldList, [notThisName("tags.__proto__"), notThisName("more[0].__proto__")])
    }))

  it.effect("is not looked for in a secret", () => encode({ ...tokenRequest, customState: Redacted.make("__proto__") }))
})

describe("the faults of a value", () => {
  const faults = (schema: Schema.Schema.AnyNoContext, value: unknown) =>
    Schema.decodeUnknownEither(schema, { errors: "all", onExcessProperty: "error" })(value).pipe(
      Either.mapLeft(({ issue }) => check.invalidFields(issue).map(({ message, name }) => `${name}: ${message}`)),
      Either.flip,
      Either.getOrElse((): ReadonlyArray<string> => [])
    )
  const Slow = Schema.transformOrFail(Schema.String, Schema.String, {
    decode: (text) => Effect.delay(Effect.succeed(text), "1 second"),
    encode: (text) => Effect.succeed(text)
  })
  const Choice = Schema.Union(
    Schema.Struct({ a: Schema.String, more: Schema.optional(Schema.Number) }),
    Schema.Struct({ b: Schema.Number, c: Schema.Number })
  )
  const oneOf = "Member must have exactly one of: [a, b, c]"
  const cases: ReadonlyArray<readonly [schema: Schema.Schema.AnyNoContext, value: unknown, faults: Array<string>]> = [
    [Schema.String, 1, ["request: Member must be a string"]],
    [Schema.Number, "1", ["request: Member must be a number"]],
    [Schema.Int, "1", ["request: Member must be a number"]],
    [Schema.NumberFromString, 1, ["request: Member must be a string"]],
    [Schema.Boolean, 1, ["request: Member must be a boolean"]],
    [Schema.Array(Schema.String), "a", ["request: Member must be a list"]],
    [Schema.Struct({ a: Schema.String }), null, ["request: Member must be a structure"]],
    [Schema.Struct({ a: Schema.String }), "a", ["request: Member must be a structure"]],
    [Schema.Literal("one"), "two", ["request: Member must satisfy enum value set: [one]"]],
    [Schema.Literal("one", "two"), "three", ["request: Member must satisfy enum value set: [one, two]"]],
    [Schema.RedactedFromSelf(Schema.String), "a", ["request: Member must be Redacted"]],
    [Schema.BigIntFromSelf, 1, ["request: Member has the wrong type"]],
    [Schema.UndefinedOr(Schema.String), 1, ["request: Member must be a string"]],
    [Schema.UndefinedOr(Schema.Literal("one", "two")), 1, ["request: Member must satisfy enum value set: [one, two]"]],
    [Schema.Struct({ a: Schema.String }), {}, ["a: Member must not be null"]],
    [Schema.Struct({ a: Schema.String }), { a: undefined }, ["a: Member must not be null"]],
    [Schema.Struct({ a: Schema.String }), { a: "a", b: 1 }, ["b: Member is not known"]],
    [Schema.Struct({ a: Schema.optional(Schema.Struct({ b: Schema.Array(Schema.String) })) }), { a: { b: ["x", 1] } }, [
      "a.b[1]: Member must be a string"
    ]],
    [Schema.Array(Schema.Struct({ a: Schema.Array(Schema.Number) })), [{ a: [1, "2"] }, { a: ["3"] }], [
      "[0].a[1]: Member must be a number",
      "[1].a[0]: Member must be a number"
    ]],
    [Schema.Struct({ a: Slow }), { a: "x" }, ["a: Member could not be checked"]],
    [Choice, 1, [`request: ${oneOf}`]],
    [Choice, null, [`request: ${oneOf}`]],
    [Choice, {}, [`request: ${oneOf}`]],
    [Choice, { d: 1 }, [`request: ${oneOf}`]],
    [Choice, { a: "x", b: 1 }, [`request: ${oneOf}`]],
    [Choice, { a: 1 }, ["a: Member must be a string"]],
    [Choice, { a: "x", more: "y" }, ["more: Member must be a number"]],
    [Schema.Struct({ u: Choice }), { u: { b: "x" } }, ["u.b: Member must be a number", "u.c: Member must not be null"]],
    [Schema.Struct({ u: Schema.optional(Schema.Struct({ b: Schema.String })) }), { u: 1 }, [
      "u: Member must be a structure"
    ]],
    [Schema.Struct({ u: Schema.optional(Schema.Array(Schema.String)) }), { u: null }, ["u: Member must be a list"]],
    [Schema.Struct({ u: Schema.optional(Schema.Literal("one")) }), { u: 1 }, [
      "u: Member must satisfy enum value set: [one]"
    ]],
    [Schema.Struct({ u: Schema.optional(Choice) }), { u: 1 }, [`u: ${oneOf}`]],
    [Schema.Struct({ u: Schema.Union(Schema.Number, Schema.Boolean) }), { u: "x" }, [
      "u: Member must have exactly one of: []"
    ]]
  ]
  for (const [index, [schema, value, expected]] of cases.entries()) {
    it(`${index + 1}: ${JSON.stringify(value)} against ${schema} is ${expected.join(", ")}`, () => {
      assertEqual(faults(schema, value), expected)
    })
  }
})

const decoders = all.map(({ fact, operation }): readonly [string, Operation.Any, ReadonlyArray<string>] => [
  fact.operation,
  operation,
  Object.entries(fact.members).filter(([, { type }]) => type === "string").map(([name]) => name)
])

describe("the check of a request, on 1 MiB of the worst", () => {
  for (const [name, operation, members] of decoders.filter(([, , members]) => members.length > 0)) {
    it(`of ${name} takes linear time`, { timeout: 300_000 }, async () => {
      const decode = check.decode(operation)
      const base = whole(operation.request)
      const worst = ["/", "a.", "\u0301\u0323", " "].map((unit) => (size: number) => unit.repeat(size / unit.length))
      for (const member of members) {
        for (const input of worst) {
          const parse = (text: string) => decode({ ...base, [member]: text }, text.length)
          assert.isUndefined(await growth(parse, input), member)
        }
      }
    })
  }
})
