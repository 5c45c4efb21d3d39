import { assert } from "@effect/vitest"
import { Effect, Layer, Redacted, Schema } from "effect"
import * as Consent from "../../../src/Consent.js"
import * as IdentityControls from "../../../src/IdentityControls.js"
import * as IdentityError from "../../../src/IdentityError.js"
import * as IdentityService from "../../../src/IdentityService.js"
import * as seedSchema from "../../../src/internal/seed/seed.js"
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

/** A workload identity, unless the seed has a list of its own. */
const withAgent = (json: object | null) =>
  json !== null && "workloadIdentities" in json ? {} : { workloadIdentities: [{ name: workloadName }] }

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

  test(
    "seeds at the same time create each resource once, and the others keep it",
    Effect.gen(function*() {
      const { inventory, seed } = yield* IdentityControls.IdentityControls
      const decoded = yield* Effect.orDie(Schema.decode(IdentityControls.Seed)(whole))
      const results = yield* Effect.all([seed(decoded), seed(decoded), seed(decoded)], { concurrency: "unbounded" })
      for (const member of seedSchema.lists) {
        const outcomes = results.flat().filter((result) => result.member === member).map(({ outcome }) => outcome)
        const count = decoded[member]?.length ?? 0
        assert.lengthOf(outcomes, 3 * count)
        assert.lengthOf(outcomes.filter((outcome) => outcome === "created"), count, member)
      }
      assertEqual((yield* inventory).workloadIdentities.map(({ name }) => name), [workloadName])
    })
  )

  test(
    "a name that a seed would lose, or a secret that is not JSON, fails with SeedInvalid before anything is applied",
    Effect.gen(function*() {
      const { inventory } = yield* IdentityControls.IdentityControls
      const cyclic: Record<string, unknown> = {}
      cyclic["self"] = [cyclic, cyclic]
      let deep: unknown = "x"
      for (let i = 0; i < 100_000; i++) deep = [deep]
      const shared = { key: "value" }
      const notThisName = "Member must not have this name"
      const notJson = "Member must be JSON: a string, a finite number, a boolean, null, a list or a plain structure"
      const invalid: ReadonlyArray<readonly [unknown, ReadonlyArray<readonly [name: string, message: string]>]> = [
        [JSON.parse("{\"secrets\":{\"__proto__\":{\"key\":\"very-secret\"}}}"), [["secrets.__proto__", notThisName]]],
        [JSON.parse("{\"secrets\":{\"s\":{\"a\":[{\"__proto__\":\"very-secret\"}]}}}"), [[
          "secrets.s.a[0].__proto__",
          notThisName
        ]]],
        [JSON.parse("{\"issuers\":{\"__proto__\":\"simulated\"}}"), [["issuers.__proto__", notThisName]]],
        [JSON.parse("{\"__proto__\":{\"secrets\":{}}}"), [["__proto__", notThisName]]],
        [
          JSON.parse("{\"workloadIdentities\":[{\"name\":\"my-agent\",\"tags\":{\"__proto__\":\"very-secret\"}}]}"),
          [["workloadIdentities[0].tags.__proto__", notThisName]]
        ],
        [{ secrets: { s: cyclic } }, [
          ["secrets.s.self[0]", "Member must not contain itself"],
          ["secrets.s.self[1]", "Member must not contain itself"]
        ]],
        [{ secrets: { s: { deep } } }, [
          [`secrets.s.deep${"[0]".repeat(30)}`, "Member must not be nested deeper than 32 levels"]
        ]],
        [
          {
            secrets: {
              s: {
                big: 1n,
                none: undefined,
                not: NaN,
                code: () => 1,
                day: new URL("https://app.example"),
                of: Redacted.make("s")
              }
            }
          },
          ["big", "none", "not", "code", "day", "of"].map((name) => [`secrets.s.${name}`, notJson])
        ],
        [{ secrets: { s: new Map([["key", "very-secret"]]) } }, [["secrets.s", notJson]]],
        [{ secrets: { s: shared, t: "very-secret" } }, [["secrets.t", "Member must be a structure"]]],
        [{ secrets: ["very-secret"] }, [["secrets", "Member must be a structure"]]],
        ["very-secret", [["request", "Member must be a structure"]]]
      ]
      for (const [json, fields] of invalid) {
        const given = typeof json === "object" ? Object.assign(Object(json), withAgent(json)) : json
        const error = yield* Effect.flip(IdentityControls.seed(given))
        assert.instanceOf(error, IdentityControls.SeedInvalid)
        assertEqual(
          error.fieldList.map(({ message, name }) => `${name}: ${message}`),
          fields.map(([name, message]) => `${name}: ${message}`)
        )
      }
      assertEqual((yield* inventory).workloadIdentities, [])
      yield* IdentityControls.seed({
        secrets: { s: shared, t: shared, constructor: { list: [null, true, 1, { a: "b" }], again: shared } }
      })
    })
  )
})
