/** What a provider's configuration says of its authorization server and of its client. */
import type { Oauth2ProviderConfigOutput } from "../../../Oauth2ProviderConfig.js"
import { isLoopbackUrl } from "../../lib/loopback.js"

type Custom = Extract<Oauth2ProviderConfigOutput, { readonly customOauth2ProviderConfig: unknown }>[
  "customOauth2ProviderConfig"
]

/**
 * A URL of its description, or the description itself.
 *
 * @internal
 */
export type Discovery = Custom["oauthDiscovery"]

const members = (config: Oauth2ProviderConfigOutput): Pick<Custom, "oauthDiscovery" | "clientId"> | undefined => {
  if ("customOauth2ProviderConfig" in config) return config.customOauth2ProviderConfig
  if ("googleOauth2ProviderConfig" in config) return config.googleOauth2ProviderConfig
  if ("githubOauth2ProviderConfig" in config) return config.githubOauth2ProviderConfig
  if ("slackOauth2ProviderConfig" in config) return config.slackOauth2ProviderConfig
  if ("salesforceOauth2ProviderConfig" in config) return config.salesforceOauth2ProviderConfig
  if ("microsoftOauth2ProviderConfig" in config) return config.microsoftOauth2ProviderConfig
  if ("atlassianOauth2ProviderConfig" in config) return config.atlassianOauth2ProviderConfig
  if ("linkedinOauth2ProviderConfig" in config) return config.linkedinOauth2ProviderConfig
  if ("includedOauth2ProviderConfig" in config) return config.includedOauth2ProviderConfig
  return undefined
}

/** @internal */
export const discoveryOf = (config: Oauth2ProviderConfigOutput): Discovery | undefined =>
  members(config)?.oauthDiscovery

/** @internal */
export const clientIdOf = (config: Oauth2ProviderConfigOutput): string => members(config)?.clientId ?? ""

/**
 * Where the authorization server is: its discovery URL, or its issuer and endpoints. Metadata that only describes what
 * the server supports is left out.
 *
 * @internal
 */
export const serverOf = (config: Oauth2ProviderConfigOutput): ReadonlyArray<string> => {
  const discovery = discoveryOf(config)
  if (discovery === undefined) return []
  if ("discoveryUrl" in discovery) return [discovery.discoveryUrl]
  if (!("authorizationServerMetadata" in discovery)) return []
  const { authorizationEndpoint, issuer, tokenEndpoint } = discovery.authorizationServerMetadata
  return [issuer, authorizationEndpoint, tokenEndpoint]
}

/**
 * What only a custom provider says.
 *
 * @internal
 */
export const customOf = (config: Oauth2ProviderConfigOutput): Custom | undefined =>
  "customOauth2ProviderConfig" in config ? config.customOauth2ProviderConfig : undefined

/**
 * The key that signs the assertions of its client.
 *
 * @internal
 */
export const keyArnOf = (config: Oauth2ProviderConfigOutput): string | undefined => {
  const source = customOf(config)?.privateKeyJwtConfig?.privateKeySource
  return source !== undefined && "kmsKeySource" in source ? source.kmsKeySource.kmsKeyArn : undefined
}

/**
 * Whether everything it names is on this machine.
 *
 * @internal
 */
export const isLocal = (discovery: Discovery | undefined): boolean => {
  if (discovery === undefined) return false
  if ("discoveryUrl" in discovery) return isLoopbackUrl(discovery.discoveryUrl)
  if (!("authorizationServerMetadata" in discovery)) return false
  const { authorizationEndpoint, tokenEndpoint } = discovery.authorizationServerMetadata
  return isLoopbackUrl(authorizationEndpoint) && isLoopbackUrl(tokenEndpoint)
}
