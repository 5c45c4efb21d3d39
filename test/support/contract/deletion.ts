// @effect-diagnostics anyUnknownInErrorContext:off
import { assert } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as IdentityApi from "../../../src/IdentityApi.js"
import * as IdentityControls from "../../../src/IdentityControls.js"
import { agent, asUser, callbackUrl, workloadName } from "../agent.js"
import { consents, required } from "../consenting.js"
import { assertEqual } from "../equality.js"
import { section } from "./section.js"

type Api = IdentityApi.IdentityApi["Type"]

const secret = Redacted.make("secret")

const account = "arn:aws:bedrock-agentcore:us-east-1:123456789012"

type Failing = { readonly _tag: string }

interface Kind {
  readonly create: (api: Api, name: string) => Effect.Effect<{ readonly id: string; readonly arn: string }, Failing>
  readonly read: (api: Api, id: string) => Effect.Effect<unknown, Failing>
  readonly delete: (api: Api, id: string) => Effect.Effect<unknown, Failing>
  /** The number of resources. */
  readonly list: (api: Api) => Effect.Effect<number, Failing>
}

/** Operations to create, read, delete and count resources of each kind. */
const kinds: { readonly [title: string]: Kind } = {
  "a workload identity": {
    create: (api: Api, name: string) =>
      Effect.map(
        api.createWorkloadIdentity({ name }),
        ({ workloadIdentityArn }) => ({ id: name, arn: workloadIdentityArn })
      ),
    read: (api: Api, name: string) => api.getWorkloadIdentity({ name }),
    delete: (api: Api, name: string) => api.deleteWorkloadIdentity({ name }),
    list: (api: Api) => Effect.map(api.listWorkloadIdentities({}), (page) => page.workloadIdentities.length)
  },
  "an OAuth2 provider": {
    create: (api: Api, name: string) =>
      Effect.map(
        api.createOauth2CredentialProvider({
          name,
          credentialProviderVendor: "GithubOauth2",
          oauth2ProviderConfigInput: { githubOauth2ProviderConfig: { clientId: "id", clientSecret: secret } }
        }),
        ({ credentialProviderArn }) => ({ id: name, arn: credentialProviderArn })
      ),
    read: (api: Api, name: string) => api.getOauth2CredentialProvider({ name }),
    delete: (api: Api, name: string) => api.deleteOauth2CredentialProvider({ name }),
    list: (api: Api) => Effect.map(api.listOauth2CredentialProviders({}), (page) => page.credentialProviders.length)
  },
  "an API key provider": {
    create: (api: Api, name: string) =>
      Effect.map(
        api.createApiKeyCredentialProvider({ name, apiKey: secret }),
        ({ credentialProviderArn }) => ({ id: name, arn: credentialProviderArn })
      ),
    read: (api: Api, name: string) => api.getApiKeyCredentialProvider({ name }),
    delete: (api: Api, name: string) => api.deleteApiKeyCredentialProvider({ name }),
    list: (api: Api) => Effect.map(api.listApiKeyCredentialProviders({}), (page) => page.credentialProviders.length)
  },
  "a payment provider": {
    create: (api: Api, name: string) =>
      Effect.map(
        api.createPaymentCredentialProvider({
          name,
          credentialProviderVendor: "CoinbaseCDP",
          providerConfigurationInput: { coinbaseCdpConfiguration: { apiKeyId: "id", apiKeySecret: secret } }
        }),
        ({ credentialProviderArn }) => ({ id: name, arn: credentialProviderArn })
      ),
    read: (api: Api, name: string) => api.getPaymentCredentialProvider({ name }),
    delete: (api: Api, name: string) => api.deletePaymentCredentialProvider({ name }),
    list: (api: Api) => Effect.map(api.listPaymentCredentialProviders({}), (page) => page.credentialProviders.length)
  },
  "a consent portal": {
    create: (api: Api, name: string) =>
      Effect.map(
        api.createConsentPortal({
          name,
          executionRoleArn: "arn:aws:iam::123456789012:role/portal",
          idpConfig: {
            credentialProviderArn: `${account}:token-vault/default/oauth2credentialprovider/github`,
            scopes: ["openid"]
          },
          sources: [{ identifier: "gateway-0123456789", type: "agentcore-gateway" }]
        }),
        ({ consentPortalArn, consentPortalId }) => ({ id: consentPortalId, arn: consentPortalArn })
      ),
    read: (api: Api, consentPortalIdentifier: string) => api.getConsentPortal({ consentPortalIdentifier }),
    delete: (api: Api, consentPortalIdentifier: string) => api.deleteConsentPortal({ consentPortalIdentifier }),
    list: (api: Api) => Effect.map(api.listConsentPortals({}), (page) => page.consentPortals.length)
  }
}

const notFound = (self: Effect.Effect<unknown, Failing>, what: string) =>
  Effect.map(Effect.flip(self), ({ _tag }) => assert.strictEqual(_tag, "ResourceNotFound", what))

const facts = (api: Api, resourceArn: string) =>
  Effect.all({
    tags: Effect.map(api.listTagsForResource({ resourceArn }), ({ tags }) => tags),
    policy: Effect.map(api.getResourcePolicy({ resourceArn }), ({ policy }) => policy)
  })

const describeResource = (api: Api, resourceArn: string) =>
  Effect.zipRight(
    api.tagResource({ resourceArn, tags: { team: "agents" } }),
    api.putResourcePolicy({ resourceArn, policy: "{}" })
  )

/** Two agents and two providers; a grant, a pending session, and a machine token of each pair. */
const world = Effect.gen(function*() {
  const { identity } = yield* agent
  const api = yield* IdentityApi.IdentityApi
  yield* identity.createWorkloadIdentity({ name: "other-agent", allowedResourceOauth2ReturnUrls: [callbackUrl] })
  const pairs = [workloadName, "other-agent"].flatMap((workload) =>
    ["github", "exchange"].map((provider) => ({ workload, provider }))
  )
  return yield* Effect.forEach(pairs, ({ provider, workload }) =>
    Effect.gen(function*() {
      const tokenOf = (userId: string) => identity.getWorkloadAccessToken({ workloadName: workload, userId })
      const workloadAccessToken = yield* tokenOf("ada")
      const asAda = identity.getToken({ ...asUser, providerName: provider, workloadAccessToken })
      yield* consents(yield* required(asAda))
      const bob = yield* tokenOf("bob")
      const { sessionUri } = yield* required(
        identity.getToken({ ...asUser, providerName: provider, workloadAccessToken: bob })
      )
      const machine = { providerName: provider, scopes: ["repo"], authFlow: "M2M" } as const
      const asMachine = identity.getToken({ ...machine, workloadAccessToken })
      return {
        provider,
        workload,
        tokenOf,
        workloadAccessToken,
        again: (workloadAccessToken: Redacted.Redacted) => ({
          asAda: identity.getToken({ ...asUser, providerName: provider, workloadAccessToken }),
          asMachine: identity.getToken({ ...machine, workloadAccessToken })
        }),
        poll: (workloadIdentityToken: Redacted.Redacted) =>
          api.getResourceOauth2Token({
            workloadIdentityToken,
            resourceCredentialProviderName: provider,
            scopes: ["repo"],
            oauth2Flow: "USER_FEDERATION",
            resourceOauth2ReturnUrl: callbackUrl,
            sessionUri
          }),
        userToken: Redacted.value(yield* asAda),
        machineToken: Redacted.value(yield* asMachine)
      }
    }))
})

type Pair = Effect.Effect.Success<typeof world>[number]

/** Asserts that a pair has lost its grant, its session and its machine token, or still has all of them. */
const assertPair = (pair: Pair, isGone: boolean) =>
  Effect.gen(function*() {
    const title = `${pair.workload} with ${pair.provider}`
    const ada = yield* pair.tokenOf("ada")
    const { asAda, asMachine } = pair.again(ada)
    const poll = yield* Effect.either(pair.poll(yield* pair.tokenOf("bob")))
    const status = poll._tag === "Left" ? poll.left._tag : poll.right.sessionStatus
    assert.strictEqual(status, isGone ? "AccessDenied" : "IN_PROGRESS", title)
    const token = yield* Effect.either(asAda)
    assert.strictEqual(
      token._tag === "Left" ? token.left._tag : Redacted.value(token.right),
      isGone ? "ConsentRequired" : pair.userToken,
      title
    )
    assert.strictEqual(Redacted.value(yield* asMachine) === pair.machineToken, !isGone, title)
  })

/** Effects of deletions on other resources, on every layer. */
export const deletion = section("deletion", (test) => {
  for (const [title, kind] of Object.entries(kinds)) {
    test(
      `the deletion of ${title} deletes its tags and its policy, and keeps those of others`,
      Effect.gen(function*() {
        yield* agent
        const api = yield* IdentityApi.IdentityApi
        const before = yield* kind.list(api)
        const vault = `${account}:token-vault/default`
        const gone = yield* kind.create(api, "one")
        const kept = yield* kind.create(api, "two")
        for (const arn of [gone.arn, kept.arn, vault]) yield* describeResource(api, arn)
        yield* kind.delete(api, gone.id)
        yield* notFound(kind.read(api, gone.id), "read")
        yield* notFound(kind.delete(api, gone.id), "deleted again")
        const resourceArn = gone.arn
        yield* notFound(api.listTagsForResource({ resourceArn }), "tags")
        yield* notFound(api.getResourcePolicy({ resourceArn }), "policy")
        yield* notFound(api.tagResource({ resourceArn, tags: {} }), "tagged")
        yield* notFound(api.untagResource({ resourceArn, tagKeys: ["team"] }), "untagged")
        yield* notFound(api.putResourcePolicy({ resourceArn, policy: "{}" }), "policy put")
        yield* notFound(api.deleteResourcePolicy({ resourceArn }), "policy deleted")
        assert.strictEqual(yield* kind.list(api), before + 1)
        for (const arn of [kept.arn, vault]) {
          assertEqual(yield* facts(api, arn), { tags: { team: "agents" }, policy: "{}" }, arn)
        }
        const again = yield* kind.create(api, "one")
        assertEqual(yield* facts(api, again.arn), { tags: {}, policy: undefined })
      })
    )
  }

  test(
    "tags and a policy are removed one by one",
    Effect.gen(function*() {
      yield* agent
      const api = yield* IdentityApi.IdentityApi
      for (const resourceArn of [`${account}:token-vault/default`, `${account}:workload-identity-directory/default`]) {
        yield* api.tagResource({ resourceArn, tags: { team: "agents", stage: "test" } })
        yield* api.tagResource({ resourceArn, tags: { stage: "live", cost: "1" } })
        yield* api.untagResource({ resourceArn, tagKeys: ["team", "unknown"] })
        yield* api.putResourcePolicy({ resourceArn, policy: "{}" })
        assertEqual(yield* facts(api, resourceArn), { tags: { stage: "live", cost: "1" }, policy: "{}" })
        yield* api.deleteResourcePolicy({ resourceArn })
        assertEqual(yield* facts(api, resourceArn), { tags: { stage: "live", cost: "1" }, policy: undefined })
      }
    })
  )

  test(
    "a workload identity that is deleted and created again has no workload access token, session, grant or machine token",
    Effect.gen(function*() {
      const pairs = yield* world
      const api = yield* IdentityApi.IdentityApi
      const { grants } = yield* IdentityControls.IdentityControls
      yield* api.deleteWorkloadIdentity({ name: workloadName })
      assertEqual((yield* grants).map((grant) => grant.workloadName), ["other-agent", "other-agent"])
      yield* api.createWorkloadIdentity({ name: workloadName, allowedResourceOauth2ReturnUrls: [callbackUrl] })
      for (const pair of pairs) {
        const isGone = pair.workload === workloadName
        const { asMachine } = pair.again(pair.workloadAccessToken)
        const before = yield* Effect.either(asMachine)
        assert.strictEqual(before._tag === "Left" ? before.left._tag : undefined, isGone ? "Unauthorized" : undefined)
        yield* assertPair(pair, isGone)
      }
    })
  )

  test(
    "an OAuth2 provider that is deleted and created again has no session, grant or machine token of any workload",
    Effect.gen(function*() {
      const pairs = yield* world
      const api = yield* IdentityApi.IdentityApi
      const { grants } = yield* IdentityControls.IdentityControls
      yield* api.deleteOauth2CredentialProvider({ name: "github" })
      assertEqual((yield* grants).map((grant) => grant.providerName), ["exchange", "exchange"])
      yield* api.createOauth2CredentialProvider({
        name: "github",
        credentialProviderVendor: "GithubOauth2",
        oauth2ProviderConfigInput: {
          githubOauth2ProviderConfig: { clientId: "client", clientSecret: Redacted.make("client-secret") }
        }
      })
      for (const pair of pairs) yield* assertPair(pair, pair.provider === "github")
    })
  )

  test(
    "the API key of a deleted provider is not found, and that of another provider is",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      yield* identity.createApiKeyCredentialProvider({ name: "other", apiKey: Redacted.make("other-key") })
      yield* identity.deleteApiKeyCredentialProvider({ name: "weather" })
      yield* notFound(identity.getApiKey({ workloadAccessToken, providerName: "weather" }), "weather")
      assert.strictEqual(
        Redacted.value(yield* identity.getApiKey({ workloadAccessToken, providerName: "other" })),
        "other-key"
      )
      yield* identity.createApiKeyCredentialProvider({ name: "weather", apiKey: Redacted.make("new-key") })
      assert.strictEqual(
        Redacted.value(yield* identity.getApiKey({ workloadAccessToken, providerName: "weather" })),
        "new-key"
      )
    })
  )

  test(
    "a deleted payment provider fails with ResourceNotFound",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      yield* identity.deletePaymentCredentialProvider({ name: "coinbase" })
      yield* notFound(
        identity.getPaymentToken({
          workloadAccessToken,
          providerName: "coinbase",
          request: { coinbaseCdpTokenRequest: { requestMethod: "GET", requestPath: "/v2/x" } }
        }),
        "coinbase"
      )
    })
  )
})
