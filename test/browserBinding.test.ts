import { assert, it } from "@effect/vitest"
import { Array, Duration, Effect, Either, Redacted } from "effect"
import type { Browser, Page } from "playwright-core"
import * as IdentityControls from "../src/IdentityControls.js"
import { application, grants, layer, type Provider, providers, sorted } from "./support/application.js"
import { launch, violations } from "./support/browser.js"
import { assertEqual } from "./support/equality.js"

const allowed = "200 The consent was approved"
const otherUser = "403 This request belongs to another user"
const otherBrowser = "403 This request belongs to another browser"
const used = "409 This request was already used"

// A failed browser action is a defect of the test and fails it with the error of the browser.
const does = <A>(f: () => Promise<A>) => Effect.promise(f)

const chromium = Effect.acquireRelease(does(async () => launch()), (browser) => does(() => browser.close()))

/** Two tabs of a browser with a signed-in user. */
const tabs = (browser: Browser, home: string, user: string) =>
  does(async () => {
    const context = await browser.newContext()
    context.setDefaultTimeout(10_000)
    const [one, two] = [await context.newPage(), await context.newPage()]
    await one.goto(`${home}/login?user=${user}`)
    return [one, two] as const
  })

const heading = async (page: Page, status: number | undefined) => `${status} ${await page.textContent("h1")}`

/** Opens a URL and reads the page. */
const opens = (page: Page, url: string) => does(async () => heading(page, (await page.goto(url))?.status()))

/** Requests access from the application, and returns the start link. */
const asks = (page: Page, home: string, provider: Provider) =>
  does(async () => (await page.context().request.get(`${home}/connect/${provider}`)).text())

/** Requests access and starts; the tab stays at the consent page of the provider. */
const begins = (page: Page, home: string, provider: Provider) =>
  Effect.tap(asks(page, home, provider), (link) =>
    does(async () => {
      await page.goto(link)
      assert.match(page.url(), /\/identities\/oauth2\/authorize\?/)
      assert.include(await page.textContent("dl"), provider)
    }))

/** Approves the request in the tab, and reads the return page. */
const allows = (page: Page, home: string, by: "mouse" | "keyboard" = "mouse") =>
  does(async () => {
    const button = page.getByRole("button", { name: "Approve", exact: true })
    const [response] = await Promise.all([
      page.waitForResponse((response) => response.url().startsWith(`${home}/oauth2/return?`)),
      by === "mouse" ? button.click() : button.press("Enter")
    ])
    await page.waitForURL(/\/oauth2\/return\?/)
    return response.status() === 503 ? "503" : heading(page, response.status())
  })

it.scopedLive(
  "two users with two tabs each and four interleaved providers approve only for themselves",
  () =>
    Effect.gen(function*() {
      const { getToken, home, setAway } = yield* application
      const browser = yield* chromium
      const [ada1, ada2] = yield* tabs(browser, home, "ada")
      const [grace1, grace2] = yield* tabs(browser, home, "grace")
      const begin = (page: Page, provider: Provider) => begins(page, home, provider)
      const allow = (page: Page, by?: "keyboard") => allows(page, home, by)
      const held = new Set<string>()
      /** The text of the page, and the content of the vault afterwards: the earlier tokens, and this one if it is given. */
      const ends = Effect.fn(function*(read: Effect.Effect<string>, expected: string, grant?: string) {
        assert.strictEqual(yield* read, expected)
        if (grant !== undefined) held.add(grant)
        assertEqual(yield* grants, sorted(held))
      })
      /** Approves while the application is down; returns the URL that the browser failed to load. */
      const returnsInVain = Effect.fn(function*(page: Page) {
        yield* setAway(true)
        yield* ends(allow(page), "503")
        yield* setAway(false)
        return page.url()
      })

      // Eight overlapping consents start in four tabs. A page that a tab has left can be opened again by its URL.
      const adaGithub = yield* begin(ada1, "github")
      const adaGithubAsked = ada1.url()
      yield* begin(grace1, "google")
      const graceGoogleAsked = grace1.url()
      yield* begin(ada2, "google")
      const adaGoogleAsked = ada2.url()
      yield* begin(grace2, "github")
      const graceGithubAsked = grace2.url()
      yield* begin(grace1, "slack")
      yield* begin(ada2, "slack")
      yield* begin(grace2, "microsoft")
      yield* begin(ada1, "microsoft")

      // The first consent to finish is the second to last that started.
      yield* ends(allow(grace2), allowed, "userId:grace microsoft")

      // A link of another user does not start a consent, and still works for its own user.
      yield* ends(opens(grace2, adaGithub), otherUser)

      // Deny ends one request, and no other request in the browser.
      yield* does(async () => {
        await ada1.getByRole("button", { name: "Deny" }).click()
        await ada1.waitForSelector(".notice")
      })
      yield* ends(does(() => ada1.innerText("h1")), "The consent was denied")

      // The request of one tab is answered in the other tab.
      yield* does(() => ada1.goto(adaGoogleAsked))
      yield* ends(allow(ada1, "keyboard"), allowed, "userId:ada google")

      // Grace approves the request of Ada. Neither user gets a token, and Ada has to start again.
      yield* does(() => grace2.goto(ada2.url()))
      yield* ends(allow(grace2), otherBrowser)
      yield* does(() => ada2.getByRole("button", { name: "Approve", exact: true }).click())
      yield* does(() => ada2.getByText("This request was already answered").first().waitFor())
      yield* begin(ada2, "slack")
      yield* ends(allow(grace1), allowed, "userId:grace slack")
      yield* ends(allow(ada2), allowed, "userId:ada slack")

      // Grace opens the return URL of Ada before Ada does. This consumes the URL, and Ada has to start again.
      yield* does(() => ada2.goto(adaGithubAsked))
      const adaReturn = yield* returnsInVain(ada2)
      yield* ends(opens(grace2, adaReturn), otherBrowser)
      yield* ends(opens(ada2, adaReturn), used)
      yield* begin(ada1, "github")

      // The return URL that failed to load in one tab is opened in the other tab.
      yield* does(() => grace2.goto(graceGoogleAsked))
      const graceReturn = yield* returnsInVain(grace2)
      yield* ends(opens(grace1, graceReturn), allowed, "userId:grace google")
      yield* ends(opens(grace2, graceReturn), used)
      yield* ends(allow(ada1), allowed, "userId:ada github")

      // Ada signs in to the browser in which Grace started, and approves.
      yield* opens(grace1, `${home}/login?user=ada`)
      yield* does(() => grace2.goto(graceGithubAsked))
      yield* ends(allow(grace2), otherUser)

      const controls = yield* IdentityControls.IdentityControls
      const answered = (yield* controls.sessions).filter(({ status }) => status !== "pending")
      assertEqual(
        sorted(answered.map(({ providerName, status, user }) => `${user} ${providerName} ${status}`)),
        [
          "userId:ada github approved",
          "userId:ada github completed",
          "userId:ada google completed",
          "userId:ada microsoft failed",
          "userId:ada slack approved",
          "userId:ada slack completed",
          "userId:grace github approved",
          "userId:grace google completed",
          "userId:grace microsoft completed",
          "userId:grace slack completed"
        ]
      )
      // The service received no attempt to complete the session of another user.
      const completions = (yield* controls.journal).filter((call) => call.operation === "completeResourceTokenAuth")
      assertEqual(completions.map(({ outcome }) => outcome), Array.replicate("ok", 6))

      const tokens = new Set<string>()
      for (const user of ["ada", "grace"]) {
        for (const [provider] of providers) {
          const outcome = yield* Effect.either(getToken(user, provider))
          if (Either.isRight(outcome)) tokens.add(Redacted.value(outcome.right))
          assert.strictEqual(
            Either.isRight(outcome) ? "a token" : outcome.left._tag,
            held.has(`userId:${user} ${provider}`) ? "a token" : "ConsentRequired"
          )
        }
      }
      assert.strictEqual(tokens.size, 6)
    }).pipe(Effect.provide(layer)),
  60_000
)

it.scopedLive(
  "a user who is signed out signs in at the start and at the return, and the consent continues",
  () =>
    Effect.gen(function*() {
      const { getToken, home } = yield* application
      const browser = yield* chromium
      const [tab] = yield* tabs(browser, home, "ada")
      const signOut = does(() => tab.context().clearCookies({ name: "user" }))
      const signIn = does(async () => {
        assert.strictEqual(await tab.textContent("h1"), "Sign in")
        await tab.fill("input[name=user]", "ada")
        await tab.getByRole("button", { name: "Sign in" }).click()
      })
      const link = yield* asks(tab, home, "github")
      yield* signOut
      yield* does(() => tab.goto(link))
      yield* signIn
      yield* does(() => tab.waitForURL(/\/identities\/oauth2\/authorize\?/))
      yield* signOut
      yield* does(() => tab.getByRole("button", { name: "Approve", exact: true }).click())
      yield* does(() => tab.waitForURL(/\/sign-in\?/))
      assert.notMatch(tab.url(), /session_id|state=|request_uri/)
      assertEqual(yield* grants, [])
      yield* signIn
      yield* does(() => tab.waitForURL(/\/oauth2\/return\?/))
      assert.strictEqual(yield* does(() => tab.innerText("h1")), "The consent was approved")
      assertEqual(yield* grants, ["userId:ada github"])
      assert.isNotEmpty(Redacted.value(yield* getToken("ada", "github")))
    }).pipe(Effect.provide(layer)),
  60_000
)

it.scopedLive(
  "every page of the start and the end is accessible in the light and the dark color scheme",
  () =>
    Effect.gen(function*() {
      const { home, move } = yield* application
      const browser = yield* chromium
      const [ada, late] = yield* tabs(browser, home, "ada")
      const [grace] = yield* tabs(browser, home, "grace")
      const reads = Effect.fn(function*(page: Page, read: Effect.Effect<string>, expected: string) {
        assert.strictEqual(yield* read, expected)
        assertEqual(yield* does(() => violations(page)), [], expected)
      })
      const link = yield* begins(ada, home, "github")
      yield* reads(grace, opens(grace, link), otherUser)
      yield* does(() => grace.goto(ada.url()))
      yield* reads(grace, allows(grace, home), otherBrowser)
      assert.strictEqual(yield* opens(grace, grace.url()), used)
      yield* begins(ada, home, "google")
      yield* reads(ada, allows(ada, home), allowed)
      yield* begins(ada, home, "slack")
      const lateLink = yield* asks(late, home, "slack")
      yield* move(Duration.seconds(601))
      yield* reads(ada, allows(ada, home), "410 This request has expired")
      assert.strictEqual(yield* opens(late, lateLink), "410 This request has expired")
      assertEqual(yield* grants, ["userId:ada google"])
    }).pipe(Effect.provide(layer)),
  60_000
)
