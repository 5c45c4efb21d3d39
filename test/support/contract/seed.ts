import { assert } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import * as Consent from "../../../src/Consent.js"
import * as IdentityControls from "../../../src/IdentityControls.js"
import * as IdentityError from "../../../src/IdentityError.js"
import * as IdentityService from "../../../src/IdentityService.js"
import { asUser, callbackUrl, workloadName } from "../agent.js"
import { assertEqual } from "../equality.js"
import { section } from "./section.js"

const github = {
  name: "github",
  credentialProviderVendor: "GithubOauth2",
  oauth2ProviderConfigInput: { githubOauth2ProviderConfig: { clientId: "client", clientSecret: "client-secret" } }
} as const

const whole: typeof IdentityControls.Seed.Encoded = {
  workloadIdentities: [{ name: workloadName, allowedResourceOauth2ReturnUrls: [callbackUrl] }],
  oauth2CredentialProviders: [github],
  apiKeyCredentialProviders: [
    { name: "weather", apiKey: "weather-key" },
    {
      name: "maps",
      apiKeySecretSource: "EXTERNAL",
      apiKeySecretConfig: { secretId: "maps-secret", jsonKey: "key" }
    }
  ],
  paymentCredentialProviders: [{
    name: "coinbase",
    credentialProviderVendor: "CoinbaseCDP",
    providerConfigurationInput: {
      coinbaseCdpConfiguration: { apiKeyId: "key", apiKeySecret: "key-secret", walletSecret: "wallet-secret" }
    }
  }],
  issuers: { github: "simulated" },
  secrets: { "maps-secret": { key: "maps-key" } }
}

/** The set-up of a service with the JSON of a seed file, on every layer. */
export const seed = section("seed", (test) => {
  test(
    "IdentityControls.seed creates every resource, issuer and secret, and IdentityControls.consent answers for the user",
    Effect.gen(function*() {
      yield* IdentityControls.seed(whole)
      const { inventory } = yield* IdentityControls.IdentityControls
      const found = yield* inventory
      assertEqual(found.workloadIdentities.map(({ name }) => name), [workloadName])
      assertEqual(found.oauth2CredentialProviders.map(({ issuerChoice, name }) => [name, issuerChoice]), [
        ["github", "simulated"]
      ])
      assertEqual(found.paymentCredentialProviders.map(({ name }) => name), ["coinbase"])
      const identity = yield* IdentityService.IdentityService
      const workloadAccessToken = yield* identity.getWorkloadAccessToken({ workloadName, userId: "ada" })
      const keyOf = (providerName: string) => identity.getApiKey({ providerName, workloadAccessToken })
      assertEqual(yield* keyOf("weather"), Redacted.make("weather-key"))
      assertEqual(yield* keyOf("maps"), Redacted.make("maps-key"))
      const token = yield* identity.getToken({
        ...asUser,
        workloadAccessToken,
        consent: Consent.wait({ onAuthUrl: (_, required) => IdentityControls.consent(required) })
      })
      assert.isNotEmpty(Redacted.value(token))
    })
  )

  test(
    "IdentityControls.layerSeed sets up the service, and an empty seed changes nothing",
    Effect.gen(function*() {
      const identity = yield* IdentityService.IdentityService
      yield* Effect.scoped(
        Layer.build(IdentityControls.layerSeed({ workloadIdentities: [{ name: workloadName }] }))
      )
      yield* IdentityControls.seed({})
      assert.strictEqual((yield* identity.getWorkloadIdentity({ name: workloadName })).name, workloadName)
    })
  )

  test(
    "an existing resource is not changed, and keeps its issuer",
    Effect.gen(function*() {
      const identity = yield* IdentityService.IdentityService
      const { inventory, seed, setIssuer } = yield* IdentityControls.IdentityControls
      yield* IdentityControls.seed(whole)
      yield* setIssuer("github", undefined)
      yield* IdentityControls.seed({
        ...whole,
        workloadIdentities: [{ name: workloadName, allowedResourceOauth2ReturnUrls: ["https://other.example/return"] }],
        apiKeyCredentialProviders: [{ name: "weather", apiKey: "another-key" }]
      })
      assertEqual(
        (yield* identity.getWorkloadIdentity({ name: workloadName })).allowedResourceOauth2ReturnUrls,
        [callbackUrl]
      )
      assert.isUndefined((yield* inventory).oauth2CredentialProviders[0]?.issuerChoice)
      const workloadAccessToken = yield* identity.getWorkloadAccessToken({ workloadName })
      assertEqual(
        yield* identity.getApiKey({ providerName: "weather", workloadAccessToken }),
        Redacted.make("weather-key")
      )
      assertEqual(
        yield* seed({ secrets: { id: {} }, workloadIdentities: [{ name: workloadName }, { name: "next" }] }),
        [
          { member: "secrets", name: "id", outcome: "set" },
          { member: "workloadIdentities", name: workloadName, outcome: "kept" },
          { member: "workloadIdentities", name: "next", outcome: "created" }
        ]
      )
    })
  )

  test(
    "a seed is not in the journal, and uses up no injected failure",
    Effect.gen(function*() {
      const controls = yield* IdentityControls.IdentityControls
      const throttled = new IdentityError.Throttled({ operation: "CreateWorkloadIdentity", message: "injected" })
      yield* controls.failNext("createWorkloadIdentity", throttled)
      yield* IdentityControls.seed(whole)
      assertEqual(yield* controls.journal, [])
      assert.lengthOf(yield* controls.pendingFailures, 1)
    })
  )

  test(
    "an invalid seed fails with SeedInvalid, which names each member and reveals no value, and nothing is applied",
    Effect.gen(function*() {
      const { inventory } = yield* IdentityControls.IdentityControls
      const json: typeof IdentityControls.Seed.Encoded = JSON.parse(JSON.stringify({
        workloadIdentities: [{ name: workloadName }, { name: "?" }],
        apiKeyCredentialProviders: [{ name: "weather", apiKey: ["very-secret"], colour: "red" }],
        issuers: { github: "guessed" },
        workloads: []
      }))
      const error = yield* Effect.flip(IdentityControls.seed(json))
      assert.instanceOf(error, IdentityControls.SeedInvalid)
      for (
        const field of [
          "workloadIdentities[1].name: Member must",
          "apiKeyCredentialProviders[0].apiKey: Member must be a string",
          "apiKeyCredentialProviders[0].colour: Member is not known",
          "issuers.github: expected simulated, federated, or a URL",
          "workloads: Member is not known"
        ]
      ) {
        assert.include(error.message, field)
      }
      assert.notInclude(error.message, "very-secret")
      const repeated = yield* Effect.flip(
        IdentityControls.seed({
          workloadIdentities: [{ name: workloadName }, { name: "next" }, { name: workloadName }]
        })
      )
      assertEqual(
        repeated,
        new IdentityControls.SeedInvalid({
          fieldList: [{
            name: "workloadIdentities[2].name",
            message: "Member must be unique: workloadIdentities[0] has the same name"
          }]
        })
      )
      assertEqual((yield* inventory).workloadIdentities, [])
    })
  )
})
