/**
 * The port to AWS: one method per operation of AgentCore Identity, with the requests and replies of AWS. Every
 * implementation of the port can be used by `IdentityService`.
 *
 * @since 0.1.0
 */
import * as ApiKeyProvider from "./ApiKeyProvider.js"
import * as ConsentPortal from "./ConsentPortal.js"
import * as Credential from "./Credential.js"
import * as Oauth2Provider from "./Oauth2Provider.js"
import * as PaymentProvider from "./PaymentProvider.js"
import * as ResourceTag from "./ResourceTag.js"
import * as TokenVault from "./TokenVault.js"
import * as WorkloadIdentity from "./WorkloadIdentity.js"

/** @since 0.1.0 */
export * from "./IdentityPort.js"

/**
 * The 34 operations under `/identities/` and the six on tags and policies, by the name of their method.
 *
 * @since 0.1.0
 * @category operations
 */
export const operations = {
  ...Credential.operations,
  ...WorkloadIdentity.operations,
  ...Oauth2Provider.operations,
  ...ApiKeyProvider.operations,
  ...PaymentProvider.operations,
  ...TokenVault.operations,
  ...ConsentPortal.operations,
  ...ResourceTag.operations
}
