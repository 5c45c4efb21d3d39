/** The state of the emulator: one immutable value. An operation replaces it atomically, or leaves it as it is. */
import type * as DateTime from "effect/DateTime"
import type * as Redacted from "effect/Redacted"
import type * as IdentityApi from "../../../IdentityApi.js"
import type { IssuerChoice, ProviderFailure } from "../../../IdentityControls.js"
import type { CredentialProviderVendor } from "../../../Oauth2Provider.js"
import type { Oauth2ProviderConfigOutput, OnBehalfOfTokenExchangeConfig } from "../../../Oauth2ProviderConfig.js"
import type { PaymentProviderConfigurationOutput } from "../../../PaymentProvider.js"
import type { TokenVault } from "../../../TokenVault.js"
import * as callLog from "./callLog.js"
import * as Table from "./table.js"
import * as tables from "./tables.js"
import type { Target } from "./target.js"
import type { GrantOwner, User } from "./user.js"

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

/** @internal */
export interface WorkloadToken {
  readonly workloadName: string
  readonly user: User | undefined
  readonly expiresAt: DateTime.Utc
}

/** @internal */
export type CustomParameters = { readonly [name: string]: Redacted.Redacted } | undefined

/** @internal */
export interface Grant extends GrantOwner {
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

/** A table with the indexes of its rules. */
type TableOf<Rules> = Rules extends Table.Rules<infer A, infer Index> ? Table.Table<A, Index> : never

/** @internal */
export interface State {
  readonly workloads: Table.Table<Workload>
  readonly oauth2Providers: Table.Table<Oauth2Provider>
  readonly apiKeyProviders: Table.Table<ApiKeyProvider>
  readonly paymentProviders: Table.Table<PaymentProvider>
  readonly portals: TableOf<typeof tables.portals>
  readonly vault: TokenVault
  readonly tags: Table.Table<{ readonly [key: string]: string }>
  /** Resource policies, by ARN. */
  readonly policies: Table.Table<string>
  readonly workloadTokens: TableOf<typeof tables.workloadTokens>
  /** By URI. */
  readonly sessions: TableOf<typeof tables.sessions>
  readonly sessionsOpened: number
  /** By `grantKey`. */
  readonly grants: TableOf<typeof tables.grants>
  /** By workload identity, provider and target. */
  readonly machineTokens: TableOf<typeof tables.machineTokens>
  readonly secrets: Table.Table<Redacted.Redacted>
  /** The chosen issuers of OAuth2 providers, by name of the provider. */
  readonly issuers: Table.Table<IssuerChoice>
  readonly faults: Faults
  readonly journal: callLog.CallLog
  /** Failed requests to providers, oldest first. */
  readonly providerFailures: ReadonlyArray<ProviderFailure>
}

/** @internal */
export const empty = (now: DateTime.Utc): State => ({
  workloads: Table.empty<Workload>(tables.resources),
  oauth2Providers: Table.empty<Oauth2Provider>(tables.resources),
  apiKeyProviders: Table.empty<ApiKeyProvider>(tables.resources),
  paymentProviders: Table.empty<PaymentProvider>(tables.resources),
  portals: Table.empty(tables.portals),
  vault: { tokenVaultId: "default", kmsConfiguration: { keyType: "ServiceManagedKey" }, lastModifiedDate: now },
  tags: Table.empty<{ readonly [key: string]: string }>(tables.resources),
  policies: Table.empty<string>(tables.resources),
  workloadTokens: Table.empty(tables.workloadTokens),
  sessions: Table.empty(tables.sessions),
  sessionsOpened: 0,
  grants: Table.empty(tables.grants),
  machineTokens: Table.empty(tables.machineTokens),
  secrets: Table.empty<Redacted.Redacted>(tables.testInput),
  issuers: Table.empty<IssuerChoice>(tables.testInput),
  faults: {},
  journal: callLog.empty,
  providerFailures: []
})
