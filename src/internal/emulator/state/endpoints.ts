/** The authorization server and the client in a provider's configuration. */
import type { Oauth2ProviderConfigOutput } from "../../../Oauth2ProviderConfig.js"
import { isLoopbackUrl } from "../../lib/loopback.js"

type Custom = Extract<Oauth2ProviderConfigOutput, { readonly customOauth2ProviderConfig: unknown }>[
  "customOauth2ProviderConfig"
]

/** The discovery URL of an authorization server, or its metadata. */
export type Discovery = Custom["oauthDiscovery"]

const configOf = (config: Oauth2ProviderConfigOutput): Pick<Custom, "oauthDiscovery" | "clientId"> | undefined => {
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
  configOf(config)?.oauthDiscovery

/** @internal */
export const clientIdOf = (config: Oauth2ProviderConfigOutput): string => configOf(config)?.clientId ?? ""

/**
 * The URLs that identify the authorization server: its discovery URL, or its issuer and endpoints. Metadata on what the
 * server supports is left out.
 */
export const serverUrlsOf = (config: Oauth2ProviderConfigOutput): ReadonlyArray<string> => {
  const discovery = discoveryOf(config)
  if (discovery === undefined) return []
  if ("discoveryUrl" in discovery) return [discovery.discoveryUrl]
  if (!("authorizationServerMetadata" in discovery)) return []
  const { authorizationEndpoint, issuer, tokenEndpoint } = discovery.authorizationServerMetadata
  return [issuer, authorizationEndpoint, tokenEndpoint]
}

/** The configuration of a custom provider, which has members that no other vendor has. */
export const customConfigOf = (config: Oauth2ProviderConfigOutput): Custom | undefined =>
  "customOauth2ProviderConfig" in config ? config.customOauth2ProviderConfig : undefined

/** The ARN of the KMS key that signs client assertions. */
export const keyArnOf = (config: Oauth2ProviderConfigOutput): string | undefined => {
  const source = customConfigOf(config)?.privateKeyJwtConfig?.privateKeySource
  return source !== undefined && "kmsKeySource" in source ? source.kmsKeySource.kmsKeyArn : undefined
}

/** Checks that all endpoints are on this machine. */
export const isLocal = (discovery: Discovery | undefined): boolean => {
  if (discovery === undefined) return false
  if ("discoveryUrl" in discovery) return isLoopbackUrl(discovery.discoveryUrl)
  if (!("authorizationServerMetadata" in discovery)) return false
  const { authorizationEndpoint, tokenEndpoint } = discovery.authorizationServerMetadata
  return isLoopbackUrl(authorizationEndpoint) && isLoopbackUrl(tokenEndpoint)
}
