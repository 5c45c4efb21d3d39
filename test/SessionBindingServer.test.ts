import { Headers, HttpMiddleware, HttpRouter, HttpServer } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FiberRef, Layer, Redacted } from "effect"
import * as ConsentLedger from "../src/ConsentLedger.js"
import * as ConsentSeal from "../src/ConsentSeal.js"
import * as IdentityService from "../src/IdentityService.js"
import * as SessionBinding from "../src/SessionBinding.js"
import { agrees, asks, CurrentUser, providers } from "./support/binding.js"
import { assertEqual } from "./support/equality.js"
import { recording } from "./support/recording.js"
import { origin, Port } from "./support/server.js"
import { visit } from "./support/visit.js"

const served = Layer.mergeAll(
  IdentityService.layerTest,
  CurrentUser,
  ConsentSeal.layerEphemeral,
  ConsentLedger.layerMemory,
  Port
)

/** An application on this machine with the request log of the platform, and a user who has approved a consent. */
const begun = Effect.gen(function*() {
  const here = yield* origin
  const returnUrl = `${here}/oauth2/return`
  const identity = yield* IdentityService.IdentityService
  yield* providers(identity, [returnUrl])
  const binding = yield* SessionBinding.make({ origin: here })
  yield* HttpServer.serveEffect(
    HttpRouter.empty.pipe(
      HttpRouter.all("/oauth2/start", binding.startPage),
      HttpRouter.all("/oauth2/return", Effect.withSpan(binding.returnPage, "of the application"))
    ),
    HttpMiddleware.logger
  )
  const { consent, link } = yield* asks({ binding, identity }, "ada", { callbackUrl: returnUrl })
  const started = yield* visit(link, { headers: { cookie: "user=ada" } })
  const [set = ""] = started.cookies
  const cookie = `user=ada; ${set.slice(0, set.indexOf(";"))}`
  const back = yield* agrees(consent.sessionUri)
  return { consent, cookie, here, set, started, back }
})

describe("SessionBinding on a server", () => {
  it.scoped("completes a consent over HTTP on loopback, with a cookie that is not Secure", () =>
    Effect.gen(function*() {
      const { back, consent, cookie, set, started } = yield* begun
      assert.strictEqual(started.status, 303)
      assert.strictEqual(started.headers["location"], Redacted.value(consent.authorizationUrl))
      assert.match(set, /^agentcore-consent-[0-9a-f]{16}=[\w-]{43}; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/)
      const ended = yield* visit(back.href, { headers: { cookie } })
      assert.strictEqual(ended.status, 200, ended.body)
      assert.match(ended.cookies[0] ?? "", /^agentcore-consent-[0-9a-f]{16}=; Max-Age=0; /)
    }).pipe(Effect.provide(served)))

  it.scoped("only GET requests are accepted, and a HEAD request completes no session", () =>
    Effect.gen(function*() {
      const { back, cookie } = yield* begun
      const head = yield* visit(back.href, { method: "HEAD", headers: { cookie } })
      assert.strictEqual(head.status, 405)
      assert.strictEqual(head.headers["allow"], "GET")
      assert.strictEqual((yield* visit(back.href, { method: "POST", headers: { cookie } })).status, 405)
      assert.strictEqual((yield* visit(back.href, { headers: { cookie } })).status, 200)
    }).pipe(Effect.provide(served)))

  it.scoped("14. a request with a foreign Host is also rejected over HTTP", () =>
    Effect.gen(function*() {
      const { back, cookie } = yield* begun
      assert.strictEqual((yield* visit(back.href, { headers: { cookie, host: "evil.example" } })).status, 403)
    }).pipe(Effect.provide(served)))

  it.scoped("10. neither the request log nor a span contains the state, the session or the authorization URL", () =>
    Effect.gen(function*() {
      const { layer, spans, text } = yield* recording
      const names = yield* FiberRef.get(Headers.currentRedactedNames)
      const secrets = yield* Effect.gen(function*() {
        const { back, consent, cookie, started } = yield* begun
        assert.strictEqual(started.status, 303)
        const answers = [
          yield* visit(`${back.href}&more=%ff`, { headers: { cookie } }),
          yield* visit(back.href, { headers: { cookie, host: "evil.example" } }),
          yield* visit(back.href, { method: "POST", headers: { cookie } }),
          yield* visit(back.href, { headers: { cookie } }),
          yield* visit(back.href, { headers: { cookie } })
        ]
        assertEqual(answers.map(({ status }) => status), [400, 403, 405, 200, 409])
        const [, verifier = "no verifier"] = /consent-\w+=([\w-]+)/.exec(cookie) ?? []
        return [
          Redacted.value(consent.sessionUri),
          Redacted.value(consent.authorizationUrl),
          back.searchParams.get("state") ?? "no state",
          verifier
        ]
      }).pipe(
        // As documented: the platform itself records response headers in spans.
        Effect.locally(Headers.currentRedactedNames, [...names, "location"]),
        Effect.provide(Layer.mergeAll(served, layer))
      )
      assert.strictEqual(spans.filter(({ kind }) => kind === "server").length, 6)
      for (const secret of secrets) {
        assert.notInclude(text(), secret)
        assert.notInclude(text(), encodeURIComponent(secret))
      }
    }))
})
