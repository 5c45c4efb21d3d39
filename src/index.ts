/** @since 0.1.0 */
export * as AccessToken from "./AccessToken.js"

/** @since 0.1.0 */
export * as ApiKey from "./ApiKey.js"

/** @since 0.1.0 */
export * as ApiKeyProvider from "./ApiKeyProvider.js"

/** @since 0.1.0 */
export * as AwsIdentity from "./AwsIdentity.js"

/** @since 0.1.0 */
export * as Consent from "./Consent.js"

/** @since 0.1.0 */
export * as ConsentLedger from "./ConsentLedger.js"

/** @since 0.1.0 */
export * as ConsentPortal from "./ConsentPortal.js"

/** @since 0.1.0 */
export * as ConsentSeal from "./ConsentSeal.js"

/** @since 0.1.0 */
export * as ConsentSignal from "./ConsentSignal.js"

/** @since 0.1.0 */
export * as ConsentView from "./ConsentView.js"

/** @since 0.1.0 */
export * as Credential from "./Credential.js"

/** @since 0.1.0 */
export * as Diagnosis from "./Diagnosis.js"

/** @since 0.1.0 */
export * as IdentityApi from "./IdentityApi.js"

/** @since 0.1.0 */
export * as IdentityControls from "./IdentityControls.js"

/** @since 0.1.0 */
export * as IdentityError from "./IdentityError.js"

/** @since 0.1.0 */
export * as IdentityServer from "./IdentityServer.js"

/** @since 0.1.0 */
export * as IdentityService from "./IdentityService.js"

/** @since 0.1.0 */
export * as MemoryIdentity from "./MemoryIdentity.js"

/** @since 0.1.0 */
export * as Oauth2Provider from "./Oauth2Provider.js"

/** @since 0.1.0 */
export * as Oauth2ProviderConfig from "./Oauth2ProviderConfig.js"

/** @since 0.1.0 */
export * as Operation from "./Operation.js"

/** @since 0.1.0 */
export * as PaymentProvider from "./PaymentProvider.js"

/** @since 0.1.0 */
export * as ResourceTag from "./ResourceTag.js"

/** @since 0.1.0 */
export * as RetryPolicy from "./RetryPolicy.js"

/** @since 0.1.0 */
export * as SessionBinding from "./SessionBinding.js"

/** @since 0.1.0 */
export * as TokenCache from "./TokenCache.js"

/** @since 0.1.0 */
export * as TokenOptions from "./TokenOptions.js"

/** @since 0.1.0 */
export * as TokenPoller from "./TokenPoller.js"

/** @since 0.1.0 */
export * as TokenVault from "./TokenVault.js"

/** @since 0.1.0 */
export * as WorkloadAccessToken from "./WorkloadAccessToken.js"

/** @since 0.1.0 */
export * as WorkloadIdentity from "./WorkloadIdentity.js"
