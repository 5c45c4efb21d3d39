/** Limits of members inside structures and unions, with values that fit and values that break them. */
import { Record, Redacted } from "effect"
import { operations } from "../../src/IdentityApi.js"
import type { Operation } from "../../src/Operation.js"

const secret = (length: number) => Redacted.make("s".repeat(length))
const client = { clientId: "client" }
const vpc = { vpcIdentifier: "vpc-0123abcd", subnetIds: ["subnet-0123ABCD"], endpointIpAddressType: "IPV4" }
const lattice = { selfManagedLatticeResource: { resourceConfigurationIdentifier: "rcfg-0123456789abcdefg" } }
const key = "arn:aws:kms:us-east-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"
const idpArn = "arn:aws:bedrock-agentcore:us-east-1:123456789012:token-vault/default/oauth2credentialprovider/okta_1"
const gateway = { identifier: "my-gateway-0123456789", type: "agentcore-gateway" }
const methods = (...tokenEndpointAuthMethods: ReadonlyArray<string>) => ({
  authorizationServerMetadata: { issuer: "i", authorizationEndpoint: "a", tokenEndpoint: "t", tokenEndpointAuthMethods }
})
const override = { domain: "example.com", privateEndpoint: lattice }
const reference = { secretId: "s", jsonKey: "k" }
const claimsOf = (count: number, value = secret(1)) =>
  Record.fromEntries(Array.from({ length: count }, (_, i) => [`c${i}`, value]))

const oauth2 = (config: string, input: object) => ({
  name: "okta",
  credentialProviderVendor: "CustomOauth2",
  oauth2ProviderConfigInput: { [config]: input }
})

const custom = oauth2("customOauth2ProviderConfig", {
  oauthDiscovery: { discoveryUrl: "https://example.com/.well-known/openid-configuration" },
  onBehalfOfTokenExchangeConfig: { grantType: "TOKEN_EXCHANGE" },
  privateKeyJwtConfig: { privateKeySource: { kmsKeySource: { kmsKeyArn: key } } },
  privateEndpoint: { managedVpcResource: vpc },
  privateEndpointOverrides: [override, override]
})

const payment = (request: object) => ({
  workloadIdentityToken: Redacted.make("token"),
  resourceCredentialProviderName: "wallet",
  paymentTokenRequest: request
})

const portal = {
  executionRoleArn: "arn:aws:iam::123456789012:role/portal",
  idpConfig: { credentialProviderArn: idpArn, scopes: ["openid"] },
  name: "portal",
  sources: [gateway]
}

interface Nested {
  readonly operation: Operation.Any
  readonly base: unknown
  readonly at: string
  /** Values that pass, then values that are refused; `below` where in such a value the fault is. */
  readonly fits: ReadonlyArray<unknown>
  readonly breaks: ReadonlyArray<unknown>
  readonly below?: string
}

const within =
  (operation: Operation.Any, base: unknown, prefix: string) =>
  (at: string, fits: ReadonlyArray<unknown>, breaks: ReadonlyArray<unknown>, below?: string): Nested => ({
    operation,
    base,
    at: `${prefix}.${at}`,
    fits,
    breaks,
    ...(below === undefined ? {} : { below })
  })

const google = within(
  operations.createOauth2CredentialProvider,
  oauth2("googleOauth2ProviderConfig", client),
  "oauth2ProviderConfigInput.googleOauth2ProviderConfig"
)
const own = within(
  operations.updateOauth2CredentialProvider,
  custom,
  "oauth2ProviderConfigInput.customOauth2ProviderConfig"
)
const coinbase = within(
  operations.getResourcePaymentToken,
  payment({ coinbaseCdpTokenRequest: { requestMethod: "GET", requestPath: "/platform" } }),
  "paymentTokenRequest.coinbaseCdpTokenRequest"
)
const stripe = within(
  operations.createPaymentCredentialProvider,
  {
    name: "wallet",
    credentialProviderVendor: "StripePrivy",
    providerConfigurationInput: { stripePrivyConfiguration: { appId: "app", authorizationId: "id" } }
  },
  "providerConfigurationInput.stripePrivyConfiguration"
)
const consent = within(operations.createConsentPortal, portal, "idpConfig")
const source = within(operations.createConsentPortal, portal, "sources[0]")
const vault = within(
  operations.setTokenVaultCMK,
  { kmsConfiguration: { keyType: "CustomerManagedKey" } },
  "kmsConfiguration"
)

const jwt = "privateKeyJwtConfig"
const endpoint = "privateEndpoint.managedVpcResource"

/** Limits that the facts do not spell out: those inside structures and unions. */
export const nested: ReadonlyArray<Nested> = [
  google("clientId", ["x", "x".repeat(256)], ["", "x".repeat(257)]),
  google("clientSecret", [secret(0), secret(2048)], [secret(2049), "bare"]),
  google("clientSecretConfig", [reference], [{ ...reference, jsonKey: "" }], "jsonKey"),
  google("clientSecretSource", ["MANAGED", "EXTERNAL"], ["managed"]),
  own("clientId", ["", "x".repeat(256)], ["x".repeat(257)]),
  // Wider than the published pattern, which ends with the well-known name: see `discoveryUrlPattern` in choices.ts.
  own("oauthDiscovery.discoveryUrl", [
    "https://a/.well-known/oauth-authorization-server",
    "https://a/.well-known/oauth-authorization-server/tenant",
    "https://a/tenant/.well-known/oauth-authorization-server",
    "https://a/.well-known/openid-configuration/tenant/",
    "https://a/b/.well-known/openid-configuration/c"
  ], [
    "https://a",
    "https://a/.well-known/oauth-authorization-servers",
    "https://a/.well-known/oauth-authorization-server?a",
    "https://a/.well-known/oauth-authorization-server/tenant?a",
    "https://a/.well-known/oauth-authorization-server#a",
    "https://a?b/.well-known/openid-configuration",
    "/.well-known/openid-configuration"
  ]),
  own("oauthDiscovery", [methods("client_secret_post"), methods("client_secret_post", "client_secret_basic")], [
    methods(),
    methods("client_secret_post", "client_secret_basic", "client_secret_post")
  ], "authorizationServerMetadata.tokenEndpointAuthMethods"),
  own("onBehalfOfTokenExchangeConfig.tokenExchangeGrantTypeConfig", [{ actorTokenContent: "M2M" }], [
    { actorTokenContent: "NONE", actorTokenScopes: ["x".repeat(129)] }
  ], "actorTokenScopes[0]"),
  own(`${jwt}.privateKeySource.kmsKeySource.kmsKeyArn`, [key], ["", key.slice(0, -1), key.replace("kms", "s3")]),
  own(`${jwt}.signingAlgorithm`, ["RS256", "PS256", "ES256"], ["HS256"]),
  own(`${jwt}.additionalHeaderClaims`, [claimsOf(1), claimsOf(10)], [{}, claimsOf(11)]),
  own(`${jwt}.additionalPayloadClaims`, [claimsOf(1, secret(2048))], [claimsOf(1, secret(2049))], "c0"),
  own("privateEndpointOverrides", [[], Array.from({ length: 5 }, () => override)], [
    Array.from({ length: 6 }, () => override)
  ]),
  own("privateEndpointOverrides[1].domain", ["x".repeat(253)], ["", "x".repeat(254)]),
  own(`${endpoint}.vpcIdentifier`, ["vpc-0123456789abcdefg"], ["vpc-1", "vpc-0123456789"]),
  own(`${endpoint}.subnetIds`, [["subnet-0123456789ABCDEFG"]], [["subnet-1"], ["subnet-0123456789ABCDEFGH"]], "[0]"),
  own(`${endpoint}.securityGroupIds`, [[], Array.from({ length: 5 }, () => "sg-0123abcd")], [
    Array.from({ length: 6 }, () => "sg-0123abcd")
  ]),
  own(`${endpoint}.routingDomain`, ["abc", "x".repeat(255)], ["ab", "x".repeat(256)]),
  coinbase("requestPath", ["/a", `/${"a".repeat(2047)}`], ["", "a", "/", "/a b", `/${"a".repeat(2048)}`]),
  coinbase("requestHost", ["a.b-c"], ["", "a b", "x".repeat(257)]),
  coinbase("requestMethod", ["PATCH"], ["HEAD"]),
  coinbase("requestBody", ["{\n\t}", "x".repeat(16384)], ["", "é", "x".repeat(16385)]),
  stripe("authorizationPrivateKey", [secret(0), Redacted.make("wallet-auth:a+/=")], [
    Redacted.make("other:a"),
    secret(2049)
  ]),
  stripe("appId", ["a"], ["", "a.b", "x".repeat(513)]),
  consent("credentialProviderArn", [idpArn.replace("aws", "aws-eusc")], [idpArn.replace("bedrock-agentcore", "acps")]),
  consent("scopes", [["a"], ["a", "b"]], [[]]),
  consent("scopes", [["!"]], [["a b"], ["\""], ["x".repeat(256)]], "[0]"),
  source("identifier", ["arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/g-0123456789"], [
    "gateway",
    "-gateway-0123456789",
    "x arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/g-0123456789"
  ]),
  source("type", ["agentcore-gateway"], ["lambda"]),
  vault("kmsKeyArn", [key, key.replace("aws", "aws-us-gov")], ["", key.replace("aws", "aws-iso")])
]
