/** Account, region and endpoint of the emulator, and the ARNs and URLs that follow from them. */
import type { Quotas } from "./quotas.js"

/** @internal */
export interface Settings {
  readonly accountId: string
  readonly region: string
  /** Base of every URL that the service returns, without a trailing slash. */
  readonly endpoint: string
  readonly quotas: Quotas
}

/** @internal */
export type ProviderKind = "oauth2" | "apikey" | "payment"

const partition = (region: string) =>
  region.startsWith("cn-") ? "aws-cn" : region.startsWith("us-gov-") ? "aws-us-gov" : "aws"

const arn = ({ accountId, region }: Settings, service: string, resource: string) =>
  `arn:${partition(region)}:${service}:${region}:${accountId}:${resource}`

/** @internal */
export const directoryArn = (settings: Settings): string =>
  arn(settings, "bedrock-agentcore", "workload-identity-directory/default")

/** @internal */
export const vaultArn = (settings: Settings): string => arn(settings, "bedrock-agentcore", "token-vault/default")

/** @internal */
export const workloadArn = (settings: Settings, name: string): string =>
  arn(settings, "bedrock-agentcore", `workload-identity-directory/default/workload-identity/${name}`)

/** @internal */
export const providerArn = (settings: Settings, kind: ProviderKind, name: string): string =>
  arn(settings, "bedrock-agentcore", `token-vault/default/${kind}credentialprovider/${name}`)

/** @internal */
export const portalArn = (settings: Settings, id: string): string =>
  arn(settings, "bedrock-agentcore", `consent-portal/${id}`)

/** @internal */
export const managedSecretArn = (settings: Settings, kind: ProviderKind, name: string, suffix: string): string =>
  arn(settings, "secretsmanager", `secret:bedrock-agentcore-identity!default/${kind}/${name}-${suffix}`)

/** @internal */
export const externalSecretArn = (settings: Settings, secretId: string): string =>
  secretId.startsWith("arn:") ? secretId : arn(settings, "secretsmanager", `secret:${secretId}`)

/** @internal */
export const callbackUrl = (settings: Settings, id: string): string =>
  `${settings.endpoint}/identities/oauth2/callback/${id}`

/** @internal */
export const authorizationUrl = (settings: Settings, sessionUri: string): string =>
  `${settings.endpoint}/identities/oauth2/authorize?request_uri=${encodeURIComponent(sessionUri)}`

/** @internal */
export const portalUrl = (settings: Settings, id: string): string => `${settings.endpoint}/consent-portals/${id}`
