import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Either, Encoding, Exit, Redacted } from "effect"
import * as keySet from "../src/internal/oauth/keySet.js"
import * as verifyJwt from "../src/internal/oauth/verifyJwt.js"
import { assertContains, assertEqual } from "./support/equality.js"

const issuer = "https://a.invalid/"

const partsOf = (header: string, claims: object) =>
  Redacted.make(`${header}.${Encoding.encodeBase64Url(JSON.stringify(claims))}.c2lnbmF0dXJl`)

/** A header of `length` bytes, which is encoded in a third more characters. */
const headerOf = (length: number) => Encoding.encodeBase64Url(JSON.stringify({ alg: "RS256" }).padEnd(length))

const header = headerOf(0)

describe("an unverified JWT", () => {
  const verifying = verifyJwt.make(
    { limit: Duration.seconds(1), hosts: [], secureContext: undefined },
    { audiences: ["the agent"], clients: [] }
  )

  /** The refusal, or `undefined` if the issuer receives a request. */
  const refusal = (token: Redacted.Redacted) =>
    Exit.match(Effect.runSyncExit(Effect.flip(Effect.flatMap(verifying, (verify) => verify(token)))), {
      onFailure: () => undefined,
      onSuccess: (refused) => refused
    })

  const iss = (length: number) => ({ iss: issuer.padEnd(length, "/"), sub: "ada" })

  const cases: ReadonlyArray<readonly [title: string, token: Redacted.Redacted, description: string | undefined]> = [
    ["an issuer of 2,048 characters", partsOf(header, iss(2048)), undefined],
    ["an issuer of 2,049 characters", partsOf(header, iss(2049)), "its claim iss is longer than 2048 characters"],
    ["a header of 16,384 characters", partsOf(headerOf(12_288), iss(20)), undefined],
    [
      "a header of 16,385 characters",
      partsOf(`${headerOf(12_288)}A`, iss(20)),
      "the header is longer than 16384 characters"
    ],
    ["an issuer that is not a string", partsOf(header, { iss: 7, sub: "ada" }), "the claim iss is not a URL"],
    ["an issuer with a query", partsOf(header, { iss: `${issuer}?a`, sub: "ada" }), "the claim iss is not a URL"],
    ["an issuer with a fragment", partsOf(header, { iss: `${issuer}#a`, sub: "ada" }), "the claim iss is not a URL"]
  ]
  for (const [title, token, description] of cases) {
    it(`with ${title} ${description === undefined ? "leads to a request to its issuer" : "is rejected before any request"}`, () => {
      const refused = refusal(token)
      if (description === undefined) assert.isUndefined(refused)
      else assertContains(refused, { step: "verification", reason: "Refused", description })
    })
  }
})

describe("the key set of an issuer", () => {
  const key = { kty: "RSA", n: "n", e: "AQAB", kid: "one" }

  const keysOf = (keys: ReadonlyArray<unknown>) => keySet.parse(JSON.stringify({ keys }))

  it("has at most 100 keys", () => {
    const keys = (count: number) => Array.from({ length: count }, () => key)
    assertEqual<unknown>(keysOf(keys(100)), Either.right({ keys: keys(100) }))
    assertEqual(keysOf(keys(101)), Either.left("the issuer has more than 100 keys"))
  })

  const used = ["kty", "alg", "crv", "d", "e", "kid", "n", "use", "x", "y"]

  for (const name of used) {
    it(`allows a member ${name} of at most 4,096 characters, and omits keys with a longer or non-string value`, () => {
      const whole = { ...key, [name]: "x".repeat(4096) }
      const others = [{ ...key, [name]: "x".repeat(4097) }, { ...key, [name]: 7 }]
      assertEqual<unknown>(keysOf([whole, ...others]), Either.right({ keys: [whole] }))
    })
  }

  it("allows at most 16 operations of at most 4,096 characters in a key", () => {
    const operations = (count: number, length = 4) => ({
      ...key,
      key_ops: Array.from({ length: count }, () => "x".repeat(length))
    })
    const kept = [operations(0), operations(16), operations(1, 4096)]
    const left = [operations(17), operations(1, 4097), { ...key, key_ops: "verify" }, { ...key, key_ops: [7] }]
    assertEqual<unknown>(keysOf([...left, ...kept]), Either.right({ keys: kept }))
  })

  it("ignores items that are not keys, and unused members of keys", () => {
    const others = [{ n: "n" }, { ...key, kty: undefined }, { ...key, alg: null }, 7, null, [key], "key"]
    assertEqual<unknown>(
      keysOf([...others, { ...key, d: "d", x5c: ["c"], other: { deep: [1] } }]),
      Either.right({ keys: [{ ...key, d: "d" }] })
    )
  })

  it("is rejected if it is not a JSON Web Key Set", () => {
    for (const text of ["", "[]", "null", "{}", "{\"keys\":{}}", "{\"keys\":null}", "[".repeat(100_000)]) {
      assertEqual(
        keySet.parse(text),
        Either.left("the keys of the issuer are not a JSON Web Key Set"),
        text.slice(0, 20)
      )
    }
  })
})
