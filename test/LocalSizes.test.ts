import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityControls from "../src/IdentityControls.js"
import { InternalServerError } from "../src/IdentityError.js"
import { newest } from "../src/internal/server/control/page.js"
import { agent } from "./support/agent.js"
import { layer } from "./support/browser.js"
import { assertEqual } from "./support/equality.js"
import { ask, jar } from "./support/jar.js"

const live = <A, E>(name: string, test: () => Effect.Effect<A, E, Layer.Layer.Success<typeof layer>>) =>
  it.live(name, () => Effect.zipRight(agent, test()).pipe(Effect.provide(layer)))

const mebibyte = 1_048_576

const byteLength = (text: string) => Buffer.byteLength(text)

const numbered = Array.from({ length: 10 }, (_, index) => ({ index, text: "ä".repeat(50) }))

describe("the newest entries", () => {
  const bytes = byteLength(JSON.stringify(numbered[0])) + 1

  it("are those that fit, measured in bytes, in the order of the list", () => {
    assertEqual<unknown>(newest(numbered, 3 * bytes), numbered.slice(7))
    assertEqual<unknown>(newest(numbered, 3 * bytes - 1), numbered.slice(8))
    assertEqual(newest(numbered, 1000 * bytes), numbered)
    assertEqual(newest(numbered, bytes - 1), [])
  })

  it("are shortened without writing a large entry as JSON", () => {
    let written = 0
    const large = {
      texts: Array.from({ length: 1_000 }, () => "x".repeat(100)),
      at: { toJSON: () => written++ }
    }
    const [entry] = newest([large], 100_000)
    assert.strictEqual(written, 1)
    assert.isBelow(byteLength(JSON.stringify(entry)), 32_768)
  })
})

live("a session with very many scopes is shortened, and does not hide the others", () =>
  Effect.gen(function*() {
    const client = yield* jar
    yield* ask("github", ["first"])
    yield* ask("github", Array.from({ length: 7000 }, (_, index) => `${index}`.padStart(128, "x")))
    for (const path of ["/_local/sessions", "/_local/state"]) {
      const { sessions } = JSON.parse((yield* client.get(path)).text)
      assertEqual(sessions.map(({ id }: { readonly id: number }) => id), [1, 2], path)
      assert.match(sessions[1].scopes.at(-1), /^… \d+ more$/)
      assert.strictEqual(sessions[1].status, "pending")
    }
  }))

live("the call log keeps an excerpt of each request, and its answer has at most 1 MiB", () =>
  Effect.gen(function*() {
    const { journal } = yield* IdentityControls.IdentityControls
    const api = yield* IdentityApi.IdentityApi
    const client = yield* jar
    yield* api.createWorkloadIdentity({
      name: "tagged",
      tags: Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`key-${index}`, "x".repeat(250)]))
    })
    const [entry] = (yield* journal).slice(-1)
    assert.strictEqual(Object(entry?.request).name, "tagged")
    assert.isAtMost(JSON.stringify(entry).length, 10_000)
    const request = {
      name: "none",
      allowedResourceOauth2ReturnUrls: Array.from({ length: 6 }, () => `https://app.example/${"x".repeat(1900)}`)
    }
    for (let i = 0; i < 130; i++) yield* Effect.ignore(api.updateWorkloadIdentity(request))
    const whole = yield* client.get("/_local/journal")
    assert.isAtMost(byteLength(whole.text), mebibyte)
    const answer = JSON.parse(whole.text)
    assert.isAbove(answer.total, 130)
    assert.isBelow(answer.journal.length, answer.total)
    assert.strictEqual(answer.journal.at(-1).operation, "updateWorkloadIdentity")
    const state = yield* client.get("/_local/state")
    assert.isAtMost(byteLength(state.text), mebibyte)
  }))

live("the call log and the sessions are returned in pages, from the newest", () =>
  Effect.gen(function*() {
    const client = yield* jar
    const pageOf = (path: string) => Effect.map(client.get(path), ({ text }) => JSON.parse(text))
    for (let i = 0; i < 4; i++) yield* ask("github", [`scope-${i}`])
    const ids = (page: { readonly sessions: ReadonlyArray<{ readonly id: number }> }) =>
      page.sessions.map(({ id }) => id)
    assertEqual(ids(yield* pageOf("/_local/sessions")), [1, 2, 3, 4])
    const newestTwo = yield* pageOf("/_local/sessions?limit=2")
    assertEqual([ids(newestTwo), newestTwo.total], [[3, 4], 4])
    assertEqual(ids(yield* pageOf("/_local/sessions?limit=2&skip=1")), [2, 3])
    assertEqual(ids(yield* pageOf("/_local/sessions?skip=3")), [1])
    assertEqual(ids(yield* pageOf("/_local/sessions?skip=9")), [])
    assertEqual(ids(yield* pageOf("/_local/sessions?limit=0")), [])
    const { journal, total } = yield* pageOf("/_local/journal?limit=1")
    assertEqual(journal.map(({ operation }: { readonly operation: string }) => operation), ["getResourceOauth2Token"])
    assert.isAbove(total, 8)
    for (const query of ["limit=-1", "limit=all", "skip=1.5", "skip="]) {
      const refused = yield* client.get(`/_local/journal?${query}`)
      assertEqual([refused.status, JSON.parse(refused.text)], [400, {
        error: "InvalidQuery",
        message: `${query.split("=")[0]}: expected a number of entries, 0 or more`
      }])
    }
  }))

live("the state omits the oldest entries of a long list, and counts them", () =>
  Effect.gen(function*() {
    const client = yield* jar
    for (let i = 0; i < 150; i++) {
      yield* ask(
        "github",
        [`${i}-${"x".repeat(100)}`, ...Array.from({ length: 20 }, (_, j) => `${j}${"y".repeat(100)}`)]
      )
    }
    const { text } = yield* client.get("/_local/state")
    assert.isAtMost(byteLength(text), mebibyte)
    const { omitted, sessions } = JSON.parse(text)
    assert.isAbove(omitted.sessions, 0)
    assert.strictEqual(sessions.length + omitted.sessions, 150)
    assert.strictEqual(sessions.at(-1).id, 150)
    assertEqual([omitted.grants, omitted.failures], [0, 0])
  }))

live(
  "at most 1,000 failures, delays and drops are pending, and the error says how to cancel them",
  () =>
    Effect.gen(function*() {
      const client = yield* jar
      const { failNext } = yield* IdentityControls.IdentityControls
      const error = new InternalServerError({ operation: "GetTokenVault", message: "broken" })
      for (let i = 0; i < 998; i++) yield* failNext("getTokenVault", error)
      const operation = "GetTokenVault"
      const statusOf = (path: string, body: object) => Effect.map(client.json(path, body), ({ status }) => status)
      assert.strictEqual(yield* statusOf("/_local/delay", { operation, seconds: 1 }), 200)
      assert.strictEqual(yield* statusOf("/_local/drop", { operation }), 200)
      for (
        const [path, body] of [["delay", { seconds: 1 }], ["drop", {}], ["fail", {
          error: "InternalServerError"
        }]] as const
      ) {
        const refused = yield* client.json(`/_local/${path}`, { operation, ...body })
        assertEqual([refused.status, refused.json], [409, {
          error: "TooManyPending",
          message: "1000 failures, delays and drops are pending: cancel some, or all with POST /_local/reset"
        }])
      }
      assert.strictEqual(yield* statusOf("/_local/drop", { operation, times: 0 }), 200)
      assert.strictEqual(yield* statusOf("/_local/delay", { operation, seconds: 1 }), 200)
      assert.strictEqual(yield* statusOf("/_local/reset", {}), 200)
      assert.strictEqual(yield* statusOf("/_local/fail", { operation, error: "InternalServerError" }), 200)
    })
)

/** The number of table rows of the dashboard, and the numbers of those that it omits. */
const rowsOf = (text: string) => ({
  rows: text.match(/<tr><td/g)?.length ?? 0,
  omitted: [...text.matchAll(/(\d+) more: <code>/g)].map(([, count]) => Number(count))
})

live(
  "the lists and the dashboard have at most 1 MiB after large requests of which no member is in another one",
  () =>
    Effect.gen(function*() {
      const client = yield* jar
      for (let i = 0; i < 12; i++) {
        // About 800 KB as JSON.
        yield* ask("github", Array.from({ length: 6_100 }, (_, j) => `${i}-${j}`.padEnd(128, "x")), `user-${i}`)
      }
      for (const path of ["/_local/journal", "/_local/sessions", "/_local/state", "/"]) {
        assert.isAtMost(byteLength((yield* client.get(path)).text), mebibyte, path)
      }
      const page = (yield* client.get("/")).text
      assert.match(page, /… \d{4} more/)
      assert.include(page, "11-0")
    })
)

live("the consent page has at most 1 MiB, and counts the scopes that do not fit", () =>
  Effect.gen(function*() {
    const client = yield* jar
    // The first has about 800 KB as JSON. The second has invisible characters, which are shown as their escapes.
    for (const filler of ["x", "\u2066"]) {
      const scopes = Array.from({ length: filler === "x" ? 6_100 : 2_000 }, (_, i) => `${i}-`.padEnd(128, filler))
      const { text } = yield* client.get((yield* ask("github", scopes)).path)
      assert.isAtMost(byteLength(text), mebibyte)
      const shown = text.match(/<li>/g)?.length ?? 0
      assert.isAbove(shown, 500)
      assert.include(text, `<p>and ${scopes.length - shown} more, which do not fit on this page.</p>`)
    }
    const { text } = yield* client.get((yield* ask("github", ["one", "two"])).path)
    assert.strictEqual(text.match(/<li>/g)?.length, 2)
    assert.notInclude(text, "do not fit")
  }))

live("the dashboard shows the newest rows that fit, and counts the others", () =>
  Effect.gen(function*() {
    const client = yield* jar
    for (let i = 0; i < 20; i++) yield* ask("github", [`scope-${i}`], `user-${i}`)
    const small = (yield* client.get("/")).text
    assertEqual(rowsOf(small).omitted, [])
    // Invisible characters are shown as their escapes, which are longer.
    const scopes = Array.from({ length: 4 }, (_, j) => `${j}`.padEnd(128, "\u2066"))
    for (let i = 0; i < 180; i++) yield* ask("github", scopes, `${i}-`.padEnd(128, "\u2066"))
    const { text } = yield* client.get("/")
    assert.isAtMost(byteLength(text), mebibyte)
    const { omitted, rows } = rowsOf(text)
    assert.lengthOf(omitted, 1)
    assert.isAbove(rows, 20)
    assert.include(text, "179-")
  }))
