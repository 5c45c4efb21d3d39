import { HttpServerRequest } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Inspectable, Layer, Logger, Option, Redacted, Ref, TestClock } from "effect"
import * as Consent from "../src/Consent.js"
import * as ConsentLedger from "../src/ConsentLedger.js"
import * as Credential from "../src/Credential.js"
import * as IdentityControls from "../src/IdentityControls.js"
import * as IdentityError from "../src/IdentityError.js"
import * as IdentityService from "../src/IdentityService.js"
import * as SessionBinding from "../src/SessionBinding.js"
import { asUser } from "./support/agent.js"
import {
  agrees,
  application,
  applicationWith,
  asks,
  begun,
  browser,
  completions,
  layer,
  nothingAllowed,
  origin,
  returnUrl,
  test,
  withValue
} from "./support/binding.js"
import { assertEqual } from "./support/equality.js"

const operation = "CompleteResourceTokenAuth"

/** The ledger of the test, with a modification. */
const withLedger = (
  change: (ledger: ConsentLedger.ConsentLedger["Type"]) => Partial<ConsentLedger.ConsentLedger["Type"]>
) =>
  Layer.merge(
    layer,
    Layer.effect(
      ConsentLedger.ConsentLedger,
      Effect.map(ConsentLedger.ConsentLedger, (ledger) => ({ ...ledger, ...change(ledger) }))
    ).pipe(Layer.provide(ConsentLedger.layerMemory))
  )

const withUser = (user: Effect.Effect<Option.Option<string>, never, HttpServerRequest.HttpServerRequest>) =>
  Layer.merge(layer, Layer.succeed(SessionBinding.CurrentUser, user))

const recordingLog = (lines: Array<string>) =>
  Logger.replace(
    Logger.defaultLogger,
    Logger.make(({ annotations, cause, message }) => {
      lines.push([message, [...annotations], cause].map((part) => Inspectable.format(part)).join(" "))
    })
  )

describe("SessionBinding", () => {
  for (
    const [doneUrl, location] of [
      ["/done", `${origin}/done`],
      ["https://elsewhere.example/dänk", "https://elsewhere.example/d%C3%A4nk"]
    ] as const
  ) {
    it.effect(`redirects the user to the page that the application configured (${doneUrl}) only after a success`, () =>
      Effect.gen(function*() {
        const { ada, back } = yield* begun(yield* applicationWith({ doneUrl }))
        const ended = yield* ada.open(withValue(back, "doneUrl", "https://evil.example"))
        assert.strictEqual(ended.status, 303)
        assert.strictEqual(ended.headers.get("location"), location)
        assert.strictEqual(ended.headers.get("referrer-policy"), "no-referrer")
        const again = yield* ada.open(back.href)
        assert.strictEqual(again.status, 409)
        assert.isNull(again.headers.get("location"))
      }).pipe(Effect.provide(layer)))
  }

  it.effect("a path or URL of another site is rejected when the binding is created", () =>
    Effect.gen(function*() {
      for (
        const startPath of ["oauth2/start", ".evil.example/start", "", "/start?a=b", "/start#a", "/a/../start", "/ä"]
      ) {
        const error = yield* Effect.flip(SessionBinding.make({ origin, startPath }))
        assert.strictEqual(error.reason, "PathInvalid", startPath)
      }
      for (const doneUrl of ["javascript:alert(1)", "data:text/html,x", "https://"]) {
        const error = yield* Effect.flip(SessionBinding.make({ origin, doneUrl }))
        assert.strictEqual(error.reason, "PathInvalid", doneUrl)
      }
    }))

  test("provides the link, and the waiting call receives the token after the return", (app) =>
    Effect.gen(function*() {
      const shown = yield* Deferred.make<string>()
      const asked = yield* Deferred.make<IdentityError.ConsentRequired>()
      const who = { user: "ada", userIdentifier: Credential.userId("ada") }
      const announce = app.binding.onAuthUrl(who, (link) => Deferred.succeed(shown, link))
      const waiting = yield* Effect.fork(app.identity.getToken({
        ...asUser,
        callbackUrl: returnUrl,
        customState: yield* SessionBinding.customState,
        workloadAccessToken: yield* app.identity.getWorkloadAccessToken({ workloadName: "my-agent", userId: "ada" }),
        consent: Consent.wait({
          onAuthUrl: (url, consent) => Effect.zipRight(Deferred.succeed(asked, consent), announce(url, consent))
        })
      }))
      const ada = browser(app, "ada")
      assert.strictEqual((yield* ada.open(yield* Deferred.await(shown))).status, 303)
      const back = yield* agrees((yield* Deferred.await(asked)).sessionUri)
      assert.strictEqual((yield* ada.open(back.href)).status, 200)
      assert.isNotEmpty(Redacted.value(yield* Fiber.join(waiting)))
    }))

  test("many simultaneous starts all succeed, and the last one can finish", (app) =>
    Effect.gen(function*() {
      const { consent, link } = yield* asks(app, "ada")
      const browsers = Array.from({ length: 10 }, () => browser(app, "ada"))
      const started = yield* Effect.forEach(browsers, (one) => one.open(link), { concurrency: "unbounded" })
      assertEqual([...new Set(started.map(({ status }) => status))], [303])
      const held = browsers.flatMap(({ cookies }) => [...cookies.values()])
      assert.strictEqual(new Set(held.filter((value) => value !== "ada")).size, 10)
      const last = browser(app, "ada")
      yield* last.open(link)
      assert.strictEqual((yield* last.open((yield* agrees(consent.sessionUri)).href)).status, 200)
      assert.strictEqual(yield* completions, 1)
    }))

  test("a return without a session completes nothing and consumes the state", (app) =>
    Effect.gen(function*() {
      for (const value of [undefined, ""]) {
        const { ada, back } = yield* begun(app)
        const changed = new URL(back)
        if (value === undefined) changed.searchParams.delete("session_id")
        else changed.searchParams.set("session_id", value)
        assert.strictEqual((yield* ada.open(changed.href)).status, 400)
        assert.strictEqual((yield* ada.open(back.href)).status, 409)
      }
      yield* nothingAllowed
    }))

  test("a parameter is text of at most 4096 characters", (app) =>
    Effect.gen(function*() {
      const { ada, back } = yield* begun(app)
      for (const name of ["session_id", "state"]) {
        assert.strictEqual((yield* ada.open(withValue(back, name, "x".repeat(4097)))).status, 400)
        assert.strictEqual((yield* ada.open(back.href.replace(`${name}=`, `${name}=%ff`))).status, 400)
        assert.strictEqual((yield* ada.open(back.href.replace(`${name}=`, `${name}=%c0%af`))).status, 400)
      }
      assert.strictEqual((yield* ada.open(withValue(back, "state", "x".repeat(4096)))).status, 404)
      yield* nothingAllowed
      assert.strictEqual((yield* ada.open(withValue(back, "more", "x".repeat(4096)))).status, 200)
    }))

  test("a failure page distinguishes errors of the session from errors of the service", (app) =>
    Effect.gen(function*() {
      const { failNext } = yield* IdentityControls.IdentityControls
      const message = "x"
      for (
        const [error, status] of [
          [new IdentityError.ValidationError({ operation, message }), 403],
          [new IdentityError.ResourceNotFound({ operation, message }), 403],
          [new IdentityError.Unauthorized({ operation, message }), 502],
          [new IdentityError.TransportFailure({ operation, message, reason: "Credentials" }), 502],
          [new IdentityError.TransportFailure({ operation, message, reason: "Connection" }), 502],
          [new IdentityError.UndecodableReply({ operation, message }), 502],
          [new IdentityError.UnknownServiceError({ operation, message, code: "ExpiredTokenException" }), 502]
        ] as const
      ) {
        const { ada, back } = yield* begun(app)
        yield* failNext("completeResourceTokenAuth", error)
        const ended = yield* ada.open(back.href)
        assert.strictEqual(ended.status, status, error._tag)
        assert.notInclude(ended.body, "The consent was approved")
      }
      const { grants } = yield* IdentityControls.IdentityControls
      assertEqual(yield* grants, [])
    }))

  it.effect("while the ledger is unavailable, nothing is completed and nothing is consumed", () => {
    const lines: Array<string> = []
    const failure = new IdentityError.LedgerFailure({ message: "the disk is away" })
    const isAway = Ref.unsafeMake(false)
    const orAway = <A>(self: Effect.Effect<A, IdentityError.LedgerFailure>) =>
      Effect.flatMap(Ref.get(isAway), (isAway) => isAway ? Effect.fail(failure) : self)
    return Effect.gen(function*() {
      const { ada, back, consent, link } = yield* begun(yield* application)
      yield* Ref.set(isAway, true)
      for (const url of [back.href, link]) {
        const { body, status } = yield* ada.open(url)
        assert.strictEqual(status, 503)
        assert.notInclude(body, "disk")
      }
      yield* nothingAllowed
      yield* Ref.set(isAway, false)
      assert.strictEqual((yield* ada.open(back.href)).status, 200)
      assert.include(lines.join("\n"), "The consent ledger is not available")
      assert.include(lines.join("\n"), "the disk is away")
      assert.notInclude(lines.join("\n"), Redacted.value(consent.sessionUri))
    }).pipe(
      Effect.provide(Layer.merge(withLedger(({ get }) => ({ get: (key) => orAway(get(key)) })), recordingLog(lines)))
    )
  })

  test("local auto-binding completes nothing after an error of the provider or for a host that only looks local", (app) =>
    Effect.gen(function*() {
      const end = yield* SessionBinding.makeLocalAutoBinding({
        endpoint: "http://[::1]:4599",
        userIdentifier: Credential.userId("ada")
      })
      const { consent } = yield* asks(app, "ada")
      const { search } = yield* agrees(consent.sessionUri)
      const visit = (host: string | undefined, query: string, method = "GET") =>
        Effect.provideService(
          end,
          HttpServerRequest.HttpServerRequest,
          HttpServerRequest.fromWeb(
            new Request(`http://127.0.0.1:8081/return${query}`, { method, headers: host === undefined ? {} : { host } })
          )
        )
      for (
        const host of ["evil.example@127.0.0.1", "127.0.0.1.evil.example", "localhost.evil.example", "127.0.0.1/x", ""]
      ) {
        assert.strictEqual((yield* visit(host, search)).status, 403, host)
      }
      assert.strictEqual((yield* visit("localhost", `${search}&error=access_denied`)).status, 400)
      assert.strictEqual((yield* visit("localhost", "?state=x")).status, 400)
      assert.strictEqual((yield* visit("localhost", search, "HEAD")).status, 405)
      yield* nothingAllowed
      assert.strictEqual((yield* visit(undefined, search)).status, 200)
      for (
        const endpoint of ["http://127.0.0.1.evil.example", "http://evil.example/127.0.0.1", "file:///x", "localhost"]
      ) {
        const error = yield* Effect.flip(
          SessionBinding.makeLocalAutoBinding({ endpoint, userIdentifier: Credential.userId("ada") })
        )
        assert.strictEqual(error.reason, "EndpointNotLocal", endpoint)
      }
    }))

  test("a browser that disconnects during a request leaves no partial result", (app) =>
    Effect.gen(function*() {
      const entered = yield* Deferred.make<void>()
      const gate = yield* Deferred.make<void>()
      const slow = {
        ...app.identity,
        completeResourceTokenAuth: (options: Parameters<typeof app.identity.completeResourceTokenAuth>[0]) =>
          Deferred.succeed(entered, undefined).pipe(
            Effect.zipRight(Deferred.await(gate)),
            Effect.zipRight(app.identity.completeResourceTokenAuth(options))
          )
      }
      const { ada, back } = yield* begun(app)
      const cookie = [...ada.cookies].map((pair) => pair.join("=")).join("; ")
      const request = HttpServerRequest.fromWeb(new Request(back, { headers: { host: back.host, cookie } }))
      const visit = yield* app.binding.returnPage.pipe(
        Effect.provideService(IdentityService.IdentityService, slow),
        Effect.provideService(HttpServerRequest.HttpServerRequest, request),
        Effect.fork
      )
      yield* Deferred.await(entered)
      yield* Fiber.interruptFork(visit)
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.await(visit)
      assert.strictEqual(yield* completions, 1)
      const { grants } = yield* IdentityControls.IdentityControls
      assert.strictEqual((yield* grants).length, 1)
      assert.strictEqual((yield* ada.open(back.href)).status, 409)
    }))
})

describe("the security checklist of consent, continued", () => {
  test("1. a return URL that no page can match exactly is rejected at registration", (app) =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(asks(app, "ada", { callbackUrl: `${returnUrl}?tenant=1` }))
      assert.strictEqual(error instanceof SessionBinding.BindingRefused && error.reason, "ReturnUrlForeign")
    }))

  test("4. a request without a signed-in user consumes the state", (app) =>
    Effect.gen(function*() {
      const { ada, back } = yield* begun(app)
      ada.cookies.delete("user")
      assert.strictEqual((yield* ada.open(back.href)).status, 401)
      ada.cookies.set("user", "ada")
      assert.strictEqual((yield* ada.open(back.href)).status, 409)
      yield* nothingAllowed
    }))

  it.effect("5. an empty user key counts as signed out", () =>
    Effect.gen(function*() {
      const app = yield* application
      const { consent, link } = yield* asks(app, "ada", { user: "" })
      assert.strictEqual((yield* browser(app).open(link)).status, 401)
      const back = yield* agrees(consent.sessionUri)
      assert.strictEqual((yield* browser(app).open(back.href)).status, 403)
      yield* nothingAllowed
    }).pipe(Effect.provide(withUser(Effect.succeedSome("")))))

  test("8. a late return is reported as expired for one hour, and as unknown after that", (app) =>
    Effect.gen(function*() {
      const { ada, back } = yield* begun(app)
      yield* TestClock.adjust("10 minutes")
      yield* TestClock.adjust("59 minutes")
      assert.strictEqual((yield* ada.open(back.href)).status, 410)
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual((yield* ada.open(back.href)).status, 404)
      yield* nothingAllowed
    }))

  it.effect("8. a consent that expires while the application looks up its user is rejected", () => {
    const isSlow = Ref.unsafeMake(false)
    return Effect.gen(function*() {
      const { ada, back } = yield* begun(yield* application)
      yield* Ref.set(isSlow, true)
      assert.strictEqual((yield* ada.open(back.href)).status, 410)
      yield* nothingAllowed
    }).pipe(
      Effect.provide(Layer.unwrapEffect(Effect.map(TestClock.testClock(), (clock) =>
        withUser(
          Effect.flatMap(Ref.get(isSlow), (isSlow) => Effect.when(clock.adjust("11 minutes"), () => isSlow)).pipe(
            Effect.as(Option.some("ada"))
          )
        ))))
    )
  })

  it.effect("10. the ledger contains no readable value, and a failed completion logs no secret", () => {
    const kept: Array<string> = []
    const lines: Array<string> = []
    return Effect.gen(function*() {
      const { failNext } = yield* IdentityControls.IdentityControls
      const app = yield* application
      const { ada, back, consent } = yield* begun(app, { userToken: "canary.of.jwt" })
      const secrets = [
        Redacted.value(consent.sessionUri),
        Redacted.value(consent.authorizationUrl),
        back.searchParams.get("state") ?? "no state",
        ...[...ada.cookies].filter(([name]) => name !== "user").map(([, verifier]) => verifier)
      ]
      const message = `no session ${Redacted.value(consent.sessionUri)}`
      yield* failNext(
        "completeResourceTokenAuth",
        new IdentityError.AccessDenied({ operation, message, requestId: "r-1" })
      )
      const ended = yield* ada.open(back.href)
      assert.strictEqual(ended.status, 403)
      assert.isAtLeast(kept.length, 3)
      assert.strictEqual(secrets.length, 4)
      const log = lines.join("\n")
      assert.include(log, "AccessDenied")
      assert.include(log, "r-1")
      for (const secret of [...secrets, "canary.of.jwt", "github"]) {
        assert.notInclude(kept.join("\n"), secret)
        assert.notInclude(log, secret)
        if (secret !== "github") assert.notInclude(ended.body, secret)
      }
    }).pipe(
      Effect.provide(Layer.merge(
        withLedger(({ add, replace }) => ({
          add: (key, value, expiresAt) => {
            kept.push(key, value)
            return add(key, value, expiresAt)
          },
          replace: (key, before, after) => {
            kept.push(after)
            return replace(key, before, after)
          }
        })),
        recordingLog(lines)
      ))
    )
  })

  test("11. text from a provider is escaped in each parameter", (app) =>
    Effect.gen(function*() {
      for (const name of ["error", "error_description"]) {
        const { ada, back } = yield* begun(app)
        const refused = new URL(withValue(back, "error", "access_denied"))
        refused.searchParams.set(name, "</q><img src=x onerror=alert(1)>\u0000\"'`")
        const { body, headers, status } = yield* ada.open(refused.href)
        assert.strictEqual(status, 400)
        assert.notInclude(body, "<img")
        assert.include(body, "&lt;img")
        assert.notInclude(JSON.stringify([...headers]), "onerror")
      }
      yield* nothingAllowed
    }))
})
