import { assert, describe } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { api } from "../scratchpad/agent/AuthorizationServer.js"
import { required } from "./support/consenting.js"
import { assertEqual } from "./support/equality.js"
import * as federated from "./support/federated.js"
import { test } from "./support/federated.js"
import type { Vendor } from "./support/vendor.js"

describe("a provider with a new client secret", () => {
  /** Sets the new secret at the authorization server and the provider. */
  const rotates = (server: Vendor, world: Effect.Effect.Success<ReturnType<typeof federated.setUp>>) =>
    Effect.gen(function*() {
      server.register({
        clientId: "me",
        clientSecret: "rotated",
        redirectUris: [world.provider.callbackUrl ?? ""]
      })
      yield* world.identity.updateOauth2CredentialProvider({
        name: federated.providerName,
        credentialProviderVendor: "CustomOauth2",
        oauth2ProviderConfigInput: {
          customOauth2ProviderConfig: {
            clientId: "me",
            clientSecret: Redacted.make("rotated"),
            oauthDiscovery: { discoveryUrl: server.discoveryUrl }
          }
        }
      })
    })

  test("refreshes earlier tokens without another consent", (server) =>
    Effect.gen(function*() {
      const world = yield* federated.setUp(server)
      const ask = world.identity.getToken(world.asUser)
      yield* federated.consents(server, yield* required(ask))
      const before = Redacted.value(yield* ask)
      yield* rotates(server, world)
      assert.strictEqual(Redacted.value(yield* ask), before)
      yield* world.controls.expireTokens()
      const after = Redacted.value(yield* ask)
      assert.notStrictEqual(after, before)
      yield* server.verify(after, api)
      assertEqual(server.requests("refresh_token").map(({ status }) => status), [200])
    }))

  test("allows a user to complete a consent that started before the update", (server) =>
    Effect.gen(function*() {
      const world = yield* federated.setUp(server)
      const ask = world.identity.getToken(world.asUser)
      const consent = yield* required(ask)
      yield* rotates(server, world)
      yield* federated.consents(server, consent)
      yield* server.verify(Redacted.value(yield* ask), api)
      assertEqual(server.requests("authorization_code").map(({ status }) => status), [200])
    }))

  test("requests a machine token with the new secret after the cached token expires", (server) =>
    Effect.gen(function*() {
      const world = yield* federated.setUp(server)
      const ask = world.identity.getToken(world.asMachine)
      const before = Redacted.value(yield* ask)
      yield* rotates(server, world)
      assert.strictEqual(Redacted.value(yield* ask), before)
      yield* world.controls.expireTokens()
      assert.notStrictEqual(Redacted.value(yield* ask), before)
      assertEqual(server.requests("client_credentials").map(({ status }) => status), [200, 200])
    }))
})
