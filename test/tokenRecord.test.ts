import { assert, it } from "@effect/vitest"
import { DateTime, Either, FastCheck as fc, Redacted, Schema } from "effect"
import { WorkloadToken } from "../src/internal/emulator/persistence/schemas.js"
import { decodeToken } from "../src/internal/emulator/persistence/tokenRecord.js"
import { assertEqual } from "./support/equality.js"

const Record = Schema.parseJson(WorkloadToken)

const bySchema = Schema.decodeEither(Record)

/** Reads a record, and counts those that are left to the schema. */
const reader = () => {
  const left: Array<string> = []
  return {
    left,
    read: decodeToken((text) => {
      left.push(text)
      return bySchema(text)
    })
  }
}

const user = fc.oneof(
  fc.constant(undefined),
  fc.record({ kind: fc.constant("userId" as const), userId: fc.string() }),
  fc.record({
    kind: fc.constant("jwt" as const),
    issuer: fc.string(),
    subject: fc.string(),
    token: fc.string().map((text) => Redacted.make(text))
  })
)

it("a record of a workload access token is read without its schema, with the same result", () => {
  const counted = reader()
  fc.assert(
    fc.property(user, fc.string(), fc.double({ min: 0, max: 8.64e15, noNaN: true }), (user, workloadName, time) => {
      const text = Either.getOrThrow(
        Schema.encodeEither(Record)({ workloadName, user, expiresAt: DateTime.unsafeMake(time) })
      )
      assertEqual(Either.getOrThrow(counted.read(text)), Either.getOrThrow(bySchema(text)))
    })
  )
  assertEqual(counted.left, [])
})

it("a record of any other form is left to the schema, which reports its damage", () => {
  const valid = { workloadName: "agent", user: { kind: "userId", userId: "ada" }, expiresAt: 1 }
  const jwt = { kind: "jwt", issuer: "i", subject: "s", token: "t" }
  const others = [
    "",
    "{",
    "null",
    "[]",
    "1",
    JSON.stringify({ ...valid, workloadName: 1 }),
    JSON.stringify({ ...valid, workloadName: undefined }),
    JSON.stringify({ ...valid, expiresAt: "1" }),
    JSON.stringify({ ...valid, expiresAt: 8.64e15 + 1 }),
    JSON.stringify({ ...valid, user: undefined }),
    JSON.stringify({ ...valid, user: "ada" }),
    JSON.stringify({ ...valid, user: { kind: "other", userId: "ada" } }),
    JSON.stringify({ ...valid, user: { kind: "userId" } }),
    ...(["issuer", "subject", "token"] as const).map((name) =>
      JSON.stringify({ ...valid, user: { ...jwt, [name]: 1 } })
    )
  ]
  for (const text of others) {
    const counted = reader()
    assert.isTrue(Either.isLeft(counted.read(text)), text)
    assertEqual(counted.left, [text])
  }
})
