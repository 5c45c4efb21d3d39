/** The keys of tags and errors are public: two copies of the package, and stored or sent data, depend on them. */
import { assert, describe, it } from "@effect/vitest"
import { Array as Arr, Clock, Context, Effect, Fiber, Option, Order, Schema, TestClock } from "effect"
import { readdirSync } from "node:fs"
import * as Consent from "../src/Consent.js"
import * as ConsentSignal from "../src/ConsentSignal.js"
import { Issuers } from "../src/internal/emulator/state/issuer.js"
import { CompletionEvents } from "../src/internal/model/completionEvents.js"
import { PublicAddress } from "../src/internal/web/publicUrl.js"
import * as RetryPolicy from "../src/RetryPolicy.js"
import * as TokenCache from "../src/TokenCache.js"
import * as TokenOptions from "../src/TokenOptions.js"
import * as TokenPoller from "../src/TokenPoller.js"
import { assertEqual } from "./support/equality.js"

const source = new URL("../src/", import.meta.url)

/** The library without the command in `cli`. */
const files = Arr.sort(
  readdirSync(source, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && name !== "index.ts" && !name.startsWith("cli")),
  Order.string
)

/** The result of `keyOf` for each export of the library that has a key. */
const keysOf = (keyOf: (value: unknown) => string | undefined) =>
  Effect.promise(async () => {
    const found: Record<string, string> = {}
    const seen = new Set<unknown>()
    for (const file of files) {
      const module: Readonly<Record<string, unknown>> = await import(new URL(file, source).href)
      for (const [name, value] of Object.entries(module)) {
        const key = keyOf(value)
        // A module that exports again the values of another is skipped.
        if (key !== undefined && !seen.has(value)) found[`${file.replace(/\.ts$/, "")}.${name}`] = key
        seen.add(value)
      }
    }
    return found
  })

const tagKey = (value: unknown) => Context.isTag(value) ? value.key : undefined

const errorKey = (value: unknown) =>
  Schema.isSchema(value) && "prototype" in value && value.prototype instanceof Error && "identifier" in value
    ? String(value.identifier)
    : undefined

const named = (names: ReadonlyArray<string>) =>
  Object.fromEntries(names.map((name) => [name, `effect-agentcore-identity/${name.replace(/^.*\./, "")}`]))

describe("the key of", () => {
  it.effect("each tag and reference is its name in the package", () =>
    Effect.gen(function*() {
      assertEqual<unknown>(yield* keysOf(tagKey), {
        ...named([
          "AccessToken.AccessToken",
          "ApiKey.ApiKey",
          "ConsentLedger.ConsentLedger",
          "ConsentSeal.ConsentSeal",
          "ConsentSignal.ConsentSignal",
          "IdentityApi.IdentityApi",
          "IdentityControls.IdentityControls",
          "IdentityService.IdentityService",
          "Redis.Redis",
          "RetryPolicy.RetryPolicy",
          "TokenCache.TokenCache",
          "TokenPoller.TokenPoller",
          "WorkloadAccessToken.WorkloadAccessToken"
        ]),
        "Consent.ProgramStrategy": "effect-agentcore-identity/Consent/ProgramStrategy",
        "RetryPolicy.RetryCapacity": "effect-agentcore-identity/RetryPolicy/RetryCapacity",
        "SessionBinding.CurrentUser": "effect-agentcore-identity/SessionBinding/CurrentUser",
        "TokenCache.SharedStore": "effect-agentcore-identity/TokenCache/SharedStore",
        "TokenOptions.CallbackUrl": "effect-agentcore-identity/TokenOptions/CallbackUrl",
        "TokenPoller.PollBudget": "effect-agentcore-identity/TokenPoller/PollBudget",
        "internal/model/completionEvents.CompletionEvents": "effect-agentcore-identity/internal/CompletionEvents",
        "internal/emulator/state/issuer.Issuers": "effect-agentcore-identity/internal/Issuers",
        "internal/web/publicUrl.PublicAddress": "effect-agentcore-identity/internal/server/PublicAddress",
        "internal/server/state/faultInjection.FaultInjection": "effect-agentcore-identity/internal/FaultInjection",
        "internal/server/state/movableClock.MovableClock": "effect-agentcore-identity/internal/MovableClock",
        "internal/server/state/pageTokens.PageTokens": "effect-agentcore-identity/internal/PageTokens"
      })
    }))

  it.effect("each error is its name in the package", () =>
    Effect.gen(function*() {
      assertEqual<unknown>(
        yield* keysOf(errorKey),
        named([
          "ControlError.NotSimulated",
          "ControlError.ProviderRefused",
          "ControlError.SeedFailed",
          "ControlError.SeedInvalid",
          "ControlError.SessionNotApproved",
          "ControlError.SessionNotPending",
          "IdentityError.AccessDenied",
          "IdentityError.ConcurrentModification",
          "IdentityError.Conflict",
          "ConsentError.ConsentDenied",
          "ConsentError.ConsentPending",
          "ConsentError.ConsentRequired",
          "ConsentError.ConsentTimedOut",
          "IdentityError.DecryptionFailure",
          "IdentityError.EncryptionFailure",
          "ConsentError.HandleRejected",
          "IdentityError.InternalServerError",
          "ConsentError.LedgerFailure",
          "IdentityError.ResourceLimitExceeded",
          "IdentityError.ResourceNotFound",
          "IdentityError.ServiceQuotaExceeded",
          "IdentityError.Throttled",
          "IdentityError.TransportFailure",
          "IdentityError.Unauthorized",
          "IdentityError.UndecodableReply",
          "IdentityError.UnknownServiceError",
          "IdentityError.ValidationError",
          "IdentityError.WorkloadAccessTokenUnavailable",
          "SessionBinding.BindingRefused",
          "StoredIdentity.StorageError",
          "WorkloadAccessToken.WorkloadAccessTokenMissing"
        ])
      )
    }))
})

describe("by default", () => {
  it.effect("calls have no return URL, no signal and no store between processes, no events of a service, and no public address", () =>
    Effect.gen(function*() {
      assert.isUndefined(yield* CompletionEvents)
      assert.isUndefined(yield* TokenOptions.CallbackUrl)
      assert.isUndefined(yield* ConsentSignal.ConsentSignal)
      assert.isUndefined(yield* TokenCache.SharedStore)
      assertEqual(yield* PublicAddress, Option.none())
    }))

  it.effect("a call that needs consent fails", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* Consent.ProgramStrategy, Consent.fail)
    }))

  it.effect("requests are retried by the default schedule", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* RetryPolicy.RetryPolicy, RetryPolicy.defaultSchedule)
    }))

  it.effect("waits poll on the default schedule, together at most 100 times a second", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* TokenPoller.TokenPoller, TokenPoller.defaultSchedule)
      assert.strictEqual(yield* TokenPoller.PollBudget, 100)
    }))

  it.effect("the default schedule has 120 delays of 5 seconds, in 10 minutes", () =>
    Effect.gen(function*() {
      const start = yield* Clock.currentTimeMillis
      const times: Array<number> = []
      const poll = Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.sync(() => times.push(now - start)))
      const fiber = yield* Effect.fork(Effect.schedule(poll, TokenPoller.defaultSchedule))
      yield* TestClock.adjust("1 hour")
      yield* Fiber.join(fiber)
      assertEqual(times, Array.from({ length: 120 }, (_, index) => 5000 * (index + 1)))
    }))

  it.effect("the embedded service simulates every issuer, and does not verify user tokens", () =>
    Effect.gen(function*() {
      assertEqual(yield* Issuers, { federated: undefined, verify: undefined })
    }))
})
