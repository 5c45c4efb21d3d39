import { it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import type { Page } from "playwright-core"
import * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityControls from "../src/IdentityControls.js"
import * as IdentityError from "../src/IdentityError.js"
import * as IdentityService from "../src/IdentityService.js"
import { agent } from "./support/agent.js"
import { application, layer as applicationLayer } from "./support/application.js"
import { launch, violations } from "./support/browser.js"
import { assertEqual } from "./support/equality.js"
import * as federated from "./support/federated.js"
import { layoutProblems } from "./support/layout.js"
import { origin } from "./support/server.js"

// A failed browser action is a defect of the test and fails it with the error of the browser.
const does = <A>(f: () => Promise<A>) => Effect.promise(f)

/** A tab of a new browser. */
const tab = Effect.flatMap(
  Effect.acquireRelease(does(async () => launch()), (browser) => does(() => browser.close())),
  (browser) =>
    does(async () => {
      const page = await browser.newPage()
      page.setDefaultTimeout(10_000)
      return page
    })
)

const longWorkload = `agent-${"for-the-reconciliation-of-invoices-".repeat(4)}${"x".repeat(60)}`
const longProvider = `provider_${"UnbrokenName".repeat(9)}`
const users = ["ada", "ada.lovelace@analytical-engine.example", `urn:user:${"0123456789abcdef".repeat(7)}`]
const scopes = ["read:user", `https://graph.example/${"permissions/".repeat(6)}read.all`, "s".repeat(128)]
const returnUrl = `https://app.example/${"oauth2/return/".repeat(6)}${"x".repeat(120)}`

/** Requests consent. Returns the session, and the authorization URL at this server. */
const ask = (
  { providerName = longProvider, userId = "ada", workload = longWorkload, of = scopes, callbackUrl = returnUrl }: {
    readonly providerName?: string
    readonly userId?: string
    readonly workload?: string
    readonly of?: ReadonlyArray<string>
    readonly callbackUrl?: string
  } = {}
) =>
  Effect.gen(function*() {
    const api = yield* IdentityApi.IdentityApi
    const identity = yield* IdentityService.IdentityService
    const { sessionUri = Redacted.make("") } = yield* api.getResourceOauth2Token({
      workloadIdentityToken: yield* identity.getWorkloadAccessToken({ workloadName: workload, userId }),
      resourceCredentialProviderName: providerName,
      scopes: of,
      oauth2Flow: "USER_FEDERATION",
      resourceOauth2ReturnUrl: callbackUrl
    })
    const url = `${yield* origin}/identities/oauth2/authorize?request_uri=${
      encodeURIComponent(Redacted.value(sessionUri))
    }`
    return { sessionUri, url }
  })

const setUp = Effect.gen(function*() {
  yield* agent
  const identity = yield* IdentityService.IdentityService
  yield* identity.createWorkloadIdentity({ name: longWorkload, allowedResourceOauth2ReturnUrls: [returnUrl] })
  yield* identity.createOauth2CredentialProvider({
    name: longProvider,
    credentialProviderVendor: "GithubOauth2",
    oauth2ProviderConfigInput: {
      githubOauth2ProviderConfig: { clientId: "client", clientSecret: Redacted.make("client-secret") }
    }
  })
})

/** Collects what is wrong with the layout of pages, and what axe finds. */
const collector = (page: Page) => {
  const found: Array<string> = []
  return {
    found,
    look: async (name: string) => {
      found.push(...await layoutProblems(page, name))
      found.push(...(await violations(page)).map((text) => `${name}: ${text}`))
    }
  }
}

it.scopedLive(
  "nothing on the dashboard is cut, out of reach or broken inside a word, on a laptop and a phone",
  () =>
    Effect.gen(function*() {
      const address = yield* origin
      const page = yield* tab
      const { found, look } = collector(page)
      yield* does(async () => {
        await page.goto(`${address}/?still`)
        await look("dashboard-empty")
      })
      yield* setUp
      const controls = yield* IdentityControls.IdentityControls
      const identity = yield* IdentityService.IdentityService
      for (const userId of users) {
        for (const  of of[["repo"], scopes]) {
          yield* ask({ userId, of })
          const { sessionUri } = yield* ask({ userId, of })
          yield* controls.approve(sessionUri)
          yield* identity.completeResourceTokenAuth({ sessionUri, userIdentifier: { userId } })
        }
      }
      yield* controls.approve((yield* ask({ userId: "eve" })).sessionUri)
      yield* controls.deny((yield* ask({ userId: "eve" })).sessionUri)
      yield* controls.expireSession((yield* ask({ userId: "eve" })).sessionUri)
      const { deny } = controls
      for (let i = 0; i < 20; i++) {
        const { sessionUri } = yield* ask({
          workload: "my-agent",
          providerName: "github",
          callbackUrl: "https://app.example/return"
        })
        if (i > 4) yield* deny(sessionUri)
      }
      yield* identity.createOauth2CredentialProvider({
        name: "unreachable-provider",
        credentialProviderVendor: "CustomOauth2",
        oauth2ProviderConfigInput: {
          customOauth2ProviderConfig: {
            clientId: "client",
            clientSecret: Redacted.make("client-secret"),
            oauthDiscovery: { discoveryUrl: "http://127.0.0.1:9/.well-known/openid-configuration" }
          }
        }
      })
      const { url } = yield* ask({ providerName: "unreachable-provider" })
      yield* controls.failNext(
        "getTokenVault",
        new IdentityError.Throttled({ operation: "GetTokenVault", message: "slow down" }),
        3
      )
      yield* controls.setIssuer("exchange", {
        discoveryUrl: `http://127.0.0.1:9/${"tenant/".repeat(8)}.well-known/openid-configuration`
      })
      yield* does(async () => {
        await page.goto(url)
        await look("provider-unreachable")
        await page.goto(`${address}/?still`)
        await look("dashboard-full")
      })
      assertEqual(found, [])
    }).pipe(Effect.provide(federated.layer())),
  240_000
)

it.scopedLive(
  "nothing on the pages of a consent is cut, out of reach or broken, on a laptop and a phone",
  () =>
    Effect.gen(function*() {
      yield* setUp
      const address = yield* origin
      const page = yield* tab
      const { found, look } = collector(page)
      const controls = yield* IdentityControls.IdentityControls
      const presses = async (name: string | RegExp) => {
        await page.getByRole("button", typeof name === "string" ? { name, exact: true } : { name }).first().click()
        await page.waitForLoadState()
      }
      const shows = async (name: string, path: string) => {
        await page.goto(`${address}${path}`)
        await look(name)
      }
      /** Sends the first form of the dashboard with another token. */
      const sendsToken = async (token: string, heading: string) => {
        await page.goto(`${address}/?still`)
        await page.locator("form").first().evaluate((form: HTMLFormElement, token) => {
          const field = form.querySelector<HTMLInputElement>("input[name=token]")
          if (field !== null) field.value = token
          form.submit()
        }, token)
        await page.getByRole("heading", { name: heading }).waitFor()
      }
      const authorize = "/identities/oauth2/authorize"
      const asked = ask({ userId: users[2] ?? "" })
      const [denied, completed, shown, refused, expired] = yield* Effect.all([
        asked,
        ask({ userId: "grace" }),
        asked,
        asked,
        asked
      ])
      yield* does(async () => {
        await page.goto(denied.url)
        await look("consent")
        await presses("Deny")
        await look("consent-denied")
        await page.goto(denied.url)
        await look("answered")
        await page.goto(completed.url)
        await presses("Approve and complete")
        await look("consent-completed")
        await page.goto(shown.url)
        await presses("Approve and show URL")
        await page.getByText("The session is not completed yet.").waitFor()
        await look("consent-return-url")
        // The callback of the provider, with an error instead of the code.
        await page.goto(refused.url)
        const token = await page.locator("input[name=token]").getAttribute("value")
        const response = await page.context().request.post(`${address}${authorize}`, {
          form: { token: token ?? "", decision: "allow" },
          maxRedirects: 0
        })
        const url = `${address}${response.headers()["location"]}`
        await page.goto(`${url}&error=${"server_error".repeat(20)}&error_description=%E2%80%AE${"why".repeat(60)}`)
        await page.getByRole("heading", { name: "The provider denied the request" }).waitFor()
        await look("provider-denied")
        await page.goto(url)
        await look("used-answer")
        await shows("unknown-session", `${authorize}?request_uri=${"x".repeat(300)}`)
        await shows("missing-parameter", authorize)
        await shows("state-mismatch", "/identities/oauth2/callback/x?state=y")
        await shows("unknown-path", `/an/unknown/path/${"x".repeat(300)}`)
      })
      yield* controls.expireSession(expired.sessionUri)
      yield* does(async () => {
        await page.goto(expired.url)
        await look("expired")
      })
      for (let i = 0; i < 3; i++) yield* asked
      yield* does(async () => {
        await page.goto(`${address}/?still`)
        await presses(/^Approve: /)
        await look("approve-result")
        await page.goto(`${address}/?still`)
        await presses(/^Deny: /)
        await look("deny-result")
        await presses(/^Approve and complete: /)
        await look("approve-complete-result")
        await sendsToken("x".repeat(43), "Unknown form")
        await look("unknown-form")
        await sendsToken("x".repeat(70_000), "Form too large")
        await look("form-too-large")
        await page.goto(address.replace("127.0.0.1", "other.localhost"))
        await page.getByRole("heading", { name: "Host not allowed" }).waitFor()
        await look("host-not-allowed")
      })
      assertEqual(found, [])
    }).pipe(Effect.provide(federated.layer())),
  240_000
)

it.scopedLive(
  "nothing on the pages of an application is cut or out of reach, on a laptop and a phone",
  () =>
    Effect.gen(function*() {
      const { home } = yield* application
      const page = yield* tab
      const { found, look } = collector(page)
      yield* does(async () => {
        const link = async (provider: string) =>
          (await page.context().request.get(`${home}/connect/${provider}`)).text()
        await page.goto(`${home}/login?user=ada`)
        await page.goto(await link("github"))
        await page.getByRole("button", { name: "Approve", exact: true }).click()
        await page.waitForURL(/\/oauth2\/return\?/)
        await look("binding-done")
        await page.reload()
        await look("binding-used")
        const slack = await link("slack")
        await page.goto(`${home}/login?user=grace`)
        await page.goto(slack)
        await look("binding-other-user")
        await page.goto(`${home}/oauth2/start?consent=${"a".repeat(64)}`)
        await look("binding-unknown")
        await page.goto(`${home}/oauth2/return`)
        await look("binding-unreadable")
      })
      assertEqual(found, [])
    }).pipe(Effect.provide(applicationLayer)),
  240_000
)
