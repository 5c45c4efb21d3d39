import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { vi } from "vitest"
import { resolveServer } from "../src/internal/oauth/discovery.js"
import { clientOf, reach, server } from "./support/authorizationServer.js"

// The issuer template of every vendor except the custom one; the preset templates are not on loopback.
const preset = vi.hoisted(() => ({ discoveredIssuer: undefined as string | undefined }))

vi.mock("../src/internal/oauth/preset.js", () => ({
  presetOf: (vendor: string) => vendor === "CustomOauth2" ? undefined : preset
}))

describe("the issuer of a vendor with a template", () => {
  const id = "9188040d-6c67-4c5b-b112-36a304b66dad"

  const setUp = Effect.gen(function*() {
    const { origin } = yield* server((_, origin) => ({ body: { issuer: `${origin}/${id}/v2.0` } }))
    preset.discoveredIssuer = `${origin}/{tenantid}/v2.0`
    return { oauthDiscovery: { discoveryUrl: `${origin}/common/v2.0/.well-known/openid-configuration` } }
  })

  it.scoped("can be that of a tenant at the configured discovery URL", () =>
    Effect.gen(function*() {
      const options = yield* setUp
      const { issuer } = yield* resolveServer(reach, clientOf({ ...options, vendor: "MicrosoftOauth2" }))
      assert.strictEqual(issuer, preset.discoveredIssuer?.replace("{tenantid}", id))
    }))

  it.scoped("cannot be that of a tenant at a URL that replaces the configured one, even an identical URL", () =>
    Effect.gen(function*() {
      const { oauthDiscovery } = yield* setUp
      const client = clientOf({ oauthDiscovery, vendor: "MicrosoftOauth2", discovery: { ...oauthDiscovery } })
      const refused = yield* Effect.flip(resolveServer(reach, client))
      assert.strictEqual(refused.reason, "Malformed")
      assert.include(refused.description, "has the issuer")
    }))

  it.scoped("cannot be that of a tenant for a custom provider", () =>
    Effect.gen(function*() {
      const refused = yield* Effect.flip(resolveServer(reach, clientOf(yield* setUp)))
      assert.strictEqual(refused.reason, "Malformed")
    }))

  it.scoped("cannot be that of a tenant if its preset has no template", () =>
    Effect.gen(function*() {
      const options = yield* setUp
      preset.discoveredIssuer = undefined
      const refused = yield* Effect.flip(resolveServer(reach, clientOf({ ...options, vendor: "MicrosoftOauth2" })))
      assert.strictEqual(refused.reason, "Malformed")
    }))
})
