import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { readFileSync, writeFileSync } from "node:fs"
import * as IdentityApi from "../src/IdentityApi.js"
import { openId } from "../src/internal/presets/preset.js"
import { presets } from "../src/internal/presets/table.js"
import * as MemoryIdentity from "../src/MemoryIdentity.js"
import { CredentialProviderVendor } from "../src/Oauth2Provider.js"
import { assertEqual } from "./support/equality.js"
import { configOf, evidenceOf, row, updated, urlsOf, vendors } from "./support/presets.js"

const file = new URL("../guides/vendors.md", import.meta.url)

const isHttps = (url: string) => URL.canParse(url) && new URL(url).protocol === "https:"

const create = Effect.fnUntraced(function*(...[vendor, given]: Parameters<typeof configOf>) {
  const api = yield* IdentityApi.IdentityApi
  const { oauth2ProviderConfigOutput } = yield* api.createOauth2CredentialProvider({
    name: "provider",
    credentialProviderVendor: vendor,
    oauth2ProviderConfigInput: configOf(vendor, given)
  })
  const [output] = Object.values(oauth2ProviderConfigOutput ?? {})
  return output?.oauthDiscovery
})

const inMemory = <A, E>(effect: Effect.Effect<A, E, IdentityApi.IdentityApi>) =>
  Effect.provide(effect, MemoryIdentity.layerApi())

it("every vendor except the custom one has a preset, and every preset is plain data", () => {
  assert.sameMembers([...vendors, "CustomOauth2"], [...CredentialProviderVendor.literals])
  assertEqual(JSON.parse(JSON.stringify(presets)), presets)
})

it("every endpoint of a preset is an https URL", () => {
  for (const vendor of vendors) {
    for (const url of urlsOf(presets[vendor])) assert.isTrue(isHttps(url), `${vendor}: ${url}`)
  }
})

it("an issuer has the same discovery URL with and without trailing slashes", () => {
  for (const issuer of ["https://idp.example/a", "https://idp.example/a/", "https://idp.example/a//"]) {
    assertEqual(openId(issuer), { discoveryUrl: "https://idp.example/a/.well-known/openid-configuration" })
  }
})

it("every fact of a preset has a source, and every source is an https URL", () => {
  for (const vendor of vendors) {
    for (const { sources } of evidenceOf(presets[vendor])) {
      assert.isNotEmpty(sources, vendor)
      for (const source of sources) assert.isTrue(isHttps(source), `${vendor}: ${source}`)
    }
  }
})

it("a preset lists conditions for refresh tokens if and only if they are conditional", () => {
  for (const vendor of vendors) {
    const { replacementGrantType, issued, parameters, registration, scopes } = presets[vendor].refresh
    const conditions = [parameters, registration, scopes].filter((condition) => condition !== undefined)
    assert.strictEqual(conditions.length > 0, issued === "conditional", vendor)
    assert.strictEqual(replacementGrantType !== undefined, issued === "never", vendor)
  }
})

for (const vendor of vendors) {
  const { endpoints } = presets[vendor]
  if (!("tenant" in endpoints)) {
    it.effect(`a provider of ${vendor} has the endpoints of its preset`, () =>
      inMemory(Effect.map(create(vendor), (discovery) => assertEqual(discovery, endpoints))))
  } else if (endpoints.defaultTenantId === undefined) {
    const { authorizationEndpoint, issuer, tokenEndpoint } = endpoints.tenant
    const member = "oauth2ProviderConfigInput.includedOauth2ProviderConfig.issuer"
    it.effect(`a provider of ${vendor} is rejected without the issuer or the endpoints of its tenant`, () =>
      inMemory(Effect.gen(function*() {
        for (const given of [{}, { authorizationEndpoint }, { tokenEndpoint }]) {
          const error = yield* Effect.flip(Effect.asVoid(create(vendor, given)))
          assert.strictEqual(error._tag, "ValidationError")
          assert.include(error.message, member)
        }
      })))
    it.effect(`a provider of ${vendor} has the given endpoints, or the discovery URL of its issuer`, () =>
      inMemory(Effect.gen(function*() {
        assertEqual(yield* create(vendor, { issuer, authorizationEndpoint, tokenEndpoint }), {
          authorizationServerMetadata: { issuer, authorizationEndpoint, tokenEndpoint }
        })
        assertEqual(yield* inMemory(create(vendor, { issuer: `${issuer}/` })), {
          discoveryUrl: `${issuer}/.well-known/openid-configuration`
        })
      })))
  } else {
    it.effect(`a provider of ${vendor} belongs to the given tenant, or to ${endpoints.defaultTenantId}`, () =>
      inMemory(Effect.gen(function*() {
        const discovered = (id: string) => ({
          discoveryUrl: `${endpoints.tenant.issuer.replace("{tenantId}", id)}/.well-known/openid-configuration`
        })
        assertEqual(yield* create(vendor), discovered(endpoints.defaultTenantId ?? ""))
        const given = yield* inMemory(create(vendor, { tenantId: "my-tenant" }))
        assertEqual(given, discovered("my-tenant"))
      })))
  }
}

it("the guide to the vendors is generated from the presets", () => {
  const guide = readFileSync(file, "utf8")
  if (process.env.UPDATE_GUIDES === "1") return writeFileSync(file, updated(guide))
  const hint = "guides/vendors.md is not as the presets are: UPDATE_GUIDES=1 npx vitest run test/presets.test.ts"
  for (const vendor of vendors) assert.isTrue(guide.includes(row(vendor, presets[vendor])), `${hint} (${vendor})`)
  assert.isTrue(guide === updated(guide), hint)
})
