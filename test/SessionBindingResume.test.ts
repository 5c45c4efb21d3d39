import { HttpApp, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { type Duration, Effect, Redacted, Ref, TestClock } from "effect"
import * as Consent from "../src/Consent.js"
import * as IdentityControls from "../src/IdentityControls.js"
import * as IdentityError from "../src/IdentityError.js"
import * as IdentityService from "../src/IdentityService.js"
import * as SessionBinding from "../src/SessionBinding.js"
import { asUser } from "./support/agent.js"
import { layer, providers, returnUrl } from "./support/binding.js"
import { required } from "./support/consenting.js"
import { assertEqual } from "./support/equality.js"

const html = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"

/** A suspended call of Ada, and requests for its result. */
const suspended = Effect.gen(function*() {
  const identity = yield* IdentityService.IdentityService
  yield* providers(identity, [returnUrl])
  const tokenOf = (userId: string) => identity.getWorkloadAccessToken({ workloadName: "my-agent", userId })
  const consent = yield* required(identity.getToken({
    ...asUser,
    callbackUrl: returnUrl,
    workloadAccessToken: yield* tokenOf("ada"),
    consent: Consent.suspend
  }))
  const handle = consent.handle ?? Redacted.make("")
  const tokens = yield* Ref.make<ReadonlyArray<string>>([])
  const ask = (options: {
    readonly accept?: string
    readonly handle?: Redacted.Redacted
    readonly userId?: string
    readonly retryAfter?: Duration.DurationInput
  } = {}) =>
    Effect.gen(function*() {
      const response = yield* SessionBinding.resumeResponse(options.handle ?? handle, {
        workloadAccessToken: yield* tokenOf(options.userId ?? "ada"),
        retryAfter: options.retryAfter,
        onToken: (token) =>
          Effect.as(
            Ref.update(tokens, (all) => [...all, Redacted.value(token)]),
            HttpServerResponse.text("the page of the application")
          )
      }).pipe(
        Effect.provideService(
          HttpServerRequest.HttpServerRequest,
          HttpServerRequest.fromWeb(
            new Request("https://agent.example/status", { headers: { accept: options.accept ?? "*/*" } })
          )
        )
      )
      const sent = yield* Effect.promise(() =>
        HttpApp.toWebHandler(Effect.succeed(response))(new Request("http://localhost"))
      )
      const text = yield* Effect.promise(() => sent.text())
      for (const secret of [handle, consent.sessionUri, consent.authorizationUrl]) {
        assert.notInclude(text, Redacted.value(secret))
      }
      assert.strictEqual(sent.headers.get("cache-control"), text === "the page of the application" ? null : "no-store")
      return { status: sent.status, text, retryAfter: sent.headers.get("retry-after"), headers: sent.headers }
    })
  /** The status and the body, for a script. */
  const json = (options?: Parameters<typeof ask>[0]) =>
    Effect.map(ask(options), ({ status, text }): readonly [number, unknown] => [status, JSON.parse(text).status])
  return { consent, ask, json, tokens: Ref.get(tokens) }
})

describe("SessionBinding.resumeResponse", () => {
  it.effect("reports that the consent is pending without consuming the handle, then passes the token on once", () =>
    Effect.gen(function*() {
      const { ask, consent, json, tokens } = yield* suspended
      for (let visit = 0; visit < 3; visit++) {
        const pending = yield* ask()
        assertEqual([pending.status, pending.retryAfter], [202, "5"])
        assertEqual(JSON.parse(pending.text), { status: "pending", providerName: "github" })
      }
      assert.strictEqual((yield* ask({ retryAfter: "1500 millis" })).retryAfter, "2")
      assert.strictEqual((yield* ask({ retryAfter: 0 })).retryAfter, "1")
      yield* IdentityControls.consent(consent)
      const done = yield* ask()
      assertEqual([done.status, done.text], [200, "the page of the application"])
      assert.lengthOf(yield* tokens, 1)
      assertEqual(yield* json(), [410, "used"])
      assert.lengthOf(yield* tokens, 1)
    }).pipe(Effect.provide(layer)))

  it.effect("shows a browser a page that reloads itself while it waits, with the security headers", () =>
    Effect.gen(function*() {
      const { ask, consent } = yield* suspended
      const pending = yield* ask({ accept: html, retryAfter: "7 seconds" })
      assertEqual([pending.status, pending.retryAfter], [202, "7"])
      assert.include(pending.text, "<meta http-equiv=\"refresh\" content=\"7\">")
      assert.include(pending.text, "Waiting for the consent")
      assert.include(pending.headers.get("content-security-policy") ?? "", "default-src 'none'")
      assert.strictEqual(pending.headers.get("referrer-policy"), "no-referrer")
      assert.strictEqual(pending.headers.get("vary"), "accept")
      const { deny } = yield* IdentityControls.IdentityControls
      yield* deny(consent.sessionUri)
      const denied = yield* ask({ accept: html })
      assertEqual([denied.status, denied.retryAfter], [403, null])
      assert.include(denied.text, "The consent was denied")
      assert.notInclude(denied.text, "http-equiv=\"refresh\"")
    }).pipe(Effect.provide(layer)))

  it.effect("reports a denied, an expired and an invalid request", () =>
    Effect.gen(function*() {
      const { consent, json, tokens } = yield* suspended
      assertEqual(yield* json({ handle: Redacted.make("not a handle") }), [400, "invalid"])
      const { deny } = yield* IdentityControls.IdentityControls
      yield* deny(consent.sessionUri)
      assertEqual(yield* json(), [403, "denied"])
      yield* TestClock.adjust("601 seconds")
      assertEqual(yield* json(), [410, "expired"])
      assertEqual(yield* tokens, [])
    }).pipe(Effect.provide(layer)))

  it.effect("gives the token only to the user who requested it, and leaves the handle valid for that user", () =>
    Effect.gen(function*() {
      const { consent, json, tokens, ask } = yield* suspended
      yield* IdentityControls.consent(consent)
      assertEqual(yield* json({ userId: "eve" }), [403, "rejected"])
      assertEqual(yield* tokens, [])
      assert.strictEqual((yield* ask()).status, 200)
    }).pipe(Effect.provide(layer)))

  it.effect("reports that the service did not answer, and works afterwards", () =>
    Effect.gen(function*() {
      const { json } = yield* suspended
      const { failNext } = yield* IdentityControls.IdentityControls
      const operation = "GetResourceOauth2Token"
      const unauthorized = new IdentityError.Unauthorized({ operation, message: "no" })
      yield* failNext("getResourceOauth2Token", unauthorized)
      assertEqual(yield* json(), [503, "unavailable"])
      assertEqual(yield* json(), [202, "pending"])
    }).pipe(Effect.provide(layer)))
})
