/** Examples of the JSON files that options take, for the help. Their types are those of the requests. */
import type { Operations } from "../IdentityApi.js"

type Body<Key extends keyof Operations> = Operations[Key]["request"]["Encoded"]

const github: Body<"createOauth2CredentialProvider"> & Body<"updateOauth2CredentialProvider"> = {
  name: "github",
  credentialProviderVendor: "GithubOauth2",
  oauth2ProviderConfigInput: {
    githubOauth2ProviderConfig: { clientId: "my-client", clientSecret: "my-secret" }
  }
}

const custom: Body<"createOauth2CredentialProvider"> & Body<"updateOauth2CredentialProvider"> = {
  name: "custom",
  credentialProviderVendor: "CustomOauth2",
  oauth2ProviderConfigInput: {
    customOauth2ProviderConfig: {
      clientId: "my-client",
      clientSecret: "my-secret",
      oauthDiscovery: {
        discoveryUrl: "https://idp.example/.well-known/openid-configuration"
      }
    }
  }
}

const wallet: Body<"createPaymentCredentialProvider"> & Body<"updatePaymentCredentialProvider"> = {
  name: "wallet",
  credentialProviderVendor: "CoinbaseCDP",
  providerConfigurationInput: {
    coinbaseCdpConfiguration: {
      apiKeyId: "my-key",
      apiKeySecret: "my-key-secret",
      walletSecret: "my-wallet-secret"
    }
  }
}

const idpConfig = {
  credentialProviderArn: "arn:aws:bedrock-agentcore:us-east-1:123456789012:" +
    "token-vault/default/oauth2credentialprovider/custom",
  scopes: ["openid"]
}

const newPortal: Body<"createConsentPortal"> = {
  name: "my-portal",
  executionRoleArn: "arn:aws:iam::123456789012:role/my-portal",
  idpConfig,
  sources: [{ identifier: "my-gateway-0123456789", type: "agentcore-gateway" }]
}

const portal: Body<"updateConsentPortal"> = {
  consentPortalIdentifier: "my-portal-0123456789",
  description: "Consents of the support agent"
}

const policy = {
  Version: "2012-10-17",
  Statement: [{
    Effect: "Allow",
    Principal: { AWS: "arn:aws:iam::123456789012:root" },
    Action: "bedrock-agentcore:GetResourceOauth2Token",
    Resource: "*"
  }]
}

const workload: Body<"createWorkloadIdentity"> = {
  name: "my-agent",
  allowedResourceOauth2ReturnUrls: ["http://localhost:3000/return"]
}

const weather: Body<"createApiKeyCredentialProvider"> = { name: "weather", apiKey: "my-key" }

const seed = {
  workloadIdentities: [workload],
  oauth2CredentialProviders: [github],
  apiKeyCredentialProviders: [weather],
  paymentCredentialProviders: [wallet],
  secrets: { "my-secret-id": { key: "my-other-key" } },
  issuers: { github: "simulated" }
}

/** @internal */
export const bodies = { custom, github, newPortal, policy, portal, seed, wallet }
