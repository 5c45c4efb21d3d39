import { assert, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import type { BrowserContext, BrowserContextOptions, Page } from "playwright-core"
import * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityControls from "../src/IdentityControls.js"
import * as IdentityService from "../src/IdentityService.js"
import { agent, workloadName } from "./support/agent.js"
import { launch, layer, violations } from "./support/browser.js"
import { assertEqual } from "./support/equality.js"
import { origin } from "./support/server.js"

/** A running server for the return URL, without logs. */
const ask = Effect.gen(function*() {
  const address = yield* origin
  const returnUrl = `${address}/returned`
  const api = yield* IdentityApi.IdentityApi
  const identity = yield* IdentityService.IdentityService
  yield* api.updateWorkloadIdentity({ name: workloadName, allowedResourceOauth2ReturnUrls: [returnUrl] })
  const { sessionUri } = yield* api.getResourceOauth2Token({
    workloadIdentityToken: yield* identity.getWorkloadAccessToken({ workloadName, userId: "ada" }),
    resourceCredentialProviderName: "github",
    scopes: ["repo", "read:user"],
    oauth2Flow: "USER_FEDERATION",
    resourceOauth2ReturnUrl: returnUrl
  })
  const uri = Redacted.value(sessionUri ?? Redacted.make(""))
  return { uri, url: `${address}/identities/oauth2/authorize?request_uri=${encodeURIComponent(uri)}` }
})

// A failed browser action is a defect of the test and fails it with the error of the browser.
const tab = Effect.map(
  Effect.acquireRelease(
    Effect.promise(async () => launch()),
    (browser) => Effect.promise(() => browser.close())
  ),
  (browser) => (f: (page: Page) => Promise<void>) =>
    Effect.promise(async () => {
      const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
      page.setDefaultTimeout(10_000)
      await f(page)
      await page.close()
    })
)

const shot = async (page: Page, name: string) => {
  const folder = process.env.SCREENSHOTS
  if (folder === undefined) return
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme })
    await page.screenshot({ path: `${folder}/${name}-${colorScheme}.png`, fullPage: true })
  }
  await page.emulateMedia({ colorScheme: "light" })
}

/** Presses Tab until the element with this name has the focus. */
const reach = async (page: Page, name: string) => {
  for (let steps = 0; steps < 40; steps++) {
    await page.keyboard.press("Tab")
    const focused = await page.evaluate(() => document.activeElement?.textContent ?? "")
    if (focused === name) return
  }
  throw new Error(`the keyboard does not reach "${name}"`)
}

const statuses = Effect.flatMap(
  IdentityControls.IdentityControls,
  ({ sessions }) => Effect.map(sessions, (all) => all.map(({ status }) => status))
)

it.scopedLive("a user approves and denies in a real browser with the keyboard only", () =>
  Effect.gen(function*() {
    yield* agent
    const inTab = yield* tab
    const first = yield* ask
    yield* inTab(async (page) => {
      await page.goto(first.url)
      assertEqual(await violations(page), [])
      await shot(page, "consent")
      await reach(page, "Approve")
      await page.keyboard.press("Enter")
      await page.waitForURL(/\/returned\?/)
      assert.strictEqual(new URL(page.url()).searchParams.get("session_id"), first.uri)
      await page.goto(first.url)
      assert.strictEqual(await page.textContent("h1"), "This request was already answered")
      assertEqual(await violations(page), [])
      await shot(page, "answered")
    })
    const second = yield* ask
    yield* inTab(async (page) => {
      await page.goto(second.url)
      await reach(page, "Deny")
      await page.keyboard.press("Enter")
      await page.waitForSelector(".notice")
      assert.strictEqual(await page.textContent("h1"), "The consent was denied")
      assertEqual(await violations(page), [])
      await shot(page, "denied")
    })
    const third = yield* ask
    yield* inTab(async (page) => {
      await page.goto(third.url)
      await reach(page, "Approve and complete")
      await page.keyboard.press("Enter")
      await page.waitForSelector(".notice")
      assert.strictEqual(await page.textContent("h1"), "Consent given")
      assertEqual(await violations(page), [])
      await shot(page, "completed")
    })
    assertEqual(yield* statuses, ["approved", "failed", "completed"])
  }).pipe(Effect.provide(layer)), 60_000)

it.scopedLive(
  "the dashboard approves, moves the clock and injects failures in a real browser",
  () =>
    Effect.gen(function*() {
      yield* agent
      const inTab = yield* tab
      const address = yield* origin
      const controls = yield* IdentityControls.IdentityControls
      const identity = yield* IdentityService.IdentityService
      const { uri } = yield* ask
      yield* ask
      yield* controls.approve(Redacted.make(uri))
      yield* identity.completeResourceTokenAuth({ sessionUri: Redacted.make(uri), userIdentifier: { userId: "ada" } })
      yield* inTab(async (page) => {
        await page.goto(address)
        // This rule forbids a page that reloads itself. A link at its top stops the reload.
        assertEqual(await violations(page, "meta-refresh"), [])
        await shot(page, "live")
        await page.getByRole("link", { name: "Pause refresh, inject a failure" }).click()
        assertEqual(await violations(page), [])
        await shot(page, "still")
        await page.getByRole("button", { name: /^Approve: / }).click()
        await page.getByText("The session is not completed yet.").waitFor()
        assertEqual(await violations(page), [])
        await shot(page, "approved")
        await page.getByRole("link", { name: "Open the dashboard" }).click()
        await page.getByLabel("Seconds").first().fill("60")
        await page.getByRole("button", { name: "Move the clock" }).click()
        await page.getByText("1m ahead").waitFor()
        await page.getByLabel("Operation and error").selectOption("getTokenVault Throttled")
        await page.getByRole("button", { name: "Fail" }).click()
        await page.getByText("The next calls will fail.").waitFor()
        await page.setViewportSize({ width: 390, height: 800 })
        assert.isTrue(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth))
        assertEqual(await violations(page), [])
        await shot(page, "phone")
      })
      const api = yield* IdentityApi.IdentityApi
      assert.strictEqual((yield* Effect.flip(api.getTokenVault({})))._tag, "Throttled")
      assertEqual(yield* statuses, ["completed", "approved"])
    }).pipe(Effect.provide(layer)),
  60_000
)

it.scopedLive(
  "the copy button copies the return URL, says so, and is absent without JavaScript",
  () =>
    Effect.gen(function*() {
      yield* agent
      const address = yield* origin
      const { uri } = yield* ask
      yield* ask
      yield* ask
      const browser = yield* Effect.acquireRelease(
        Effect.promise(async () => launch()),
        (browser) => Effect.promise(() => browser.close())
      )
      /** Approves the oldest pending session. */
      const approves = async (
        options: BrowserContextOptions,
        prepare?: (context: BrowserContext) => Promise<unknown>
      ) => {
        const context = await browser.newContext(options)
        await prepare?.(context)
        const page = await context.newPage()
        page.setDefaultTimeout(10_000)
        await page.goto(`${address}/?still`)
        await page.getByRole("button", { name: /^Approve: / }).last().click()
        await page.getByText("The session is not completed yet.").waitFor()
        return page
      }
      yield* Effect.promise(async () => {
        const page = await approves({ permissions: ["clipboard-read", "clipboard-write"] })
        const url = await page.getByRole("link", { name: /session_id/ }).getAttribute("href")
        assert.strictEqual(new URL(url ?? "").searchParams.get("session_id"), uri)
        await page.getByRole("button", { name: "Copy: Return URL" }).press("Enter")
        await page.getByRole("button", { name: "Copied: Return URL" }).waitFor()
        assert.strictEqual(await page.getByRole("status").textContent(), "Copied: Return URL")
        assert.strictEqual(await page.evaluate(() => navigator.clipboard.readText()), url)
        assertEqual(await violations(page), [])
        assert.strictEqual(new URL(page.url()).search, "")
        await page.getByRole("link", { name: "Open the dashboard" }).click()
        await page.getByRole("button", { name: "Copy: Callback URL of github" }).click()
        await page.getByRole("button", { name: "Copied: Callback URL of github" }).waitFor()
        assert.match(
          await page.evaluate(() => navigator.clipboard.readText()),
          /\/identities\/oauth2\/callback\/[\w-]+$/
        )
      })
      // Without the clipboard interface, as on http with another host name, the text is selected.
      yield* Effect.promise(async () => {
        const page = await approves({}, (context) =>
          context.addInitScript(() => Object.defineProperty(navigator, "clipboard", { value: undefined })))
        await page.getByRole("button", { name: "Copy: Return URL" }).click()
        await page.getByRole("status").filter({ hasText: /^(?:Copied: Return URL|The text is selected\. Press Ctrl)/ })
          .waitFor()
        assert.strictEqual(
          await page.evaluate(() =>
            getSelection()?.toString()
          ),
          await page.getByRole("link", { name: /session_id/ }).textContent()
        )
      })
      yield* Effect.promise(async () => {
        const page = await approves({ javaScriptEnabled: false })
        assert.isTrue(await page.getByRole("link", { name: /session_id/ }).isVisible())
        assert.strictEqual(await page.getByRole("button", { name: /Copy/ }).count(), 0)
      })
    }).pipe(Effect.provide(layer)),
  60_000
)
