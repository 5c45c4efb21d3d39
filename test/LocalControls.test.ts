import { assert, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityControls from "../src/IdentityControls.js"
import * as IdentityService from "../src/IdentityService.js"
import { agent, asUser, callbackUrl } from "./support/agent.js"
import { layer } from "./support/browser.js"
import { assertContains, assertEqual } from "./support/equality.js"
import { ask, jar, tokenOf } from "./support/jar.js"

const live = <A, E>(name: string, test: () => Effect.Effect<A, E, Layer.Layer.Success<typeof layer>>) =>
  it.live(name, () => Effect.zipRight(agent, test()).pipe(Effect.provide(layer)))

const operation = "getTokenVault"

const statuses = Effect.flatMap(
  IdentityControls.IdentityControls,
  ({ sessions }) => Effect.map(sessions, (all) => all.map(({ id, status }) => [id, status]))
)

live("a session can be approved or denied by its id in the state, without its URI", () =>
  Effect.gen(function*() {
    const client = yield* jar
    const { uri } = yield* ask()
    yield* ask()
    yield* ask()
    const { text } = yield* client.get("/_local/state")
    const { sessions }: { readonly sessions: ReadonlyArray<{ readonly id: number }> } = JSON.parse(text)
    assertEqual(sessions.map(({ id }) => id), [1, 2, 3])
    assert.notInclude(text, uri)
    const approved = yield* client.json("/_local/approve", { session: 1 })
    assert.isTrue(approved.json.returnUrl.startsWith(`${callbackUrl}?session_id=${encodeURIComponent(uri)}`))
    assertEqual((yield* client.json("/_local/deny", { session: 2 })).json, {})
    assertEqual((yield* client.json("/_local/expire", { session: 3 })).json, {})
    assertEqual(yield* statuses, [[1, "approved"], [2, "failed"], [3, "expired"]])
    const again = yield* client.json("/_local/approve", { session: 1 })
    assertEqual([again.status, again.json.error], [409, "SessionNotPending"])
    const nobodys = yield* client.json("/_local/deny", { session: 4 })
    assertEqual([nobodys.status, nobodys.json], [404, {
      error: "SessionNotFound",
      message: "No session matches. `GET /_local/state` lists all sessions."
    }])
    const selections = yield* client.json("/_local/deny", { session: 2, user: "userId:ada" })
    assert.strictEqual(selections.status, 400)
    assert.include(
      selections.text,
      "Pass only one of: session, sessionUri, or names (user, providerName, workloadName)"
    )
    const endpoint = yield* client.json("/_local/none", {})
    assertEqual([endpoint.status, endpoint.json], [404, {
      error: "NotFound",
      message: "Unknown endpoint. `GET /_local/` lists all endpoints."
    }])
    // An approved session can also expire.
    assert.strictEqual((yield* client.json("/_local/expire", { session: 1 })).status, 200)
    assert.strictEqual((yield* client.json("/_local/expire", { sessionUri: uri })).status, 409)
  }))

live(
  "approve with complete: true also completes the session, as its user, who receives the token",
  () =>
    Effect.gen(function*() {
      const client = yield* jar
      const { uri } = yield* ask()
      const { json, status } = yield* client.json("/_local/approve", { session: 1, complete: true })
      assert.strictEqual(status, 200)
      assert.isTrue(json.returnUrl.startsWith(`${callbackUrl}?session_id=${encodeURIComponent(uri)}`))
      assertEqual(yield* statuses, [[1, "completed"]])
      const again = yield* client.json("/_local/approve", { session: 1, complete: true })
      assertEqual([again.status, again.json.error], [409, "SessionNotPending"])
      // A stored grant: there is no further consent.
      const identity = yield* IdentityService.IdentityService
      yield* identity.getToken({
        ...asUser,
        workloadAccessToken: yield* identity.getWorkloadAccessToken({ workloadName: "my-agent", userId: "ada" })
      })
      const wrong = yield* client.json("/_local/approve", { session: 1, complete: "yes" })
      assertEqual([wrong.status, wrong.json.fieldList?.[0]?.name], [400, "complete"])
    })
)

live(
  "approve with complete: true completes a session that is already approved, by id, URI or names",
  () =>
    Effect.gen(function*() {
      const client = yield* jar
      const uris: Array<string> = []
      for (const _ of [1, 2, 3]) uris.push((yield* ask()).uri)
      for (const session of [1, 2, 3]) yield* client.json("/_local/approve", { session })
      for (const selector of [{ session: 1 }, { sessionUri: uris[1] }, { user: "userId:ada" }]) {
        const { json, status } = yield* client.json("/_local/approve", { ...selector, complete: true })
        assertEqual([status, json], [200, {}])
      }
      assertEqual(yield* statuses, [[1, "completed"], [2, "completed"], [3, "completed"]])
    })
)

live(
  "a conflict names the session by its id, its status and what to do, and not its URI",
  () =>
    Effect.gen(function*() {
      const client = yield* jar
      const { uri } = yield* ask()
      yield* ask()
      const message = (path: string, body: unknown) =>
        Effect.map(client.json(`/_local/${path}`, body), ({ json, status }) => [status, json.error, json.message])
      yield* client.json("/_local/approve", { session: 1 })
      const approved =
        "session 1 is approved, not pending: complete it at its return URL, or with `complete`: true at " +
        "/_local/approve"
      assertEqual(yield* message("approve", { session: 1 }), [409, "SessionNotPending", approved])
      assertEqual(yield* message("deny", { sessionUri: uri }), [409, "SessionNotPending", approved])
      yield* client.json("/_local/deny", { session: 2 })
      for (const complete of [false, true]) {
        assertEqual(yield* message("approve", { session: 2, complete }), [
          409,
          "SessionNotPending",
          "session 2 is failed, not pending: request the token again"
        ])
      }
      assertEqual(yield* message("expire", { session: 2 }), [
        409,
        "SessionNotPending",
        "session 2 is failed, not active: request the token again"
      ])
      yield* client.json("/_local/approve", { session: 1, complete: true })
      assertEqual(yield* message("approve", { session: 1, complete: true }), [
        409,
        "SessionNotPending",
        "session 1 is completed, not pending: its token is stored, and the next request of the agent returns it"
      ])
      const [status, error, unknown] = yield* message("approve", {
        sessionUri: "https://app.example/back?session_id=urn"
      })
      assertEqual([status, error], [404, "SessionNotFound"])
      assert.match(String(unknown), /^No session has this sessionUri: pass the decoded session_id of a return URL/)
    })
)

live(
  "names select a pending request only if exactly one matches",
  () =>
    Effect.gen(function*() {
      const client = yield* jar
      yield* ask("github")
      yield* ask("exchange", ["read"])
      const send = (path: string, body: unknown) =>
        Effect.map(client.json(`/_local/${path}`, body), ({ json, status }) => [status, json.error, json.message])
      const ada = { user: "userId:ada", workloadName: "my-agent" }
      const [status, error, message] = yield* send("approve", ada)
      assertEqual([status, error], [409, "SeveralSessions"])
      assert.match(String(message), /: 1, 2$/)
      assertEqual((yield* send("approve", { ...ada, user: "userId:eve" })).slice(0, 2), [
        404,
        "SessionNotFound"
      ])
      assertEqual(yield* send("approve", { ...ada, providerName: "exchange" }), [200, undefined, undefined])
      // Only one request is still pending.
      assertEqual(yield* send("deny", ada), [200, undefined, undefined])
      assertEqual((yield* send("deny", ada)).slice(0, 1), [404])
      assertEqual(yield* send("expire", ada), [200, undefined, undefined])
      assertEqual(yield* statuses, [[1, "failed"], [2, "expired"]])
    })
)

live(
  "the state and the dashboard show pending faults, and both can cancel them",
  () =>
    Effect.gen(function*() {
      const client = yield* jar
      const { getTokenVault } = yield* IdentityApi.IdentityApi
      const controls = yield* IdentityControls.IdentityControls
      const arm = Effect.all([
        client.json("/_local/fail", { operation, error: "ThrottlingException", times: 2, message: "not now" }),
        client.json("/_local/delay", { operation, seconds: 30 }),
        client.json("/_local/drop", { operation })
      ])
      yield* arm
      const waiting = Effect.map(client.get("/_local/state"), ({ text }) => {
        const { delays, drops, failures } = JSON.parse(text)
        return { failures, delays, drops }
      })
      const nothing = { failures: [], delays: [], drops: [] }
      assertEqual(yield* waiting, {
        failures: [{ operation, error: "Throttled", message: "not now", times: 2 }],
        delays: [{ operation, times: 1, seconds: 30 }],
        drops: [{ operation, times: 1, lost: "request" }]
      })
      const page = yield* client.get("/")
      for (
        const line of ["fails with Throttled, next 2 calls", "delayed by 30s, next call", "request lost, next call"]
      ) {
        assert.include(page.text, `${operation}: ${line}`)
      }
      const reset = yield* client.form("/", { token: tokenOf(page.text), action: "reset" })
      assert.strictEqual(reset.headers.get("location"), "/?done=reset")
      assertEqual(yield* waiting, nothing)
      assert.notInclude((yield* client.get("/")).text, "Cancel all of these")
      yield* arm
      const before = yield* controls.journal
      assert.isNotEmpty(before)
      assertEqual((yield* client.json("/_local/reset", {})).json, {})
      assertEqual(yield* waiting, nothing)
      assertEqual(yield* controls.journal, before)
      yield* client.json("/_local/reset", { journal: true })
      assert.isEmpty(yield* controls.journal)
      assert.strictEqual((yield* getTokenVault({})).tokenVaultId, "default")
    })
)

live("zero calls or zero seconds cancels the pending faults of one operation only", () =>
  Effect.gen(function*() {
    const client = yield* jar
    for (const operation of ["getTokenVault", "ListWorkloadIdentities"]) {
      yield* client.json("/_local/fail", { operation, error: "Throttled" })
      yield* client.json("/_local/delay", { operation, seconds: 30 })
      yield* client.json("/_local/drop", { operation })
    }
    for (
      const [path, body] of [
        ["fail", { operation, times: 0 }],
        ["delay", { operation, seconds: 0 }],
        ["drop", { operation, times: 0 }]
      ] as const
    ) assertEqual((yield* client.json(`/_local/${path}`, body)).json, {})
    const left = JSON.parse((yield* client.get("/_local/state")).text)
    for (const waiting of [left.failures, left.delays, left.drops]) {
      assertEqual(waiting.map((one: { readonly operation: string }) => one.operation), [
        "listWorkloadIdentities"
      ])
    }
    yield* client.json("/_local/delay", { operation: "listWorkloadIdentities", times: 0 })
    assert.isEmpty(JSON.parse((yield* client.get("/_local/state")).text).delays)
  }))

live(
  "every error of the model of an operation can be injected by its library name or its AWS name",
  () =>
    Effect.gen(function*() {
      const client = yield* jar
      const { createApiKeyCredentialProvider } = IdentityApi.operations
      const wrong = yield* client.json("/_local/fail", {
        operation: "CreateApiKeyCredentialProvider",
        error: "Nothing"
      })
      assert.strictEqual(wrong.status, 400)
      const [, names = ""] = /^error: Member must satisfy enum value set: \[(.*)\]$/.exec(wrong.json.message) ?? []
      const both = names.split(", ").map((name) => name.replace(")", "").split(" ("))
      assert.sameMembers(both.map(([tag]) => tag ?? ""), [...createApiKeyCredentialProvider.errors])
      assertContains(both, ["Conflict", "ConflictException"])
      for (const error of both.flat()) {
        const sent = yield* client.json("/_local/fail", { operation: "createApiKeyCredentialProvider", error })
        assert.strictEqual(sent.status, 200, error)
      }
      const { pendingFailures } = yield* IdentityControls.IdentityControls
      assert.lengthOf(yield* pendingFailures, both.flat().length)
    })
)

live("the control API lists its endpoints, and all of them exist", () =>
  Effect.gen(function*() {
    const client = yield* jar
    const { text } = yield* client.get("/_local/")
    assert.strictEqual((yield* client.get("/_local")).text, text)
    const { endpoints }: {
      readonly endpoints: ReadonlyArray<{ readonly method: string; readonly path: string; readonly does: string }>
    } = JSON.parse(text)
    assert.includeMembers(endpoints.map(({ path }) => path), ["/_local/state", "/_local/approve", "/_local/reset"])
    for (const { does, method, path } of endpoints) {
      assert.isNotEmpty(does)
      const { status } = yield* method === "GET" ? client.get(path) : client.json(path, { nothing: "of the kind" })
      assert.strictEqual(status, method === "GET" ? 200 : 400, path)
    }
    assert.include((yield* client.get("/")).text, "<a href=\"/_local/\">")
  }))
