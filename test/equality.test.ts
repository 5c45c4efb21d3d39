// @effect-diagnostics globalDate:off
import { assert, describe, it } from "@effect/vitest"
import {
  BigDecimal,
  Cause,
  Chunk,
  Data,
  DateTime,
  Duration,
  Either,
  Exit,
  FiberId,
  HashMap,
  HashSet,
  List,
  Option,
  Redacted
} from "effect"
import * as IdentityError from "../src/IdentityError.js"
import { assertContains, assertEqual, assertNotEqual, isEqual } from "./support/equality.js"

const { ConsentRequired, ValidationError } = IdentityError

class Point extends Data.Class<{ readonly x: number; readonly secret: Redacted.Redacted }> {}

class Failed extends Data.TaggedError("Failed")<{ readonly code: number }> {}

class Failing extends Data.TaggedError("Failing")<{ readonly value: unknown }> {}

const secret = (text: string) => Redacted.make(text)

const consent = (changed: Partial<ConstructorParameters<typeof ConsentRequired>[0]> = {}) =>
  new ConsentRequired({
    providerName: "github",
    authFlow: "USER_FEDERATION",
    scopes: ["repo"],
    authorizationUrl: secret("https://idp.example/a"),
    sessionUri: secret("urn:ietf:params:oauth:request_uri:a"),
    expiresAt: DateTime.unsafeMake(0),
    callbackUrl: "https://app.example/return",
    ...changed
  })

/** Each makes two values that differ in one place, and the first of them once more. */
const pairs: ReadonlyArray<readonly [name: string, one: () => unknown, other: () => unknown]> = [
  ["the content of a Redacted", () => secret("a"), () => secret("b")],
  ["a Redacted and its content", () => secret("a"), () => "a"],
  ["a Redacted structure", () => Redacted.make({ a: secret("x") }), () => Redacted.make({ a: secret("y") })],
  ["None and Some", () => Option.none(), () => Option.some("value")],
  ["Some of undefined and None", () => Option.some(undefined), () => Option.none()],
  ["the content of a Some", () => Option.some(secret("a")), () => Option.some(secret("b"))],
  ["Left and Right", () => Either.left(1), () => Either.right(1)],
  ["the content of a Left", () => Either.left(secret("a")), () => Either.left(secret("b"))],
  ["the value of an Exit", () => Exit.succeed(secret("a")), () => Exit.succeed(secret("b"))],
  ["the failure of an Exit", () => Exit.fail(new Failed({ code: 1 })), () => Exit.fail(new Failed({ code: 2 }))],
  ["a failure and a defect", () => Cause.fail("a"), () => Cause.die("a")],
  ["who interrupted", () => Cause.interrupt(FiberId.make(1, 0)), () => Cause.interrupt(FiberId.make(2, 0))],
  ["a member of an error", () => new Failed({ code: 1 }), () => new Failed({ code: 2 })],
  ["the message of an error", () => new Error("a"), () => new Error("b")],
  ["the cause of an error", () => new Error("a", { cause: secret("a") }), () => new Error("a", { cause: secret("b") })],
  ["two classes of error", () => new Error("a"), () => new TypeError("a")],
  [
    "an error's member that only one has",
    () => new ValidationError({ operation: "A", message: "m", fieldList: [] }),
    () => new ValidationError({ operation: "A", message: "m" })
  ],
  [
    "the operation of an error",
    () => new ValidationError({ operation: "A", message: "m" }),
    () => new ValidationError({ operation: "B", message: "m" })
  ],
  ["the URL of a consent", () => consent(), () => consent({ authorizationUrl: secret("https://idp.example/b") })],
  ["the deadline of a consent", () => consent(), () => consent({ expiresAt: DateTime.unsafeMake(1) })],
  ["the scopes of a consent", () => consent(), () => consent({ scopes: ["repo", "user"] })],
  [
    "a member of a Data class",
    () => new Point({ x: 1, secret: secret("a") }),
    () => new Point({ x: 1, secret: secret("b") })
  ],
  ["a Data value and a plain object", () => Data.struct({ a: 1 }), () => ({ a: 1 })],
  ["Durations", () => Duration.seconds(1), () => Duration.seconds(2)],
  ["instants", () => DateTime.unsafeMake(0), () => DateTime.unsafeMake(1)],
  ["decimals", () => BigDecimal.fromNumber(1), () => BigDecimal.fromNumber(1.5)],
  ["items of a Chunk", () => Chunk.make(secret("a")), () => Chunk.make(secret("b"))],
  ["items of a List", () => List.make(secret("a")), () => List.make(secret("b"))],
  ["the kind of a collection", () => Chunk.make(1), () => [1]],
  ["values of a HashMap", () => HashMap.make(["k", secret("a")]), () => HashMap.make(["k", secret("b")])],
  ["keys of a HashMap", () => HashMap.make(["k", 1]), () => HashMap.make(["l", 1])],
  ["sizes of a HashMap", () => HashMap.make(["k", 1]), () => HashMap.make(["k", 1], ["l", 1])],
  ["items of a HashSet", () => HashSet.make("a"), () => HashSet.make("b")],
  ["values of a Map", () => new Map([["k", secret("a")]]), () => new Map([["k", secret("b")]])],
  ["items of a Set", () => new Set([secret("a")]), () => new Set([secret("b")])],
  ["bytes", () => new Uint8Array([1, 2]), () => new Uint8Array([1, 3])],
  ["dates", () => new Date(0), () => new Date(1)],
  ["URLs", () => new URL("https://a.example/"), () => new URL("https://b.example/")],
  ["the order of a list", () => [1, 2], () => [2, 1]],
  ["the length of a list", () => [1], () => [1, undefined]],
  ["a member that is undefined and one that is absent", () => ({ a: undefined }), () => ({})],
  ["zero and minus zero", () => 0, () => -0],
  ["null and undefined", () => null, () => undefined],
  ["a number and its text", () => 1, () => "1"]
]

/** The ways in which a value stands inside another one. */
const nestings: ReadonlyArray<readonly [name: string, (value: unknown) => unknown]> = [
  ["itself", (value) => value],
  ["in an object in a list", (value) => [{ a: 1, value }]],
  ["in a Redacted", (value) => Redacted.make(value)],
  ["in an Option in an Exit", (value) => Exit.succeed(Option.some(value))],
  ["in an error of a Cause", (value) => Cause.fail(new Failing({ value }))],
  ["in a HashMap in a Chunk", (value) => Chunk.make(HashMap.make(["key", value]))]
]

describe("equality for tests", () => {
  for (const [nesting, nest] of nestings) {
    it(`tells values apart that differ in one place: ${nesting}`, () => {
      for (const [name, one, other] of pairs) {
        assert.isFalse(isEqual(nest(one()), nest(other())), name)
        assert.isFalse(isEqual(nest(other()), nest(one())), name)
        assert.throws(() => assertEqual(nest(one()), nest(other())), /different at/)
        assertNotEqual(nest(one()), nest(other()), name)
      }
    })

    it(`finds values equal that were made twice: ${nesting}`, () => {
      for (const [name, one, other] of pairs) {
        assertEqual(nest(one()), nest(one()), name)
        assertEqual(nest(other()), nest(other()), name)
        assert.throws(() => assertNotEqual(nest(one()), nest(one())), /expected a difference/)
      }
    })
  }

  it("does not depend on the order of members, of keys, or on how a Duration was written", () => {
    assertEqual<unknown>({ a: 1, b: 2 }, { b: 2, a: 1 })
    assertEqual(HashMap.make(["a", 1], ["b", 2]), HashMap.make(["b", 2], ["a", 1]))
    assertEqual(Duration.seconds(60), Duration.minutes(1))
  })

  it("compares values that contain themselves", () => {
    const cyclic = (name: string) => {
      const value: { name: string; self?: unknown } = { name }
      value.self = value
      return value
    }
    assertEqual(cyclic("a"), cyclic("a"))
    assertNotEqual(cyclic("a"), cyclic("b"))
  })

  it("names the place of the first difference, with the content of a Redacted", () => {
    assert.throws(
      () => assertEqual({ list: [{ token: secret("a") }] }, { list: [{ token: secret("b") }] }, "the reply"),
      /the reply: different at Redacted\(value\.list\[0\]\.token\):\n {2}actual {3}'a'\n {2}expected 'b'/
    )
  })

  it("finds members of an object, and items of a list, with the content of a Redacted", () => {
    assertContains({ a: secret("a"), b: 1 }, { a: secret("a") })
    assertContains([secret("a"), secret("b")], secret("b"))
    assertContains(new Failed({ code: 1 }), { code: 1, _tag: "Failed" })
    assert.throws(
      () => assertContains({ a: secret("a"), b: 1 }, { a: secret("b") }),
      /different at Redacted\(value\.a\)/
    )
    assert.throws(() => assertContains({ b: 1 }, { a: undefined }), /different at value\.a/)
    assert.throws(() => assertContains([secret("a")], secret("b")), /no such item/)
    assert.throws(() => assertContains("text", { a: 1 }), /different/)
  })
})
