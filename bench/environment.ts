/** Settings of the clients under measurement. */
import { type BedrockAgentCoreClient, GetResourceOauth2TokenCommand } from "@aws-sdk/client-bedrock-agentcore"
import { withAccessToken } from "bedrock-agentcore/identity"

export const region = "us-east-1"

export const credentials = {
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
}

/** Settings of the live layer with the server at `url`. */
export const live = (url: string) => ({ region, credentials, dataEndpoint: url, controlEndpoint: url })

type Wrapper = Parameters<typeof withAccessToken>[0]

/** `withAccessToken` of the official package, which reads its settings from the environment when it is called. */
export const official = (url: string, options: Omit<Wrapper, "providerName" | "scopes">) => {
  Object.assign(process.env, {
    AWS_REGION: region,
    AWS_ENDPOINT_URL_BEDROCK_AGENTCORE: url,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey
  })
  return withAccessToken({ providerName: "github", scopes: ["repo"], ...options })
}

/** Makes a function that requests a machine token by the client of the AWS SDK alone. */
export const sendingBy = (client: BedrockAgentCoreClient, workloadIdentityToken: string) => () =>
  client.send(
    new GetResourceOauth2TokenCommand({
      workloadIdentityToken,
      resourceCredentialProviderName: "github",
      scopes: ["repo"],
      oauth2Flow: "M2M"
    })
  )
