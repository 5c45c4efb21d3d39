import { assert, it } from "@effect/vitest"
import { DateTime, Either, FastCheck as fc, Redacted, Schema } from "effect"
import { decodeGrant, decodeOwner } from "../src/internal/emulator/persistence/grantRecord.js"
import { Grant, GrantOwner, SessionRecord, WorkloadToken } from "../src/internal/emulator/persistence/schemas.js"
import { decodeSession } from "../src/internal/emulator/persistence/sessionRecord.js"
import { decodeToken } from "../src/internal/emulator/persistence/tokenRecord.js"
import { assertEqual } from "./support/equality.js"

const Record = Schema.parseJson(WorkloadToken)

type Owner = typeof GrantOwner.Type

type Decode<A, E> = (text: string) => Either.Either<A, E>

/** Reads records, and counts those that are left to the schema. */
const counting = <A, E>(faster: (decode: Decode<A, E>) => Decode<A, E>, bySchema: Decode<A, E>) => {
  const left: Array<string> = []
  return {
    left,
    bySchema,
    read: faster((text) => {
      left.push(text)
      return bySchema(text)
    })
  }
}

const bySchema = Schema.decodeEither(Record)

const reader = () => counting(decodeToken, bySchema)

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

const time = fc.integer({ min: 0, max: 8.64e15 })

const texts = fc.array(fc.string(), { maxLength: 3 })

const ownerRecord = fc.record({ workloadName: fc.string(), user: fc.string(), providerName: fc.string() })

const userRecord = fc.oneof(
  fc.record({ kind: fc.constant("userId"), userId: fc.string() }),
  fc.record({ kind: fc.constant("jwt"), issuer: fc.string(), subject: fc.string(), token: fc.string() })
)

const target = fc.record({ scopes: texts, resources: texts, audiences: texts })

const granted = { accessToken: fc.string(), expiresAt: time }

const grantRecord = fc.record({
  target,
  ...granted,
  freshUntil: time,
  refresh: fc.option(fc.record({ token: fc.string(), expiresAt: fc.option(time) }))
})

const sessionOf = (members: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record({
    uri: fc.string(),
    ordinal: fc.nat(),
    workloadName: fc.string(),
    user: userRecord,
    providerName: fc.string(),
    target,
    returnUrl: fc.string(),
    customState: fc.option(fc.string()),
    customParameters: fc.constant(null),
    createdAt: time,
    expiresAt: time,
    authorization: fc.constant(null),
    granted: fc.constant(null),
    ...members
  })

const sessionRecord = fc.oneof(
  sessionOf({ status: fc.constant("pending") }),
  sessionOf({ status: fc.constant("pending"), isShown: fc.constant(true) }),
  sessionOf({ status: fc.constantFrom("failed", "approved", "completing") }),
  sessionOf({ status: fc.constant("completed"), granted: fc.record(granted) })
)

const bySessionSchema = Schema.decodeEither(Schema.parseJson(SessionRecord))

const byGrantSchema = Schema.decodeEither(Schema.parseJson(Grant))

it("a record of a session is read without its schema, with the same result", () => {
  const counted = counting(decodeSession, bySessionSchema)
  fc.assert(
    fc.property(sessionRecord, (record) => {
      const text = JSON.stringify(record)
      assertEqual(Either.getOrThrow(counted.read(text)), Either.getOrThrow(bySessionSchema(text)))
    })
  )
  assertEqual(counted.left, [])
})

it("a record of a grant and its key are read without their schemas, with the same result", () => {
  const counted = counting(decodeGrant, byGrantSchema)
  const owners = counting<Owner, unknown>(decodeOwner, Schema.decodeEither(GrantOwner))
  fc.assert(
    fc.property(grantRecord, ownerRecord, (record, owner) => {
      const text = JSON.stringify(record)
      assertEqual(Either.getOrThrow(counted.read(text)), Either.getOrThrow(byGrantSchema(text)))
      assertEqual(Either.getOrThrow(owners.read(JSON.stringify(owner))), owner)
    })
  )
  assertEqual([...counted.left, ...owners.left], [])
})

/** The valid record without each of its members, and with a wrong value for each. */
const changed = (valid: object): ReadonlyArray<string> =>
  Object.keys(valid).flatMap((name) => [
    JSON.stringify({ ...valid, [name]: undefined }),
    ...[false, {}, [1], 8.64e15 + 1, null].map((value) => JSON.stringify({ ...valid, [name]: value }))
  ])

it("a record of a session or a grant that has any other form has the result of its schema", () => {
  const [grant] = fc.sample(grantRecord, { numRuns: 1, seed: 1 })
  const sessions = fc.sample(sessionRecord, { numRuns: 40, seed: 1 })
  const check = <A, E>(counted: ReturnType<typeof counting<A, E>>, text: string) => {
    const [fast, slow] = [counted.read(text), counted.bySchema(text)]
    assert.strictEqual(Either.isLeft(fast), Either.isLeft(slow), text)
    if (Either.isRight(fast) && Either.isRight(slow)) assertEqual(fast.right, slow.right, text)
    return Either.isLeft(fast)
  }
  const grants = counting(decodeGrant, byGrantSchema)
  const refused = changed(grant ?? {}).filter((text) => check(grants, text))
  assert.isAbove(refused.length, 20)
  const read = counting(decodeSession, bySessionSchema)
  const rejected = sessions.flatMap(changed).filter((text) => check(read, text))
  assert.isAbove(rejected.length, 1_000)
  // A number of JSON may be infinite.
  const infinite = JSON.stringify({ ...sessions[0], ordinal: 1 }).replace("\"ordinal\":1", "\"ordinal\":1e999")
  assert.isTrue(check(read, infinite))
  const authorization = { code: "c", codeVerifier: "v" }
  for (const customParameters of [null, { prompt: "login" }]) {
    const text = JSON.stringify({
      ...sessions[0],
      status: "approved",
      isShown: undefined,
      granted: null,
      authorization,
      customParameters
    })
    assert.isFalse(check(read, text))
    assert.strictEqual(read.left.at(-1), text)
  }
})
