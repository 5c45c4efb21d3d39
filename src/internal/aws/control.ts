/**
 * Commands of the control plane. The compiler checks that each schema encodes to the input of the command. This
 * module is loaded at the first call of one of them, and the SDK, which is a parameter, after the request was validated.
 */
import type * as ControlSdk from "@aws-sdk/client-bedrock-agentcore-control"
import { operations } from "../../IdentityApi.js"
import type { Call } from "./call.js"

/** @internal */
export interface Control {
  readonly client: ControlSdk.BedrockAgentCoreControlClient
  readonly sdk: typeof ControlSdk
}

/** @internal */
export const methods = (call: Call<Control>) => ({
  createWorkloadIdentity: call(
    operations.createWorkloadIdentity,
    ({ client, sdk }, input, { options, watch }) =>
      client.send(watch(new sdk.CreateWorkloadIdentityCommand(input)), options)
  ),
  getWorkloadIdentity: call(
    operations.getWorkloadIdentity,
    ({ client, sdk }, input, { options, watch }) =>
      client.send(watch(new sdk.GetWorkloadIdentityCommand(input)), options)
  ),
  updateWorkloadIdentity: call(
    operations.updateWorkloadIdentity,
    ({ client, sdk }, input, { options, watch }) =>
      client.send(watch(new sdk.UpdateWorkloadIdentityCommand(input)), options)
  ),
  deleteWorkloadIdentity: call(
    operations.deleteWorkloadIdentity,
    ({ client, sdk }, input, { options, watch }) =>
      client.send(watch(new sdk.DeleteWorkloadIdentityCommand(input)), options)
  ),
  listWorkloadIdentities: call(
    operations.listWorkloadIdentities,
    ({ client, sdk }, input, { options, watch }) =>
      client.send(watch(new sdk.ListWorkloadIdentitiesCommand(input)), options)
  ),
  createOauth2CredentialProvider: call(
    operations.createOauth2CredentialProvider,
    ({ client, sdk }, input, { options, watch }) =>
      client.send(watch(new sdk.CreateOauth2CredentialProviderCommand(input)), options)
  ),
  getOauth2CredentialProvider: call(
    operations.getOauth2CredentialProvider,
    ({ client, sdk }, input, { options, watch }) =>
      client.send(watch(new sdk.GetOauth2CredentialProviderCommand(input)), options)
  ),
  updateOauth2CredentialProvider: call(
    operations.updateOauth2CredentialProvider,
    ({ client, sdk }, input, { options, watch }) =>
      client.send(watch(new sdk.UpdateOauth2CredentialProviderCommand(input)), options)
  ),
  deleteOauth2CredentialProvider: call(
    operations.deleteOauth2CredentialProvider,
    ({ client, sdk }, input, { options, watch }) =>
      client.send(watch(new sdk.DeleteOauth2CredentialProviderCommand(input)), options)
  ),
  listOauth2CredentialProviders: call(
    operations.listOauth2CredentialProviders,
    ({ client, sdk }, input, { options, watch }) =>
      client.send(watch(new sdk.ListOauth2CredentialProvidersCommand(input)), options)
  ),
  createApiKeyCredentialProvider: call(
    operations.createApiKeyCredentialProvider,
    ({ client, sdk }, input, { options, watch }) =>
      client.send(watch(new sdk.CreateApiKeyCredentialProviderCommand(input)), options)
  ),
  getApiKeyCredentialProvider: call(
    operations.getApiKeyCredentialProvider,
    ({ client, sdk }, input, { options, watch }) =>
      client.send(watch(new sdk.GetApiKeyCredentialProviderCommand(input)), options)
  ),
  updateApiKeyCredentialProvider: call(
    operations.updateApiKeyCredentialProvider,
    ({ client, sdk }, input, { options, watch }) =>
      client.send(watch(new sdk.UpdateApiKeyCredentialProviderCommand(input)), options)
  ),
  deleteApiKeyCredentialProvider: call(
    operations.deleteApiKeyCredentialProvider,
    ({ client, sdk }, input, { options, watch }) =>
      client.send(watch(new sdk.DeleteApiKeyCredentialProviderCommand(input)), options)
  ),
  listApiKeyCredentialProviders: call(
    operations.listApiKeyCredentialProviders,
    ({ client, sdk }, input, { options, watch }) =>
      client.send(watch(new sdk.ListApiKeyCredentialProvidersCommand(input)), options)
  ),
  createPaymentCredentialProvider: call(
    operations.createPaymentCredentialProvider,
    ({ client, sdk }, input, { options, watch }) =>
      client.send(watch(new sdk.CreatePaymentCredentialProviderCommand(input)), options)
  ),
  getPaymentCredentialProvider: call(
    operations.getPaymentCredentialProvider,
    ({ client, sdk }, input, { options, watch }) =>
      client.send(watch(new sdk.GetPaymentCredentialProviderCommand(input)), options)
  ),
  updatePaymentCredentialProvider: call(
    operations.updatePaymentCredentialProvider,
    ({ client, sdk }, input, { options, watch }) =>
      client.send(watch(new sdk.UpdatePaymentCredentialProviderCommand(input)), options)
  ),
  deletePaymentCredentialProvider: call(
    operations.deletePaymentCredentialProvider,
    ({ client, sdk }, input, { options, watch }) =>
      client.send(watch(new sdk.DeletePaymentCredentialProviderCommand(input)), options)
  ),
  listPaymentCredentialProviders: call(
    operations.listPaymentCredentialProviders,
    ({ client, sdk }, input, { options, watch }) =>
      client.send(watch(new sdk.ListPaymentCredentialProvidersCommand(input)), options)
  ),
  getTokenVault: call(
    operations.getTokenVault,
    ({ client, sdk }, input, { options, watch }) => client.send(watch(new sdk.GetTokenVaultCommand(input)), options)
  ),
  setTokenVaultCMK: call(
    operations.setTokenVaultCMK,
    ({ client, sdk }, input, { options, watch }) => client.send(watch(new sdk.SetTokenVaultCMKCommand(input)), options)
  ),
  createConsentPortal: call(
    operations.createConsentPortal,
    ({ client, sdk }, input, { options, watch }) =>
      client.send(watch(new sdk.CreateConsentPortalCommand(input)), options)
  ),
  getConsentPortal: call(
    operations.getConsentPortal,
    ({ client, sdk }, input, { options, watch }) => client.send(watch(new sdk.GetConsentPortalCommand(input)), options)
  ),
  updateConsentPortal: call(
    operations.updateConsentPortal,
    ({ client, sdk }, input, { options, watch }) =>
      client.send(watch(new sdk.UpdateConsentPortalCommand(input)), options)
  ),
  deleteConsentPortal: call(
    operations.deleteConsentPortal,
    ({ client, sdk }, input, { options, watch }) =>
      client.send(watch(new sdk.DeleteConsentPortalCommand(input)), options)
  ),
  listConsentPortals: call(
    operations.listConsentPortals,
    ({ client, sdk }, input, { options, watch }) =>
      client.send(watch(new sdk.ListConsentPortalsCommand(input)), options)
  ),
  tagResource: call(
    operations.tagResource,
    ({ client, sdk }, input, { options, watch }) => client.send(watch(new sdk.TagResourceCommand(input)), options)
  ),
  untagResource: call(
    operations.untagResource,
    ({ client, sdk }, input, { options, watch }) => client.send(watch(new sdk.UntagResourceCommand(input)), options)
  ),
  listTagsForResource: call(
    operations.listTagsForResource,
    ({ client, sdk }, input, { options, watch }) =>
      client.send(watch(new sdk.ListTagsForResourceCommand(input)), options)
  ),
  putResourcePolicy: call(
    operations.putResourcePolicy,
    ({ client, sdk }, input, { options, watch }) => client.send(watch(new sdk.PutResourcePolicyCommand(input)), options)
  ),
  getResourcePolicy: call(
    operations.getResourcePolicy,
    ({ client, sdk }, input, { options, watch }) => client.send(watch(new sdk.GetResourcePolicyCommand(input)), options)
  ),
  deleteResourcePolicy: call(
    operations.deleteResourcePolicy,
    ({ client, sdk }, input, { options, watch }) =>
      client.send(watch(new sdk.DeleteResourcePolicyCommand(input)), options)
  )
})
