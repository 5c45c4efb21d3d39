/**
 * Values that the test controls take and return. `IdentityControls` exports them too.
 *
 * @since 0.1.0
 */
import type * as DateTime from "effect/DateTime"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as IdentityApi from "./IdentityApi.js"
import type { ModelledTag } from "./Operation.js"

/**
 * The issuer of a provider's tokens: this library (`"simulated"`), the vendor (`"federated"`), or another authorization
 * server.
 *
 * @since 0.1.0
 * @category models
 */
export const IssuerChoice = Schema.Union(
  Schema.Literal("simulated", "federated"),
  Schema.Struct({ discoveryUrl: Schema.String })
)

/**
 * @since 0.1.0
 * @category models
 */
export type IssuerChoice = typeof IssuerChoice.Type

/**
 * Authorization URL of a federated provider, and the code verifier to keep until the browser returns (RFC 7636).
 *
 * @since 0.1.0
 * @category models
 */
export interface Redirect {
  readonly url: Redacted.Redacted
  readonly codeVerifier: Redacted.Redacted
}

/**
 * Tag of an error that the model of AWS lists for an operation.
 *
 * @since 0.1.0
 * @category models
 */
export type FailureTag<Key extends IdentityApi.OperationKey> = Extract<IdentityApi.Failure<Key>["_tag"], ModelledTag>

/**
 * What a token request that did not fail returned: a token, the authorization URL of a consent session (`"consent required"`),
 * or, for a poll, the status of its session (`"consent pending"`, `"denied"`).
 *
 * @since 0.1.0
 * @category models
 */
export type TokenResult = "token" | "consent required" | "consent pending" | "denied"

/**
 * One call of an operation, with its secrets `Redacted`. `outcome` is `"ok"`, the tag of the error, `"interrupted"` or
 * `"defect"`. `tokenResult` is absent except for a `getResourceOauth2Token` whose outcome is `"ok"`.
 *
 * @since 0.1.0
 * @category models
 */
export interface JournalEntry {
  readonly at: DateTime.Utc
  readonly operation: IdentityApi.OperationKey
  readonly request: unknown
  readonly outcome: string
  readonly tokenResult?: TokenResult | undefined
}

/**
 * A consent session and its status: `pending` until the user answers, `approved` until the application completes it,
 * `failed` after a refusal or a rejected code.
 *
 * @since 0.1.0
 * @category models
 */
export interface ConsentSession {
  /** Number of the session, from 1. Unlike the URI it is not secret, and only identifies the session. */
  readonly id: number
  readonly sessionUri: Redacted.Redacted
  readonly status: "pending" | "approved" | "completed" | "failed" | "expired"
  readonly workloadName: string
  /** `userId:<id>`, or `jwt:<issuer>|<subject>`; absent for a workload access token without a user. */
  readonly user: string | undefined
  readonly providerName: string
  readonly scopes: ReadonlyArray<string>
  readonly createdAt: DateTime.Utc
  readonly expiresAt: DateTime.Utc
}

/**
 * The workload identity, the user and the provider of a workload access token or of a consent session. A workload access
 * token has no provider, and may have no user.
 *
 * @since 0.1.0
 * @category models
 */
export interface Owner {
  readonly workloadName: string
  /** `userId:<id>`, or `jwt:<issuer>|<subject>`. */
  readonly user: string | undefined
  readonly providerName: string | undefined
}

/**
 * Selects the consent sessions that match every given member. Without members it selects all.
 *
 * @since 0.1.0
 * @category models
 */
export interface SessionFilter extends GrantFilter {
  readonly id?: number | undefined
  readonly statuses?: ReadonlyArray<ConsentSession["status"]> | undefined
}

/**
 * A filter, and the page of its sessions: at most `limit`, which are older than the session with the id `after`.
 *
 * @since 0.1.0
 * @category models
 */
export interface SessionsPageRequest extends SessionFilter {
  readonly limit: number
  /** The `next` of the previous page. */
  readonly after?: number | undefined
  /** Leaves out this number of the newest sessions of the page. Default: 0. */
  readonly skip?: number | undefined
}

/**
 * Consent sessions, newest first. `next` is `undefined` on the last page.
 *
 * @since 0.1.0
 * @category models
 */
export interface SessionsPage {
  readonly sessions: ReadonlyArray<ConsentSession>
  readonly next: number | undefined
}

/**
 * The number of pending sessions, and of all others.
 *
 * @since 0.1.0
 * @category models
 */
export interface SessionCounts {
  readonly pending: number
  readonly finished: number
}

/**
 * A user's grant in the vault. It contains no token; `fingerprint` distinguishes one access token from another.
 *
 * @since 0.1.0
 * @category models
 */
export interface Grant {
  readonly workloadName: string
  /** `userId:<id>`, or `jwt:<issuer>|<subject>`. */
  readonly user: string
  readonly providerName: string
  readonly scopes: ReadonlyArray<string>
  readonly fingerprint: string
  readonly expiresAt: DateTime.Utc
  readonly isRefreshable: boolean
}

/**
 * The first grants, and the number of all grants.
 *
 * @since 0.1.0
 * @category models
 */
export interface GrantsPage {
  readonly grants: ReadonlyArray<Grant>
  readonly total: number
}

/**
 * All resources, without secrets. Each list is sorted by name.
 *
 * @since 0.1.0
 * @category models
 */
export interface Inventory {
  readonly workloadIdentities: ReadonlyArray<{ readonly name: string }>
  readonly oauth2CredentialProviders: ReadonlyArray<{
    readonly name: string
    readonly credentialProviderVendor: string
    readonly callbackUrl: string
    /** The issuer in use. */
    readonly issuer: "simulated" | "federated"
    /** The issuer that `setIssuer` chose, if any. */
    readonly issuerChoice: IssuerChoice | undefined
  }>
  readonly apiKeyCredentialProviders: ReadonlyArray<{ readonly name: string }>
  readonly paymentCredentialProviders: ReadonlyArray<{
    readonly name: string
    readonly credentialProviderVendor: string
  }>
}

/**
 * An injected failure: the tag and the message of its error, and the number of calls that will still fail.
 *
 * @since 0.1.0
 * @category models
 */
export interface PendingFailure {
  readonly operation: IdentityApi.OperationKey
  readonly error: string
  readonly message: string
  readonly times: number
}

/**
 * Selects the stored tokens that match every given member. Without members it selects all.
 *
 * @since 0.1.0
 * @category models
 */
export interface GrantFilter {
  readonly providerName?: string | undefined
  readonly workloadName?: string | undefined
  /** `userId:<id>`, or `jwt:<issuer>|<subject>`. */
  readonly user?: string | undefined
}

/**
 * A failed request to a vendor. AgentCore reports almost none of this to its callers.
 *
 * @since 0.1.0
 * @category models
 */
export interface ProviderFailure {
  readonly at: DateTime.Utc
  readonly providerName: string
  /** The request that failed. */
  readonly step: "discovery" | "authorization" | "token" | "refresh" | "exchange" | "verification"
  /**
   * `Refused`: an OAuth 2.0 error, or an error status. `Unreachable`: the request was not sent. `Lost`: the connection
   * ended before the response. `Forbidden`: the address policy does not allow the address. `Malformed`: the response does
   * not follow the protocol. `Misconfigured`: the configuration of the provider is not sufficient. `Certificate`: the
   * certificate of the server is not trusted.
   */
  readonly reason:
    | "Refused"
    | "Unreachable"
    | "Lost"
    | "TimedOut"
    | "Certificate"
    | "Redirected"
    | "TooLarge"
    | "Malformed"
    | "Forbidden"
    | "Misconfigured"
  /** HTTP status of the response. */
  readonly status?: number | undefined
  /**
   * The vendor's `error`, shortened, without control characters and without the values that were sent. For a rejected JWT
   * (`verification`): the code of the check.
   */
  readonly error?: string | undefined
  /** The vendor's `error_description`, treated in the same way, or a description by this library. */
  readonly description?: string | undefined
}

/**
 * The outcome for one member of a seed: `created`, `kept` if the resource exists already, or `set` for issuers and secrets.
 *
 * @since 0.1.0
 * @category models
 */
export const SeedResult = Schema.Struct({
  member: Schema.Literal(
    "secrets",
    "issuers",
    "workloadIdentities",
    "oauth2CredentialProviders",
    "apiKeyCredentialProviders",
    "paymentCredentialProviders"
  ),
  /** Name of the resource, or id of the secret. */
  name: Schema.String,
  outcome: Schema.Literal("created", "kept", "set")
})

/**
 * @since 0.1.0
 * @category models
 */
export interface SeedResult extends Schema.Schema.Type<typeof SeedResult> {}
