import { HttpApp } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer, Redacted } from "effect"
import { readFileSync } from "node:fs"
import * as AccessToken from "../src/AccessToken.js"
import * as Consent from "../src/Consent.js"
import * as Credential from "../src/Credential.js"
import * as IdentityControls from "../src/IdentityControls.js"
import * as SessionBinding from "../src/SessionBinding.js"
import { asUser } from "./support/agent.js"
import { agrees, application, browser, layer, returnUrl, test } from "./support/binding.js"
import { required } from "./support/consenting.js"
import { assertEqual } from "./support/equality.js"
import { api } from "./support/httpApi.js"

const ada = { user: "ada", userIdentifier: Credential.userId("ada") }

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8")

describe("SessionBinding.view", () => {
  test("registers the consent, and its URL is the link of the start page, from which the return page completes", (app) =>
    Effect.gen(function*() {
      const { binding, identity } = app
      const consent = yield* required(identity.getToken({
        ...asUser,
        callbackUrl: returnUrl,
        customState: yield* SessionBinding.customState,
        workloadAccessToken: yield* identity.getWorkloadAccessToken({ workloadName: "my-agent", userId: "ada" }),
        consent: Consent.suspend
      }))
      const view = yield* binding.view(consent, ada)
      const link = Redacted.value(view.authorizationUrl)
      assert.match(link, /^https:\/\/agent\.example\/oauth2\/start\?consent=/)
      assertEqual({ ...view, authorizationUrl: undefined }, {
        ...view,
        authorizationUrl: undefined,
        providerName: "github",
        scopes: ["repo"],
        expiresAt: consent.expiresAt,
        handle: consent.handle
      })
      const adasBrowser = browser(app, "ada")
      assert.strictEqual(
        (yield* adasBrowser.open(link)).headers.get("location"),
        Redacted.value(consent.authorizationUrl)
      )
      const back = yield* agrees(consent.sessionUri)
      assert.strictEqual((yield* adasBrowser.open(back.href)).status, 200)
    }))
})

describe("the HTTP API of the README", () => {
  it.effect("answers 409 with the link of the start page, then 202 while the consent is pending, then 200", () =>
    Effect.gen(function*() {
      const app = yield* application
      const runtime = yield* Effect.runtime<Layer.Layer.Success<typeof layer>>()
      const agent = Effect.map(AccessToken.AccessToken, (token) => `used ${Redacted.value(token).length > 0}`)
      const handler = HttpApp.toWebHandlerRuntime(runtime)(api(app.binding, agent, { userId: "ada" }))
      const send = (method: string) =>
        Effect.promise(async () => {
          const response = await handler(new Request("https://agent.example/turn", { method }))
          return { status: response.status, body: await response.json() }
        })
      const asked = yield* send("POST")
      assert.strictEqual(asked.status, 409)
      assert.strictEqual((yield* send("GET")).status, 202)
      const adasBrowser = browser(app, "ada")
      assert.strictEqual((yield* adasBrowser.open(asked.body.authorizationUrl)).status, 303)
      const { sessions } = yield* IdentityControls.IdentityControls
      for (const { sessionUri } of yield* sessions) {
        assert.strictEqual((yield* adasBrowser.open((yield* agrees(sessionUri)).href)).status, 200)
      }
      assertEqual(yield* send("GET"), { status: 200, body: { answer: "used true" } })
      assert.strictEqual((yield* send("POST")).status, 200)
    }).pipe(Effect.provide(layer)))

  it("is the program that this test runs", () => {
    const [, shown = ""] = /<!-- test\/support\/httpApi.ts -->\n\n```ts\n([\s\S]*?)```\n/.exec(read("README.md")) ?? []
    assert.strictEqual(
      shown,
      read("test/support/httpApi.ts").replace("../../src/index.js", "effect-agentcore-identity")
    )
  })
})
