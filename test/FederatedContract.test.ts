import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer, Redacted } from "effect"
import * as jose from "jose"
import * as FederatedIssuer from "../src/FederatedIssuer.js"
import * as IdentityControls from "../src/IdentityControls.js"
import * as MemoryIdentity from "../src/MemoryIdentity.js"
import { agent, asUser } from "./support/agent.js"
import { unhurried } from "./support/clock.js"
import { consents, required } from "./support/consenting.js"
import * as Contract from "./support/contract.js"
import { answers } from "./support/federated.js"
import * as Server from "./support/server.js"
import * as vendor from "./support/vendor.js"

/** The user consents at the provider's pages. */
const Controls = Layer.scoped(
  IdentityControls.IdentityControls,
  Effect.gen(function*() {
    const controls = yield* IdentityControls.IdentityControls
    const server = yield* vendor.make({ isTrusting: true })
    const register = Effect.map(controls.inventory, ({ oauth2CredentialProviders: all }) =>
      server.register({
        clientId: "client",
        clientSecret: "client-secret",
        method: "client_secret_post",
        redirectUris: all.map(({ callbackUrl }) => callbackUrl)
      }))
    yield* register
    for (const name of ["github", "exchange"]) {
      yield* controls.setIssuer(name, { discoveryUrl: server.discoveryUrl })
    }
    return {
      ...controls,
      approve: (sessionUri) =>
        Effect.gen(function*() {
          yield* register
          return yield* Effect.catchTag(answers(controls, server, sessionUri), "ProviderRefused", Effect.die)
        }).pipe(unhurried),
      complete: (sessionUri) => unhurried(controls.complete(sessionUri))
    }
  })
)

/** Responses of a real server do not depend on the test clock. */
const Issuer = FederatedIssuer.layer({ timeout: Duration.infinity })

const layer = Server.over(Layer.provideMerge(Controls, Layer.provide(MemoryIdentity.layerApi(), Issuer)))

describe("contract", () => {
  it.effect("federated tokens come from the authorization server", () =>
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      yield* consents(yield* required(identity.getToken({ ...asUser, workloadAccessToken })))
      for (const options of [asUser, { ...asUser, authFlow: "M2M" } as const]) {
        const token = yield* identity.getToken({ ...options, workloadAccessToken })
        assert.match(jose.decodeJwt(Redacted.value(token)).iss ?? "", /^http:\/\/127\.0\.0\.1:/)
      }
    }).pipe(Effect.provide(layer)))

  Contract.suite("SDK over HTTP over memory, federated", layer)
})
