import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Redacted, TestClock } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as MemoryIdentity from "../src/MemoryIdentity.js"
import { assertEqual } from "./support/equality.js"

type Api = Effect.Effect.Success<ReturnType<typeof MemoryIdentity.make>>["api"]

const tags = { team: "one" }

const google = (name: string) => ({
  name,
  credentialProviderVendor: "GoogleOauth2" as const,
  oauth2ProviderConfigInput: {
    googleOauth2ProviderConfig: { clientId: "client", clientSecret: Redacted.make("secret") }
  }
})

const coinbase = (name: string) => ({
  name,
  credentialProviderVendor: "CoinbaseCDP" as const,
  providerConfigurationInput: {
    coinbaseCdpConfiguration: { apiKeyId: "id", apiKeySecret: Redacted.make("secret") }
  }
})

const apiKey = (name: string) => ({ name, apiKey: Redacted.make("key") })

const kinds = {
  OAuth2: (api: Api) => ({
    create: (name: string) => api.createOauth2CredentialProvider({ ...google(name), tags }),
    get: (name: string) => api.getOauth2CredentialProvider({ name }),
    update: (name: string) => api.updateOauth2CredentialProvider(google(name)),
    remove: (name: string) => api.deleteOauth2CredentialProvider({ name }),
    list: api.listOauth2CredentialProviders({})
  }),
  "API key": (api: Api) => ({
    create: (name: string) => api.createApiKeyCredentialProvider({ ...apiKey(name), tags }),
    get: (name: string) => api.getApiKeyCredentialProvider({ name }),
    update: (name: string) => api.updateApiKeyCredentialProvider(apiKey(name)),
    remove: (name: string) => api.deleteApiKeyCredentialProvider({ name }),
    list: api.listApiKeyCredentialProviders({})
  }),
  Payment: (api: Api) => ({
    create: (name: string) => api.createPaymentCredentialProvider({ ...coinbase(name), tags }),
    get: (name: string) => api.getPaymentCredentialProvider({ name }),
    update: (name: string) => api.updatePaymentCredentialProvider(coinbase(name)),
    remove: (name: string) => api.deletePaymentCredentialProvider({ name }),
    list: api.listPaymentCredentialProviders({})
  })
}

describe("a credential provider", () => {
  for (const [kind, operationsOf] of Object.entries(kinds)) {
    it.effect(`of the kind ${kind} can be created once, updated, listed and deleted with its tags`, () =>
      Effect.gen(function*() {
        const { api } = yield* MemoryIdentity.make()
        const { create, get, list, remove, update } = operationsOf(api)
        const failure = (effect: ReturnType<typeof create | typeof get | typeof update | typeof remove>) =>
          Effect.map(Effect.flip(effect), ({ _tag, message }) => [_tag, message])
        const notFound = ["ResourceNotFound", `${kind} credential provider 'one' not found`]

        for (const operation of [get, update, remove]) assertEqual(yield* failure(operation("one")), notFound)
        const { credentialProviderArn } = yield* create("one")
        assertEqual(yield* failure(create("one")), ["Conflict", `${kind} credential provider 'one' already exists`])
        const created = yield* get("one")
        assert.strictEqual(created.credentialProviderArn, credentialProviderArn)

        yield* TestClock.adjust("1 minute")
        yield* update("one")
        const updated = yield* get("one")
        assertEqual(updated.createdTime, created.createdTime)
        assertEqual(updated.lastUpdatedTime, DateTime.add(created.lastUpdatedTime, { minutes: 1 }))
        assert.strictEqual(updated.credentialProviderArn, credentialProviderArn)

        const names = Effect.map(list, ({ credentialProviders }) => credentialProviders.map(({ name }) => name))
        assertEqual(yield* names, ["one"])
        assertEqual((yield* api.listTagsForResource({ resourceArn: credentialProviderArn })).tags, tags)
        yield* remove("one")
        assertEqual(yield* names, [])
        yield* create("two")
        assertEqual(yield* failure(get("one")), notFound)
      }))
  }

  for (const name of ["oauth2Providers", "apiKeyProviders", "paymentProviders"]) {
    it(`is created, updated and deleted in one place, and not in ${name}`, () => {
      const file = join(import.meta.dirname, "../src/internal/emulator/control", `${name}.ts`)
      assert.notMatch(readFileSync(file, "utf8"), /\bdecide\(|HashMap\.(?:set|remove)/)
    })
  }
})
