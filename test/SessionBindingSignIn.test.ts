import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, TestClock } from "effect"
import * as SessionBinding from "../src/SessionBinding.js"
import {
  agrees,
  applicationWith,
  asks,
  begun,
  browser,
  completions,
  layer,
  nothingAllowed,
  origin,
  returnUrl,
  withValue
} from "./support/binding.js"
import { assertEqual } from "./support/equality.js"

type Visitor = ReturnType<typeof browser>

const signInUrl = "/sign-in?theme=dark"

const application = applicationWith({ signInUrl })

/** Checks the redirect to the sign-in page, and returns the URL to which that page redirects. */
const sentToSignIn = ({ headers, status }: Effect.Effect.Success<ReturnType<Visitor["open"]>>) => {
  assert.strictEqual(status, 303)
  assert.strictEqual(headers.get("cache-control"), "no-store")
  assert.strictEqual(headers.get("referrer-policy"), "no-referrer")
  const location = new URL(headers.get("location") ?? "")
  assert.strictEqual(`${location.origin}${location.pathname}`, `${origin}/sign-in`)
  assert.strictEqual(location.searchParams.get("theme"), "dark")
  const target = location.searchParams.get("return_to") ?? ""
  assert.match(target, /^\/oauth2\/(start|return)\?consent=[0-9a-f]{64}&signed_in=1$/)
  return { location: location.href, target: new URL(target, origin).href }
}

/** Ada has started and approved, and returns after the application signed her out. */
const returned = Effect.gen(function*() {
  const app = yield* application
  const visit = yield* begun(app)
  visit.ada.cookies.delete("user")
  return { ...visit, app, ...sentToSignIn(yield* visit.ada.open(visit.back.href)) }
})

describe("a user who is signed out", () => {
  it.effect("is sent from the start page to the sign-in page and back, and the consent continues", () =>
    Effect.gen(function*() {
      const app = yield* application
      const { consent, link } = yield* asks(app, "ada")
      const ada = browser(app)
      const { target } = sentToSignIn(yield* ada.open(link))
      assert.strictEqual(ada.cookies.size, 0)
      ada.cookies.set("user", "ada")
      const started = yield* ada.open(target)
      assert.strictEqual(started.headers.get("location"), Redacted.value(consent.authorizationUrl))
      const back = yield* agrees(consent.sessionUri)
      assert.strictEqual((yield* ada.open(back.href)).status, 200)
    }).pipe(Effect.provide(layer)))

  it.effect("is sent from the return page to the sign-in page and back, which completes the consent once", () =>
    Effect.gen(function*() {
      const { ada, target } = yield* returned
      yield* nothingAllowed
      ada.cookies.set("user", "ada")
      const ended = yield* ada.open(target)
      assert.strictEqual(ended.status, 200)
      assert.include(ended.body, "The consent was approved")
      assert.strictEqual(ended.headers.get("referrer-policy"), "no-referrer")
      assert.include(ended.headers.get("content-security-policy") ?? "", "default-src 'none'")
      // The cookie of the consent is removed.
      assertEqual([...ada.cookies.keys()], ["user"])
      assert.strictEqual((yield* ada.open(target)).status, 409)
      assert.strictEqual(yield* completions, 1)
    }).pipe(Effect.provide(layer)))

  it.effect("also completes the consent by loading the return URL again after the sign-in", () =>
    Effect.gen(function*() {
      const { ada, back } = yield* returned
      sentToSignIn(yield* ada.open(back.href))
      ada.cookies.set("user", "ada")
      assert.strictEqual((yield* ada.open(back.href)).status, 200)
      assert.strictEqual(yield* completions, 1)
    }).pipe(Effect.provide(layer)))

  it.effect("leaks neither the session nor the state to the sign-in page", () =>
    Effect.gen(function*() {
      const { back, consent, location } = yield* returned
      assert.notInclude(decodeURIComponent(location), Redacted.value(consent.sessionUri))
      assert.notInclude(location, back.searchParams.get("state") ?? "none")
    }).pipe(Effect.provide(layer)))

  it.effect("reads a page, without another redirect, if the sign-in page did not sign in", () =>
    Effect.gen(function*() {
      const { ada, link, target } = yield* returned
      const start = sentToSignIn(yield* ada.open(link))
      for (const url of [target, target, start.target, start.target]) {
        const { body, headers, status } = yield* ada.open(url)
        assert.strictEqual(status, 401)
        assert.isNull(headers.get("location"))
        assert.include(body, "Sign in first")
      }
      ada.cookies.set("user", "ada")
      assert.strictEqual((yield* ada.open(target)).status, 200)
    }).pipe(Effect.provide(layer)))

  it.effect("reads a page, as before, without signInUrl, and the consent is consumed", () =>
    Effect.gen(function*() {
      const app = yield* applicationWith()
      const { ada, back, link } = yield* begun(app)
      ada.cookies.delete("user")
      assert.strictEqual((yield* ada.open(link)).status, 401)
      assert.strictEqual((yield* ada.open(back.href)).status, 401)
      ada.cookies.set("user", "ada")
      assert.strictEqual((yield* ada.open(back.href)).status, 409)
      const id = new URL(link).searchParams.get("consent")
      assert.strictEqual((yield* ada.open(`${returnUrl}?consent=${id}&signed_in=1`)).status, 400)
    }).pipe(Effect.provide(layer)))
})

describe("the way back from the sign-in page", () => {
  it.effect("is only for the user who must consent", () =>
    Effect.gen(function*() {
      const { ada, target } = yield* returned
      ada.cookies.set("user", "eve")
      assert.strictEqual((yield* ada.open(target)).status, 403)
      yield* nothingAllowed
      ada.cookies.set("user", "ada")
      assert.strictEqual((yield* ada.open(target)).status, 200)
    }).pipe(Effect.provide(layer)))

  it.effect("is only for the browser that started, with its cookie unchanged, and others do not consume the consent", () =>
    Effect.gen(function*() {
      const { ada, app, target } = yield* returned
      const other = browser(app, "ada")
      assert.strictEqual((yield* other.open(target)).status, 403)
      const [name = "", value = ""] = [...ada.cookies].find(([name]) => name.startsWith("__Host-")) ?? []
      other.cookies.set(name, `${value.slice(0, -1)}${value.endsWith("A") ? "B" : "A"}`)
      assert.strictEqual((yield* other.open(target)).status, 403)
      yield* nothingAllowed
      ada.cookies.set("user", "ada")
      assert.strictEqual((yield* ada.open(target)).status, 200)
    }).pipe(Effect.provide(layer)))

  it.effect("ends when the session expires", () =>
    Effect.gen(function*() {
      const { ada, target } = yield* returned
      yield* TestClock.adjust("601 seconds")
      ada.cookies.set("user", "ada")
      assert.strictEqual((yield* ada.open(target)).status, 410)
      yield* nothingAllowed
    }).pipe(Effect.provide(layer)))

  it.effect("does not exist before the browser has returned with the state and the session", () =>
    Effect.gen(function*() {
      const app = yield* application
      const { ada, back, link } = yield* begun(app)
      const id = new URL(link).searchParams.get("consent") ?? ""
      const target = `${returnUrl}?consent=${id}&signed_in=1`
      assert.strictEqual((yield* ada.open(target)).status, 400)
      for (const consent of ["", "x", "0".repeat(63), `${id}0`]) {
        assert.strictEqual((yield* ada.open(`${returnUrl}?consent=${consent}&signed_in=1`)).status, 400)
      }
      assert.strictEqual((yield* ada.open(`${returnUrl}?consent=${"0".repeat(64)}&signed_in=1`)).status, 404)
      assert.strictEqual((yield* ada.open(withValue(new URL(target), "state", "guessed"))).status, 404)
      yield* nothingAllowed
      assert.strictEqual((yield* ada.open(back.href)).status, 200)
    }).pipe(Effect.provide(layer)))

  it.effect("ends when another browser starts the consent", () =>
    Effect.gen(function*() {
      const { ada, app, link, target } = yield* returned
      const other = browser(app, "ada")
      assert.strictEqual((yield* other.open(link)).status, 303)
      ada.cookies.set("user", "ada")
      for (const one of [ada, other]) assert.strictEqual((yield* one.open(target)).status, 400)
      yield* nothingAllowed
    }).pipe(Effect.provide(layer)))

  it.effect("is at the return URL of this consent only", () =>
    Effect.gen(function*() {
      const { ada, target } = yield* returned
      ada.cookies.set("user", "ada")
      assert.strictEqual((yield* ada.open(target.replace("/return?", "/return/other?"))).status, 400)
      yield* nothingAllowed
    }).pipe(Effect.provide(layer)))
})

describe("the return page, without a signed-in user", () => {
  it.effect("does not redirect to the sign-in page if the response or the browser is not that of the consent", () =>
    Effect.gen(function*() {
      const app = yield* application
      const cases: ReadonlyArray<(back: URL) => string> = [
        (back) => withValue(back, "session_id", "another"),
        (back) => back.href.replace("/return?", "/return/other?"),
        (back) => `${back.href}&error=access_denied`
      ]
      for (const change of cases) {
        const { ada, back } = yield* begun(app)
        ada.cookies.delete("user")
        const ended = yield* ada.open(change(back))
        assert.isNull(ended.headers.get("location"))
        assert.isAtLeast(ended.status, 400)
        assert.strictEqual((yield* ada.open(back.href)).status, 409)
      }
      const { back } = yield* begun(app)
      const foreign = yield* browser(app).open(back.href)
      assertEqual([foreign.status, foreign.headers.get("location")], [403, null])
      yield* nothingAllowed
    }).pipe(Effect.provide(layer)))

  it.effect("does not take the return target from the request", () =>
    Effect.gen(function*() {
      const app = yield* application
      const { ada, back, link } = yield* begun(app)
      ada.cookies.delete("user")
      for (
        const evil of [
          "//evil.example",
          "https://evil.example",
          "/\\evil.example",
          "/x\r\nlocation: https://evil.example"
        ]
      ) {
        for (const name of ["return_to", "signInUrl"]) {
          for (const url of [link, back.href]) sentToSignIn(yield* ada.open(withValue(new URL(url), name, evil)))
        }
      }
      const id = new URL(link).searchParams.get("consent")
      for (
        const path of ["//evil.example/oauth2/return", "/\\evil.example/oauth2/return", "/%0d%0aevil/oauth2/return"]
      ) {
        const elsewhere = yield* ada.open(`${origin}${path}?${back.searchParams}`, { host: "agent.example" })
        assert.isNull(elsewhere.headers.get("location"), path)
        assert.isNull((yield* ada.open(`${origin}${path}?consent=${id}&signed_in=1`)).headers.get("location"), path)
      }
      for (const host of ["evil.example", "agent.example.evil.example", "agent.example@evil.example"]) {
        for (const url of [link, back.href]) {
          const { headers, status } = yield* ada.open(url, { host })
          assertEqual([status, headers.get("location")], [403, null])
        }
      }
    }).pipe(Effect.provide(layer)))
})

describe("signInUrl", () => {
  const urls: ReadonlyArray<readonly [url: string, isAccepted: boolean]> = [
    ["/sign-in", true],
    ["/", true],
    ["https://login.example/sign-in?app=agent", true],
    ["http://localhost:3000/sign-in", true],
    ["http://login.example/sign-in", false],
    ["//evil.example/sign-in", false],
    ["/\\evil.example", false],
    ["\\\\evil.example", false],
    ["/\t/evil.example", false],
    ["/.//evil.example", false],
    ["javascript:alert(1)", false],
    ["sign-in", false],
    ["", false]
  ]
  for (const [url, isAccepted] of urls) {
    it.effect(`${isAccepted ? "accepts" : "rejects"} ${JSON.stringify(url)}, also from a function`, () =>
      Effect.gen(function*() {
        for (const signInUrl of [url, () => url]) {
          const made = yield* Effect.either(SessionBinding.make({ origin, signInUrl }))
          if (made._tag === "Right") assert.isTrue(isAccepted)
          else {
            assertEqual(
              [isAccepted, made.left.reason, made.left.message],
              [
                false,
                "PathInvalid",
                "signInUrl: expected a path such as /sign-in, or a URL that is https or on loopback"
              ]
            )
          }
        }
      }))
  }

  it.effect("can be a function, for another parameter or another origin", () =>
    Effect.gen(function*() {
      const app = yield* applicationWith({
        signInUrl: (path) => `https://login.example/?next=${encodeURIComponent(`${origin}${path}`)}`
      })
      const { link } = yield* asks(app, "ada")
      const { headers, status } = yield* browser(app).open(link)
      assert.strictEqual(status, 303)
      const id = new URL(link).searchParams.get("consent")
      const next = `${origin}/oauth2/start?consent=${id}&signed_in=1`
      assert.strictEqual(headers.get("location"), `https://login.example/?next=${encodeURIComponent(next)}`)
    }).pipe(Effect.provide(layer)))

  it.effect("rejects a function that throws, or returns anything but a URL as text", () =>
    Effect.gen(function*() {
      const results: ReadonlyArray<() => unknown> = [
        () => undefined,
        () => 5,
        () => new URL("https://login.example/"),
        () => Promise.resolve("/sign-in"),
        () => {
          throw new Error("canary")
        }
      ]
      for (const result of results) {
        const options = { origin, signInUrl: result }
        // A program without type checks may pass it.
        const error = yield* Effect.flip(SessionBinding.make(JSON.parse("{}", () => options)))
        assert.strictEqual(error.reason, "PathInvalid")
      }
    }))

  it.effect("that becomes invalid leads to the page that asks to sign in, and does not redirect", () =>
    Effect.gen(function*() {
      const app = yield* applicationWith({
        signInUrl: (path) => path.includes("?") ? "//evil.example" : "/sign-in"
      })
      const { link } = yield* asks(app, "ada")
      const { headers, status } = yield* browser(app).open(link)
      assertEqual([status, headers.get("location")], [401, null])
    }).pipe(Effect.provide(layer)))

  it.effect("requires paths of the pages that cannot be the address of another server", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(SessionBinding.make({ origin, startPath: "//evil.example/start" }))
      assert.strictEqual(error.reason, "PathInvalid")
    }))
})
