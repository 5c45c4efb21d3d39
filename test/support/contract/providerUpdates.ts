import { assert } from "@effect/vitest"
import { Array as Arr, Effect, Either, Redacted } from "effect"
import * as IdentityApi from "../../../src/IdentityApi.js"
import * as IdentityControls from "../../../src/IdentityControls.js"
import type * as Oauth2ProviderConfig from "../../../src/Oauth2ProviderConfig.js"
import { agent, asUser, callbackUrl, discoveryUrl, workloadName } from "../agent.js"
import { consents, required } from "../consenting.js"
import { assertEqual } from "../equality.js"
import { section } from "./section.js"

type Update = Omit<IdentityApi.Request<"updateOauth2CredentialProvider">, "name">

type MembersOf<Key extends string> = Extract<
  Oauth2ProviderConfig.Oauth2ProviderConfigInput,
  { readonly [K in Key]: unknown }
>[Key]

/** A change of one member; states if it ends the earlier grants. */
interface Change<Config> {
  readonly what: string
  readonly ends: boolean
  readonly to: Partial<Config>
  /** Configuration before the change; defaults to the base. */
  readonly from?: Partial<Config>
}

/** At least one change of each member: a new member of the configuration has to be decided here. */
type Changes<Config> = { readonly [Member in keyof Config]-?: ReadonlyArray<Change<Config>> }

const client = { clientId: "client", clientSecret: Redacted.make("client-secret") }

const clientChanges = {
  clientId: [
    { what: "the same", ends: false, to: { clientId: "client" } },
    { what: "another", ends: true, to: { clientId: "another" } }
  ],
  clientSecret: [{ what: "another", ends: false, to: { clientSecret: Redacted.make("another") } }],
  clientSecretConfig: [{
    what: "in place of the secret",
    ends: false,
    to: {
      clientSecret: undefined,
      clientSecretSource: "EXTERNAL",
      clientSecretConfig: { secretId: "my-secret", jsonKey: "key" }
    }
  }],
  clientSecretSource: [{ what: "named", ends: false, to: { clientSecretSource: "MANAGED" } }]
} satisfies Changes<MembersOf<"githubOauth2ProviderConfig">>

const metadata = {
  issuer: "https://issuer.example",
  authorizationEndpoint: "https://issuer.example/authorize",
  tokenEndpoint: "https://issuer.example/token"
}

const described = (change: object) => ({
  oauthDiscovery: { authorizationServerMetadata: { ...metadata, ...change } }
})

const privateEndpoint = {
  selfManagedLatticeResource: { resourceConfigurationIdentifier: "rcfg-0123456789abcdef0" }
}

const privateKeyJwt = {
  clientSecret: undefined,
  clientAuthenticationMethod: "PRIVATE_KEY_JWT",
  privateKeyJwtConfig: {
    privateKeySource: {
      kmsKeySource: { kmsKeyArn: "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012" }
    }
  }
} as const

const customChanges: Changes<MembersOf<"customOauth2ProviderConfig">> = {
  ...clientChanges,
  oauthDiscovery: [
    { what: "the same discovery URL", ends: false, to: { oauthDiscovery: { discoveryUrl } } },
    {
      what: "another discovery URL",
      ends: true,
      to: { oauthDiscovery: { discoveryUrl: "https://another.example/.well-known/openid-configuration" } }
    },
    { what: "metadata in place of a discovery URL", ends: true, to: described({}) },
    { what: "the same metadata", ends: false, from: described({}), to: described({}) },
    { what: "another issuer", ends: true, from: described({}), to: described({ issuer: "https://another.example" }) },
    {
      what: "another authorization endpoint",
      ends: true,
      from: described({}),
      to: described({ authorizationEndpoint: "https://issuer.example/another" })
    },
    {
      what: "another token endpoint",
      ends: true,
      from: described({}),
      to: described({ tokenEndpoint: "https://issuer.example/another" })
    },
    { what: "response types", ends: false, from: described({}), to: described({ responseTypes: ["code"] }) },
    {
      what: "authentication methods of the token endpoint",
      ends: false,
      from: described({}),
      to: described({ tokenEndpointAuthMethods: ["client_secret_post"] })
    }
  ],
  onBehalfOfTokenExchangeConfig: [
    {
      what: "added",
      ends: false,
      to: { onBehalfOfTokenExchangeConfig: { grantType: "JWT_AUTHORIZATION_GRANT" } }
    },
    {
      what: "another",
      ends: false,
      from: { onBehalfOfTokenExchangeConfig: { grantType: "JWT_AUTHORIZATION_GRANT" } },
      to: {
        onBehalfOfTokenExchangeConfig: {
          grantType: "TOKEN_EXCHANGE",
          tokenExchangeGrantTypeConfig: { actorTokenContent: "M2M", actorTokenScopes: ["act"] }
        }
      }
    }
  ],
  clientAuthenticationMethod: [
    { what: "another", ends: false, to: { clientAuthenticationMethod: "CLIENT_SECRET_BASIC" } }
  ],
  privateKeyJwtConfig: [{ what: "in place of a secret", ends: false, to: privateKeyJwt }],
  privateEndpoint: [{ what: "added", ends: false, to: { privateEndpoint } }],
  privateEndpointOverrides: [
    { what: "added", ends: false, to: { privateEndpointOverrides: [{ domain: "issuer.example", privateEndpoint }] } }
  ]
}

const includedChanges: Changes<MembersOf<"includedOauth2ProviderConfig">> = {
  ...clientChanges,
  issuer: [
    { what: "the same", ends: false, to: { issuer: metadata.issuer } },
    { what: "another", ends: true, to: { issuer: "https://another.example" } }
  ],
  authorizationEndpoint: [
    { what: "another", ends: true, to: { authorizationEndpoint: "https://issuer.example/another" } }
  ],
  tokenEndpoint: [{ what: "another", ends: true, to: { tokenEndpoint: "https://issuer.example/another" } }]
}

const microsoftChanges: Changes<MembersOf<"microsoftOauth2ProviderConfig">> = {
  ...clientChanges,
  tenantId: [
    { what: "the same", ends: false, to: { tenantId: "my-tenant" } },
    { what: "another", ends: true, to: { tenantId: "another-tenant" } },
    { what: "left out", ends: true, to: { tenantId: undefined } }
  ]
}

interface Case {
  readonly kind: string
  readonly title: string
  readonly ends: boolean
  readonly name: string
  readonly before: Update
  readonly after: Update
}

const casesOf = <Config>(
  kind: string,
  name: string,
  changes: Changes<Config>,
  base: Config,
  update: (config: Config) => Update
): ReadonlyArray<Case> =>
  Object.entries<ReadonlyArray<Change<Config>>>(changes).flatMap(([member, all]) =>
    all.map(({ ends, from, to, what }) => ({
      kind,
      title: `${kind}, ${member}: ${what}`,
      ends,
      name,
      before: update({ ...base, ...from }),
      after: update({ ...base, ...from, ...to })
    }))
  )

const okta = (config: MembersOf<"includedOauth2ProviderConfig">): Update => ({
  credentialProviderVendor: "OktaOauth2",
  oauth2ProviderConfigInput: { includedOauth2ProviderConfig: config }
})

// The providers `github` and `exchange` are those that have an authorization server where the layer is federated.
const cases: ReadonlyArray<Case> = [
  ...casesOf("CustomOauth2", "exchange", customChanges, {
    ...client,
    oauthDiscovery: { discoveryUrl },
    clientAuthenticationMethod: "CLIENT_SECRET_POST"
  }, (config) => ({
    credentialProviderVendor: "CustomOauth2",
    oauth2ProviderConfigInput: { customOauth2ProviderConfig: config }
  })),
  ...casesOf("GithubOauth2", "github", clientChanges, client, (config) => ({
    credentialProviderVendor: "GithubOauth2",
    oauth2ProviderConfigInput: { githubOauth2ProviderConfig: config }
  })),
  ...casesOf("OktaOauth2", "okta", includedChanges, { ...client, ...metadata }, okta),
  ...casesOf("MicrosoftOauth2", "microsoft", microsoftChanges, { ...client, tenantId: "my-tenant" }, (config) => ({
    credentialProviderVendor: "MicrosoftOauth2",
    oauth2ProviderConfigInput: { microsoftOauth2ProviderConfig: config }
  })),
  {
    kind: "vendor",
    title: "another vendor with the same client and endpoints",
    ends: true,
    name: "okta",
    before: okta({ ...client, ...metadata }),
    after: { ...okta({ ...client, ...metadata }), credentialProviderVendor: "OneLoginOauth2" }
  }
]

/** The first case of each kind that ends the grants, and the first that keeps them. */
const sample = Arr.dedupeWith(cases, (one, other) => one.kind === other.kind && one.ends === other.ends)

/** A provider with a grant of Ada, a pending session of Bob, and a machine token. */
const granted = ({ before, name }: Pick<Case, "before" | "name">) =>
  Effect.gen(function*() {
    const { identity, workloadAccessToken } = yield* agent
    const controls = yield* IdentityControls.IdentityControls
    const api = yield* IdentityApi.IdentityApi
    yield* Effect.ignore(identity.deleteOauth2CredentialProvider({ name }))
    yield* identity.createOauth2CredentialProvider({ name, ...before })
    const asAda = identity.getToken({ ...asUser, providerName: name, workloadAccessToken })
    yield* consents(yield* required(asAda))
    const bob = yield* identity.getWorkloadAccessToken({ workloadName, userId: "bob" })
    const { sessionUri } = yield* required(
      identity.getToken({ ...asUser, providerName: name, workloadAccessToken: bob })
    )
    const asMachine = identity.getToken({ providerName: name, scopes: ["repo"], authFlow: "M2M", workloadAccessToken })
    return {
      identity,
      controls,
      asAda,
      asMachine,
      pollAsBob: api.getResourceOauth2Token({
        workloadIdentityToken: bob,
        resourceCredentialProviderName: name,
        scopes: ["repo"],
        oauth2Flow: "USER_FEDERATION",
        resourceOauth2ReturnUrl: callbackUrl,
        sessionUri
      }),
      userToken: Redacted.value(yield* asAda),
      machineToken: Redacted.value(yield* asMachine)
    }
  })

const assertEnded = (world: Effect.Effect.Success<ReturnType<typeof granted>>) =>
  Effect.gen(function*() {
    assertEqual(yield* world.controls.grants, [])
    assert.strictEqual((yield* Effect.flip(world.pollAsBob))._tag, "AccessDenied")
    yield* required(world.asAda)
    // A real authorization server may refuse the new client.
    const machine = yield* Effect.either(world.asMachine)
    assert.notStrictEqual(Either.isRight(machine) ? Redacted.value(machine.right) : undefined, world.machineToken)
  })

/** Effects of an update or a new creation of an OAuth 2.0 provider on its grants, on every layer. */
export const providerUpdates = section("updates of an OAuth2 provider", (test, extent) => {
  for (const { after, before, ends, name, title } of extent === "whole" ? cases : sample) {
    test(
      `${title} ${ends ? "ends" : "keeps"} the grant, the pending session and the machine token`,
      Effect.gen(function*() {
        const world = yield* granted({ before, name })
        yield* world.identity.updateOauth2CredentialProvider({ name, ...after })
        if (ends) return yield* assertEnded(world)
        assert.strictEqual(Redacted.value(yield* world.asAda), world.userToken)
        assert.strictEqual(Redacted.value(yield* world.asMachine), world.machineToken)
        assert.strictEqual((yield* world.pollAsBob).sessionStatus, "IN_PROGRESS")
      })
    )
  }

  test(
    "tags of a provider keep the grant and the machine token",
    Effect.gen(function*() {
      const [first] = cases
      if (first === undefined) return assert.fail("there is no case")
      const { before, name } = first
      const world = yield* granted({ before, name })
      const { credentialProviderArn } = yield* world.identity.getOauth2CredentialProvider({ name })
      yield* world.identity.tagResource({ resourceArn: credentialProviderArn, tags: { team: "agents" } })
      yield* world.identity.untagResource({ resourceArn: credentialProviderArn, tagKeys: ["team"] })
      assert.strictEqual(Redacted.value(yield* world.asAda), world.userToken)
      assert.strictEqual(Redacted.value(yield* world.asMachine), world.machineToken)
    })
  )

  test(
    "a provider that is deleted and created again without a change needs consent again",
    Effect.gen(function*() {
      const [first] = cases
      if (first === undefined) return assert.fail("there is no case")
      const { before, name } = first
      const world = yield* granted({ before, name })
      yield* world.identity.deleteOauth2CredentialProvider({ name })
      yield* world.identity.createOauth2CredentialProvider({ name, ...before })
      yield* assertEnded(world)
    })
  )
})
