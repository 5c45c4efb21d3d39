import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { required } from "./support/consenting.js"
import { assertContains, assertEqual } from "./support/equality.js"
import * as federated from "./support/federated.js"
import { test } from "./support/federated.js"
import * as jar from "./support/jar.js"

const { providerName } = federated

test("the control API sets the issuer of a provider, which removes the grants of the earlier issuer", (server) =>
  Effect.gen(function*() {
    const { asUser, controls, identity } = yield* federated.setUp(server)
    const client = yield* jar.jar
    const set = (issuer?: string) =>
      Effect.map(client.json("/_local/issuer", { providerName, issuer }), ({ json, status }) => [status, json])
    const issuer = Effect.map(controls.inventory, ({ oauth2CredentialProviders: [provider] }) => provider?.issuer)
    yield* federated.consents(server, yield* required(identity.getToken(asUser)))
    assertEqual(yield* set("simulated"), [200, {}])
    assert.strictEqual(yield* issuer, "simulated")
    assertEqual(yield* controls.grants, [])
    assertEqual(yield* set(server.discoveryUrl), [200, {}])
    assert.strictEqual(yield* issuer, "federated")
    assertEqual(yield* set("simulated"), [200, {}])
    assertEqual(yield* set(), [200, {}])
    assert.strictEqual(yield* issuer, "federated")
  }))

test("an issuer can have its path after the well-known segment (RFC 8414), and the dashboard shows its URL", (server) =>
  Effect.gen(function*() {
    const { controls } = yield* federated.setUp(server)
    const client = yield* jar.jar
    const issuer = "https://idp.example/.well-known/oauth-authorization-server/tenant1"
    assert.strictEqual((yield* client.json("/_local/issuer", { providerName, issuer })).status, 200)
    const { oauth2CredentialProviders: [provider] } = yield* controls.inventory
    assertEqual(provider?.issuerChoice, { discoveryUrl: issuer })
    assert.include((yield* client.get("/")).text, issuer)
  }))

test("an invalid issuer is rejected with the name of the member and changes nothing", (server) =>
  Effect.gen(function*() {
    const { controls } = yield* federated.setUp(server)
    const client = yield* jar.jar
    for (
      const issuer of [
        "real",
        "http://issuer.example/.well-known/openid-configuration",
        "ftp://issuer.example",
        "https://issuer.example/.well-known/oauth-authorization-server?tenant=1",
        "https://issuer.example/.well-known/oauth-authorization-server/tenant1#a",
        "https://issuer.example/a/.well-known/oauth-authorization-server/b",
        "https://issuer.example/.well-known/oauth-authorization-servers"
      ]
    ) {
      const { json, status } = yield* client.json("/_local/issuer", { providerName, issuer })
      assertEqual([status, json.error], [400, "InvalidBody"], issuer)
      assert.match(json.message, /issuer/)
    }
    const { json, status } = yield* client.json("/_local/issuer", { issuer: "simulated" })
    assertEqual([status, json.error], [400, "InvalidBody"])
    assert.match(json.message, /providerName/)
    const { oauth2CredentialProviders: [provider] } = yield* controls.inventory
    assert.strictEqual(provider?.issuer, "federated")
  }))

test("a session of a federated provider cannot be approved by the controls", (server) =>
  Effect.gen(function*() {
    const { asUser, controls, identity } = yield* federated.setUp(server)
    const client = yield* jar.jar
    const { sessionUri } = yield* required(identity.getToken(asUser))
    const { json, status } = yield* client.json("/_local/approve", { session: 1 })
    assertEqual([status, json.error], [409, "NotSimulated"])
    assert.strictEqual((yield* controls.sessions)[0]?.status, "pending")
    assert.strictEqual((yield* client.json("/_local/deny", { session: 1 })).status, 200)
    assert.strictEqual((yield* Effect.flip(controls.beginAuthorization(sessionUri, "state")))._tag, "SessionNotPending")
  }))

test("the control API lists the errors of providers, without secrets of the request", (server) =>
  Effect.gen(function*() {
    const { asMachine, identity } = yield* federated.setUp(server, { clientAuthenticationMethod: "CLIENT_SECRET_POST" })
    const client = yield* jar.jar
    const told = Effect.map(client.get("/_local/provider-failures"), ({ text }) => JSON.parse(text))
    assertEqual(yield* told, { providerFailures: [] })
    server.failNext({
      status: 400,
      body: JSON.stringify({ error: "unauthorized_client", error_description: "s:e/c r+e%t is no secret" })
    })
    yield* Effect.flip(identity.getToken(asMachine))
    const { providerFailures: [failure, ...others] } = yield* told
    assertEqual(others, [])
    const { at, ...rest } = failure
    assert.match(at, /^\d{4}-\d\d-\d\dT.*Z$/)
    assertEqual(rest, {
      providerName,
      step: "token",
      reason: "Refused",
      status: 400,
      error: "unauthorized_client",
      description: "<redacted> is no secret"
    })
  }))

test("a code as long as a token is accepted", (server) =>
  Effect.gen(function*() {
    const { asUser, identity } = yield* federated.setUp(server)
    const { browser, callback } = yield* federated.goes(server, yield* required(identity.getToken(asUser)))
    callback.searchParams.set("code", "c".repeat(6000))
    const page = yield* browser.get(callback.pathname + callback.search)
    assert.strictEqual(page.status, 303)
  }))

test("a response from another issuer changes nothing, and the error contains both issuers", (server) =>
  Effect.gen(function*() {
    const { asUser, controls, identity } = yield* federated.setUp(server)
    const { browser, callback } = yield* federated.goes(server, yield* required(identity.getToken(asUser)))
    callback.searchParams.set("iss", "https://another.example")
    const page = yield* browser.get(callback.pathname + callback.search)
    assert.strictEqual(page.status, 400)
    assert.strictEqual((yield* controls.sessions)[0]?.status, "pending")
    assertContains((yield* controls.providerFailures)[0], {
      step: "authorization",
      reason: "Malformed",
      description:
        `the response has the issuer https://another.example, but the issuer of the provider is ${server.issuer}`
    })
  }))
