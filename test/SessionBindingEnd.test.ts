import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Ref } from "effect"
import * as ConsentLedger from "../src/ConsentLedger.js"
import * as ConsentSeal from "../src/ConsentSeal.js"
import * as Credential from "../src/Credential.js"
import * as SessionBinding from "../src/SessionBinding.js"
import { origin, returnUrl } from "./support/binding.js"
import { ada, consentOf, run, sessionUri, state, visit } from "./support/bindingVisits.js"
import { assertEqual } from "./support/equality.js"
import { recording } from "./support/recording.js"

describe("the return page", () => {
  const back = (parameters: Readonly<Record<string, string>> = {}) =>
    `${returnUrl}?${new URLSearchParams({
      state: Redacted.value(state),
      session_id: Redacted.value(sessionUri),
      ...parameters
    })}`

  it.effect("completes with the JWT of the user if the workload access token was issued for a JWT", () =>
    run((asked) =>
      Effect.gen(function*() {
        const { register, returnPage, startPage } = yield* SessionBinding.make({ origin })
        const userIdentifier = Credential.userToken(Redacted.make("header.claims.signature"))
        const { cookie } = yield* visit(startPage, yield* register(yield* consentOf(), { user: "ada", userIdentifier }))
        assert.strictEqual((yield* visit(returnPage, back(), cookie)).status, 200)
        assertEqual(yield* Ref.get(asked), [{ sessionUri, userIdentifier }])
      })
    ))

  it.effect("says that the agent continues only if the consent was registered so", () =>
    run(() =>
      Effect.gen(function*() {
        const { register, returnPage, startPage } = yield* SessionBinding.make({ origin })
        for (
          const [agentContinues, title] of [
            [undefined, "The consent was approved"],
            [false, "The consent was approved"],
            [true, "The consent was approved, and the agent continues"]
          ] as const
        ) {
          const customState = yield* SessionBinding.customState
          const link = yield* register(yield* consentOf({ customState }), { ...ada, agentContinues })
          const { cookie } = yield* visit(startPage, link)
          const { text } = yield* visit(returnPage, back({ state: Redacted.value(customState) }), cookie)
          assert.include(text, `<h1>${title}</h1>`)
        }
      })
    ))

  it.effect("rejects a browser with a cookie of that name if the consent was not started", () =>
    run((asked) =>
      Effect.gen(function*() {
        const { register, returnPage, startPage } = yield* SessionBinding.make({ origin })
        // Another consent of the same user shows the name of the cookie.
        const id = (yield* register(yield* consentOf(), ada)).slice(-64)
        const customState = Redacted.make("other".repeat(5))
        const { cookie } = yield* visit(startPage, yield* register(yield* consentOf({ customState }), ada))
        const forged = cookie.replace(/[0-9a-f]{16}=/, `${id.slice(0, 16)}=`)
        assert.notStrictEqual(forged, cookie)
        const { status, text } = yield* visit(returnPage, back(), forged)
        assert.strictEqual(status, 403)
        assert.include(text, "This request belongs to another browser")
        assertEqual(yield* Ref.get(asked), [])
      })
    ))

  const refusals = [
    [{ error: "access_denied" }, "Error: <q><bdi class=\"name\">access_denied</bdi></q>. Nothing was approved."],
    [
      { error: "access_denied", error_description: "Not \u202Etoday" },
      "Error: <q><bdi class=\"name\">access_denied</bdi></q>: <q><bdi class=\"name\">Not \\u{202E}today</bdi></q>. " +
      "Nothing was approved."
    ]
  ] as const
  for (const [parameters, text] of refusals) {
    it.effect(`shows the error of the provider: ${text}`, () =>
      run((asked) =>
        Effect.gen(function*() {
          const { register, returnPage, startPage } = yield* SessionBinding.make({ origin })
          const { cookie } = yield* visit(startPage, yield* register(yield* consentOf(), ada))
          const refused = yield* visit(returnPage, back(parameters), cookie)
          assert.strictEqual(refused.status, 400)
          assert.include(refused.text, `<h1>The provider denied the request</h1><p>${text}</p>`)
          assertEqual(yield* Ref.get(asked), [])
        })
      ))
  }

  it.effect("rejects a ledger entry of another consent", () =>
    run((asked) =>
      Effect.gen(function*() {
        const { register, returnPage, startPage } = yield* SessionBinding.make({ origin })
        const ledger = yield* ConsentLedger.ConsentLedger
        const link = yield* register(yield* consentOf(), ada)
        const { cookie } = yield* visit(startPage, link)
        const customState = Redacted.make("other".repeat(5))
        const other = (yield* register(yield* consentOf({ customState }), ada)).slice(-64)
        // An attacker with write access to the ledger copies the started entry to the key of the other consent.
        const entry = (id: string) => Effect.flatten(ledger.get(`binding/${id}`))
        const begun = yield* entry(link.slice(-64))
        assert.isTrue(yield* ledger.replace(`binding/${other}`, yield* entry(other), begun))
        const { status, text } = yield* visit(returnPage, back({ state: Redacted.value(customState) }), cookie)
        assert.strictEqual(status, 400)
        assert.include(text, "This response belongs to another request")
        assertEqual(yield* Ref.get(asked), [])
      })
    ))
})

describe("the record of a consent", () => {
  it.effect("is stored in the ledger under binding/<id>, sealed with the purpose of a binding", () =>
    run(() =>
      Effect.gen(function*() {
        const { register, startPage } = yield* SessionBinding.make({ origin })
        const ledger = yield* ConsentLedger.ConsentLedger
        const seal = yield* ConsentSeal.ConsentSeal
        const link = yield* register(yield* consentOf(), ada)
        const key = `binding/${link.slice(-64)}`
        const kept = Redacted.make(yield* Effect.flatten(ledger.get(key)))
        const text = yield* seal.open("binding", kept)
        assert.strictEqual((yield* Effect.flip(seal.open("handle", kept)))._tag, "HandleRejected")
        const handle = Redacted.value(yield* seal.seal("handle", text))
        assert.isTrue(yield* ledger.replace(key, Redacted.value(kept), handle))
        assert.strictEqual((yield* visit(startPage, link)).status, 404)
        assert.isTrue(yield* ledger.replace(key, handle, Redacted.value(yield* seal.seal("binding", text))))
        assert.strictEqual((yield* visit(startPage, link)).status, 303)
      })
    ))

  it.effect("is stored in a separate span", () =>
    Effect.gen(function*() {
      const { layer, spans } = yield* recording
      yield* Effect.provide(
        run(() =>
          Effect.gen(function*() {
            const { register } = yield* SessionBinding.make({ origin })
            yield* register(yield* consentOf(), ada)
          })
        ),
        layer
      )
      assertEqual(spans.map(({ name }) => name), ["SessionBinding.begin"])
    }))
})
