import { assert, it } from "@effect/vitest"
import { Duration, Effect, type Layer, Redacted } from "effect"
import * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityControls from "../src/IdentityControls.js"
import * as IdentityService from "../src/IdentityService.js"
import { MovableClock } from "../src/internal/server/state/movableClock.js"
import { html } from "../src/internal/web/html.js"
import { agent, callbackUrl, workloadName } from "./support/agent.js"
import { layer } from "./support/browser.js"
import { assertEqual } from "./support/equality.js"
import { ask, type Jar, jar, tokenOf } from "./support/jar.js"

/** The status of the sessions at the time of the server. */
const statuses = Effect.gen(function*() {
  const { sessions } = yield* IdentityControls.IdentityControls
  const { clock } = yield* MovableClock
  return (yield* Effect.withClock(sessions, clock)).map(({ status }) => status)
})

const live = <A, E>(name: string, test: () => Effect.Effect<A, E, Layer.Layer.Success<typeof layer>>) =>
  it.live(name, () => Effect.zipRight(agent, test()).pipe(Effect.provide(layer)))

/** Approves, and returns the redirect target of the provider. */
const allow = (browser: Jar, path: string) =>
  Effect.gen(function*() {
    const page = yield* browser.get(path)
    const sent = yield* browser.form("/identities/oauth2/authorize", { token: tokenOf(page.text), decision: "allow" })
    assert.strictEqual(sent.status, 303)
    return sent.headers.get("location") ?? ""
  })

live("a user approves and returns to the application", () =>
  Effect.gen(function*() {
    const browser = yield* jar
    const { path, uri } = yield* ask()
    const page = yield* browser.get(path)
    assert.strictEqual(page.status, 200)
    for (const shown of [workloadName, "GitHub", "userId:ada", "<code><bdi class=\"name\">repo</bdi></code>"]) {
      assert.include(page.text, shown)
    }
    assert.notInclude(page.text, uri)
    assert.strictEqual(page.headers.get("cache-control"), "no-store")
    assert.strictEqual(page.headers.get("referrer-policy"), "no-referrer")
    assert.include(page.headers.get("content-security-policy") ?? "", "frame-ancestors 'none'")
    assert.include(page.headers.get("set-cookie") ?? "", "HttpOnly")
    const callback = yield* allow(browser, path)
    assert.match(callback, /^\/identities\/oauth2\/callback\/[\w-]+\?code=[\w-]{43}&state=[\w-]{43}$/)
    assertEqual(yield* statuses, ["pending"])
    const back = yield* browser.get(callback)
    assert.strictEqual(back.status, 303)
    const url = new URL(back.headers.get("location") ?? "")
    assert.strictEqual(`${url.origin}${url.pathname}`, callbackUrl)
    assert.strictEqual(url.searchParams.get("session_id"), uri)
    assert.strictEqual(url.searchParams.get("state"), "their state")
    assertEqual(yield* statuses, ["approved"])
    // Each works only once.
    assert.strictEqual((yield* browser.get(callback)).status, 409)
    assert.strictEqual((yield* browser.get(path)).status, 409)
  }))

live("a user can deny a request only once", () =>
  Effect.gen(function*() {
    const browser = yield* jar
    const { path } = yield* ask()
    const fields = { token: tokenOf((yield* browser.get(path)).text), decision: "deny" }
    const page = yield* browser.form("/identities/oauth2/authorize", fields)
    assert.strictEqual(page.status, 200)
    assert.include(page.text, "<section class=\"card notice denied\"><h1>The consent was denied</h1>")
    assertEqual(yield* statuses, ["failed"])
    assert.strictEqual((yield* browser.form("/identities/oauth2/authorize", fields)).status, 409)
  }))

live(
  "a form is accepted only from the page and the browser for which it was created",
  () =>
    Effect.gen(function*() {
      const browser = yield* jar
      const other = yield* jar
      const { path } = yield* ask()
      const send = (by: Jar, token: string, headers = {}) =>
        by.form("/identities/oauth2/authorize", { token, decision: "allow" }, headers)
      assert.strictEqual((yield* send(browser, "")).status, 400)
      assert.strictEqual((yield* send(browser, "x".repeat(43))).status, 403)
      assert.strictEqual((yield* send(browser, "x".repeat(9000))).status, 400)
      const token = tokenOf((yield* browser.get(path)).text)
      assert.strictEqual((yield* send(browser, token, { "sec-fetch-site": "same-site" })).status, 403)
      assert.strictEqual((yield* send(browser, token, { "content-type": "text/plain" })).status, 415)
      assert.strictEqual(
        (yield* browser.form("/identities/oauth2/authorize", `token=${token}&decision=x`)).status,
        400
      )
      const twice = `token=${token}&token=${token}&decision=allow`
      assert.strictEqual((yield* browser.form("/identities/oauth2/authorize", twice)).status, 400)
      yield* other.get(path)
      assert.strictEqual((yield* send(other, token)).status, 403)
      assert.strictEqual((yield* browser.form("/", "x".repeat(70_000))).status, 413)
      assertEqual(yield* statuses, ["pending"])
      // Only the browser for which it was created has consumed it.
      assert.strictEqual((yield* send(yield* jar, token)).status, 403)
      assert.strictEqual((yield* send(browser, token)).status, 303)
      assert.strictEqual((yield* send(browser, token)).status, 409)
      assert.strictEqual((yield* send(other, token)).status, 403)
    })
)

live("a request that is unknown, repeated, oversized or missing changes nothing", () =>
  Effect.gen(function*() {
    const browser = yield* jar
    const { path, uri } = yield* ask()
    const at = (query: string) =>
      Effect.map(browser.get(`/identities/oauth2/authorize${query}`), ({ status }) => status)
    assert.strictEqual(yield* at(""), 400)
    assert.strictEqual(yield* at("?request_uri="), 400)
    assert.strictEqual(yield* at(`?request_uri=${"x".repeat(9000)}`), 400)
    assert.strictEqual(yield* at(`?request_uri=${uri}&request_uri=${uri}`), 400)
    assert.strictEqual(yield* at("?request_uri=urn:nobody"), 404)
    assert.strictEqual((yield* browser.get(path)).status, 200)
    assertEqual(yield* statuses, ["pending"])
  }))

live("an expired request is reported at each step", () =>
  Effect.gen(function*() {
    const browser = yield* jar
    const first = yield* ask()
    const token = tokenOf((yield* browser.get(first.path)).text)
    const callback = yield* allow(browser, first.path)
    yield* browser.json("/_local/clock", { moveSeconds: 601 })
    const pages = [
      yield* browser.get(first.path),
      yield* browser.get(callback),
      yield* browser.form("/identities/oauth2/authorize", { token, decision: "allow" })
    ]
    for (const { status, text } of pages) {
      assert.strictEqual(status, 410)
      assert.include(text, "This request has expired")
      assert.include(text, "Return to the application and request access again.")
    }
    const second = yield* ask()
    const form = tokenOf((yield* browser.get(second.path)).text)
    assert.strictEqual((yield* browser.json("/_local/expire-session", { sessionUri: second.uri })).status, 200)
    const sent = yield* browser.form("/identities/oauth2/authorize", { token: form, decision: "deny" })
    assert.strictEqual(sent.status, 410)
    assertEqual(yield* statuses, ["expired", "expired"])
  }))

live("a response for one session or provider is rejected for another", () =>
  Effect.gen(function*() {
    const browser = yield* jar
    const one = yield* ask("github")
    const two = yield* ask("exchange", ["read"])
    const callbackOf = (path: string) =>
      Effect.map(allow(browser, path), (location) => new URL(location, "http://localhost"))
    const [a, b] = [yield* callbackOf(one.path), yield* callbackOf(two.path)]
    assert.notStrictEqual(a.pathname, b.pathname)
    // The callback of another provider, with a valid state and its code.
    assert.strictEqual((yield* browser.get(`${b.pathname}${a.search}`)).status, 400)
    // This consumes the state, also for its own callback.
    assert.strictEqual((yield* browser.get(`${a.pathname}${a.search}`)).status, 409)
    // The code belongs to another session.
    const c = yield* callbackOf(one.path)
    const mixed = new URLSearchParams({
      code: c.searchParams.get("code") ?? "",
      state: b.searchParams.get("state") ?? ""
    })
    assert.strictEqual((yield* browser.get(`${b.pathname}?${mixed}`)).status, 400)
    // A state that was never issued, and one that was issued to another browser.
    assert.strictEqual((yield* browser.get(`${c.pathname}?code=x&state=y`)).status, 400)
    assert.strictEqual((yield* browser.get(`${c.pathname}?code=x`)).status, 400)
    assert.strictEqual((yield* (yield* jar).get(`${c.pathname}${c.search}`)).status, 403)
    assertEqual(yield* statuses, ["pending", "pending"])
  }))

live(
  "the error of a provider is escaped, and ends the session only with a valid state",
  () =>
    Effect.gen(function*() {
      const browser = yield* jar
      const { path } = yield* ask()
      const callback = new URL(yield* allow(browser, path), "http://localhost")
      const evil = new URLSearchParams({ error: "<script>alert(1)</script>", error_description: "\"'><img src=x>" })
      const without = yield* browser.get(`${callback.pathname}?${evil}&state=nobodys`)
      assert.strictEqual(without.status, 400)
      assertEqual(yield* statuses, ["pending"])
      const page = yield* browser.get(`${callback.pathname}?${evil}&state=${callback.searchParams.get("state")}`)
      assert.strictEqual(page.status, 400)
      assert.notMatch(page.text, /<script|<img/)
      assert.include(page.text, "&lt;script&gt;alert(1)&lt;/script&gt;")
      assert.include(page.text, "&quot;&#39;&gt;&lt;img src=x&gt;")
      assertEqual(yield* statuses, ["failed"])
    })
)

live("the dashboard shows the state without secrets", () =>
  Effect.gen(function*() {
    const browser = yield* jar
    const { uri } = yield* ask("github", ["<b>scope</b>"])
    const page = yield* browser.get("/")
    assert.include(page.text, "http-equiv=\"refresh\" content=\"5\"")
    assert.notInclude((yield* browser.get("/?still")).text, "http-equiv=\"refresh\"")
    for (const shown of [workloadName, "github", "weather", "coinbase", "exchange", "getResourceOauth2Token"]) {
      assert.include(page.text, shown)
    }
    assert.include(page.text, "&lt;b&gt;scope&lt;/b&gt;")
    for (
      const secret of [uri, encodeURIComponent(uri), "client-secret", "weather-key", "key-secret", "wallet-secret"]
    ) {
      assert.notInclude(page.text, secret)
    }
  }))

live("each form of the dashboard performs its action once", () =>
  Effect.gen(function*() {
    const browser = yield* jar
    const identity = yield* IdentityService.IdentityService
    const send = (fields: Record<string, string>) =>
      Effect.gen(function*() {
        const token = tokenOf((yield* browser.get("/?still")).text)
        return yield* browser.form("/", { token, still: "1", ...fields })
      })
    const does = (fields: Record<string, string>) =>
      Effect.map(send(fields), ({ headers, status }) => {
        assert.strictEqual(status, 303)
        assert.strictEqual(headers.get("location"), `/?still&done=${fields.action}`)
      })
    yield* ask()
    yield* ask()
    yield* ask()
    assert.strictEqual((yield* send({ action: "approve", handle: "0" })).status, 200)
    yield* does({ action: "deny", handle: "1" })
    yield* does({ action: "expire-session", handle: "2" })
    assertEqual(yield* statuses, ["approved", "failed", "expired"])
    assert.strictEqual((yield* send({ action: "approve", handle: "0" })).status, 409)
    for (
      const fields of [
        { action: "approve" },
        { action: "approve", handle: "3" },
        { action: "approve", handle: "-1" },
        { action: "nothing" },
        { action: "clock", moveSeconds: "-5" },
        { action: "clock", moveSeconds: "1e300" },
        { action: "fail", failure: "getTokenVault Conflict", times: "1" },
        { action: "fail", failure: "getTokenVault Throttled", times: "0" },
        { action: "delay", operation: "getTokenVault", times: "1", seconds: "0" },
        { action: "delay", operation: "constructor", times: "1", seconds: "1" },
        { action: "drop", operation: "getTokenVault", times: "1", lost: "sleep" }
      ]
    ) assert.strictEqual((yield* send(fields)).status, 400, JSON.stringify(fields))
    yield* does({ action: "clock", moveSeconds: "86400" })
    yield* does({ action: "fail", failure: "getResourceApiKey Throttled", times: "1" })
    yield* does({ action: "delay", operation: "getTokenVault", times: "2", seconds: "0.2" })
    yield* does({ action: "drop", operation: "getTokenVault", times: "1", lost: "answer" })
    yield* does({ action: "expire-tokens" })
    yield* does({ action: "revoke" })
    const page = yield* browser.get("/?still&done=clock")
    for (const shown of ["1d ahead", "The clock was moved.", "getTokenVault: delayed by 200ms, next 2 calls"]) {
      assert.include(page.text, shown)
    }
    assert.notInclude((yield* browser.get("/?done=__proto__")).text, "class=\"flash\"")
    const workloadAccessToken = yield* identity.getWorkloadAccessToken({ workloadName })
    const refused = yield* Effect.flip((yield* IdentityApi.IdentityApi).getResourceApiKey({
      workloadIdentityToken: workloadAccessToken,
      resourceCredentialProviderName: "weather"
    }))
    assert.strictEqual(refused._tag, "Throttled")
    const token = tokenOf(page.text)
    assert.strictEqual((yield* browser.form("/", { token, action: "revoke" })).status, 303)
    assert.strictEqual((yield* browser.form("/", { token, action: "revoke" })).status, 409)
    assert.strictEqual(
      (yield* (yield* jar).form("/", { token: tokenOf((yield* browser.get("/")).text), action: "revoke" })).status,
      403
    )
  }))

live("the last calls show the result of token requests as the log of the server does", () =>
  Effect.gen(function*() {
    const client = yield* jar
    const api = yield* IdentityApi.IdentityApi
    const identity = yield* IdentityService.IdentityService
    const poll = (uri: string) =>
      Effect.flatMap(identity.getWorkloadAccessToken({ workloadName, userId: "ada" }), (workloadIdentityToken) =>
        api.getResourceOauth2Token({
          workloadIdentityToken,
          resourceCredentialProviderName: "github",
          scopes: ["repo"],
          oauth2Flow: "USER_FEDERATION",
          resourceOauth2ReturnUrl: callbackUrl,
          sessionUri: Redacted.make(uri)
        }))
    const { uri } = yield* ask()
    yield* poll(uri)
    yield* client.json("/_local/deny", { sessionUri: uri })
    yield* poll(uri)
    const second = yield* ask()
    yield* client.json("/_local/approve", { sessionUri: second.uri, complete: true })
    yield* ask()
    yield* Effect.ignore(api.getWorkloadIdentity({ name: "none" }))
    const page = (yield* client.get("/")).text
    const shown = [
      ...page.matchAll(/<code>(\w+)<\/code><\/div><\/td><td[^>]*><div><span class="state (\w+)">([^<]+)</g)
    ]
      .map(([, operation, tone, outcome]) => [operation, tone, outcome])
      .filter(([operation]) =>
        operation === "getResourceOauth2Token" || operation === "getWorkloadIdentity"
      )
    assertEqual(shown, [
      ["getWorkloadIdentity", "no", "ResourceNotFound"],
      ["getResourceOauth2Token", "ok", "token"],
      ["getResourceOauth2Token", "wait", "consent required"],
      ["getResourceOauth2Token", "no", "denied"],
      ["getResourceOauth2Token", "wait", "consent pending"],
      ["getResourceOauth2Token", "wait", "consent required"]
    ])
    const { journal } = JSON.parse((yield* client.get("/_local/journal?limit=2")).text)
    const outcomes = ({ outcome, tokenResult }: { readonly outcome: string; readonly tokenResult?: string }) => ({
      outcome,
      tokenResult
    })
    assertEqual(journal.map(outcomes), [
      { outcome: "ok", tokenResult: "token" },
      { outcome: "ResourceNotFound", tokenResult: undefined }
    ])
  }))

live("the control API performs the same actions in JSON", () =>
  Effect.gen(function*() {
    const client = yield* jar
    const first = yield* ask()
    const second = yield* ask()
    const { json: approved } = yield* client.json("/_local/approve", { sessionUri: first.uri })
    assert.strictEqual(new URL(approved.returnUrl).searchParams.get("session_id"), first.uri)
    assert.strictEqual((yield* client.json("/_local/approve", { sessionUri: first.uri })).status, 409)
    assert.strictEqual((yield* client.json("/_local/deny", { sessionUri: second.uri })).status, 200)
    const identity = yield* IdentityService.IdentityService
    yield* identity.completeResourceTokenAuth({
      sessionUri: Redacted.make(first.uri),
      userIdentifier: { userId: "ada" }
    })
    assertEqual((yield* client.json("/_local/revoke", { providerName: "github" })).json, { count: 1 })
    assertEqual((yield* client.json("/_local/expire-tokens", { user: "userId:ada" })).json, { count: 1 })
    assert.strictEqual((yield* client.json("/_local/link", { workloadName: "theirs" })).status, 200)
    assert.strictEqual((yield* client.json("/_local/secret", { secretId: "mine", json: "{\"a\":\"b\"}" })).status, 200)
    assert.strictEqual((yield* client.json("/_local/clock", { moveSeconds: 60 })).json.movedSeconds, 60)
    const state = yield* client.get("/_local/state")
    assert.notInclude(state.text, first.uri)
    assert.include(state.text, "\"theirs\"")
    assert.isNull(state.headers.get("access-control-allow-origin"))
    const journal = yield* client.get("/_local/journal")
    assert.include(journal.text, "completeResourceTokenAuth")
    assert.notInclude(journal.text, "client-secret")
    const sessions = JSON.parse((yield* client.get("/_local/sessions")).text).sessions
    assertEqual(sessions.map((one: { readonly status: string }) => one.status), ["completed", "failed"])
  }))

live("the control API reports the invalid field and never its value", () =>
  Effect.gen(function*() {
    const client = yield* jar
    for (
      const [path, body, name] of [
        ["approve", {}, "session"],
        ["deny", { session: 1, sessionUri: "hush" }, "session"],
        ["expire", { session: 1, user: "hush" }, "session"],
        ["approve", { session: 0 }, "session"],
        ["approve", { sessionUri: 5 }, "sessionUri"],
        ["approve", { sessionUri: "x", more: "hush" }, "more"],
        ["revoke", { user: 7 }, "user"],
        ["clock", { moveSeconds: -1 }, "moveSeconds"],
        ["clock", { moveSeconds: 1.5 }, "moveSeconds"],
        ["fail", { operation: "nothing", error: "Throttled" }, "operation"],
        ["fail", { operation: "getTokenVault", error: "Conflict" }, "error"],
        ["fail", { operation: "getTokenVault" }, "error"],
        ["delay", { operation: "getTokenVault", seconds: 1e9 }, "seconds"],
        ["delay", { operation: "getTokenVault" }, "seconds"],
        ["reset", { journal: "hush" }, "journal"],
        ["drop", { operation: "getTokenVault", lost: "hush" }, "lost"],
        ["secret", { secretId: "x", json: "hush" }, "json"],
        ["link", { workloadName: "hush hush" }, "workloadName"]
      ] as const
    ) {
      const { json, status, text } = yield* client.json(`/_local/${path}`, body)
      assert.strictEqual(status, 400, text)
      assertEqual(json.fieldList.map((field: { readonly name: string }) => field.name), [name], text)
      assert.notInclude(text, "hush")
    }
    assert.strictEqual((yield* client.json("/_local/revoke", {}, { "content-type": "text/plain" })).status, 415)
    assert.strictEqual((yield* client.json("/_local/revoke", { user: "x".repeat(70_000) })).status, 413)
    assert.strictEqual((yield* client.get("/_local/revoke")).status, 404)
    const options = yield* Effect.promise(() => client.request("/_local/revoke", { method: "OPTIONS" }))
    assert.strictEqual(options.status, 404)
  }))

live("calls are delayed, and connections are dropped before or after the execution", () =>
  Effect.gen(function*() {
    const client = yield* jar
    const { journal } = yield* IdentityControls.IdentityControls
    const call = Effect.tryPromise(() => client.request("/identities/get-token-vault", { method: "POST", body: "{}" }))
    const served = Effect.map(journal, (all) => all.filter(({ operation }) => operation === "getTokenVault").length)
    yield* client.json("/_local/drop", { operation: "GetTokenVault" })
    assert.strictEqual((yield* Effect.either(call))._tag, "Left")
    assert.strictEqual(yield* served, 0)
    yield* client.json("/_local/drop", { operation: "getTokenVault", lost: "answer" })
    assert.strictEqual((yield* Effect.either(call))._tag, "Left")
    assert.strictEqual(yield* served, 1)
    yield* client.json("/_local/delay", { operation: "getTokenVault", seconds: 0.2 })
    const [slow] = yield* Effect.timed(call)
    assert.isAtLeast(Duration.toMillis(slow), 195)
    assert.strictEqual((yield* call).status, 200)
    assert.strictEqual(yield* served, 3)
  }))

it("every value of a template is escaped", () => {
  const inner = html`<i>${"<&>\"'`"}</i>`
  assert.strictEqual(String(html`<b title="${"\""}">${inner}${undefined}${[1, inner]}</b>`).split("<i>").length, 3)
  assert.include(String(inner), "&lt;&amp;&gt;&quot;&#39;&#96;")
})

/** Sends a form of the dashboard. */
const act = (browser: Jar, fields: Record<string, string>) =>
  Effect.gen(function*() {
    const { text } = yield* browser.get("/?still")
    return yield* browser.form("/", { token: tokenOf(text), still: "1", ...fields })
  })

live(
  "Approve on the dashboard shows the return URL as a link to open and to copy, and only on this page",
  () =>
    Effect.gen(function*() {
      const browser = yield* jar
      const { uri } = yield* ask()
      const page = yield* act(browser, { action: "approve", handle: "0" })
      assert.strictEqual(page.status, 200)
      assert.strictEqual(page.headers.get("cache-control"), "no-store")
      assert.strictEqual(new URL(page.url).search, "")
      assert.include(page.text, "<section class=\"card notice good\"><h1>The consent was approved</h1>")
      assert.include(page.text, "The session is not completed yet.")
      const [, link = "", shown] = /<a class="url" href="([^"]+)">([^<]+)<\/a>/.exec(page.text) ?? []
      assert.strictEqual(shown, link)
      const url = new URL(link.replaceAll("&amp;", "&"))
      assert.strictEqual(url.href.split("?")[0], callbackUrl)
      assert.strictEqual(url.searchParams.get("session_id"), uri)
      assert.strictEqual(url.searchParams.get("state"), "their state")
      assert.include(page.text, "aria-label=\"Copy: Return URL\"")
      assert.include(page.text, "<a href=\"/?still\">Open the dashboard</a>")
      assertEqual(yield* statuses, ["approved"])
      for (const path of ["/", "/?still&done=approve", "/_local/state"]) {
        assert.notInclude((yield* browser.get(path)).text, uri.slice(-20), path)
      }
    })
)

live("the dashboard shows the callback URL of each OAuth2 provider with a copy button", () =>
  Effect.gen(function*() {
    const { text } = yield* (yield* jar).get("/")
    const { oauth2CredentialProviders } = yield* (yield* IdentityControls.IdentityControls).inventory
    assert.isAbove(oauth2CredentialProviders.length, 1)
    for (const { callbackUrl, name } of oauth2CredentialProviders) {
      assert.include(text, `<code class="url">${callbackUrl}</code><button`)
      assert.include(text, `aria-label="Copy: Callback URL of ${name}"`)
    }
  }))

live("the dashboard does not show a denial or an expiry as a success", () =>
  Effect.gen(function*() {
    const browser = yield* jar
    yield* ask()
    yield* ask()
    const flash = (fields: Record<string, string>) =>
      Effect.gen(function*() {
        const { headers } = yield* act(browser, fields)
        const { text } = yield* browser.get(headers.get("location") ?? "")
        return [/<p class="flash ([^"]+)" role="status">/.exec(text)?.[1], text] as const
      })
    const [denied] = yield* flash({ action: "deny", handle: "0" })
    assert.strictEqual(denied, "no")
    const [expired, text] = yield* flash({ action: "expire-session", handle: "1" })
    assert.strictEqual(expired, "info")
    assert.include(text, "<span class=\"state no\">failed</span>")
    assert.include(text, "<span class=\"state over\">expired</span>")
    assert.strictEqual((yield* flash({ action: "clock", moveSeconds: "1" }))[0], "ok")
  }))

live(
  "the dashboard gives the reason why a session cannot be answered: it was answered, or it has expired",
  () =>
    Effect.gen(function*() {
      const browser = yield* jar
      yield* ask()
      yield* ask()
      for (const action of ["approve", "deny", "expire-session"]) {
        const token = tokenOf((yield* browser.get("/")).text)
        if (action === "approve") yield* act(browser, { action: "deny", handle: "0" })
        const page = yield* browser.form("/", { token, action, handle: "0" })
        assert.strictEqual(page.status, 409, action)
        assert.include(page.text, "<h1>This request was already answered</h1>")
        assert.include(page.text, "<a href=\"/\">Open the dashboard</a>")
      }
      const token = tokenOf((yield* browser.get("/")).text)
      yield* act(browser, { action: "expire-session", handle: "1" })
      const page = yield* browser.form("/", { token, action: "approve", handle: "1" })
      assert.strictEqual(page.status, 410)
      assert.include(page.text, "<h1>This request has expired</h1>")
    })
)

live(
  "names with invisible or bidirectional characters are escaped and isolated on every page",
  () =>
    Effect.gen(function*() {
      const browser = yield* jar
      const identity = yield* IdentityService.IdentityService
      const evil = "ada\u202E\u200B\u0007<b>"
      const shown = "ada\\u{202E}\\u{200B}\\u{7}&lt;b&gt;"
      const { sessionUri = Redacted.make("") } = yield* (yield* IdentityApi.IdentityApi).getResourceOauth2Token({
        workloadIdentityToken: yield* identity.getWorkloadAccessToken({ workloadName, userId: evil }),
        resourceCredentialProviderName: "github",
        scopes: ["read\u2066"],
        oauth2Flow: "USER_FEDERATION",
        resourceOauth2ReturnUrl: callbackUrl
      })
      const path = `/identities/oauth2/authorize?request_uri=${encodeURIComponent(Redacted.value(sessionUri))}`
      for (const at of ["/", path]) {
        const { text } = yield* browser.get(at)
        assert.include(text, `<bdi class="name long">userId:${shown}</bdi>`, at)
        assert.include(text, "<bdi class=\"name\">read\\u{2066}</bdi>", at)
        for (const character of "\u202E\u200B\u0007\u2066") assert.notInclude(text, character, at)
      }
      const callback = yield* allow(browser, path)
      const page = yield* browser.get(`${callback}&error=denied%E2%80%AE&error_description=%E2%80%8Bno`)
      assert.include(page.text, "<q><bdi class=\"name\">denied\\u{202E}</bdi></q>")
      assert.include(page.text, "<q><bdi class=\"name\">\\u{200B}no</bdi></q>")
    })
)

live(
  "every page has a language, a title of its own, one main heading, table heads with a scope and labels",
  () =>
    Effect.gen(function*() {
      const browser = yield* jar
      const { path } = yield* ask()
      yield* ask()
      yield* ask()
      const pages = [
        yield* browser.get("/"),
        yield* browser.get("/?still"),
        yield* browser.get(path),
        yield* browser.get("/identities/oauth2/authorize?request_uri=urn:nobody"),
        yield* act(browser, { action: "approve", handle: "1" }),
        yield* act(browser, { action: "nothing" }),
        yield* browser.form("/identities/oauth2/authorize", {
          token: tokenOf((yield* browser.get(path)).text),
          decision: "deny"
        }),
        yield* browser.get(path)
      ]
      const titles = new Set<string>()
      for (const { text, url } of pages) {
        assert.match(text, /<html lang="en">/, url)
        assert.strictEqual(text.match(/<h1[ >]/g)?.length, 1, url)
        assert.strictEqual(text.match(/<main /g)?.length, 1, url)
        titles.add(/<title>([^<]+)<\/title>/.exec(text)?.[1] ?? "")
        for (const head of text.match(/<th[ >][^>]*/g) ?? []) assert.include(head, "scope=\"col\"", url)
        for (const field of text.matchAll(/(.{0,40})<(?:input|select)((?: (?!type="hidden")[^>]*)?)>/g)) {
          if (!field[0].includes("type=\"hidden\"")) assert.match(field[1] ?? "", /<label[^>]*>[^<]+ $/, field[0])
        }
      }
      // The two dashboards are one page.
      assert.strictEqual(titles.size, pages.length - 1)
    })
)

live("no page claims that the agent continues by itself", () =>
  Effect.gen(function*() {
    const browser = yield* jar
    const { path } = yield* ask()
    yield* ask()
    const pages = [
      yield* browser.get(path),
      yield* act(browser, { action: "approve", handle: "1" }),
      yield* browser.form("/identities/oauth2/authorize", {
        token: tokenOf((yield* browser.get(path)).text),
        decision: "deny"
      })
    ]
    for (const { text } of pages) assert.notMatch(text, /agent (?:will |now )?(?:continue|resume|proceed)s?/i)
    // After a denial nothing returns to the application.
    assert.notInclude(pages[0]?.text, "Afterwards you return to the application")
  }))

/** Sessions, and the users who have a grant. */
const outcome = Effect.gen(function*() {
  const { grants } = yield* IdentityControls.IdentityControls
  return [yield* statuses, (yield* grants).map(({ user }) => user)] as const
})

const completedText = "The session is completed, and the token is stored for its user. The application repeats or " +
  "continues its request."

live("Approve and complete on the dashboard finishes a consent in one click and says so", () =>
  Effect.gen(function*() {
    const browser = yield* jar
    yield* ask()
    const { headers, status } = yield* act(browser, { action: "approve-complete", handle: "0" })
    assert.strictEqual(status, 303)
    const page = yield* browser.get(headers.get("location") ?? "")
    assert.include(page.text, `<p class="flash ok" role="status">Consent given. ${completedText}</p>`)
    assertEqual(yield* outcome, [["completed"], ["userId:ada"]])
    assert.strictEqual((yield* act(browser, { action: "approve-complete", handle: "0" })).status, 409)
    assert.strictEqual((yield* act(browser, { action: "complete", handle: "0" })).status, 409)
  }))

live("Complete on the dashboard completes a session that was approved", () =>
  Effect.gen(function*() {
    const browser = yield* jar
    yield* ask()
    assert.notInclude((yield* browser.get("/")).text, "value=\"complete\"")
    const early = yield* act(browser, { action: "complete", handle: "0" })
    assert.strictEqual(early.status, 409)
    assert.include(early.text, "<h1>This request was not approved</h1>")
    yield* act(browser, { action: "approve", handle: "0" })
    assert.include((yield* browser.get("/")).text, "value=\"complete\"")
    const { headers, status } = yield* act(browser, { action: "complete", handle: "0" })
    assert.strictEqual(status, 303)
    assert.include((yield* browser.get(headers.get("location") ?? "")).text, completedText)
    assertEqual(yield* outcome, [["completed"], ["userId:ada"]])
  }))

live("the consent page can show the return URL instead of opening it", () =>
  Effect.gen(function*() {
    const browser = yield* jar
    const { path, uri } = yield* ask()
    const fields = { token: tokenOf((yield* browser.get(path)).text), decision: "show" }
    const page = yield* browser.form("/identities/oauth2/authorize", fields)
    assert.strictEqual(page.status, 200)
    assert.strictEqual(page.headers.get("cache-control"), "no-store")
    assert.strictEqual(new URL(page.url).search, "")
    assert.include(page.text, `<a class="url" href="${callbackUrl}?session_id=${encodeURIComponent(uri)}`)
    assert.include(page.text, "aria-label=\"Copy: Return URL\"")
    assertEqual(yield* outcome, [["approved"], []])
  }))

live(
  "Approve and complete on the consent page finishes a consent without the return page of the application",
  () =>
    Effect.gen(function*() {
      const browser = yield* jar
      const { path } = yield* ask()
      const fields = { token: tokenOf((yield* browser.get(path)).text), decision: "complete" }
      const page = yield* browser.form("/identities/oauth2/authorize", fields)
      assert.strictEqual(page.status, 200)
      assert.include(
        page.text,
        `<section class="card notice good"><h1>Consent given</h1><p>${completedText} You can close this page.</p></section>`
      )
      assertEqual(yield* outcome, [["completed"], ["userId:ada"]])
      assert.strictEqual((yield* browser.form("/identities/oauth2/authorize", fields)).status, 409)
      assert.strictEqual((yield* browser.get(path)).status, 409)
    })
)
