import { assert, describe, it } from "@effect/vitest"
import { Chunk, Effect } from "effect"
import { router } from "../src/internal/server/router.js"
import { agent } from "./support/agent.js"
import { layer } from "./support/browser.js"
import { assertEqual } from "./support/equality.js"
import { ask, type Jar, jar, tokenOf } from "./support/jar.js"

type Answer = Effect.Effect.Success<ReturnType<Jar["get"]>>

/** What every answer to a browser says. */
const privacy = {
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin"
}

const policyOf = (nonce: string, hasScript: boolean, leadsAway: boolean) =>
  [
    "default-src 'none'",
    `style-src 'nonce-${nonce}'`,
    "img-src data:",
    ...(hasScript ? [`script-src 'nonce-${nonce}'`] : []),
    "base-uri 'none'",
    "frame-ancestors 'none'",
    ...(leadsAway ? [] : ["form-action 'self'"])
  ].join("; ")

/** The page on which consent is asked leads to the application in the end; every other form stays on the server. */
const leadsAway = ({ text }: Answer) => text.includes(`action="/identities/oauth2/authorize"`)

const nonces = new Set<string>()

/** Checks all headers of an answer; `true` for a page. */
const verify = (answer: Answer, title: string): boolean => {
  const found = Object.fromEntries(Object.keys(privacy).map((name) => [name, answer.headers.get(name)]))
  assertEqual(found, privacy, title)
  const type = answer.headers.get("content-type") ?? ""
  if (!type.startsWith("text/html")) {
    // A redirect has no body, and what the control API answers is JSON.
    assert.isTrue(answer.status === 303 ? answer.text === "" : type.startsWith("application/json"), title)
    return false
  }
  assert.strictEqual(type, "text/html; charset=utf-8", title)
  const [, nonce = ""] = /<style nonce="([^"]*)">/.exec(answer.text) ?? []
  assert.match(nonce, /^[\w-]{43}$/, title)
  assert.isFalse(nonces.has(nonce), title)
  nonces.add(nonce)
  const scripts = [...answer.text.matchAll(/<script([^>]*)>/g)].map(([, attributes]) => attributes)
  assertEqual(scripts, scripts.length === 0 ? [] : [` nonce="${nonce}"`], title)
  const policy = policyOf(nonce, scripts.length > 0, leadsAway(answer))
  assert.strictEqual(answer.headers.get("content-security-policy"), policy, title)
  return true
}

const authorize = "/identities/oauth2/authorize"

/** Every kind of answer of the routes that answer with pages; each is given with its status. */
const pages = (browser: Jar) => {
  const question = Effect.map(ask(), ({ path }) => path)
  const token = Effect.flatMap(question, (path) => Effect.map(browser.get(path), ({ text }) => tokenOf(text)))
  const decide = (decision: string) => Effect.flatMap(token, (token) => browser.form(authorize, { token, decision }))
  const allowed = Effect.map(decide("allow"), ({ headers }) => headers.get("location") ?? "")
  const act = (fields: Record<string, string>) =>
    Effect.flatMap(browser.get("/"), ({ text }) => browser.form("/", { token: tokenOf(text), ...fields }))
  return {
    [`GET ${authorize}`]: [
      [200, Effect.flatMap(question, (path) => browser.get(path))],
      [400, browser.get(authorize)],
      [404, browser.get(`${authorize}?request_uri=urn:nobody`)]
    ],
    [`POST ${authorize}`]: [
      [303, decide("allow")],
      [200, decide("deny")],
      [200, decide("show")],
      [400, decide("perhaps")],
      [403, browser.form(authorize, { token: "x".repeat(43), decision: "allow" })],
      [403, browser.form(authorize, {}, { "sec-fetch-site": "cross-site" })],
      [413, browser.form(authorize, { token: "x".repeat(70_000) })],
      [415, browser.form(authorize, {}, { "content-type": "text/plain" })]
    ],
    "GET /identities/oauth2/callback/:id": [
      [303, Effect.flatMap(allowed, (callback) => browser.get(callback))],
      [400, Effect.flatMap(allowed, (callback) => browser.get(`${callback}&error=access_denied`))],
      [400, browser.get("/identities/oauth2/callback/x?state=y")],
      [400, Effect.flatMap(allowed, (callback) => browser.get(callback.replace(/code=[\w-]+/, "code=other")))]
    ],
    "GET /": [[200, browser.get("/")], [200, browser.get("/?still&done=revoke")]],
    "POST /": [
      [303, act({ action: "revoke" })],
      [200, Effect.zipRight(ask(), act({ action: "approve", handle: "0" }))],
      [400, act({ action: "nothing" })],
      [403, browser.form("/", { token: "x".repeat(43), action: "revoke" })]
    ]
  } satisfies Record<string, ReadonlyArray<readonly [status: number, answer: Effect.Effect<Answer, unknown, unknown>]>>
}

const routes = Chunk.toReadonlyArray(router.routes).map(({ method, path }) => `${method} ${path}`)

const api = routes.filter((route) => / \/_local(?:\/|$)/.test(route))

describe("the headers of every answer of the local server", () => {
  it.live("are those of every page of every route that answers with pages", () =>
    Effect.gen(function*() {
      yield* agent
      const browser = yield* jar
      const all = pages(browser)
      assertEqual(routes.filter((route) => !api.includes(route)), Object.keys(all))
      for (const [route, answers] of Object.entries(all)) {
        for (const [status, effect] of answers) {
          const answer = yield* effect
          const title = `${route} ${status} ${answer.url}`
          assert.strictEqual(answer.status, status, title)
          assert.strictEqual(verify(answer, title), status !== 303, title)
        }
      }
      const { path } = yield* ask()
      assert.isTrue(leadsAway(yield* browser.get(path)))
    }).pipe(Effect.provide(layer)))

  it.live("are those of every route of the control API", () =>
    Effect.gen(function*() {
      yield* agent
      const browser = yield* jar
      assert.isAbove(api.length, 15)
      for (const route of api) {
        const [method = "", path = ""] = route.split(" ")
        const answer = yield* Effect.promise(() =>
          browser.request(path.replace("*", "nothing"), {
            method,
            headers: { "content-type": "application/json" },
            ...(method !== "GET" && { body: "{}" })
          })
        )
        assert.isFalse(verify(answer, route), route)
      }
    }).pipe(Effect.provide(layer)))
})
