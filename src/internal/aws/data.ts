/** Commands of the data plane. The compiler checks that each schema encodes to the input of the command. */
import {
  type BedrockAgentCoreClient,
  CompleteResourceTokenAuthCommand,
  GetResourceApiKeyCommand,
  GetResourceOauth2TokenCommand,
  GetResourcePaymentTokenCommand,
  GetWorkloadAccessTokenCommand,
  GetWorkloadAccessTokenForJWTCommand,
  GetWorkloadAccessTokenForUserIdCommand
} from "@aws-sdk/client-bedrock-agentcore"
import { operations } from "../../Credential.js"
import type { Call } from "./call.js"

/** @internal */
export const methods = (call: Call<BedrockAgentCoreClient>) => ({
  getWorkloadAccessToken: call(
    operations.getWorkloadAccessToken,
    (client, input, { options, watch }) => client.send(watch(new GetWorkloadAccessTokenCommand(input)), options)
  ),
  getWorkloadAccessTokenForJWT: call(
    operations.getWorkloadAccessTokenForJWT,
    (client, input, { options, watch }) => client.send(watch(new GetWorkloadAccessTokenForJWTCommand(input)), options)
  ),
  getWorkloadAccessTokenForUserId: call(
    operations.getWorkloadAccessTokenForUserId,
    (client, input, { options, watch }) =>
      client.send(watch(new GetWorkloadAccessTokenForUserIdCommand(input)), options)
  ),
  getResourceOauth2Token: call(
    operations.getResourceOauth2Token,
    (client, input, { options, watch }) => client.send(watch(new GetResourceOauth2TokenCommand(input)), options)
  ),
  getResourceApiKey: call(
    operations.getResourceApiKey,
    (client, input, { options, watch }) => client.send(watch(new GetResourceApiKeyCommand(input)), options)
  ),
  completeResourceTokenAuth: call(
    operations.completeResourceTokenAuth,
    (client, input, { options, watch }) => client.send(watch(new CompleteResourceTokenAuthCommand(input)), options)
  ),
  getResourcePaymentToken: call(
    operations.getResourcePaymentToken,
    (client, input, { options, watch }) => client.send(watch(new GetResourcePaymentTokenCommand(input)), options)
  )
})
