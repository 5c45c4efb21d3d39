/** What belongs to each OAuth2 vendor: its member of the configuration, and where its authorization server is. */
import * as Either from "effect/Either"
import * as Struct from "effect/Struct"
import type { ValidationError } from "../../IdentityError.js"
import type { CredentialProviderVendor } from "../../Oauth2Provider.js"
import type {
  Oauth2Discovery,
  Oauth2ProviderConfigInput,
  Oauth2ProviderConfigOutput,
  OnBehalfOfTokenExchangeConfig
} from "../../Oauth2ProviderConfig.js"
import { fieldError } from "../check.js"
import type { SecretInput } from "./providers.js"
import type { OperationName } from "./state.js"

type Member = Oauth2ProviderConfigInput extends infer Config ? Config extends unknown ? keyof Config : never : never

/** What is known of an included vendor: its endpoints, or that they depend on a tenant. */
type Included = Oauth2Discovery | "tenant"

const metadata = (issuer: string, authorizationEndpoint: string, tokenEndpoint: string): Oauth2Discovery => ({
  authorizationServerMetadata: { issuer, authorizationEndpoint, tokenEndpoint }
})

const openId = (issuer: string): Oauth2Discovery => ({
  discoveryUrl: `${issuer.replace(/\/+$/, "")}/.well-known/openid-configuration`
})

const google = openId("https://accounts.google.com")
const github = metadata(
  "https://github.com",
  "https://github.com/login/oauth/authorize",
  "https://github.com/login/oauth/access_token"
)
const slack = metadata(
  "https://slack.com",
  "https://slack.com/oauth/v2/authorize",
  "https://slack.com/api/oauth.v2.access"
)
const salesforce = openId("https://login.salesforce.com")
const microsoft = (tenantId = "common") => openId(`https://login.microsoftonline.com/${tenantId}/v2.0`)
const atlassian = metadata(
  "https://auth.atlassian.com",
  "https://auth.atlassian.com/authorize",
  "https://auth.atlassian.com/oauth/token"
)
const linkedin = openId("https://www.linkedin.com/oauth")

const own = {
  CustomOauth2: "customOauth2ProviderConfig",
  GoogleOauth2: "googleOauth2ProviderConfig",
  GithubOauth2: "githubOauth2ProviderConfig",
  SlackOauth2: "slackOauth2ProviderConfig",
  SalesforceOauth2: "salesforceOauth2ProviderConfig",
  MicrosoftOauth2: "microsoftOauth2ProviderConfig",
  AtlassianOauth2: "atlassianOauth2ProviderConfig",
  LinkedinOauth2: "linkedinOauth2ProviderConfig"
} satisfies { readonly [Vendor in CredentialProviderVendor]?: Member }

const included: { readonly [Vendor in Exclude<CredentialProviderVendor, keyof typeof own>]: Included } = {
  XOauth2: metadata("https://x.com", "https://x.com/i/oauth2/authorize", "https://api.x.com/2/oauth2/token"),
  FacebookOauth2: metadata(
    "https://www.facebook.com",
    "https://www.facebook.com/dialog/oauth",
    "https://graph.facebook.com/oauth/access_token"
  ),
  YandexOauth2: metadata(
    "https://oauth.yandex.com",
    "https://oauth.yandex.com/authorize",
    "https://oauth.yandex.com/token"
  ),
  RedditOauth2: metadata(
    "https://www.reddit.com",
    "https://www.reddit.com/api/v1/authorize",
    "https://www.reddit.com/api/v1/access_token"
  ),
  ZoomOauth2: metadata("https://zoom.us", "https://zoom.us/oauth/authorize", "https://zoom.us/oauth/token"),
  TwitchOauth2: openId("https://id.twitch.tv/oauth2"),
  SpotifyOauth2: openId("https://accounts.spotify.com"),
  DropboxOauth2: metadata(
    "https://www.dropbox.com",
    "https://www.dropbox.com/oauth2/authorize",
    "https://api.dropboxapi.com/oauth2/token"
  ),
  NotionOauth2: metadata(
    "https://api.notion.com",
    "https://api.notion.com/v1/oauth/authorize",
    "https://api.notion.com/v1/oauth/token"
  ),
  HubspotOauth2: metadata(
    "https://app.hubspot.com",
    "https://app.hubspot.com/oauth/authorize",
    "https://api.hubapi.com/oauth/v1/token"
  ),
  OktaOauth2: "tenant",
  OneLoginOauth2: "tenant",
  PingOneOauth2: "tenant",
  CyberArkOauth2: "tenant",
  FusionAuthOauth2: "tenant",
  Auth0Oauth2: "tenant",
  CognitoOauth2: "tenant"
}

const isIncluded = (vendor: CredentialProviderVendor): vendor is keyof typeof included => vendor in included

const memberOf = (vendor: CredentialProviderVendor): Member =>
  isIncluded(vendor) ? "includedOauth2ProviderConfig" : own[vendor]

type Custom = Extract<Oauth2ProviderConfigInput, { readonly customOauth2ProviderConfig: unknown }>[
  "customOauth2ProviderConfig"
]

type IncludedInput = Extract<Oauth2ProviderConfigInput, { readonly includedOauth2ProviderConfig: unknown }>[
  "includedOauth2ProviderConfig"
]

/** @internal */
export interface Configured {
  readonly config: Oauth2ProviderConfigOutput
  readonly clientSecret: SecretInput
  readonly onBehalfOf: OnBehalfOfTokenExchangeConfig | undefined
}

type Client = Pick<Custom, "clientId" | "clientSecret" | "clientSecretConfig" | "clientSecretSource">

/**
 * The configuration as it comes back, and what it says of the client's secret.
 *
 * @internal
 */
export const configure = (
  operation: OperationName,
  vendor: CredentialProviderVendor,
  input: Oauth2ProviderConfigInput
): Either.Either<Configured, ValidationError> => {
  const member = memberOf(vendor)
  const path = `oauth2ProviderConfigInput.${member}`
  const secret = (client: Client, required = true): SecretInput => ({
    member: `${path}.clientSecret`,
    configMember: `${path}.clientSecretConfig`,
    value: client.clientSecret,
    config: client.clientSecretConfig,
    source: client.clientSecretSource,
    required
  })
  const preset = (
    client: Client,
    oauthDiscovery: Oauth2Discovery,
    config: (output: { oauthDiscovery: Oauth2Discovery; clientId: string | undefined }) => Oauth2ProviderConfigOutput,
    onBehalfOf?: OnBehalfOfTokenExchangeConfig
  ) =>
    Either.right({
      config: config({ oauthDiscovery, clientId: client.clientId }),
      clientSecret: secret(client),
      onBehalfOf
    })

  if (!(member in input)) {
    return Either.left(fieldError(operation, {
      name: "oauth2ProviderConfigInput",
      message: `Member must be ${member}, which belongs to ${vendor}, and not ${Object.keys(input).join()}`
    }))
  }
  if ("customOauth2ProviderConfig" in input) {
    return custom(operation, path, input.customOauth2ProviderConfig, secret)
  }
  if ("includedOauth2ProviderConfig" in input) {
    const client = input.includedOauth2ProviderConfig
    return Either.flatMap(
      includedDiscovery(operation, path, isIncluded(vendor) ? included[vendor] : "tenant", client),
      (discovery) => preset(client, discovery, (output) => ({ includedOauth2ProviderConfig: output }))
    )
  }
  if ("googleOauth2ProviderConfig" in input) {
    return preset(input.googleOauth2ProviderConfig, google, (output) => ({ googleOauth2ProviderConfig: output }))
  }
  if ("githubOauth2ProviderConfig" in input) {
    return preset(input.githubOauth2ProviderConfig, github, (output) => ({ githubOauth2ProviderConfig: output }))
  }
  if ("slackOauth2ProviderConfig" in input) {
    return preset(input.slackOauth2ProviderConfig, slack, (output) => ({ slackOauth2ProviderConfig: output }))
  }
  if ("salesforceOauth2ProviderConfig" in input) {
    const client = input.salesforceOauth2ProviderConfig
    return preset(client, salesforce, (output) => ({ salesforceOauth2ProviderConfig: output }))
  }
  if ("atlassianOauth2ProviderConfig" in input) {
    const client = input.atlassianOauth2ProviderConfig
    return preset(client, atlassian, (output) => ({ atlassianOauth2ProviderConfig: output }))
  }
  if ("linkedinOauth2ProviderConfig" in input) {
    return preset(input.linkedinOauth2ProviderConfig, linkedin, (output) => ({ linkedinOauth2ProviderConfig: output }))
  }
  const client = input.microsoftOauth2ProviderConfig
  return preset(
    client,
    microsoft(client.tenantId),
    (output) => ({ microsoftOauth2ProviderConfig: output }),
    { grantType: "JWT_AUTHORIZATION_GRANT" }
  )
}

const custom = (
  operation: OperationName,
  path: string,
  input: Custom,
  secret: (client: Client, required: boolean) => SecretInput
): Either.Either<Configured, ValidationError> => {
  const output = Struct.omit(input, "clientSecret", "clientSecretConfig", "clientSecretSource")
  const method = input.clientAuthenticationMethod
  if (method === "PRIVATE_KEY_JWT" && input.privateKeyJwtConfig === undefined) {
    return Either.left(
      fieldError(operation, { name: `${path}.privateKeyJwtConfig`, message: "Member must not be null" })
    )
  }
  return Either.right({
    config: { customOauth2ProviderConfig: output },
    clientSecret: secret(input, method !== "PRIVATE_KEY_JWT" && method !== "AWS_IAM_ID_TOKEN_JWT"),
    onBehalfOf: input.onBehalfOfTokenExchangeConfig
  })
}

const includedDiscovery = (
  operation: OperationName,
  path: string,
  known: Included,
  { authorizationEndpoint, issuer, tokenEndpoint }: IncludedInput
): Either.Either<Oauth2Discovery, ValidationError> => {
  if (authorizationEndpoint !== undefined && tokenEndpoint !== undefined) {
    return Either.right(metadata(issuer ?? authorizationEndpoint, authorizationEndpoint, tokenEndpoint))
  }
  if (issuer !== undefined) return Either.right(openId(issuer))
  return known === "tenant"
    ? Either.left(fieldError(operation, {
      name: `${path}.issuer`,
      message: "Member must not be null, unless authorizationEndpoint and tokenEndpoint are given"
    }))
    : Either.right(known)
}
