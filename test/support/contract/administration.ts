import { assert } from "@effect/vitest"
import { Chunk, Effect, Inspectable, Redacted, Stream } from "effect"
import * as IdentityApi from "../../../src/IdentityApi.js"
import * as IdentityControls from "../../../src/IdentityControls.js"
import * as IdentityError from "../../../src/IdentityError.js"
import { dedicated } from "../../../src/internal/presets/dedicated.js"
import type * as Oauth2Provider from "../../../src/Oauth2Provider.js"
import type * as Oauth2ProviderConfig from "../../../src/Oauth2ProviderConfig.js"
import { agent, callbackUrl, discoveryUrl, workloadName } from "../agent.js"
import { assertEqual } from "../equality.js"
import * as presets from "../presets.js"
import { section } from "./section.js"

const tagOf = <A, E extends { readonly _tag: string }, R>(self: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(self), (error) => error._tag)

const secretName = "client-secret-canary"

const clientSecret = Redacted.make(secretName)

const tenant = {
  issuer: "https://tenant.example",
  authorizationEndpoint: "https://tenant.example/authorize",
  tokenEndpoint: "https://tenant.example/token"
}

const configOf = (vendor: Oauth2Provider.CredentialProviderVendor): Oauth2ProviderConfig.Oauth2ProviderConfigInput => {
  const client = { clientId: "client", clientSecret }
  switch (vendor) {
    case "CustomOauth2":
      return {
        customOauth2ProviderConfig: {
          ...client,
          oauthDiscovery: { discoveryUrl },
          clientAuthenticationMethod: "CLIENT_SECRET_POST",
          onBehalfOfTokenExchangeConfig: {
            grantType: "TOKEN_EXCHANGE",
            tokenExchangeGrantTypeConfig: { actorTokenContent: "M2M", actorTokenScopes: ["act"] }
          },
          privateEndpoint: {
            managedVpcResource: {
              vpcIdentifier: "vpc-12345678",
              subnetIds: ["subnet-12345678"],
              endpointIpAddressType: "IPV4"
            }
          }
        }
      }
    case "MicrosoftOauth2":
      return { microsoftOauth2ProviderConfig: { ...client, tenantId: "my-tenant" } }
    default:
      return presets.configOf(vendor, vendor in dedicated ? {} : tenant, clientSecret)
  }
}

/** Administration on every layer. */
export const administration = section("administration", (test) => {
  test(
    "a workload identity that is created without a name receives a generated name",
    Effect.gen(function*() {
      const { identity } = yield* agent
      const { name, workloadIdentityArn } = yield* identity.createWorkloadIdentity()
      assert.match(name, /^workload-[0-9a-f]{8}$/)
      assert.match(workloadIdentityArn, new RegExp(`workload-identity-directory/default/workload-identity/${name}$`))
      const read = yield* identity.getWorkloadIdentity({ name })
      assertEqual(read.allowedResourceOauth2ReturnUrls ?? [], [])
    })
  )

  test(
    "names are unique, and a missing resource fails with ResourceNotFound",
    Effect.gen(function*() {
      const { identity } = yield* agent
      const name = "nobody"
      assert.strictEqual(yield* tagOf(identity.createWorkloadIdentity({ name: workloadName })), "ValidationError")
      assert.strictEqual(yield* tagOf(identity.getWorkloadIdentity({ name })), "ResourceNotFound")
      assert.strictEqual(yield* tagOf(identity.deleteWorkloadIdentity({ name })), "ResourceNotFound")
      assert.strictEqual(yield* tagOf(identity.updateWorkloadIdentity({ name })), "ResourceNotFound")
      assert.strictEqual(yield* tagOf(identity.getWorkloadAccessToken({ workloadName: name })), "ResourceNotFound")
      assert.strictEqual(
        yield* tagOf(identity.createApiKeyCredentialProvider({ name: "weather", apiKey: Redacted.make("k") })),
        "Conflict"
      )
    })
  )

  test(
    "a return URL is added and removed without a change of the others, also by concurrent calls",
    Effect.gen(function*() {
      const { identity } = yield* agent
      const urls = Array.from({ length: 10 }, (_, i) => `https://app.example/${i}`)
      yield* Effect.forEach(urls, (url) => identity.addReturnUrl({ name: workloadName, url }), {
        concurrency: "unbounded"
      })
      yield* identity.addReturnUrl({ name: workloadName, url: callbackUrl })
      const full = yield* identity.getWorkloadIdentity({ name: workloadName })
      assert.sameMembers([...full.allowedResourceOauth2ReturnUrls ?? []], [callbackUrl, ...urls])
      yield* identity.removeReturnUrl({ name: workloadName, url: callbackUrl })
      const less = yield* identity.removeReturnUrl({ name: workloadName, url: "https://app.example/3" })
      assert.strictEqual(less.allowedResourceOauth2ReturnUrls?.length, 9)
    })
  )

  test(
    "an update replaces all return URLs",
    Effect.gen(function*() {
      const { identity } = yield* agent
      yield* identity.updateWorkloadIdentity({ name: workloadName, allowedResourceOauth2ReturnUrls: ["myapp:cb"] })
      const { allowedResourceOauth2ReturnUrls } = yield* identity.getWorkloadIdentity({ name: workloadName })
      assertEqual(allowedResourceOauth2ReturnUrls, ["myapp:cb"])
    })
  )

  test(
    "lists stream all items, page by page",
    Effect.gen(function*() {
      const { identity } = yield* agent
      const names = Array.from({ length: 24 }, (_, i) => `agent-${String(i).padStart(2, "0")}`)
      yield* Effect.forEach(names, (name) => identity.createWorkloadIdentity({ name }))
      const all = yield* Stream.runCollect(identity.listWorkloadIdentities({ pageSize: 7 }))
      assert.sameMembers(Chunk.toArray(all).map(({ name }) => name), [workloadName, ...names])
      const { journal } = yield* IdentityControls.IdentityControls
      const calls = (yield* journal).filter(({ operation }) => operation === "listWorkloadIdentities")
      assert.strictEqual(calls.length, 4)
      const first = yield* Stream.runCollect(Stream.take(identity.listWorkloadIdentities(), 3))
      assert.strictEqual(first.length, 3)
      const oauth2 = yield* Stream.runCollect(identity.listOauth2CredentialProviders())
      assertEqual(Chunk.toArray(oauth2).map(({ name }) => name), ["exchange", "github"])
    })
  )

  test(
    "an invalid page token is rejected",
    Effect.gen(function*() {
      yield* agent
      const api = yield* IdentityApi.IdentityApi
      const error = yield* Effect.flip(api.listWorkloadIdentities({ nextToken: "made-up" }))
      assert.isTrue(error instanceof IdentityError.ValidationError && error.fieldList?.[0]?.name === "nextToken")
    })
  )

  test(
    "a discovery URL may have the path of its issuer after the well-known name (RFC 8414), and has no query",
    Effect.gen(function*() {
      const { identity } = yield* agent
      const create = (name: string, discoveryUrl: string) =>
        identity.createOauth2CredentialProvider({
          name,
          credentialProviderVendor: "CustomOauth2",
          oauth2ProviderConfigInput: {
            customOauth2ProviderConfig: { clientId: "client", clientSecret, oauthDiscovery: { discoveryUrl } }
          }
        })
      const inserted = "https://idp.example/.well-known/oauth-authorization-server/tenant1"
      yield* create("inserted", inserted)
      const { oauth2ProviderConfigOutput: config } = yield* identity.getOauth2CredentialProvider({ name: "inserted" })
      assertEqual(
        "customOauth2ProviderConfig" in config ? config.customOauth2ProviderConfig.oauthDiscovery : undefined,
        { discoveryUrl: inserted }
      )
      assert.strictEqual(yield* tagOf(create("query", `${inserted}?a=b`)), "ValidationError")
    })
  )

  test(
    "a provider of every vendor can be created, read, replaced and deleted, and replies never contain its secret",
    Effect.gen(function*() {
      const { identity } = yield* agent
      const api = IdentityApi.operations.createOauth2CredentialProvider
      assert.strictEqual(api.name, "CreateOauth2CredentialProvider")
      const vendors: ReadonlyArray<Oauth2Provider.CredentialProviderVendor> = [
        "CustomOauth2",
        "GoogleOauth2",
        "SlackOauth2",
        "SalesforceOauth2",
        "MicrosoftOauth2",
        "AtlassianOauth2",
        "LinkedinOauth2",
        "OktaOauth2",
        "NotionOauth2"
      ]
      yield* Effect.forEach(vendors, (vendor) =>
        Effect.gen(function*() {
          const request = {
            name: vendor,
            credentialProviderVendor: vendor,
            oauth2ProviderConfigInput: configOf(vendor)
          }
          const created = yield* identity.createOauth2CredentialProvider(request)
          assert.isString(created.callbackUrl)
          const read = yield* identity.getOauth2CredentialProvider({ name: vendor })
          assertEqual(Object.keys(read.oauth2ProviderConfigOutput), Object.keys(configOf(vendor)))
          assert.strictEqual(read.credentialProviderVendor, vendor)
          const updated = yield* identity.updateOauth2CredentialProvider(request)
          assert.strictEqual(updated.callbackUrl, created.callbackUrl)
          for (const reply of [created, read, updated]) {
            assert.notInclude(Inspectable.stringifyCircular(reply), secretName)
          }
          yield* identity.deleteOauth2CredentialProvider({ name: vendor })
          assert.strictEqual(yield* tagOf(identity.getOauth2CredentialProvider({ name: vendor })), "ResourceNotFound")
        }))
    })
  )

  test(
    "a configuration of another vendor is rejected",
    Effect.gen(function*() {
      const { identity } = yield* agent
      const error = yield* Effect.flip(identity.createOauth2CredentialProvider({
        name: "mixed-up",
        credentialProviderVendor: "GoogleOauth2",
        // @ts-expect-error the configuration of another vendor
        oauth2ProviderConfigInput: configOf("GithubOauth2")
      }))
      assert.isTrue(
        error instanceof IdentityError.ValidationError && error.fieldList?.[0]?.name === "oauth2ProviderConfigInput"
      )
    })
  )

  test(
    "replies on payment providers contain their tags and no secrets",
    Effect.gen(function*() {
      const { identity } = yield* agent
      yield* identity.createPaymentCredentialProvider({
        name: "privy",
        credentialProviderVendor: "StripePrivy",
        providerConfigurationInput: {
          stripePrivyConfiguration: { appId: "app", appSecret: clientSecret, authorizationId: "auth" }
        },
        tags: { team: "payments" }
      })
      const read = yield* identity.getPaymentCredentialProvider({ name: "privy" })
      assertEqual(read.tags, { team: "payments" })
      assert.notInclude(Inspectable.stringifyCircular(read), secretName)
      yield* identity.deletePaymentCredentialProvider({ name: "privy" })
      const left = yield* Stream.runCollect(identity.listPaymentCredentialProviders())
      assertEqual(Chunk.toArray(left).map(({ name }) => name), ["coinbase"])
    })
  )

  test(
    "the key of the vault can be set and reset",
    Effect.gen(function*() {
      const { identity } = yield* agent
      const kmsKeyArn = "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012"
      assert.strictEqual((yield* identity.getTokenVault({})).kmsConfiguration.keyType, "ServiceManagedKey")
      yield* identity.setTokenVaultCMK({ kmsConfiguration: { keyType: "CustomerManagedKey", kmsKeyArn } })
      assert.strictEqual(
        (yield* identity.getTokenVault({ tokenVaultId: "default" })).kmsConfiguration.kmsKeyArn,
        kmsKeyArn
      )
      assert.strictEqual(
        yield* tagOf(identity.setTokenVaultCMK({ kmsConfiguration: { keyType: "CustomerManagedKey" } })),
        "ValidationError"
      )
      assert.strictEqual(yield* tagOf(identity.getTokenVault({ tokenVaultId: "other" })), "ResourceNotFound")
    })
  )

  test(
    "a consent portal can be created, becomes active, and can be deleted",
    Effect.gen(function*() {
      const { identity } = yield* agent
      const created = yield* identity.createConsentPortal({
        name: "portal",
        executionRoleArn: "arn:aws:iam::123456789012:role/portal",
        idpConfig: {
          credentialProviderArn:
            "arn:aws:bedrock-agentcore:us-east-1:123456789012:token-vault/default/oauth2credentialprovider/github",
          scopes: ["openid"]
        },
        sources: [{ identifier: "gateway-0123456789", type: "agentcore-gateway" }]
      })
      assert.strictEqual(created.status, "CREATING")
      const consentPortalIdentifier = created.consentPortalId
      assert.strictEqual((yield* identity.getConsentPortal({ consentPortalIdentifier })).status, "ACTIVE")
      const updated = yield* identity.updateConsentPortal({ consentPortalIdentifier, description: "ours" })
      assert.strictEqual(updated.description, "ours")
      assert.strictEqual((yield* Stream.runCollect(identity.listConsentPortals())).length, 1)
      yield* identity.deleteConsentPortal({ consentPortalIdentifier })
      assert.strictEqual(yield* tagOf(identity.getConsentPortal({ consentPortalIdentifier })), "ResourceNotFound")
    })
  )

  test(
    "tags are removed by their keys, and a request without keys fails with a ValidationError that names tagKeys",
    Effect.gen(function*() {
      const { identity } = yield* agent
      const { workloadIdentityArn: resourceArn } = yield* identity.getWorkloadIdentity({ name: workloadName })
      yield* identity.tagResource({ resourceArn, tags: { team: "agents", cost: "7" } })
      const error = yield* Effect.flip(identity.untagResource({ resourceArn, tagKeys: [] }))
      assert.strictEqual(error._tag, "ValidationError")
      assert.strictEqual(error.operation, "UntagResource")
      assert.isTrue(error instanceof IdentityError.ValidationError)
      const { fieldList } = error instanceof IdentityError.ValidationError ? error : { fieldList: undefined }
      assertEqual(fieldList, [{
        name: "tagKeys",
        message: "Member must have length between 1 and 200, inclusive"
      }])
      yield* identity.untagResource({ resourceArn, tagKeys: ["cost", "unknown"] })
      assertEqual((yield* identity.listTagsForResource({ resourceArn })).tags, { team: "agents" })
    })
  )

  test(
    "every modelled error of an operation is raised with its members",
    Effect.gen(function*() {
      const { identity } = yield* agent
      const { failNext } = yield* IdentityControls.IdentityControls
      const operation = "CreateApiKeyCredentialProvider"
      const context = { operation, message: "injected" }
      const errors = [
        new IdentityError.ValidationError({
          ...context,
          reason: "ResourceConflict",
          fieldList: [{ name: "apiKey", message: "not like this" }]
        }),
        new IdentityError.Unauthorized(context),
        new IdentityError.AccessDenied(context),
        new IdentityError.ResourceNotFound(context),
        new IdentityError.Conflict(context),
        new IdentityError.ServiceQuotaExceeded(context),
        new IdentityError.ResourceLimitExceeded(context),
        new IdentityError.EncryptionFailure(context),
        new IdentityError.DecryptionFailure(context)
      ]
      for (const error of errors) {
        yield* failNext("createApiKeyCredentialProvider", error)
        const raised = yield* Effect.flip(
          identity.createApiKeyCredentialProvider({ name: "new", apiKey: Redacted.make("k") })
        )
        assert.strictEqual(raised._tag, error._tag)
        assert.strictEqual(raised.message, error.message)
        assert.strictEqual(raised.operation, operation)
        if (raised._tag === "ValidationError" && error._tag === "ValidationError") {
          assert.strictEqual(raised.reason, error.reason)
          assertEqual(raised.fieldList, error.fieldList)
        }
      }
    })
  )
})
