/** The state of the emulator: one immutable value. An operation replaces it atomically, or leaves it as it is. */
import * as Data from "effect/Data"
import type * as DateTime from "effect/DateTime"
import * as HashMap from "effect/HashMap"
import * as HashSet from "effect/HashSet"
import type * as Redacted from "effect/Redacted"
import type { ConsentPortal } from "../../../ConsentPortal.js"
import type * as IdentityApi from "../../../IdentityApi.js"
import type { IssuerChoice, ProviderFailure } from "../../../IdentityControls.js"
import type { CredentialProviderVendor } from "../../../Oauth2Provider.js"
import type { Oauth2ProviderConfigOutput, OnBehalfOfTokenExchangeConfig } from "../../../Oauth2ProviderConfig.js"
import type { PaymentProviderConfigurationOutput } from "../../../PaymentProvider.js"
import type { TokenVault } from "../../../TokenVault.js"
import * as callLog from "./callLog.js"
import type { Session } from "./session.js"

/** The name of an operation, as AWS writes it. */
export type OperationName = Capitalize<IdentityApi.OperationKey>

/** @internal */
export interface Resource {
  readonly name: string
  readonly arn: string
  readonly createdTime: DateTime.Utc
  readonly lastUpdatedTime: DateTime.Utc
}

/** @internal */
export interface Workload extends Resource {
  readonly returnUrls: ReadonlyArray<string> | undefined
  /** Owned by AgentCore Runtime or Gateway. */
  readonly linked: boolean
}

/** A secret of a provider: stored by the service (`MANAGED`), or in a secret of the caller (`EXTERNAL`). */
export type Secret =
  | { readonly source: "MANAGED"; readonly arn: string; readonly value: Redacted.Redacted | undefined }
  | { readonly source: "EXTERNAL"; readonly arn: string; readonly secretId: string; readonly jsonKey: string }

/** @internal */
export interface Oauth2Provider extends Resource {
  readonly vendor: CredentialProviderVendor
  readonly callbackUrl: string
  readonly clientSecret: Secret
  readonly config: Oauth2ProviderConfigOutput
  readonly onBehalfOf: OnBehalfOfTokenExchangeConfig | undefined
}

/** @internal */
export interface ApiKeyProvider extends Resource {
  readonly apiKey: Secret
}

/** @internal */
export interface PaymentProvider extends Resource {
  readonly account:
    | {
      readonly vendor: "CoinbaseCDP"
      readonly apiKeyId: string
      readonly apiKeySecret: Secret
      readonly walletSecret: Secret
    }
    | {
      readonly vendor: "StripePrivy"
      readonly appId: string
      readonly appSecret: Secret
      readonly authorizationPrivateKey: Secret
    }
  readonly config: PaymentProviderConfigurationOutput
}

/** The user of a workload access token. A user named by id and one named by JWT are different users. */
export type User =
  | { readonly kind: "userId"; readonly userId: string }
  | { readonly kind: "jwt"; readonly issuer: string; readonly subject: string; readonly token: Redacted.Redacted }

/** @internal */
export const userKey = (user: User): string =>
  user.kind === "userId" ? `userId:${user.userId}` : `jwt:${user.issuer}|${user.subject}`

/** @internal */
export interface WorkloadToken {
  readonly workloadName: string
  readonly user: User | undefined
  readonly expiresAt: DateTime.Utc
}

/** The scopes, resources and audiences of a token. Sets, because their order in a request has no meaning. */
export interface Target {
  readonly scopes: HashSet.HashSet<string>
  readonly resources: HashSet.HashSet<string>
  readonly audiences: HashSet.HashSet<string>
}

/** @internal */
export const target = (request: {
  readonly scopes: ReadonlyArray<string>
  readonly resources?: ReadonlyArray<string> | undefined
  readonly audiences?: ReadonlyArray<string> | undefined
}): Target =>
  Data.struct({
    scopes: HashSet.fromIterable(request.scopes),
    resources: HashSet.fromIterable(request.resources ?? []),
    audiences: HashSet.fromIterable(request.audiences ?? [])
  })

/** @internal */
export type CustomParameters = { readonly [name: string]: Redacted.Redacted } | undefined

/** @internal */
export interface GrantKey {
  readonly workloadName: string
  readonly user: string
  readonly providerName: string
}

/** @internal */
export interface Grant {
  readonly target: Target
  readonly accessToken: Redacted.Redacted
  readonly expiresAt: DateTime.Utc
  /** Time from which the token is refreshed, before it expires. */
  readonly refreshAt: DateTime.Utc
  readonly refresh: { readonly token: Redacted.Redacted; readonly expiresAt: DateTime.Utc | undefined } | undefined
}

/** @internal */
export interface MachineToken {
  readonly workloadName: string
  readonly providerName: string
  readonly accessToken: Redacted.Redacted
  readonly expiresAt: DateTime.Utc
}

/** Injected failures of each operation, with the number of calls that are left to fail. */
export type Faults = {
  readonly [Key in IdentityApi.OperationKey]?: ReadonlyArray<
    { readonly error: IdentityApi.Failure<Key>; readonly times: number }
  >
}

/** @internal */
export interface State {
  readonly workloads: HashMap.HashMap<string, Workload>
  readonly oauth2Providers: HashMap.HashMap<string, Oauth2Provider>
  readonly apiKeyProviders: HashMap.HashMap<string, ApiKeyProvider>
  readonly paymentProviders: HashMap.HashMap<string, PaymentProvider>
  readonly portals: HashMap.HashMap<string, Omit<ConsentPortal, "status">>
  readonly vault: TokenVault
  readonly tags: HashMap.HashMap<string, { readonly [key: string]: string }>
  /** Resource policies, by ARN. */
  readonly policies: HashMap.HashMap<string, string>
  readonly workloadTokens: HashMap.HashMap<string, WorkloadToken>
  readonly sessions: HashMap.HashMap<string, Session>
  readonly sessionsOpened: number
  readonly grants: HashMap.HashMap<GrantKey, Grant>
  /** By workload identity, provider and target. */
  readonly machineTokens: HashMap.HashMap<string, MachineToken>
  readonly secrets: HashMap.HashMap<string, Redacted.Redacted>
  /** The chosen issuers of OAuth2 providers, by name of the provider. */
  readonly issuers: HashMap.HashMap<string, IssuerChoice>
  readonly faults: Faults
  readonly journal: callLog.CallLog
  /** Failed requests to providers, oldest first. */
  readonly providerFailures: ReadonlyArray<ProviderFailure>
}

/** @internal */
export const empty = (now: DateTime.Utc): State => ({
  workloads: HashMap.empty(),
  oauth2Providers: HashMap.empty(),
  apiKeyProviders: HashMap.empty(),
  paymentProviders: HashMap.empty(),
  portals: HashMap.empty(),
  vault: { tokenVaultId: "default", kmsConfiguration: { keyType: "ServiceManagedKey" }, lastModifiedDate: now },
  tags: HashMap.empty(),
  policies: HashMap.empty(),
  workloadTokens: HashMap.empty(),
  sessions: HashMap.empty(),
  sessionsOpened: 0,
  grants: HashMap.empty(),
  machineTokens: HashMap.empty(),
  secrets: HashMap.empty(),
  issuers: HashMap.empty(),
  faults: {},
  journal: callLog.empty,
  providerFailures: []
})
