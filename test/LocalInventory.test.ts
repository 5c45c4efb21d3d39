import { assert, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityControls from "../src/IdentityControls.js"
import { agent, workloadName } from "./support/agent.js"
import { layer } from "./support/browser.js"
import { assertEqual } from "./support/equality.js"
import { ask, jar, tokenOf } from "./support/jar.js"

const live = <A, E>(name: string, test: () => Effect.Effect<A, E, Layer.Layer.Success<typeof layer>>) =>
  it.live(name, () => Effect.zipRight(agent, test()).pipe(Effect.provide(layer)))

live("the state is readable without an operation call, and contains no secret", () =>
  Effect.gen(function*() {
    const { inventory, journal } = yield* IdentityControls.IdentityControls
    const before = yield* journal
    const all = yield* inventory
    assertEqual(all.workloadIdentities, [{ name: workloadName }])
    assertEqual(
      all.oauth2CredentialProviders.map(({ credentialProviderVendor, name }) => [name, credentialProviderVendor]),
      [["exchange", "CustomOauth2"], ["github", "GithubOauth2"]]
    )
    for (const { callbackUrl } of all.oauth2CredentialProviders) assert.match(callbackUrl, /oauth2\/callback\/[\w-]+$/)
    assertEqual(all.apiKeyCredentialProviders, [{ name: "weather" }])
    assertEqual(all.paymentCredentialProviders, [{
      name: "coinbase",
      credentialProviderVendor: "CoinbaseCDP"
    }])
    assertEqual(yield* journal, before)
    assert.notMatch(JSON.stringify(all), /secret|key"/)
  }))

live("no page calls an operation or consumes a pending failure", () =>
  Effect.gen(function*() {
    const browser = yield* jar
    const { journal } = yield* IdentityControls.IdentityControls
    const api = yield* IdentityApi.IdentityApi
    const { path } = yield* ask()
    const operations = [
      "listWorkloadIdentities",
      "listOauth2CredentialProviders",
      "listApiKeyCredentialProviders",
      "listPaymentCredentialProviders",
      "getOauth2CredentialProvider"
    ]
    for (const operation of operations) {
      assert.strictEqual((yield* browser.json("/_local/fail", { operation, error: "Throttled" })).status, 200)
    }
    const before = yield* journal
    for (const page of ["/", "/?still", "/_local/state", path]) {
      const { status, text } = yield* browser.get(page)
      assert.strictEqual(status, 200)
      assert.include(text, workloadName)
    }
    assertEqual(yield* journal, before)
    const refused = yield* Effect.flip(api.listWorkloadIdentities({}))
    assert.strictEqual(refused._tag, "Throttled")
    assert.strictEqual((yield* Effect.flip(api.getOauth2CredentialProvider({ name: "github" })))._tag, "Throttled")
  }))

live(
  "the dashboard shows the first 200 entries and the number of others, and the state lists all entries",
  () =>
    Effect.gen(function*() {
      const browser = yield* jar
      const { approve, linkToService, sessions } = yield* IdentityControls.IdentityControls
      for (let i = 100; i < 350; i++) yield* linkToService(`many-${i}`)
      for (let i = 0; i < 201; i++) yield* ask("github", ["repo"], `user-${i}`)
      const { text } = yield* browser.get("/")
      // The agent itself and 250 others.
      assert.include(text, "<span class=\"count\">251</span>")
      assert.include(text, "51 more")
      assert.include(text, "<bdi class=\"name\">many-299</bdi>")
      assert.notInclude(text, ">many-300<")
      // The latest consent requests come first. The request that is not shown has no controls.
      assert.include(text, "1 more: <code>GET /_local/state</code> lists all.")
      const does = (handle: string) =>
        Effect.gen(function*() {
          const token = tokenOf((yield* browser.get("/?still")).text)
          return (yield* browser.form("/", { token, still: "1", action: "deny", handle })).status
        })
      assert.strictEqual(yield* does("0"), 400)
      assert.strictEqual(yield* does("200"), 303)
      const [first, ...rest] = yield* sessions
      assertEqual([first?.status, rest.at(-1)?.status], ["pending", "failed"])
      if (first !== undefined) yield* approve(first.sessionUri)
      const state: { readonly workloads: ReadonlyArray<string>; readonly sessions: ReadonlyArray<unknown> } = JSON
        .parse(
          (yield* browser.get("/_local/state")).text
        )
      assertEqual([state.workloads.length, state.sessions.length], [251, 201])
    })
)

live("the control API rejects pages of other sites, and accepts all other clients", () =>
  Effect.gen(function*() {
    const client = yield* jar
    const { host, origin } = new URL((yield* client.get("/")).url)
    const revoke = (headers: Record<string, string>) =>
      Effect.map(
        client.json("/_local/revoke", {}, { "content-type": "application/json", ...headers }),
        ({ json, status }) => [status, json.error]
      )
    for (
      const headers of [
        { "sec-fetch-site": "cross-site" },
        { "sec-fetch-site": "same-site" },
        { "sec-fetch-site": "cross-site", origin },
        { origin: "https://evil.example" },
        { origin: `http://${host}.evil.example` },
        { origin: "null" },
        { origin: "nonsense" }
      ]
    ) {
      assertEqual(yield* revoke(headers), [403, "ForeignOrigin"], JSON.stringify(headers))
    }
    for (const headers of [{}, { origin }, { "sec-fetch-site": "same-origin", origin }]) {
      assertEqual(yield* revoke(headers), [200, undefined], JSON.stringify(headers))
    }
  }))
