import { HttpApp } from "@effect/platform"
import { assert, describe } from "@effect/vitest"
import { Effect, Redacted, TestClock } from "effect"
import * as Credential from "../src/Credential.js"
import * as IdentityControls from "../src/IdentityControls.js"
import * as IdentityError from "../src/IdentityError.js"
import type * as IdentityService from "../src/IdentityService.js"
import * as SessionBinding from "../src/SessionBinding.js"
import {
  agrees,
  asks,
  begun,
  browser,
  completions,
  nothingAllowed,
  origin,
  returnUrl,
  test,
  withValue
} from "./support/binding.js"
import { assertEqual } from "./support/equality.js"

const webHandler = (end: HttpApp.Default<never, IdentityService.IdentityService>) =>
  Effect.map(Effect.runtime<IdentityService.IdentityService>(), (runtime) => HttpApp.toWebHandlerRuntime(runtime)(end))

const without = (url: URL, name: string) => {
  const changed = new URL(url)
  changed.searchParams.delete(name)
  return changed.href
}

describe("SessionBinding", () => {
  test("redirects the user from the link to the provider and back, and completes the session", (app) =>
    Effect.gen(function*() {
      const { consent, link } = yield* asks(app, "ada")
      const ada = browser(app, "ada")
      const started = yield* ada.open(link)
      assert.strictEqual(started.headers.get("location"), Redacted.value(consent.authorizationUrl))
      const [cookie = ""] = started.headers.getSetCookie()
      assert.match(
        cookie,
        /^__Host-agentcore-consent-[0-9a-f]{16}=[\w-]{43}; Max-Age=600; Path=\/; HttpOnly; Secure; SameSite=Lax$/
      )
      const back = yield* agrees(consent.sessionUri)
      const ended = yield* ada.open(back.href)
      assert.strictEqual(ended.status, 200, ended.body)
      assert.include(ended.body, "The consent was approved")
      assertEqual([...ada.cookies.keys()], ["user"])
      assert.strictEqual(yield* completions, 1)
      const token = yield* app.identity.getToken({
        providerName: "github",
        scopes: ["repo"],
        authFlow: "USER_FEDERATION",
        callbackUrl: returnUrl,
        workloadAccessToken: yield* app.identity.getWorkloadAccessToken({ workloadName: "my-agent", userId: "ada" })
      })
      assert.isNotEmpty(Redacted.value(token))
    }))

  test("redirects to the doneUrl of the application, and never to a URL in the request", (app) =>
    Effect.gen(function*() {
      const { ada, back } = yield* begun(app)
      const ended = yield* ada.open(withValue(back, "return_to", "https://evil.example"))
      assert.strictEqual(ended.status, 200)
      assert.isNull(ended.headers.get("location"))
      assert.notInclude(ended.body, "evil.example")
    }))

  test("several tabs of one browser work independently", (app) =>
    Effect.gen(function*() {
      const ada = browser(app, "ada")
      const first = yield* asks(app, "ada")
      const second = yield* asks(app, "ada", { providerName: "google" })
      yield* ada.open(first.link)
      yield* ada.open(second.link)
      assert.strictEqual((yield* ada.open((yield* agrees(second.consent.sessionUri)).href)).status, 200)
      assert.strictEqual((yield* ada.open((yield* agrees(first.consent.sessionUri)).href)).status, 200)
      assert.strictEqual(yield* completions, 2)
    }))

  test("a consent that is started again in another browser can be finished only there", (app) =>
    Effect.gen(function*() {
      const { ada, back, link } = yield* begun(app)
      const phone = browser(app, "ada")
      assert.strictEqual((yield* phone.open(link)).status, 303)
      assert.strictEqual((yield* phone.open(back.href)).status, 200)
      assert.strictEqual((yield* ada.open(back.href)).status, 409)
      assert.strictEqual(yield* completions, 1)
    }))

  test("100 simultaneous returns complete the session once", (app) =>
    Effect.gen(function*() {
      const { ada, back } = yield* begun(app)
      const all = yield* Effect.forEach(Array.from({ length: 100 }), () => ada.open(back.href), {
        concurrency: "unbounded"
      })
      assert.strictEqual(all.filter(({ status }) => status === 200).length, 1)
      assert.strictEqual(yield* completions, 1)
    }))

  test("a failure is never shown as a success, and completes no session", (app) =>
    Effect.gen(function*() {
      const { failNext } = yield* IdentityControls.IdentityControls
      const operation = "CompleteResourceTokenAuth"
      for (
        const [error, status, afterwards] of [
          [new IdentityError.AccessDenied({ operation, message: "Invalid or expired session" }), 403, 409],
          // The service has sent no valid response, so the same browser may try again.
          [new IdentityError.InternalServerError({ operation, message: "broken" }), 502, 200]
        ] as const
      ) {
        const { ada, back } = yield* begun(app)
        yield* failNext("completeResourceTokenAuth", error)
        const ended = yield* ada.open(back.href)
        assert.strictEqual(ended.status, status)
        assert.notInclude(ended.body, "The consent was approved")
        assert.include(ended.body, "start again")
        assert.strictEqual((yield* ada.open(back.href)).status, afterwards)
        assert.strictEqual((yield* ada.open(back.href)).status, 409)
      }
      assert.strictEqual(yield* completions, 3)
    }))

  test("an error of the provider is shown as text and consumes the request", (app) =>
    Effect.gen(function*() {
      const { ada, back } = yield* begun(app)
      const script = "<script>alert(1)</script>\"'"
      const refused = new URL(withValue(back, "error", "access_denied"))
      refused.searchParams.set("error_description", script)
      const ended = yield* ada.open(refused.href)
      assert.strictEqual(ended.status, 400)
      assert.notInclude(ended.body, "<script")
      assert.include(ended.body, "&lt;script&gt;")
      assert.strictEqual((yield* ada.open(back.href)).status, 409)
      yield* nothingAllowed
    }))

  test("a link with a missing, repeated, oversized or invalid parameter is rejected and consumes nothing", (app) =>
    Effect.gen(function*() {
      const { ada, back } = yield* begun(app)
      const bad = [
        without(back, "state"),
        withValue(back, "state", ""),
        `${back.href}&state=again`,
        `${back.href}&session_id=again`,
        `${back.href}&more=%ff`,
        `${back.href}&more=%`,
        withValue(back, "more", "x".repeat(5000)),
        `${back.href}&${"x=1&".repeat(20_000)}`
      ]
      for (const url of bad) assert.strictEqual((yield* ada.open(url)).status, 400, url.slice(0, 200))
      yield* nothingAllowed
      assert.strictEqual((yield* ada.open(back.href)).status, 200)
    }))

  test("only GET requests are accepted", (app) =>
    Effect.gen(function*() {
      const { ada, back, link } = yield* begun(app)
      for (const method of ["POST", "HEAD", "PUT"]) {
        assert.strictEqual((yield* ada.open(back.href, { method })).status, 405)
        assert.strictEqual((yield* ada.open(link, { method })).status, 405)
      }
      yield* nothingAllowed
    }))

  test("stored records are unreadable, and no page contains a secret", (app) =>
    Effect.gen(function*() {
      const { ada, back, consent, link } = yield* begun(app)
      const secrets = [consent.sessionUri, consent.authorizationUrl, consent.customState ?? Redacted.make("x")]
      const pages = [
        yield* ada.open(withValue(back, "session_id", "urn:other")),
        yield* ada.open(back.href),
        yield* browser(app).open(link)
      ]
      for (const secret of secrets) {
        assert.notInclude(link, Redacted.value(secret))
        for (const { body, headers } of pages) {
          assert.notInclude(body, Redacted.value(secret))
          assert.notInclude(JSON.stringify([...headers]), Redacted.value(secret))
        }
      }
    }))

  test("a consent that cannot be bound is rejected with a message that says what to do", (app) =>
    Effect.gen(function*() {
      const reasonOf = (options: Parameters<typeof asks>[2]) =>
        Effect.map(
          Effect.flip(asks(app, "ada", options)),
          (error) => error instanceof SessionBinding.BindingRefused ? error.reason : String(error)
        )
      assert.strictEqual(yield* reasonOf({ state: Redacted.make("c3RhdGU") }), "StateTooWeak")
      assert.strictEqual(
        yield* reasonOf({ callbackUrl: "https://elsewhere.example/return" }),
        "ReturnUrlForeign"
      )
      const state = yield* SessionBinding.customState
      yield* asks(app, "ada", { state })
      assert.strictEqual(yield* reasonOf({ state }), "StateUsed")
      for (const wrong of ["agent.example", "http://agent.example", `${origin}/`, "ftp://agent.example"]) {
        const error = yield* Effect.flip(SessionBinding.make({ origin: wrong }))
        assert.strictEqual(error.reason, "OriginInvalid")
      }
      yield* SessionBinding.make({ origin: "http://localhost:3000" })
    }))

  test("local auto-binding works on loopback only", (app) =>
    Effect.gen(function*() {
      const userIdentifier = Credential.userId("ada")
      const error = yield* Effect.flip(
        SessionBinding.makeLocalAutoBinding({
          endpoint: "https://bedrock-agentcore.us-east-1.amazonaws.com",
          userIdentifier
        })
      )
      assert.strictEqual(error.reason, "EndpointNotLocal")
      const end = yield* SessionBinding.makeLocalAutoBinding({ endpoint: "http://127.0.0.1:4599", userIdentifier })
      const { consent } = yield* asks(app, "ada")
      const back = yield* agrees(consent.sessionUri)
      const handler = yield* webHandler(end)
      const foreign = browser({ ...app, handler })
      assert.strictEqual((yield* foreign.open(back.href)).status, 403)
      yield* nothingAllowed
      const here = `http://localhost:8081/oauth2/callback${back.search}`
      assert.strictEqual((yield* foreign.open(here)).status, 200)
      assert.strictEqual(yield* completions, 1)
    }))
})

describe("the security checklist of consent", () => {
  test("1. return URLs match exactly: a response at another path is rejected", (app) =>
    Effect.gen(function*() {
      for (const path of ["/oauth2/return/", "/oauth2/RETURN", "/oauth2/return/other"]) {
        const { ada, back } = yield* begun(app)
        assert.strictEqual((yield* ada.open(`${origin}${path}${back.search}`)).status, 400, path)
      }
      yield* nothingAllowed
    }))

  test("2. no open redirector: a start page redirects only to the registered authorization URL", (app) =>
    Effect.gen(function*() {
      const { link } = yield* asks(app, "ada")
      const ada = browser(app, "ada")
      const { headers } = yield* ada.open(`${link}&authorization_url=https://evil.example&next=https://evil.example`)
      assert.notInclude(headers.get("location"), "evil.example")
      const unknown = yield* ada.open(`${origin}/oauth2/start?consent=${"0".repeat(64)}`)
      assert.strictEqual(unknown.status, 404)
      assert.strictEqual((yield* ada.open(`${origin}/oauth2/start?consent=https://evil.example`)).status, 400)
    }))

  test("4. a state is accepted once, also after a failure, and no other state is accepted", (app) =>
    Effect.gen(function*() {
      const { ada, back } = yield* begun(app)
      assert.strictEqual((yield* ada.open(withValue(back, "state", "x".repeat(43)))).status, 404)
      assert.strictEqual((yield* ada.open(withValue(back, "session_id", "urn:other"))).status, 400)
      assert.strictEqual((yield* ada.open(back.href)).status, 409)
      yield* nothingAllowed
    }))

  test("5. no session fixation: another browser, another user and a signed-out user are rejected", (app) =>
    Effect.gen(function*() {
      const otherBrowser = yield* begun(app)
      assert.strictEqual((yield* browser(app, "ada").open(otherBrowser.back.href)).status, 403)

      const otherUser = yield* begun(app)
      otherUser.ada.cookies.set("user", "mallory")
      assert.strictEqual((yield* otherUser.ada.open(otherUser.back.href)).status, 403)

      const nobody = yield* begun(app)
      nobody.ada.cookies.delete("user")
      assert.strictEqual((yield* nobody.ada.open(nobody.back.href)).status, 401)

      const { link } = yield* asks(app, "ada")
      assert.strictEqual((yield* browser(app, "mallory").open(link)).status, 403)
      assert.strictEqual((yield* browser(app).open(link)).status, 401)

      const never = yield* asks(app, "ada")
      const back = yield* agrees(never.consent.sessionUri)
      assert.strictEqual((yield* browser(app, "ada").open(back.href)).status, 403)
      yield* nothingAllowed
    }))

  test("5. the verifier of one consent is rejected for another", (app) =>
    Effect.gen(function*() {
      const first = yield* begun(app)
      const second = yield* begun(app)
      const [, verifier = ""] = [...first.ada.cookies.values()]
      const [, name = ""] = [...second.ada.cookies.keys()]
      second.ada.cookies.set(name, verifier)
      assert.strictEqual((yield* second.ada.open(second.back.href)).status, 403)
      yield* nothingAllowed
    }))

  test("6. a response with the session of another consent is rejected", (app) =>
    Effect.gen(function*() {
      const mine = yield* begun(app)
      const theirs = yield* asks(app, "mallory")
      const stolen = yield* agrees(theirs.consent.sessionUri)
      const mixed = withValue(mine.back, "session_id", stolen.searchParams.get("session_id") ?? "")
      assert.strictEqual((yield* mine.ada.open(mixed)).status, 400)
      yield* nothingAllowed
    }))

  test("7. with a return URL per provider, a response at the URL of another provider is rejected", (app) =>
    Effect.gen(function*() {
      const { consent, link } = yield* asks(app, "ada", { callbackUrl: `${returnUrl}/other` })
      const ada = browser(app, "ada")
      yield* ada.open(link)
      const back = yield* agrees(consent.sessionUri)
      assert.strictEqual((yield* ada.open(`${returnUrl}${back.search}`)).status, 400)
      yield* nothingAllowed
    }))

  test("8. a late return shows that the request has expired, and so does a late start", (app) =>
    Effect.gen(function*() {
      const { ada, back, link } = yield* begun(app)
      yield* TestClock.adjust("601 seconds")
      const late = yield* ada.open(back.href)
      assert.strictEqual(late.status, 410)
      assert.include(late.body, "Return to the application and request access again.")
      assert.strictEqual((yield* ada.open(link)).status, 410)
      yield* nothingAllowed
    }))

  test("10. every page has the security headers", (app) =>
    Effect.gen(function*() {
      const { ada, back, link } = yield* begun(app)
      for (
        const { headers } of [
          yield* ada.open(link),
          yield* ada.open(withValue(back, "state", "other")),
          yield* ada.open(back.href)
        ]
      ) {
        assert.strictEqual(headers.get("cache-control"), "no-store")
        assert.strictEqual(headers.get("referrer-policy"), "no-referrer")
        assert.strictEqual(headers.get("x-content-type-options"), "nosniff")
        assert.strictEqual(headers.get("x-frame-options"), "DENY")
      }
      const { headers } = yield* ada.open(back.href)
      assert.include(headers.get("content-security-policy"), "frame-ancestors 'none'")
      assert.include(headers.get("content-security-policy"), "default-src 'none'")
    }))

  test("13. users with the same name at two identity providers are different users", (app) =>
    Effect.gen(function*() {
      const { link } = yield* asks(app, "cognito+ada")
      assert.strictEqual((yield* browser(app, "okta+ada").open(link)).status, 403)
    }))

  test("14. a request with a foreign Host is rejected", (app) =>
    Effect.gen(function*() {
      const { ada, back, link } = yield* begun(app)
      assert.strictEqual((yield* ada.open(back.href, { host: "evil.example" })).status, 403)
      assert.strictEqual((yield* ada.open(link, { host: "agent.example.evil.example" })).status, 403)
      yield* nothingAllowed
    }))
})
