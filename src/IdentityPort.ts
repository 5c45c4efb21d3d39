/**
 * The port to AWS without its operations, so that a program that only calls it does not load them. `IdentityApi` exports it too.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { operations } from "./IdentityApi.js"
import type { ValidationError, WireError } from "./IdentityError.js"
import type { Operation } from "./Operation.js"

/**
 * @since 0.1.0
 * @category models
 */
export type Operations = typeof operations

/**
 * The name of an operation's method: AWS's name with a lower-case first letter.
 *
 * @since 0.1.0
 * @category models
 */
export type OperationKey = keyof Operations

/**
 * The request of an operation.
 *
 * @since 0.1.0
 * @category models
 */
export type Request<Key extends OperationKey> = Operations[Key]["request"]["Type"]

/**
 * The reply of an operation.
 *
 * @since 0.1.0
 * @category models
 */
export type Reply<Key extends OperationKey> = Operations[Key]["reply"]["Type"]

/**
 * The errors of an operation: those that AWS models for it, and the three of the transport.
 *
 * @since 0.1.0
 * @category models
 */
export type Failure<Key extends OperationKey> = Operation.Error<Operations[Key]> | ValidationError | WireError

/**
 * The method of an operation.
 *
 * @since 0.1.0
 * @category models
 */
export type Method<Key extends OperationKey> = (request: Request<Key>) => Effect.Effect<Reply<Key>, Failure<Key>>

/**
 * The port: one method per AWS operation.
 *
 * @since 0.1.0
 * @category tags
 */
export class IdentityApi extends Context.Tag("effect-agentcore-identity/IdentityApi")<
  IdentityApi,
  { readonly [Key in OperationKey]: Method<Key> }
>() {}

/**
 * Makes an `IdentityApi` from one function for all methods, for example a decorator, a recorder or a proxy.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { IdentityApi } from "effect-agentcore-identity"
 *
 * const logged = (api: IdentityApi.IdentityApi["Type"]) =>
 *   IdentityApi.make((key) => (request) => Effect.zipRight(Effect.logDebug(key), api[key](request)))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (method: <Key extends OperationKey>(key: Key) => Method<Key>): IdentityApi["Type"] => ({
  getWorkloadAccessToken: method("getWorkloadAccessToken"),
  getWorkloadAccessTokenForJWT: method("getWorkloadAccessTokenForJWT"),
  getWorkloadAccessTokenForUserId: method("getWorkloadAccessTokenForUserId"),
  getResourceOauth2Token: method("getResourceOauth2Token"),
  getResourceApiKey: method("getResourceApiKey"),
  completeResourceTokenAuth: method("completeResourceTokenAuth"),
  getResourcePaymentToken: method("getResourcePaymentToken"),
  createWorkloadIdentity: method("createWorkloadIdentity"),
  getWorkloadIdentity: method("getWorkloadIdentity"),
  updateWorkloadIdentity: method("updateWorkloadIdentity"),
  deleteWorkloadIdentity: method("deleteWorkloadIdentity"),
  listWorkloadIdentities: method("listWorkloadIdentities"),
  createOauth2CredentialProvider: method("createOauth2CredentialProvider"),
  getOauth2CredentialProvider: method("getOauth2CredentialProvider"),
  updateOauth2CredentialProvider: method("updateOauth2CredentialProvider"),
  deleteOauth2CredentialProvider: method("deleteOauth2CredentialProvider"),
  listOauth2CredentialProviders: method("listOauth2CredentialProviders"),
  createApiKeyCredentialProvider: method("createApiKeyCredentialProvider"),
  getApiKeyCredentialProvider: method("getApiKeyCredentialProvider"),
  updateApiKeyCredentialProvider: method("updateApiKeyCredentialProvider"),
  deleteApiKeyCredentialProvider: method("deleteApiKeyCredentialProvider"),
  listApiKeyCredentialProviders: method("listApiKeyCredentialProviders"),
  createPaymentCredentialProvider: method("createPaymentCredentialProvider"),
  getPaymentCredentialProvider: method("getPaymentCredentialProvider"),
  updatePaymentCredentialProvider: method("updatePaymentCredentialProvider"),
  deletePaymentCredentialProvider: method("deletePaymentCredentialProvider"),
  listPaymentCredentialProviders: method("listPaymentCredentialProviders"),
  getTokenVault: method("getTokenVault"),
  setTokenVaultCMK: method("setTokenVaultCMK"),
  createConsentPortal: method("createConsentPortal"),
  getConsentPortal: method("getConsentPortal"),
  updateConsentPortal: method("updateConsentPortal"),
  deleteConsentPortal: method("deleteConsentPortal"),
  listConsentPortals: method("listConsentPortals"),
  tagResource: method("tagResource"),
  untagResource: method("untagResource"),
  listTagsForResource: method("listTagsForResource"),
  putResourcePolicy: method("putResourcePolicy"),
  getResourcePolicy: method("getResourcePolicy"),
  deleteResourcePolicy: method("deleteResourcePolicy")
})
