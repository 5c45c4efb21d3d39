import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Either, Redacted, TestClock } from "effect"
import * as jose from "jose"
import { freshness } from "../src/internal/oauth/freshness.js"
import { type Answer, server } from "./support/authorizationServer.js"
import { assertEqual } from "./support/equality.js"
import { keySet, openId, p256, recipients, signed, verifier } from "./support/signedJwt.js"

const noKey = "the issuer publishes no key for the signature"

/** An issuer whose key set has these headers and is replaced by `publish`. */
const issuer = (headers: Answer["headers"] = {}) =>
  Effect.gen(function*() {
    let keys: ReadonlyArray<unknown> = keySet.keys
    const { origin, requests } = yield* server(({ path }, origin) =>
      path === openId
        ? { body: { issuer: origin, jwks_uri: `${origin}/keys` } }
        : { headers, body: { keys } }
    )
    return {
      origin,
      paths: () => requests.map(({ path }) => path),
      publish: (published: ReadonlyArray<unknown>) =>
        Effect.sync(() => {
          keys = published
        })
    }
  })

/** A token of a key id that the issuer does not publish. */
const signedByUnknownKey = (iss: string) =>
  signed({ iss, exp: 1e6 }, ["ES256", { ...p256 }]).pipe(
    Effect.map((token) => {
      const [, payload, signature] = Redacted.value(token).split(".")
      const header = jose.base64url.encode(JSON.stringify({ alg: "ES256", kid: "unknown" }))
      return Redacted.make(`${header}.${payload}.${signature}`)
    })
  )

const fetched = [openId, "/keys"]

describe("the keys of an issuer", () => {
  it.scoped("are fetched once for 200 concurrent tokens, and not again for 200 later ones", () =>
    Effect.gen(function*() {
      const { origin, paths } = yield* issuer()
      const token = yield* signed({ iss: origin })
      const verify = yield* verifier()
      yield* Effect.all(Array.from({ length: 200 }, () => verify(token)), { concurrency: "unbounded" })
      yield* Effect.all(Array.from({ length: 200 }, () => verify(token)))
      assertEqual(paths(), fetched)
    }))

  it.scoped("reach a second caller if the first one is interrupted during the request", () =>
    Effect.gen(function*() {
      const { origin } = yield* issuer()
      const token = yield* signed({ iss: origin })
      const verify = yield* verifier()
      const first = yield* Effect.fork(verify(token))
      const second = yield* Effect.fork(verify(token))
      yield* Effect.yieldNow()
      yield* first.interruptAsFork(first.id())
      assert.isTrue(Either.isRight(yield* Effect.either(second)))
    }))

  const lifetimes: ReadonlyArray<readonly [headers: Record<string, string>, seconds: number]> = [
    [{}, 60],
    [{ "cache-control": "public, max-age=300" }, 300],
    [{ "cache-control": "max-age=300", age: "100" }, 200],
    [{ "cache-control": "max-age=1000000" }, 24 * 60 * 60]
  ]
  for (const [headers, seconds] of lifetimes) {
    it.scoped(`with the headers ${JSON.stringify(headers)} are used for ${seconds} seconds`, () =>
      Effect.gen(function*() {
        const { origin, paths, publish } = yield* issuer(headers)
        const token = yield* signed({ iss: origin, exp: 1e6 })
        const verify = yield* verifier()
        yield* verify(token)
        yield* publish([])
        yield* TestClock.adjust(Duration.millis(seconds * 1000 - 1))
        yield* verify(token)
        assertEqual(paths(), fetched)
        yield* TestClock.adjust("1 millis")
        assert.strictEqual((yield* Effect.flip(verify(token))).description, noKey)
        assertEqual(paths(), [...fetched, ...fetched])
      }))
  }

  for (const directive of ["no-store", "no-cache", "max-age=0", "private, no-cache=\"set-cookie\", max-age=60"]) {
    it.scoped(`with Cache-Control: ${directive} are fetched for each token`, () =>
      Effect.gen(function*() {
        const { origin, paths } = yield* issuer({ "cache-control": directive })
        const token = yield* signed({ iss: origin })
        const verify = yield* verifier()
        yield* verify(token)
        yield* verify(token)
        assertEqual(paths(), [...fetched, ...fetched])
      }))
  }

  for (const directive of ["max-age=3600", "no-store"]) {
    it.scoped(`with ${directive} are fetched at most once per minute for tokens with an unknown key id`, () =>
      Effect.gen(function*() {
        const { origin, paths, publish } = yield* issuer({ "cache-control": directive })
        const unknown = yield* signedByUnknownKey(origin)
        const verify = yield* verifier()
        for (let i = 0; i < 20; i++) {
          const { description, error } = yield* Effect.flip(verify(unknown))
          assertEqual([description, error], [noKey, "ERR_JWKS_NO_MATCHING_KEY"])
        }
        assertEqual(paths(), fetched)
        yield* TestClock.adjust("1 minutes")
        yield* publish([...keySet.keys, { ...keySet.keys.find(({ kid }) => kid === "ES256"), kid: "unknown" }])
        // The signature covers the original header, so it does not match; the key is found.
        assert.strictEqual(
          (yield* Effect.flip(verify(unknown))).description,
          "the signature does not match the key of the issuer"
        )
        assertEqual(paths(), [...fetched, ...fetched])
      }))
  }

  it.scoped("are requested at most once per minute for an unknown key id while the issuer fails", () =>
    Effect.gen(function*() {
      let status = 200
      const { origin, requests } = yield* server(({ path }, origin) =>
        path === openId
          ? { body: { issuer: origin, jwks_uri: `${origin}/keys` } }
          : { status, headers: { "cache-control": "max-age=3600" }, body: keySet }
      )
      const verify = yield* verifier()
      yield* verify(yield* signed({ iss: origin }))
      const unknown = yield* signedByUnknownKey(origin)
      status = 500
      yield* TestClock.adjust("1 minutes")
      assert.strictEqual((yield* Effect.flip(verify(unknown))).status, 500)
      for (let i = 0; i < 10; i++) assert.strictEqual((yield* Effect.flip(verify(unknown))).description, noKey)
      assert.strictEqual(requests.length, 4)
    }))

  it.scoped("are not kept if they cannot be fetched", () =>
    Effect.gen(function*() {
      let status = 500
      const { origin } = yield* server(({ path }, origin) =>
        path === openId ? { body: { issuer: origin, jwks_uri: `${origin}/keys` } } : { status, body: keySet }
      )
      const token = yield* signed({ iss: origin })
      const verify = yield* verifier()
      assert.strictEqual((yield* Effect.flip(verify(token))).status, 500)
      status = 200
      yield* verify(token)
    }))

  it.scoped("are kept for the 100 issuers that were fetched last", () =>
    Effect.gen(function*() {
      const { origin, requests } = yield* server(({ path }, origin) => {
        const [, name] = path.split("/")
        return path.endsWith("/keys")
          ? { headers: { "cache-control": "max-age=3600" }, body: keySet }
          : { body: { issuer: `${origin}/${name}`, jwks_uri: `${origin}/${name}/keys` } }
      })
      const verify = yield* verifier()
      const verifyOf = (index: number) => Effect.flatMap(signed({ iss: `${origin}/${index}` }), verify)
      for (let i = 0; i <= 100; i++) yield* verifyOf(i)
      assert.strictEqual(requests.length, 202)
      yield* verifyOf(100)
      yield* verifyOf(1)
      assert.strictEqual(requests.length, 202)
      yield* verifyOf(0)
      assert.strictEqual(requests.length, 204)
    }))

  it.scoped("are kept up to 4 MiB", () =>
    Effect.gen(function*() {
      const padding = "x".repeat(1_000_000)
      const { origin, requests } = yield* server(({ path }, origin) => {
        const [, name] = path.split("/")
        return path.endsWith("/keys")
          ? { headers: { "cache-control": "max-age=3600" }, body: { ...keySet, padding } }
          : { body: { issuer: `${origin}/${name}`, jwks_uri: `${origin}/${name}/keys` } }
      })
      const verify = yield* verifier()
      const verifyOf = (index: number) => Effect.flatMap(signed({ iss: `${origin}/${index}` }), verify)
      for (let i = 0; i < 5; i++) yield* verifyOf(i)
      assert.strictEqual(requests.length, 10)
      yield* verifyOf(4)
      yield* verifyOf(1)
      assert.strictEqual(requests.length, 10)
      yield* verifyOf(0)
      assert.strictEqual(requests.length, 12)
    }))
})

describe("the accepted issuers", () => {
  it.scoped("are compared as text, and another issuer receives no request", () =>
    Effect.gen(function*() {
      const { origin, paths } = yield* issuer()
      for (const other of [`${origin}/`, origin.toUpperCase(), "https://idp.example"]) {
        const verify = yield* verifier({ ...recipients, issuers: [other] })
        const { description, error } = yield* Effect.flip(verify(yield* signed({ iss: origin })))
        assertEqual([description, error], [
          "the claim iss is not an accepted issuer: accept it with --verify-jwt-issuer URL (in a program verifyJwtIssuers)",
          "ERR_JWT_CLAIM_VALIDATION_FAILED"
        ])
      }
      assertEqual(paths(), [])
      const verify = yield* verifier({ ...recipients, issuers: ["https://idp.example", origin] })
      yield* verify(yield* signed({ iss: origin }))
    }))
})

it("a response that states no lifetime has no freshness, and one that states an invalid lifetime must not be reused", () => {
  for (const control of [undefined, "", "public", "s-maxage=60", "x-max-age=60"]) {
    assert.isUndefined(freshness(control === undefined ? {} : { "cache-control": control }), String(control))
  }
  for (const control of ["max-age=-1", "max-age=abc", "max-age=", "max-age=60, max-age=x"]) {
    assert.strictEqual(freshness({ "cache-control": control }), 0, control)
  }
  assert.strictEqual(freshness({ "cache-control": "max-age=60", age: "99999999999" }), 0)
  assert.strictEqual(freshness({ "cache-control": "MAX-AGE=\"60\"" }), 60)
  assert.strictEqual(freshness({ "cache-control": "max-age=60, max-age=30" }), 30)
  assert.strictEqual(freshness({ "cache-control": "max-age=60", age: "61" }), 0)
  assert.strictEqual(freshness({ "cache-control": "max-age=60", age: "abc" }), 60)
})
