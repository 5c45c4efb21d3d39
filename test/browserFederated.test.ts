import { assert, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import type { BrowserContext, Page } from "playwright-core"
import { api } from "../scratchpad/agent/AuthorizationServer.js"
import { workloadName } from "./support/agent.js"
import { answering } from "./support/answering.js"
import { launch, violations } from "./support/browser.js"
import { required } from "./support/consenting.js"
import { assertEqual } from "./support/equality.js"
import * as federated from "./support/federated.js"
import { origin } from "./support/server.js"
import * as vendor from "./support/vendor.js"

// A failed browser action is a defect of the test and fails it with the error of the browser.
const does = <A>(f: () => Promise<A>) => Effect.promise(f)

const chromium = Effect.acquireRelease(does(async () => launch()), (browser) => does(() => browser.close()))

/** An agent with a real provider, and an application with a return page. */
const setUp = Effect.gen(function*() {
  const server = yield* vendor.make()
  const { asUser, controls, identity, provider } = yield* federated.setUp(server)
  const application = yield* answering((_, response) =>
    response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>Back</title><h1>Back</h1>")
  )
  const callbackUrl = `${application.origin}/return`
  yield* identity.updateWorkloadIdentity({ name: workloadName, allowedResourceOauth2ReturnUrls: [callbackUrl] })
  const browser = yield* chromium
  return {
    server,
    controls,
    identity,
    provider,
    callbackUrl,
    ask: identity.getToken({ ...asUser, callbackUrl }),
    person: does(async () => {
      const context = await browser.newContext()
      context.setDefaultTimeout(10_000)
      return context
    })
  }
})

/** Opens the authorization URL, and waits for the page of the provider. */
const begins = async (context: BrowserContext, server: vendor.Vendor, url: Redacted.Redacted) => {
  const page = await context.newPage()
  await page.goto(Redacted.value(url))
  assert.strictEqual(new URL(page.url()).origin, server.issuer)
  assert.strictEqual(await page.textContent("h1"), "Sign in")
  assert.include(await page.textContent("p"), "me asks for: openid read")
  return page
}

const answers = async (page: Page, decision: "Allow" | "Deny") => {
  await page.getByLabel("Name").fill("Ada at the provider")
  await page.getByRole("button", { name: decision }).click()
}

const said = async (page: Page) => {
  await page.waitForSelector(".notice")
  assertEqual(await violations(page), [])
  return page.textContent("h1")
}

it.scopedLive(
  "a user approves at the page of the provider in a real browser, and the agent receives the token of the provider",
  () =>
    Effect.gen(function*() {
      const { ask, callbackUrl, controls, identity, person, provider, server } = yield* setUp
      const consent = yield* required(ask)
      const ada = yield* person
      const callbacks: Array<string> = []
      const page = yield* does(() => begins(ada, server, consent.authorizationUrl))
      page.on("request", (request) => {
        if (request.url().startsWith(provider.callbackUrl ?? "none")) callbacks.push(request.url())
      })
      yield* does(async () => {
        await answers(page, "Allow")
        await page.waitForURL((url) => url.href.startsWith(`${callbackUrl}?session_id=`))
        assert.strictEqual(await page.textContent("h1"), "Back")
      })
      const sessionUri = yield* does(async () => new URL(page.url()).searchParams.get("session_id") ?? "")
      yield* identity.completeResourceTokenAuth({ sessionUri, userIdentifier: { userId: "ada" } })
      const token = yield* ask
      const { scope, sub } = yield* server.verify(Redacted.value(token), api)
      assertEqual({ scope, sub }, { scope: "openid read", sub: "Ada at the provider" })
      // Neither the callback nor the link works a second time.
      const [callback = ""] = callbacks
      assert.match(callback, /[?&]code=/)
      yield* does(async () => {
        await page.goto(callback)
        assert.strictEqual(await said(page), "This answer was already sent")
        await page.goto(Redacted.value(consent.authorizationUrl))
        assert.strictEqual(await said(page), "This request was already answered")
      })
      assertEqual(yield* controls.providerFailures, [])
    }).pipe(Effect.provide(federated.layer())),
  60_000
)

it.scopedLive(
  "a user denies at the page of the provider in a real browser, and the wait of the agent ends",
  () =>
    Effect.gen(function*() {
      const { ask, controls, person, server } = yield* setUp
      const consent = yield* required(ask)
      const ada = yield* person
      yield* does(async () => {
        const page = await begins(ada, server, consent.authorizationUrl)
        await answers(page, "Deny")
        assert.strictEqual(await said(page), "The consent was denied")
        assert.strictEqual(new URL(page.url()).search.includes("error=access_denied"), true)
      })
      assertEqual((yield* controls.sessions).map(({ status }) => status), ["failed"])
    }).pipe(Effect.provide(federated.layer())),
  60_000
)

it.scopedLive(
  "an authorization code in the browser of another user is rejected, in a real browser",
  () =>
    Effect.gen(function*() {
      const { ask, controls, person, server } = yield* setUp
      const consent = yield* required(ask)
      // Mallory approves his own request, keeps the callback URL, and sends it to Ada.
      const { callback } = yield* federated.goes(server, consent)
      const ada = yield* person
      yield* does(async () => {
        const page = await ada.newPage()
        await page.goto(callback.href)
        assert.strictEqual(await said(page), "This answer belongs to another browser")
      })
      assertEqual((yield* controls.sessions).map(({ status }) => status), ["pending"])
    }).pipe(Effect.provide(federated.layer())),
  60_000
)

it.scopedLive(
  "the dashboard simulates a provider, federates it again and lists its errors, in a real browser",
  () =>
    Effect.gen(function*() {
      const { ask, controls, person, server } = yield* setUp
      const address = yield* origin
      const ada = yield* person
      const issuers = Effect.map(
        controls.inventory,
        ({ oauth2CredentialProviders: all }) => all.map(({ issuer }) => issuer)
      )
      const presses = (name: string, told: string) =>
        does(async () => {
          const page = await ada.newPage()
          await page.goto(`${address}/?still`)
          await page.getByRole("button", { name, exact: true }).click()
          await page.getByText(told).waitFor()
          assertEqual(await violations(page), [])
          await page.close()
        })
      assertEqual(yield* issuers, ["federated"])
      yield* presses("Simulate: own", "The provider is simulated.")
      assertEqual(yield* issuers, ["simulated"])
      yield* presses("Federate: own", "The provider is federated:")
      assertEqual(yield* issuers, ["federated"])
      yield* required(ask)
      server.failNext({ status: 503, body: "not now" }, "/.well-known/openid-configuration")
      yield* does(async () => {
        const page = await ada.newPage()
        await page.goto(`${address}/?still`)
        await page.getByRole("button", { name: /^Approve: / }).click()
        assert.strictEqual(await page.textContent("h1"), "The provider is federated")
      })
      const [session] = yield* controls.sessions
      if (session === undefined) return assert.fail("nobody was asked")
      assert.strictEqual(session.status, "pending")
      yield* Effect.flip(controls.beginAuthorization(session.sessionUri, "state"))
      yield* does(async () => {
        const page = await ada.newPage()
        await page.goto(`${address}/?still`)
        const section = page.locator("section", { hasText: "Provider errors" })
        const row = await section.locator("tbody tr").innerText()
        assert.match(row, /own\s+discovery\s+Malformed\s+503/)
        assertEqual(await violations(page), [])
      })
    }).pipe(Effect.provide(federated.layer())),
  60_000
)
