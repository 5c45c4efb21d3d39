/** The configuration of each OAuth2 vendor: its member of the request, and its authorization server. */
import * as Either from "effect/Either"
import * as Struct from "effect/Struct"
import type { ValidationError } from "../../../IdentityError.js"
import type { CredentialProviderVendor } from "../../../Oauth2Provider.js"
import type {
  Oauth2Discovery,
  Oauth2ProviderConfigInput,
  Oauth2ProviderConfigOutput,
  OnBehalfOfTokenExchangeConfig
} from "../../../Oauth2ProviderConfig.js"
import { fieldError } from "../../model/validation.js"
import { metadata, openId } from "../../presets/preset.js"
import { presets } from "../../presets/table.js"
import * as assumptions from "../state/assumptions.js"
import type { OperationName } from "../state/state.js"
import type { SecretInput } from "./providers.js"

type Member = Oauth2ProviderConfigInput extends infer Config ? Config extends unknown ? keyof Config : never : never

const dedicatedMembers = {
  CustomOauth2: "customOauth2ProviderConfig",
  GoogleOauth2: "googleOauth2ProviderConfig",
  GithubOauth2: "githubOauth2ProviderConfig",
  SlackOauth2: "slackOauth2ProviderConfig",
  SalesforceOauth2: "salesforceOauth2ProviderConfig",
  MicrosoftOauth2: "microsoftOauth2ProviderConfig",
  AtlassianOauth2: "atlassianOauth2ProviderConfig",
  LinkedinOauth2: "linkedinOauth2ProviderConfig"
} satisfies { readonly [Vendor in CredentialProviderVendor]?: Member }

const isDedicated = (vendor: CredentialProviderVendor): vendor is keyof typeof dedicatedMembers =>
  vendor in dedicatedMembers

const memberOf = (vendor: CredentialProviderVendor): Member =>
  isDedicated(vendor) ? dedicatedMembers[vendor] : "includedOauth2ProviderConfig"

type Custom = Extract<Oauth2ProviderConfigInput, { readonly customOauth2ProviderConfig: unknown }>[
  "customOauth2ProviderConfig"
]

type IncludedInput = Extract<Oauth2ProviderConfigInput, { readonly includedOauth2ProviderConfig: unknown }>[
  "includedOauth2ProviderConfig"
]

/** The members of a request that locate the authorization server. */
interface Location extends Pick<IncludedInput, "issuer" | "authorizationEndpoint" | "tokenEndpoint"> {
  readonly tenantId?: string | undefined
}

/** @internal */
export interface Configured {
  readonly config: Oauth2ProviderConfigOutput
  readonly clientSecret: SecretInput
  readonly onBehalfOf: OnBehalfOfTokenExchangeConfig | undefined
}

type Client = Pick<Custom, "clientId" | "clientSecret" | "clientSecretConfig" | "clientSecretSource">

/** Converts the configuration of a request to that of replies, and takes the client secret out of it. */
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
    config: (output: { oauthDiscovery: Oauth2Discovery; clientId: string | undefined }) => Oauth2ProviderConfigOutput,
    location: Location = {},
    onBehalfOf?: OnBehalfOfTokenExchangeConfig
  ) =>
    Either.map(discovery(operation, path, vendor, location), (oauthDiscovery): Configured => ({
      config: config({ oauthDiscovery, clientId: client.clientId }),
      clientSecret: secret(client),
      onBehalfOf
    }))

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
    return preset(client, (output) => ({ includedOauth2ProviderConfig: output }), client)
  }
  if ("googleOauth2ProviderConfig" in input) {
    return preset(input.googleOauth2ProviderConfig, (output) => ({ googleOauth2ProviderConfig: output }))
  }
  if ("githubOauth2ProviderConfig" in input) {
    return preset(input.githubOauth2ProviderConfig, (output) => ({ githubOauth2ProviderConfig: output }))
  }
  if ("slackOauth2ProviderConfig" in input) {
    return preset(input.slackOauth2ProviderConfig, (output) => ({ slackOauth2ProviderConfig: output }))
  }
  if ("salesforceOauth2ProviderConfig" in input) {
    return preset(input.salesforceOauth2ProviderConfig, (output) => ({ salesforceOauth2ProviderConfig: output }))
  }
  if ("atlassianOauth2ProviderConfig" in input) {
    return preset(input.atlassianOauth2ProviderConfig, (output) => ({ atlassianOauth2ProviderConfig: output }))
  }
  if ("linkedinOauth2ProviderConfig" in input) {
    return preset(input.linkedinOauth2ProviderConfig, (output) => ({ linkedinOauth2ProviderConfig: output }))
  }
  const client = input.microsoftOauth2ProviderConfig
  return preset(
    client,
    (output) => ({ microsoftOauth2ProviderConfig: output }),
    { tenantId: client.tenantId },
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

const discovery = (
  operation: OperationName,
  path: string,
  vendor: CredentialProviderVendor,
  { authorizationEndpoint, issuer, tenantId, tokenEndpoint }: Location
): Either.Either<Oauth2Discovery, ValidationError> => {
  if (authorizationEndpoint !== undefined && tokenEndpoint !== undefined) {
    return Either.right(
      metadata(issuer ?? assumptions.issuerOfEndpoint(authorizationEndpoint), authorizationEndpoint, tokenEndpoint)
    )
  }
  if (issuer !== undefined) return Either.right(openId(issuer))
  return Either.fromNullable(presetDiscovery(vendor, tenantId), () =>
    fieldError(operation, {
      name: `${path}.issuer`,
      message: "Member must not be null, unless authorizationEndpoint and tokenEndpoint are given"
    }))
}

const presetDiscovery = (
  vendor: CredentialProviderVendor,
  tenantId: string | undefined
): Oauth2Discovery | undefined => {
  if (vendor === "CustomOauth2") return undefined
  const { endpoints } = presets[vendor]
  if (!("tenant" in endpoints)) return endpoints
  const id = tenantId ?? endpoints.defaultTenantId
  // `replace` would interpret a `$` in the id of the tenant.
  return id === undefined ? undefined : openId(endpoints.tenant.issuer.split("{tenantId}").join(id))
}
