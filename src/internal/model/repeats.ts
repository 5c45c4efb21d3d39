/**
 * The operations of the control plane that are not repeated after every transient failure. They are apart from their
 * operations, since the service reads them and does not load the operations of the control plane.
 */
import type { Repeat } from "../../Operation.js"

/** @internal */
export const repeats = {
  createWorkloadIdentity: "throttled",
  createOauth2CredentialProvider: "throttled",
  updateOauth2CredentialProvider: "throttled",
  createApiKeyCredentialProvider: "throttled",
  createPaymentCredentialProvider: "throttled",
  updatePaymentCredentialProvider: "throttled",
  createConsentPortal: "throttled"
} as const satisfies { readonly [method: string]: Repeat }
