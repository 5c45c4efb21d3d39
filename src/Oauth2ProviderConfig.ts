/**
 * The configuration of an OAuth2 credential provider: its authorization server, its client, the client authentication
 * method, and the network route.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as discoveryUrl from "./internal/model/discoveryUrl.js"
import { KmsKeyArn, SecretReference, SecretSource, Tags } from "./internal/model/fields.js"
import { extensibleEnum, list, map, oneOf, secret, text, UnknownMember } from "./internal/model/smithy.js"

const client = {
  clientId: text({ min: 1, max: 256 }),
  clientSecret: Schema.optional(secret({ min: 0, max: 2048 })),
  clientSecretConfig: Schema.optional(SecretReference),
  clientSecretSource: Schema.optional(SecretSource)
}

const Client = Schema.Struct(client)

/**
 * The discovery URL of an authorization server, or its metadata (RFC 8414). A discovery URL contains
 * `/.well-known/openid-configuration` or `/.well-known/oauth-authorization-server`, at its end or between the host and the
 * path of the issuer (RFC 8414, section 3.1). A query or a fragment is rejected.
 *
 * @since 0.1.0
 * @category models
 */
export const Oauth2Discovery = oneOf({
  discoveryUrl: text({ pattern: discoveryUrl.pattern, matches: discoveryUrl.isDiscoveryUrl }),
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
 * The token exchange of a custom provider, for the JWT that an agent was called with (RFC 8693, RFC 7523).
 * `tokenExchangeGrantTypeConfig` belongs to `TOKEN_EXCHANGE`, and `actorTokenScopes` to the actor token `M2M`.
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
 * The route to a token endpoint in a VPC.
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
 * The client and the authorization server of a provider: exactly one member, which belongs to the vendor. 17 vendors share
 * `includedOauth2ProviderConfig`.
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
      endpointIpAddressType: extensibleEnum("IPV4", "IPV6"),
      securityGroupIds: Schema.optional(Schema.Array(Schema.String)),
      tags: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.String })),
      routingDomain: Schema.optional(Schema.String)
    })
  }),
  UnknownMember
)

/**
 * The configuration of a provider, as replies contain it: without secrets.
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
        grantType: extensibleEnum("TOKEN_EXCHANGE", "JWT_AUTHORIZATION_GRANT"),
        tokenExchangeGrantTypeConfig: Schema.optional(Schema.Struct({
          actorTokenContent: extensibleEnum("NONE", "M2M", "AWS_IAM_ID_TOKEN_JWT"),
          actorTokenScopes: Schema.optional(Schema.Array(Schema.String))
        }))
      })),
      clientAuthenticationMethod: Schema.optional(
        extensibleEnum("CLIENT_SECRET_BASIC", "CLIENT_SECRET_POST", "AWS_IAM_ID_TOKEN_JWT", "PRIVATE_KEY_JWT")
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
        signingAlgorithm: Schema.optional(extensibleEnum("RS256", "PS256", "ES256")),
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
