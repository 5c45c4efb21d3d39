import { it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import type { Page } from "playwright-core"
import * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityControls from "../src/IdentityControls.js"
import * as IdentityError from "../src/IdentityError.js"
import * as IdentityService from "../src/IdentityService.js"
import { agent } from "./support/agent.js"
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
    look: async (name: string, ...except: ReadonlyArray<string>) => {
      found.push(...await layoutProblems(page, name))
      found.push(...(await violations(page, ...except)).map((text) => `${name}: ${text}`))
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
        await page.goto(address)
        await look("dashboard-live", "meta-refresh")
      })
      assertEqual(found, [])
    }).pipe(Effect.provide(federated.layer())),
  120_000
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
      const one = yield* ask({ userId: users[2] ?? "" })
      yield* does(async () => {
        await page.goto(one.url)
        await look("consent")
        await page.getByRole("button", { name: "Deny" }).click()
        await look("consent-denied")
        await page.goto(one.url)
        await look("answered")
        await page.goto(`${address}/identities/oauth2/authorize?request_uri=${"x".repeat(300)}`)
        await look("unknown-session")
        await page.goto(`${address}/identities/oauth2/authorize`)
        await look("missing-parameter")
        await page.goto(`${address}/identities/oauth2/callback/x?state=y`)
        await look("state-mismatch")
        await page.goto(`${address}/an/unknown/path/${"x".repeat(300)}`)
        await look("unknown-path")
      })
      const two = yield* ask()
      yield* controls.expireSession(two.sessionUri)
      yield* does(async () => {
        await page.goto(two.url)
        await look("expired")
      })
      yield* ask()
      yield* does(async () => {
        await page.goto(`${address}/?still`)
        await page.getByRole("button", { name: /^Approve: / }).first().click()
        await look("approve-result")
      })
      yield* ask()
      yield* does(async () => {
        await page.goto(`${address}/?still`)
        await page.getByRole("button", { name: /^Deny: / }).first().click()
        await look("deny-result")
      })
      assertEqual(found, [])
    }).pipe(Effect.provide(federated.layer())),
  120_000
)
