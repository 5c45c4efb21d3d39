import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Layer, Option, Redacted } from "effect"
import * as Quota from "../src/cli/quota.js"
import * as IdentityApi from "../src/IdentityApi.js"
import * as quotas from "../src/internal/emulator/state/quotas.js"
import * as Table from "../src/internal/emulator/state/table.js"
import * as MemoryIdentity from "../src/MemoryIdentity.js"
import * as StoredIdentity from "../src/StoredIdentity.js"
import { assertEqual } from "./support/equality.js"
import * as Server from "./support/server.js"
import { temporary } from "./support/temporary.js"

type Api = IdentityApi.IdentityApi["Type"]

const secret = Redacted.make("secret")

interface Kind {
  readonly defaultValue: number
  readonly argument: string
  readonly refusal: "ValidationError" | "ServiceQuotaExceeded"
  readonly create: (api: Api, name: string) => Effect.Effect<object, Failure>
  readonly list: (api: Api) => Effect.Effect<ReadonlyArray<unknown>, Failure>
}

interface Failure {
  readonly _tag: string
  readonly message: string
}

const names = ["workloadIdentities", "oauth2Providers", "apiKeyProviders", "paymentProviders"] as const

/** Each quota: its default, a creation, its error, and the existing resources. */
const kinds: { readonly [Name in (typeof names)[number]]: Kind } = {
  workloadIdentities: {
    defaultValue: 11_000,
    argument: "workload-identities",
    refusal: "ValidationError",
    create: (api: Api, name: string) => api.createWorkloadIdentity({ name }),
    list: (api: Api) => Effect.map(api.listWorkloadIdentities({}), ({ workloadIdentities }) => workloadIdentities)
  },
  oauth2Providers: {
    defaultValue: 50,
    argument: "oauth2-providers",
    refusal: "ServiceQuotaExceeded",
    create: (api: Api, name: string) =>
      api.createOauth2CredentialProvider({
        name,
        credentialProviderVendor: "GithubOauth2",
        oauth2ProviderConfigInput: { githubOauth2ProviderConfig: { clientId: "client", clientSecret: secret } }
      }),
    list: (api: Api) => Effect.map(api.listOauth2CredentialProviders({}), (page) => page.credentialProviders)
  },
  apiKeyProviders: {
    defaultValue: 50,
    argument: "api-key-providers",
    refusal: "ServiceQuotaExceeded",
    create: (api: Api, name: string) => api.createApiKeyCredentialProvider({ name, apiKey: secret }),
    list: (api: Api) => Effect.map(api.listApiKeyCredentialProviders({}), (page) => page.credentialProviders)
  },
  paymentProviders: {
    defaultValue: 50,
    argument: "payment-providers",
    refusal: "ServiceQuotaExceeded",
    create: (api: Api, name: string) =>
      api.createPaymentCredentialProvider({
        name,
        credentialProviderVendor: "CoinbaseCDP",
        providerConfigurationInput: { coinbaseCdpConfiguration: { apiKeyId: "id", apiKeySecret: secret } }
      }),
    list: (api: Api) => Effect.map(api.listPaymentCredentialProviders({}), (page) => page.credentialProviders)
  }
}

const refused = (api: Api, name: (typeof names)[number], limit: number) =>
  Effect.gen(function*() {
    const { argument, create, refusal } = kinds[name]
    const error = yield* Effect.flip(create(api, "one-more"))
    assert.strictEqual(error._tag, refusal)
    assert.match(error.message, new RegExp(`^The account has reached its quota of ${limit} `))
    assert.include(error.message, `\`quotas.${name}\``)
    assert.include(error.message, `\`serve --quota ${argument}=N\``)
  })

const createMany = (api: Api, name: (typeof names)[number], count: number) =>
  Effect.forEach(
    Array.from({ length: count }, (_, i) => `one-${i}`),
    (one) => kinds[name].create(api, one),
    { discard: true }
  )

describe("quotas", () => {
  for (const name of names) {
    const { create, defaultValue } = kinds[name]

    it.effect(`${name}: the default quota is ${defaultValue}`, () =>
      Effect.gen(function*() {
        const { api } = yield* MemoryIdentity.make({ quotas: { [name]: undefined } })
        yield* createMany(api, name, defaultValue)
        yield* refused(api, name, defaultValue)
      }))

    it.effect(`${name}: a raised quota is the new limit, and the other quotas stay`, () =>
      Effect.gen(function*() {
        const { api } = yield* MemoryIdentity.make({
          quotas: { [name]: 60, ...(name !== names[0] && { [names[0]]: 1 }) }
        })
        yield* createMany(api, name, 60)
        yield* refused(api, name, 60)
        for (const other of names.filter((other) => other !== name && other !== names[0])) {
          yield* createMany(api, other, kinds[other].defaultValue)
          yield* refused(api, other, kinds[other].defaultValue)
        }
      }))

    it.effect(`${name}: a quota of 0 allows no creation`, () =>
      Effect.gen(function*() {
        const { api } = yield* MemoryIdentity.make({ quotas: { [name]: 0 } })
        yield* refused(api, name, 0)
      }))

    it.scoped(`${name}: a quota below the number in a folder keeps existing resources, and rejects another`, () =>
      Effect.gen(function*() {
        const directory = yield* temporary
        const life = <A, E>(limit: number, body: (api: Api) => Effect.Effect<A, E>) =>
          Effect.flatMap(IdentityApi.IdentityApi, body).pipe(
            Effect.provide(StoredIdentity.layerApi({ directory, quotas: { [name]: limit } }))
          )
        yield* life(3, (api) => createMany(api, name, 3))
        yield* life(2, (api) =>
          Effect.gen(function*() {
            assert.lengthOf(yield* kinds[name].list(api), 3)
            yield* refused(api, name, 2)
          }))
        yield* life(4, (api) => create(api, "one-more"))
      }))
  }

  it.effect("apply over HTTP to a program that uses an AWS SDK", () =>
    Effect.gen(function*() {
      const api = yield* IdentityApi.IdentityApi
      for (const name of names) {
        yield* createMany(api, name, 2)
        yield* refused(api, name, 2)
      }
    }).pipe(Effect.provide(Layer.fresh(Server.over(MemoryIdentity.layerApi({
      quotas: { workloadIdentities: 2, oauth2Providers: 2, apiKeyProviders: 2, paymentProviders: 2 }
    }))))))

  it.effect("allow a creation after a deletion, and still report a name that exists", () =>
    Effect.gen(function*() {
      const { api } = yield* MemoryIdentity.make({ quotas: { oauth2Providers: 1 } })
      yield* createMany(api, "oauth2Providers", 1)
      const taken = yield* Effect.flip(kinds.oauth2Providers.create(api, "one-0"))
      assert.strictEqual(taken._tag, "Conflict")
      yield* api.deleteOauth2CredentialProvider({ name: "one-0" })
      yield* kinds.oauth2Providers.create(api, "one-more")
    }))

  it.effect("are a defect that names the option unless they are whole numbers", () =>
    Effect.gen(function*() {
      for (const value of [-1, 1.5, NaN, Infinity]) {
        const exit = yield* Effect.exit(MemoryIdentity.make({ quotas: { apiKeyProviders: value } }))
        const [defect] = Exit.isFailure(exit) ? Cause.defects(exit.cause) : []
        assert.include(
          String(defect),
          `the option quotas.apiKeyProviders must be a whole number, 0 or more, got ${value}`
        )
      }
    }))

  it.effect("are read from NAME=N, the last of which is used, and other input is rejected", () =>
    Effect.gen(function*() {
      const given = ["oauth2-providers=5", "workload-identities=0", "oauth2-providers=500"]
      assertEqual(yield* Quota.fromText(given), { oauth2Providers: 500, workloadIdentities: 0 })
      const digits = ["", "-1", "1.5", "1e3", " 5", "5 ", "0x5", "99999999999999999999"]
      const unnamed = ["", "5", "oauth2-providers", "=5", "OAUTH2-providers=5", "toString=5", "providers=5"]
      for (
        const [texts, expected] of [
          [digits.map((text) => `oauth2-providers=${text}`), "expected oauth2-providers=N, where N is a whole number"],
          [unnamed, "expected NAME=N, where NAME is one of workload-identities, oauth2-providers, api-key-providers"]
        ] as const
      ) {
        for (const text of texts) {
          const { message, reason } = yield* Effect.flip(Quota.fromText(["api-key-providers=1", text]))
          assert.strictEqual(reason, "UsageInvalid")
          assert.include(message, expected)
        }
      }
    }))

  it.effect("limit consent portals to 1,000, and a deletion makes room", () =>
    Effect.gen(function*() {
      const api = yield* IdentityApi.IdentityApi
      const create = (name: string) =>
        api.createConsentPortal({
          name,
          executionRoleArn: "arn:aws:iam::123456789012:role/portal",
          idpConfig: {
            credentialProviderArn:
              "arn:aws:bedrock-agentcore:us-east-1:123456789012:token-vault/default/oauth2credentialprovider/github",
            scopes: ["openid"]
          },
          sources: [{ identifier: "gateway-0123456789", type: "agentcore-gateway" }]
        })
      const { consentPortalId } = yield* create("portal-0")
      for (let i = 1; i < 1_000; i++) yield* create(`portal-${i}`)
      const refused = yield* Effect.flip(create("portal-1000"))
      assert.strictEqual(refused._tag, "ServiceQuotaExceeded")
      assert.strictEqual(
        refused.message,
        "The account has reached its limit of 1000 consent portals: delete one first"
      )
      assert.strictEqual((yield* Effect.flip(create("portal-1")))._tag, "Conflict")
      yield* api.deleteConsentPortal({ consentPortalIdentifier: consentPortalId })
      yield* create("portal-1000")
    }).pipe(Effect.provide(MemoryIdentity.layerApi())))

  it("are checked without reading the existing resources", () => {
    const entries = new Proxy(Table.withEntries(Table.empty({ indexes: {} }), [["a", 1], ["b", 2]]), {
      get: (target, key) => {
        if (key === Symbol.iterator) throw new Error(`looked at ${String(key)}`)
        return Reflect.get(target, key)
      }
    })
    assert.throws(() => Table.values(entries), "looked at")
    assert.isTrue(
      Option.isNone(quotas.exceededMessage(quotas.make({ apiKeyProviders: 3 }), "apiKeyProviders", entries))
    )
    assert.isTrue(
      Option.isSome(quotas.exceededMessage(quotas.make({ apiKeyProviders: 2 }), "apiKeyProviders", entries))
    )
  })
})
