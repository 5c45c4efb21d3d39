import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Redacted, Schema, TestClock } from "effect"
import * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityError from "../src/IdentityError.js"
import * as MemoryIdentity from "../src/MemoryIdentity.js"
import { assertEqual } from "./support/equality.js"

const secret = Redacted.make("secret")

const at = (millis: number) => DateTime.unsafeMake(millis)

const account = "us-east-1:123456789012"

const external = { secretId: "mine", jsonKey: "key" }

const arnOf = (kind: string, name: string) =>
  `arn:aws:bedrock-agentcore:${account}:token-vault/default/${kind}credentialprovider/${name}`

/** Replaces the random end of the ARNs of managed secrets, and the id of a callback URL. */
const plain = (reply: unknown): unknown =>
  JSON.parse(
    JSON.stringify(reply).replace(/-\w{6}"/g, "-RANDOM\"").replace(/callback\/[-0-9a-f]{36}"/, "callback/ID\"")
  )

const managedArn = (kind: string) => ({
  secretArn: `arn:aws:secretsmanager:${account}:secret:bedrock-agentcore-identity!default/${kind}/one-RANDOM`
})

const externalArn = { secretArn: `arn:aws:secretsmanager:${account}:secret:mine` }

/** The same as JSON, as it is after `plain`. */
const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

const times = (created: number, updated: number) => ({ createdTime: at(created), lastUpdatedTime: at(updated) })

const updatedAt = 5000

const world = MemoryIdentity.make()

describe("the replies about an API key provider", () => {
  it.effect("say where the key is, and when it changed", () =>
    Effect.gen(function*() {
      const { api } = yield* world
      const name = "one"
      const managed = {
        apiKeySecretArn: managedArn("apikey"),
        apiKeySecretSource: "MANAGED",
        name,
        credentialProviderArn: arnOf("apikey", name)
      }
      const kept = {
        ...managed,
        apiKeySecretArn: externalArn,
        apiKeySecretJsonKey: "key",
        apiKeySecretSource: "EXTERNAL"
      }
      const listed = { name, credentialProviderArn: arnOf("apikey", name) }
      assertEqual(plain(yield* api.createApiKeyCredentialProvider({ name, apiKey: secret })), json(managed))
      assertEqual(plain(yield* api.getApiKeyCredentialProvider({ name })), json({ ...managed, ...times(0, 0) }))
      yield* TestClock.setTime(updatedAt)
      const updated = yield* api.updateApiKeyCredentialProvider({
        name,
        apiKeySecretSource: "EXTERNAL",
        apiKeySecretConfig: external
      })
      assertEqual(plain(updated), json({ ...kept, ...times(0, updatedAt) }))
      assertEqual(yield* api.getApiKeyCredentialProvider({ name }), updated)
      assertEqual(
        plain(yield* api.listApiKeyCredentialProviders({})),
        json({
          credentialProviders: [{ ...listed, ...times(0, updatedAt) }]
        })
      )
    }))
})

describe("the replies about an OAuth2 provider", () => {
  it.effect("say where the secret is, and when it changed", () =>
    Effect.gen(function*() {
      const { api } = yield* world
      const name = "one"
      const request = (clientId: string, given: object) => ({
        name,
        credentialProviderVendor: "GithubOauth2" as const,
        oauth2ProviderConfigInput: { githubOauth2ProviderConfig: { clientId, ...given } }
      })
      const created = yield* api.createOauth2CredentialProvider(request("id", { clientSecret: secret }))
      const { oauth2ProviderConfigOutput, ...rest } = created
      const managed = {
        clientSecretArn: managedArn("oauth2"),
        clientSecretSource: "MANAGED",
        name,
        credentialProviderArn: arnOf("oauth2", name),
        callbackUrl: "https://bedrock-agentcore.us-east-1.amazonaws.com/identities/oauth2/callback/ID",
        status: "READY"
      }
      assertEqual(plain(rest), json(managed))
      const read = yield* api.getOauth2CredentialProvider({ name })
      assertEqual<unknown>(read, { ...created, credentialProviderVendor: "GithubOauth2", ...times(0, 0) })
      yield* TestClock.setTime(updatedAt)
      const updated = yield* api.updateOauth2CredentialProvider(
        request("other", { clientSecretSource: "EXTERNAL", clientSecretConfig: external })
      )
      const { oauth2ProviderConfigOutput: config, ...others } = updated
      assertEqual(
        plain(others),
        json({
          ...managed,
          clientSecretArn: externalArn,
          clientSecretJsonKey: "key",
          clientSecretSource: "EXTERNAL",
          credentialProviderVendor: "GithubOauth2",
          ...times(0, updatedAt)
        })
      )
      assert.include(JSON.stringify(oauth2ProviderConfigOutput), "\"clientId\":\"id\"")
      assert.include(JSON.stringify(config), "\"clientId\":\"other\"")
      assertEqual(yield* api.getOauth2CredentialProvider({ name }), updated)
      assertEqual(
        plain(yield* api.listOauth2CredentialProviders({})),
        json({
          credentialProviders: [{
            name,
            credentialProviderVendor: "GithubOauth2",
            credentialProviderArn: arnOf("oauth2", name),
            ...times(0, updatedAt)
          }]
        })
      )
    }))
})

const vendors = {
  CoinbaseCDP: {
    member: "coinbaseCdpConfiguration",
    first: "apiKeySecret",
    second: "walletSecret",
    own: { apiKeyId: "id" }
  },
  StripePrivy: {
    member: "stripePrivyConfiguration",
    first: "appSecret",
    second: "authorizationPrivateKey",
    own: { appId: "app", authorizationId: "auth" }
  }
} as const

const decode = Schema.decodeUnknownSync(IdentityApi.operations.updatePaymentCredentialProvider.request)

describe("the replies about a payment provider", () => {
  for (const vendor of ["CoinbaseCDP", "StripePrivy"] as const) {
    const { first, member, own, second } = vendors[vendor]
    const kept = (name: string) => ({ [`${name}Source`]: "EXTERNAL", [`${name}Config`]: external })
    const shownManaged = (name: string) => ({ [`${name}Arn`]: managedArn("payment"), [`${name}Source`]: "MANAGED" })
    const shownKept = (name: string) => ({
      [`${name}Arn`]: externalArn,
      [`${name}JsonKey`]: "key",
      [`${name}Source`]: "EXTERNAL"
    })
    // Decoded, since the members that differ between the vendors are put together by name.
    const request = (given: object, wrapped: string = member, members: object = own) =>
      decode({
        name: "one",
        credentialProviderVendor: vendor,
        providerConfigurationInput: { [wrapped]: { ...members, ...given } }
      })

    it.effect(`${vendor}: say where both secrets are, and when they changed`, () =>
      Effect.gen(function*() {
        const { api } = yield* world
        const name = "one"
        const shown = (first: object, second: object) => ({
          name,
          credentialProviderVendor: vendor,
          credentialProviderArn: arnOf("payment", name),
          providerConfigurationOutput: { [member]: { ...own, ...first, ...second } }
        })
        const created = yield* api.createPaymentCredentialProvider(request({ [first]: "a", [second]: "b" }))
        assertEqual(plain(created), json(shown(shownManaged(first), shownManaged(second))))
        const arns = JSON.stringify(created).match(/one-\w{6}"/g) ?? []
        assert.strictEqual(new Set(arns).size, 2)
        assertEqual(
          plain(yield* api.getPaymentCredentialProvider({ name })),
          json({ ...shown(shownManaged(first), shownManaged(second)), ...times(0, 0) })
        )
        yield* TestClock.setTime(updatedAt)
        const cases = [
          [{ ...kept(first), [second]: "b" }, shown(shownKept(first), shownManaged(second))],
          [{ [first]: "a", ...kept(second) }, shown(shownManaged(first), shownKept(second))]
        ] as const
        for (const [given, expected] of cases) {
          const updated = yield* api.updatePaymentCredentialProvider(request(given))
          assertEqual(plain(updated), json({ ...expected, ...times(0, updatedAt) }))
          assertEqual(
            plain(yield* api.getPaymentCredentialProvider({ name })),
            json({ ...expected, ...times(0, updatedAt) })
          )
        }
        assertEqual(
          plain(yield* api.listPaymentCredentialProviders({})),
          json({
            credentialProviders: [{
              name,
              credentialProviderVendor: vendor,
              credentialProviderArn: arnOf("payment", name),
              ...times(0, updatedAt)
            }]
          })
        )
      }))

    it.effect(`${vendor}: name the member that is missing or of another vendor`, () =>
      Effect.gen(function*() {
        const { api } = yield* world
        const path = `providerConfigurationInput.${member}`
        const cases = [
          [request({}), `${path}.${first}`, "Member must not be null"],
          [request({ ...kept(first), [first]: "a" }), `${path}.${first}`, "Member must be null for an EXTERNAL secret"],
          [
            request({ [`${first}Source`]: "EXTERNAL" }),
            `${path}.${first}Config`,
            "Member must not be null for an EXTERNAL secret"
          ],
          [
            request({ [first]: "a", [`${second}Source`]: "EXTERNAL" }),
            `${path}.${second}Config`,
            "Member must not be null for an EXTERNAL secret"
          ],
          [
            request({ [first]: "a", [second]: "b", ...kept(second) }),
            `${path}.${second}`,
            "Member must be null for an EXTERNAL secret"
          ]
        ] as const
        yield* api.createPaymentCredentialProvider(request({ [first]: "a" }))
        for (const [given, name, message] of cases) {
          const error = yield* Effect.flip(api.updatePaymentCredentialProvider(given))
          if (!(error instanceof IdentityError.ValidationError)) return assert.fail(error._tag)
          assertEqual(error.fieldList, [{ name, message }])
        }
        const theirs = vendors[vendor === "CoinbaseCDP" ? "StripePrivy" : "CoinbaseCDP"]
        const error = yield* Effect.flip(
          api.updatePaymentCredentialProvider(request({ [theirs.first]: "a" }, theirs.member, theirs.own))
        )
        assert.include(error.message, `Member must have exactly one of: [${member}], which belongs to ${vendor}`)
      }))
  }
})
