/**
 * OAuth2 credential providers: which authorization server, with which client, and how to authenticate it.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import {
  commonErrors,
  KmsKeyArn,
  page,
  ProviderName,
  SecretArn,
  SecretReference,
  SecretSource,
  secretWriteErrors,
  Tags
} from "./internal/members.js"
import { list, map, Nothing, oneOf, openLiteral, secret, text, Timestamp, UnknownMember } from "./internal/shape.js"
import * as Operation from "./Operation.js"

const vendors = [
  "GoogleOauth2",
  "GithubOauth2",
  "SlackOauth2",
  "SalesforceOauth2",
  "MicrosoftOauth2",
  "CustomOauth2",
  "AtlassianOauth2",
  "LinkedinOauth2",
  "XOauth2",
  "OktaOauth2",
  "OneLoginOauth2",
  "PingOneOauth2",
  "FacebookOauth2",
  "YandexOauth2",
  "RedditOauth2",
  "ZoomOauth2",
  "TwitchOauth2",
  "SpotifyOauth2",
  "DropboxOauth2",
  "NotionOauth2",
  "HubspotOauth2",
  "CyberArkOauth2",
  "FusionAuthOauth2",
  "Auth0Oauth2",
  "CognitoOauth2"
] as const

/**
 * The vendors, as AWS spells them.
 *
 * @since 0.1.0
 * @category models
 */
export const CredentialProviderVendor = Schema.Literal(...vendors)

/**
 * @since 0.1.0
 * @category models
 */
export type CredentialProviderVendor = typeof CredentialProviderVendor.Type

const client = {
  clientId: text({ min: 1, max: 256 }),
  clientSecret: Schema.optional(secret({ min: 0, max: 2048 })),
  clientSecretConfig: Schema.optional(SecretReference),
  clientSecretSource: Schema.optional(SecretSource)
}

const Client = Schema.Struct(client)

/**
 * Where an authorization server describes itself: a URL that ends in `/.well-known/openid-configuration` or
 * `/.well-known/oauth-authorization-server`, or the metadata itself (RFC 8414).
 *
 * @since 0.1.0
 * @category models
 */
export const Oauth2Discovery = oneOf({
  discoveryUrl: text({ pattern: /.+\/\.well-known\/(openid-configuration|oauth-authorization-server)/ }),
  authorizationServerMetadata: Schema.Struct({
    issuer: Schema.String,
    authorizationEndpoint: Schema.String,
    tokenEndpoint: Schema.String,
    responseTypes: Schema.optional(list(Schema.String)),
    tokenEndpointAuthMethods: Schema.optional(
      list(text({ pattern: /(client_secret_post|client_secret_basic)/ }), { min: 1, max: 2 })
    )
  })
})

/**
 * @since 0.1.0
 * @category models
 */
export type Oauth2Discovery = typeof Oauth2Discovery.Type

/**
 * How a custom provider exchanges the JWT that an agent was called with (RFC 8693, RFC 7523).
 * `tokenExchangeGrantTypeConfig` belongs to `TOKEN_EXCHANGE`, `actorTokenScopes` to the actor `M2M`.
 *
 * @since 0.1.0
 * @category models
 */
export const OnBehalfOfTokenExchangeConfig = Schema.Struct({
  grantType: Schema.Literal("TOKEN_EXCHANGE", "JWT_AUTHORIZATION_GRANT"),
  tokenExchangeGrantTypeConfig: Schema.optional(Schema.Struct({
    actorTokenContent: Schema.Literal("NONE", "M2M", "AWS_IAM_ID_TOKEN_JWT"),
    actorTokenScopes: Schema.optional(list(text({ min: 1, max: 128 })))
  }))
})

/**
 * @since 0.1.0
 * @category models
 */
export interface OnBehalfOfTokenExchangeConfig extends Schema.Schema.Type<typeof OnBehalfOfTokenExchangeConfig> {}

const Claims = map(
  { min: 1, max: 255, pattern: /[A-Za-z0-9_.:#-]+/ },
  secret({ min: 1, max: 2048 }),
  { min: 1, max: 10 }
)

/**
 * A client assertion signed by a KMS key (RFC 7523), instead of a client secret.
 *
 * @since 0.1.0
 * @category models
 */
export const PrivateKeyJwtConfig = Schema.Struct({
  privateKeySource: Schema.optional(oneOf({ kmsKeySource: Schema.Struct({ kmsKeyArn: KmsKeyArn }) })),
  signingAlgorithm: Schema.optional(Schema.Literal("RS256", "PS256", "ES256")),
  additionalHeaderClaims: Schema.optional(Claims),
  additionalPayloadClaims: Schema.optional(Claims)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface PrivateKeyJwtConfig extends Schema.Schema.Type<typeof PrivateKeyJwtConfig> {}

/**
 * The way into a VPC in which the token endpoint lies.
 *
 * @since 0.1.0
 * @category models
 */
export const PrivateEndpoint = oneOf({
  selfManagedLatticeResource: oneOf({
    resourceConfigurationIdentifier: text({
      min: 20,
      max: 2048,
      pattern:
        /((rcfg-[0-9a-z]{17})|(arn:[a-z0-9-]+:vpc-lattice:[a-zA-Z0-9-]+:\d{12}:resourceconfiguration\/rcfg-[0-9a-z]{17}))/
    })
  }),
  managedVpcResource: Schema.Struct({
    vpcIdentifier: text({ pattern: /vpc-(([0-9a-z]{8})|([0-9a-z]{17}))/ }),
    subnetIds: list(text({ pattern: /subnet-[0-9a-zA-Z]{8,17}/ })),
    endpointIpAddressType: Schema.Literal("IPV4", "IPV6"),
    securityGroupIds: Schema.optional(list(text({ pattern: /sg-(([0-9a-z]{8})|([0-9a-z]{17}))/ }), { max: 5 })),
    tags: Schema.optional(Tags),
    routingDomain: Schema.optional(text({ min: 3, max: 255 }))
  })
})

/**
 * @since 0.1.0
 * @category models
 */
export type PrivateEndpoint = typeof PrivateEndpoint.Type

/**
 * The client and authorization server of a provider: exactly one member, the one that belongs to the vendor. The 17
 * vendors without a member of their own share `includedOauth2ProviderConfig`.
 *
 * @since 0.1.0
 * @category models
 */
export const Oauth2ProviderConfigInput = oneOf({
  customOauth2ProviderConfig: Schema.Struct({
    ...client,
    oauthDiscovery: Oauth2Discovery,
    clientId: Schema.optional(text({ min: 0, max: 256 })),
    onBehalfOfTokenExchangeConfig: Schema.optional(OnBehalfOfTokenExchangeConfig),
    clientAuthenticationMethod: Schema.optional(
      Schema.Literal("CLIENT_SECRET_BASIC", "CLIENT_SECRET_POST", "AWS_IAM_ID_TOKEN_JWT", "PRIVATE_KEY_JWT")
    ),
    privateKeyJwtConfig: Schema.optional(PrivateKeyJwtConfig),
    privateEndpoint: Schema.optional(PrivateEndpoint),
    privateEndpointOverrides: Schema.optional(
      list(Schema.Struct({ domain: text({ min: 1, max: 253 }), privateEndpoint: PrivateEndpoint }), { max: 5 })
    )
  }),
  googleOauth2ProviderConfig: Client,
  githubOauth2ProviderConfig: Client,
  slackOauth2ProviderConfig: Client,
  salesforceOauth2ProviderConfig: Client,
  microsoftOauth2ProviderConfig: Schema.Struct({
    ...client,
    tenantId: Schema.optional(text({ min: 1, max: 2048 }))
  }),
  atlassianOauth2ProviderConfig: Client,
  linkedinOauth2ProviderConfig: Client,
  includedOauth2ProviderConfig: Schema.Struct({
    ...client,
    issuer: Schema.optional(Schema.String),
    authorizationEndpoint: Schema.optional(Schema.String),
    tokenEndpoint: Schema.optional(Schema.String)
  })
})

/**
 * @since 0.1.0
 * @category models
 */
export type Oauth2ProviderConfigInput = typeof Oauth2ProviderConfigInput.Type

const DiscoveryOutput = Schema.Union(
  Schema.Struct({ discoveryUrl: Schema.String }),
  Schema.Struct({
    authorizationServerMetadata: Schema.Struct({
      issuer: Schema.String,
      authorizationEndpoint: Schema.String,
      tokenEndpoint: Schema.String,
      responseTypes: Schema.optional(Schema.Array(Schema.String)),
      tokenEndpointAuthMethods: Schema.optional(Schema.Array(Schema.String))
    })
  }),
  UnknownMember
)

const ClientOutput = Schema.Struct({ oauthDiscovery: DiscoveryOutput, clientId: Schema.optional(Schema.String) })

const ClaimsOutput = Schema.Record({ key: Schema.String, value: Schema.Redacted(Schema.String) })

const PrivateEndpointOutput = Schema.Union(
  Schema.Struct({
    selfManagedLatticeResource: Schema.Union(
      Schema.Struct({ resourceConfigurationIdentifier: Schema.String }),
      UnknownMember
    )
  }),
  Schema.Struct({
    managedVpcResource: Schema.Struct({
      vpcIdentifier: Schema.String,
      subnetIds: Schema.Array(Schema.String),
      endpointIpAddressType: openLiteral("IPV4", "IPV6"),
      securityGroupIds: Schema.optional(Schema.Array(Schema.String)),
      tags: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.String })),
      routingDomain: Schema.optional(Schema.String)
    })
  }),
  UnknownMember
)

/**
 * A provider's configuration as it comes back: never with a secret.
 *
 * @since 0.1.0
 * @category models
 */
export const Oauth2ProviderConfigOutput = Schema.Union(
  Schema.Struct({
    customOauth2ProviderConfig: Schema.Struct({
      oauthDiscovery: DiscoveryOutput,
      clientId: Schema.optional(Schema.String),
      onBehalfOfTokenExchangeConfig: Schema.optional(Schema.Struct({
        grantType: openLiteral("TOKEN_EXCHANGE", "JWT_AUTHORIZATION_GRANT"),
        tokenExchangeGrantTypeConfig: Schema.optional(Schema.Struct({
          actorTokenContent: openLiteral("NONE", "M2M", "AWS_IAM_ID_TOKEN_JWT"),
          actorTokenScopes: Schema.optional(Schema.Array(Schema.String))
        }))
      })),
      clientAuthenticationMethod: Schema.optional(
        openLiteral("CLIENT_SECRET_BASIC", "CLIENT_SECRET_POST", "AWS_IAM_ID_TOKEN_JWT", "PRIVATE_KEY_JWT")
      ),
      privateEndpoint: Schema.optional(PrivateEndpointOutput),
      privateEndpointOverrides: Schema.optional(
        Schema.Array(Schema.Struct({ domain: Schema.String, privateEndpoint: PrivateEndpointOutput }))
      ),
      privateKeyJwtConfig: Schema.optional(Schema.Struct({
        privateKeySource: Schema.optional(
          Schema.Union(
            Schema.Struct({ kmsKeySource: Schema.Struct({ kmsKeyArn: Schema.String }) }),
            UnknownMember
          )
        ),
        signingAlgorithm: Schema.optional(openLiteral("RS256", "PS256", "ES256")),
        additionalHeaderClaims: Schema.optional(ClaimsOutput),
        additionalPayloadClaims: Schema.optional(ClaimsOutput)
      }))
    })
  }),
  Schema.Struct({ googleOauth2ProviderConfig: ClientOutput }),
  Schema.Struct({ githubOauth2ProviderConfig: ClientOutput }),
  Schema.Struct({ slackOauth2ProviderConfig: ClientOutput }),
  Schema.Struct({ salesforceOauth2ProviderConfig: ClientOutput }),
  Schema.Struct({ microsoftOauth2ProviderConfig: ClientOutput }),
  Schema.Struct({ atlassianOauth2ProviderConfig: ClientOutput }),
  Schema.Struct({ linkedinOauth2ProviderConfig: ClientOutput }),
  Schema.Struct({ includedOauth2ProviderConfig: ClientOutput }),
  UnknownMember
)

/**
 * @since 0.1.0
 * @category models
 */
export type Oauth2ProviderConfigOutput = typeof Oauth2ProviderConfigOutput.Type

const Vendor = openLiteral(...vendors)

const write = {
  name: ProviderName,
  credentialProviderVendor: CredentialProviderVendor,
  oauth2ProviderConfigInput: Oauth2ProviderConfigInput
}

const created = {
  clientSecretArn: SecretArn,
  clientSecretJsonKey: Schema.optional(Schema.String),
  clientSecretSource: Schema.optional(openLiteral("MANAGED", "EXTERNAL")),
  name: Schema.String,
  credentialProviderArn: Schema.String,
  callbackUrl: Schema.optional(Schema.String),
  oauth2ProviderConfigOutput: Schema.optional(Oauth2ProviderConfigOutput),
  status: Schema.optional(openLiteral(
    "CREATING",
    "CREATE_FAILED",
    "UPDATING",
    "UPDATE_FAILED",
    "READY",
    "DELETING",
    "DELETE_FAILED"
  ))
}

const times = { createdTime: Timestamp, lastUpdatedTime: Timestamp }

/**
 * An OAuth2 provider as the service describes it. `callbackUrl` is what must be registered as redirect URI at the
 * vendor; it is not the return URL of your application.
 *
 * @since 0.1.0
 * @category models
 */
export const Oauth2CredentialProvider = Schema.Struct({
  ...created,
  ...times,
  credentialProviderVendor: Vendor,
  oauth2ProviderConfigOutput: Oauth2ProviderConfigOutput,
  failureReason: Schema.optional(Schema.String)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface Oauth2CredentialProvider extends Schema.Schema.Type<typeof Oauth2CredentialProvider> {}

/**
 * The five operations on OAuth2 providers. An update replaces the whole configuration, secret included.
 *
 * @since 0.1.0
 * @category operations
 */
export const operations = {
  createOauth2CredentialProvider: Operation.make({
    name: "CreateOauth2CredentialProvider",
    plane: "control",
    path: "/identities/CreateOauth2CredentialProvider",
    status: 201,
    request: Schema.Struct({ ...write, tags: Schema.optional(Tags) }),
    reply: Schema.Struct(created),
    errors: [...commonErrors, ...secretWriteErrors, "ResourceLimitExceeded"]
  }),
  getOauth2CredentialProvider: Operation.make({
    name: "GetOauth2CredentialProvider",
    plane: "control",
    path: "/identities/GetOauth2CredentialProvider",
    request: Schema.Struct({ name: ProviderName }),
    reply: Oauth2CredentialProvider,
    errors: [...commonErrors, "DecryptionFailure"]
  }),
  updateOauth2CredentialProvider: Operation.make({
    name: "UpdateOauth2CredentialProvider",
    plane: "control",
    path: "/identities/UpdateOauth2CredentialProvider",
    request: Schema.Struct(write),
    reply: Schema.Struct({
      ...created,
      ...times,
      credentialProviderVendor: Vendor,
      oauth2ProviderConfigOutput: Oauth2ProviderConfigOutput
    }),
    errors: [...commonErrors, ...secretWriteErrors],
    repeat: "throttled"
  }),
  deleteOauth2CredentialProvider: Operation.make({
    name: "DeleteOauth2CredentialProvider",
    plane: "control",
    path: "/identities/DeleteOauth2CredentialProvider",
    status: 204,
    request: Schema.Struct({ name: ProviderName }),
    reply: Nothing,
    errors: [...commonErrors, "Conflict"]
  }),
  listOauth2CredentialProviders: Operation.make({
    name: "ListOauth2CredentialProviders",
    plane: "control",
    path: "/identities/ListOauth2CredentialProviders",
    request: page(20),
    reply: Schema.Struct({
      credentialProviders: Schema.Array(Schema.Struct({
        name: Schema.String,
        credentialProviderVendor: Vendor,
        credentialProviderArn: Schema.String,
        ...times
      })),
      nextToken: Schema.optional(Schema.String)
    }),
    errors: commonErrors
  })
}
