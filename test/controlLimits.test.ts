/** What test controls store has a limit in entries and in characters. Above it they store nothing, and say what to do. */
import { assert, it } from "@effect/vitest"
import { Cause, Effect, Exit, type Layer, Option, Redacted } from "effect"
import * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityControls from "../src/IdentityControls.js"
import { InternalServerError, ValidationError } from "../src/IdentityError.js"
import * as MemoryIdentity from "../src/MemoryIdentity.js"
import { agent } from "./support/agent.js"
import { layer } from "./support/browser.js"
import { assertEqual } from "./support/equality.js"
import { jar, tokenOf } from "./support/jar.js"

const live = <A, E>(name: string, test: () => Effect.Effect<A, E, Layer.Layer.Success<typeof layer>>) =>
  it.live(name, () => Effect.zipRight(agent, test()).pipe(Effect.provide(layer)))

/** The message of the defect with which a control dies. */
const defectOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(
    Effect.exit(effect),
    (exit) =>
      Exit.isSuccess(exit) ? "no defect" : Option.match(Cause.dieOption(exit.cause), {
        onNone: () => "no defect",
        onSome: (defect) => defect instanceof Error ? defect.message : String(defect)
      })
  )

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)

const secret = (length: number) => Redacted.make(JSON.stringify({ key: "s".repeat(length) }))

const secretsFull =
  "at most 10,000 secrets can be stored: replace one that is no longer used with a smaller one, or start " +
  "with an empty state"

const secretsLarge =
  "the secrets can have at most 16,777,216 characters in total: replace one that is no longer used with a " +
  "smaller one, or start with an empty state"

live("at most 10,000 secrets are stored: one more is rejected, and removes none", () =>
  Effect.gen(function*() {
    const { setSecret } = yield* IdentityControls.IdentityControls
    const client = yield* jar
    yield* Effect.forEach(numbers(10_000), (index) => setSecret(`secret-${index}`, secret(1)), { discard: true })
    assert.strictEqual(yield* defectOf(setSecret("more", secret(1))), `secretId: ${secretsFull}`)
    const refused = yield* client.json("/_local/secret", { secretId: "more", json: "{}" })
    assertEqual([refused.status, refused.json], [409, {
      error: "LimitReached",
      message: `secretId: ${secretsFull}`,
      fieldList: [{ name: "secretId", message: secretsFull }]
    }])
    for (const secretId of ["secret-0", "secret-9999"]) {
      assert.strictEqual((yield* client.json("/_local/secret", { secretId, json: "{\"key\":\"other\"}" })).status, 200)
    }
  }))

live(
  "the secrets have at most 16 Mi characters: a larger one is rejected, and a smaller one replaces it",
  () =>
    Effect.gen(function*() {
      const { setSecret } = yield* IdentityControls.IdentityControls
      const client = yield* jar
      yield* setSecret("large", secret(2 ** 24 - 1_000))
      assert.strictEqual(yield* defectOf(setSecret("more", secret(2_000))), `json: ${secretsLarge}`)
      const body = { secretId: "more", json: JSON.stringify({ key: "s".repeat(2_000) }) }
      const refused = yield* client.json("/_local/secret", body)
      assertEqual([refused.status, refused.json], [409, {
        error: "LimitReached",
        message: `json: ${secretsLarge}`,
        fieldList: [{ name: "json", message: secretsLarge }]
      }])
      assert.notInclude(refused.text, "sss")
      assert.strictEqual((yield* client.json("/_local/secret", { ...body, secretId: "large" })).status, 200)
      assert.strictEqual((yield* client.json("/_local/secret", body)).status, 200)
    })
)

const issuersFull =
  "at most 10,000 chosen issuers can be stored: remove one, by a request for its provider without an issuer"

live(
  "at most 10,000 issuers are chosen: one more is rejected, also by the dashboard, until one is removed",
  () =>
    Effect.gen(function*() {
      const { inventory, setIssuer } = yield* IdentityControls.IdentityControls
      const client = yield* jar
      yield* Effect.forEach(numbers(10_000), (index) => setIssuer(`provider-${index}`, "simulated"), { discard: true })
      assert.strictEqual(yield* defectOf(setIssuer("github", "simulated")), `providerName: ${issuersFull}`)
      const body = { providerName: "github", issuer: "simulated" }
      const refused = yield* client.json("/_local/issuer", body)
      assertEqual([refused.status, refused.json], [409, {
        error: "LimitReached",
        message: `providerName: ${issuersFull}`,
        fieldList: [{ name: "providerName", message: issuersFull }]
      }])
      const page = yield* client.get("/")
      const answer = yield* client.form("/", { token: tokenOf(page.text), action: "simulate", provider: "github" })
      assert.strictEqual(answer.status, 409)
      assert.include(answer.text, issuersFull)
      assertEqual(
        (yield* inventory).oauth2CredentialProviders.filter(({ issuerChoice }) => issuerChoice !== undefined),
        []
      )
      assert.strictEqual((yield* client.json("/_local/issuer", { providerName: "provider-7" })).status, 200)
      assert.strictEqual((yield* client.json("/_local/issuer", body)).status, 200)
    })
)

live("the chosen issuers have at most 16 Mi characters", () =>
  Effect.gen(function*() {
    const { setIssuer } = yield* IdentityControls.IdentityControls
    const discoveryUrl = `http://127.0.0.1:9000/${"x".repeat(2 ** 23)}/.well-known/openid-configuration`
    yield* setIssuer("one", { discoveryUrl })
    assert.match(
      yield* defectOf(setIssuer("two", { discoveryUrl })),
      /^issuer: the chosen issuers can have at most 16,777,216 characters in total: remove one, /
    )
    yield* setIssuer("one", undefined)
    yield* setIssuer("two", { discoveryUrl })
  }))

live("at most 1,000 failures are pending, with at most 4 Mi characters", () =>
  Effect.gen(function*() {
    const { clearFailures, failNext, pendingFailures } = yield* IdentityControls.IdentityControls
    const api = yield* IdentityApi.IdentityApi
    const remedy = "cancel some with clearFailures, or all with POST /_local/reset"
    for (let i = 0; i < 1_000; i++) yield* failNext("getTokenVault", "Throttled")
    assert.strictEqual(
      yield* defectOf(failNext("getTokenVault", "Throttled")),
      `operation: at most 1,000 failures can be pending: ${remedy}`
    )
    // A failure whose call was made does not count.
    yield* Effect.flip(api.getTokenVault({}))
    yield* failNext("getTokenVault", "Throttled")
    assert.lengthOf(yield* pendingFailures, 1_000)
    yield* clearFailures()
    const tooLarge =
      `error: the messages of the pending failures can have at most 4,194,304 characters in total: use a ` +
      `shorter one, or ${remedy}`
    const message = "m".repeat(3_000_000)
    yield* failNext("getTokenVault", new InternalServerError({ operation: "GetTokenVault", message }))
    const text = "f".repeat(2_000_000)
    for (
      const error of [
        new InternalServerError({ operation: "GetTokenVault", message: text }),
        new ValidationError({
          operation: "GetTokenVault",
          message: "invalid",
          reason: "FieldValidationFailed",
          fieldList: [{ name: text, message: "invalid" }]
        })
      ]
    ) {
      assert.strictEqual(yield* defectOf(failNext("getTokenVault", error)), tooLarge)
    }
    assert.lengthOf(yield* pendingFailures, 1)
  }))

live("the dashboard adds no failure, delay or drop to 1,000 pending ones", () =>
  Effect.gen(function*() {
    const { failNext, pendingFailures } = yield* IdentityControls.IdentityControls
    const client = yield* jar
    for (let i = 0; i < 1_000; i++) yield* failNext("getTokenVault", "Throttled")
    for (
      const fields of [
        { action: "fail", failure: "getTokenVault Throttled", times: "1" },
        { action: "delay", operation: "getTokenVault", times: "1", seconds: "1" },
        { action: "drop", operation: "getTokenVault", times: "1", lost: "request" }
      ]
    ) {
      const token = tokenOf((yield* client.get("/")).text)
      const answer = yield* client.form("/", { token, ...fields })
      assert.strictEqual(answer.status, 409, fields.action)
      assert.include(answer.text, "1000 failures, delays and drops are pending. Cancel them first.")
    }
    const { delays, drops } = JSON.parse((yield* client.get("/_local/state")).text)
    assertEqual([(yield* pendingFailures).length, delays, drops], [1_000, [], []])
  }))

it.effect("a linked workload identity that does not exist counts for the quota", () =>
  Effect.gen(function*() {
    const { inventory, linkToService } = yield* IdentityControls.IdentityControls
    yield* linkToService("first")
    assert.match(
      yield* defectOf(linkToService("second")),
      /^workloadName: The account has reached its quota of 1 workload identities: raise it with the option /
    )
    yield* linkToService("first")
    assertEqual((yield* inventory).workloadIdentities, [{ name: "first" }])
  }).pipe(Effect.provide(MemoryIdentity.layerApi({ quotas: { workloadIdentities: 1 } }))))

it.effect("linkToService checks the name in process as over HTTP, and stores nothing", () =>
  Effect.gen(function*() {
    const { inventory, linkToService } = yield* IdentityControls.IdentityControls
    for (const name of ["ab", "a".repeat(256), "a b"]) {
      assert.match(yield* defectOf(linkToService(name)), /^linkToService: .*name/, name)
    }
    yield* linkToService("a".repeat(255))
    assert.lengthOf((yield* inventory).workloadIdentities, 1)
  }).pipe(Effect.provide(MemoryIdentity.layerApi())))

it.effect("a seed above the limit of secrets or issuers fails with SeedFailed, which names the member", () =>
  Effect.gen(function*() {
    const { setIssuer, setSecret } = yield* IdentityControls.IdentityControls
    yield* Effect.forEach(numbers(9_999), (index) => setSecret(`secret-${index}`, Redacted.make("{}")))
    const full = yield* Effect.flip(IdentityControls.seed({ secrets: { one: { a: "b" }, two: { a: "b" } } }))
    assertEqual([full._tag, full.message], ["SeedFailed", `secrets.two: ValidationError: ${secretsFull}`])
    assertEqual(full._tag === "SeedFailed" && full.applied, [{ member: "secrets", name: "one", outcome: "set" }])
    yield* Effect.forEach(numbers(10_000), (index) => setIssuer(`issuer-${index}`, "federated"))
    const issuers = yield* Effect.flip(IdentityControls.seed({ issuers: { one: "federated" } }))
    assert.match(issuers.message, /^issuers\.one: ValidationError: at most 10,000 chosen issuers can be stored/)
  }).pipe(Effect.provide(MemoryIdentity.layerApi())))
