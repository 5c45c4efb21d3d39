/**
 * The hands of everybody who is not the agent: the person who consents or refuses, the vendor who revokes, the service
 * that fails. Beside the in-memory identity service, for tests and development.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as IdentityApi from "./IdentityApi.js"

/**
 * There is no session of this URI that still waits for an answer: it is unknown, answered already, or expired.
 *
 * @since 0.1.0
 * @category errors
 */
export class SessionNotPending extends Schema.TaggedError<SessionNotPending>(
  "effect-agentcore-identity/SessionNotPending"
)("SessionNotPending", {}) {
  /**
   * @since 0.1.0
   */
  override get message(): string {
    return "no session of this URI waits for an answer: it is unknown, answered already, or expired; pass the `sessionUri` of " +
      "ConsentRequired, not its authorization URL"
  }
}

/**
 * The provider of this session answers for itself (see `FederatedIssuer`), so that nobody can consent in its place: open
 * the authorization URL in a browser, or say `setIssuer(providerName, "simulated")`.
 *
 * @since 0.1.0
 * @category errors
 */
export class NotSimulated extends Schema.TaggedError<NotSimulated>("effect-agentcore-identity/NotSimulated")(
  "NotSimulated",
  { providerName: Schema.String }
) {
  /**
   * @since 0.1.0
   */
  override get message(): string {
    return `the provider '${this.providerName}' is federated: consent at its authorization URL, or simulate its issuer`
  }
}

/**
 * Who answers in a provider's name: nobody but this library, the vendor, or another authorization server in its place.
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
 * What a vendor answered instead of what it was asked for. AgentCore tells its callers next to nothing of it.
 *
 * @since 0.1.0
 * @category models
 */
export interface ProviderFailure {
  readonly at: DateTime.Utc
  readonly providerName: string
  /** What was asked for. */
  readonly step: "discovery" | "authorization" | "token" | "refresh" | "exchange" | "verification"
  /**
   * `Refused`: an error in terms of OAuth 2.0, or a status that says no. `Unreachable`: nothing was sent. `Lost`: the
   * connection ended before the answer. `Forbidden`: the address is one that is not asked. `Malformed`: not what the
   * protocol says. `Misconfigured`: what the provider is configured with does not do. `Certificate`: the certificate of
   * the server is not trusted.
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
  /** Of the HTTP answer. */
  readonly status?: number | undefined
  /**
   * As the vendor wrote it, shortened, without control characters and without what it was sent; for a JWT that was
   * rejected (`verification`), the code of the check.
   */
  readonly error?: string | undefined
  /** The vendor's `error_description`, treated likewise, or ours. */
  readonly description?: string | undefined
}

/**
 * The vendor did not do what a person's consent needs of it.
 *
 * @since 0.1.0
 * @category errors
 */
export class ProviderRefused extends Schema.TaggedError<ProviderRefused>("effect-agentcore-identity/ProviderRefused")(
  "ProviderRefused",
  {
    providerName: Schema.String,
    /** Whether the session is over: the person, or the vendor, has said no. */
    isFinal: Schema.Boolean,
    reason: Schema.String,
    error: Schema.optional(Schema.String),
    description: Schema.optional(Schema.String)
  }
) {
  /**
   * @since 0.1.0
   */
  override get message(): string {
    return `the provider '${this.providerName}' did not authorize: ${
      [this.reason, this.error, this.description].filter((part) => part !== undefined).join(": ")
    }`
  }
}

/**
 * Where a person's browser goes for a federated provider, and what to keep until it is back.
 *
 * @since 0.1.0
 * @category models
 */
export interface Redirect {
  readonly url: Redacted.Redacted
  readonly codeVerifier: Redacted.Redacted
}

/**
 * One call of an operation, its secrets `Redacted`. `outcome` is `"ok"`, or the tag of the error.
 *
 * @since 0.1.0
 * @category models
 */
export interface JournalEntry {
  readonly at: DateTime.Utc
  readonly operation: IdentityApi.OperationKey
  readonly request: unknown
  readonly outcome: string
}

/**
 * A request for consent, and where it stands: `pending` until the person answers, `approved` until the application
 * completes it, `failed` after a refusal.
 *
 * @since 0.1.0
 * @category models
 */
export interface ConsentSession {
  /** Counts the requests, from 1: unlike the URI it is no secret, and good for nothing but telling them apart. */
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
 * A person's consent in the vault. The tokens themselves are never shown: `fingerprint` tells one from another.
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
 * What there is, each list in the order of its names, and nothing secret.
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
    /** Who answers for it. */
    readonly issuer: "simulated" | "federated"
    /** What was said of its issuer, if anything. */
    readonly issuerChoice: IssuerChoice | undefined
  }>
  readonly apiKeyCredentialProviders: ReadonlyArray<{ readonly name: string }>
  readonly paymentCredentialProviders: ReadonlyArray<{
    readonly name: string
    readonly credentialProviderVendor: string
  }>
}

/**
 * A failure that waits for the next calls of an operation: the error's tag, and how many calls it is still good for.
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
 * Which stored tokens are meant: all that fit every given member.
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
 * @since 0.1.0
 * @category tags
 */
export class IdentityControls extends Context.Tag("effect-agentcore-identity/IdentityControls")<IdentityControls, {
  /**
   * The person consents; gives the URL to which the browser returns, with `session_id` and `state`. There is no token
   * yet: as on AWS, the page at that URL has to call `completeResourceTokenAuth`.
   */
  readonly approve: (
    sessionUri: Redacted.Redacted
  ) => Effect.Effect<Redacted.Redacted, SessionNotPending | NotSimulated>
  /**
   * Where the person's browser goes to consent, with this `state`; `undefined` where the provider is simulated. The
   * session waits until the browser is back.
   */
  readonly beginAuthorization: (
    sessionUri: Redacted.Redacted,
    state: string
  ) => Effect.Effect<Redirect | undefined, SessionNotPending | ProviderRefused>
  /**
   * The browser is back at the provider's callback URL, with these parameters; gives the URL to which it returns, as
   * `approve` does. An answer that was meant for another request changes nothing.
   */
  readonly completeAuthorization: (
    sessionUri: Redacted.Redacted,
    answer: {
      readonly state: string
      readonly codeVerifier: Redacted.Redacted
      readonly parameters: URLSearchParams
    }
  ) => Effect.Effect<Redacted.Redacted, SessionNotPending | ProviderRefused>
  /**
   * Who answers for the provider of this name, whether it exists already or not. Unless it is said: the vendor if its
   * endpoints are on loopback, and nobody but this library otherwise. Ends what was granted by another. Nobody but this
   * library answers where there is no `FederatedIssuer`.
   */
  readonly setIssuer: (providerName: string, issuer: IssuerChoice | undefined) => Effect.Effect<void>
  /** The last hundred answers of vendors that were none, oldest first. */
  readonly providerFailures: Effect.Effect<ReadonlyArray<ProviderFailure>>
  /** The person refuses: the session is `FAILED` from now on. */
  readonly deny: (sessionUri: Redacted.Redacted) => Effect.Effect<void, SessionNotPending>
  /** The session's ten minutes are over at once. */
  readonly expireSession: (sessionUri: Redacted.Redacted) => Effect.Effect<void, SessionNotPending>
  /** The access tokens are over; what has a refresh token is refreshed when next asked for. Gives their number. */
  readonly expireTokens: (filter?: GrantFilter) => Effect.Effect<number>
  /**
   * The vendor revokes: refreshing is refused from now on. As on AWS, nobody notices while the access token lasts.
   * Gives the number of grants.
   */
  readonly revoke: (filter?: GrantFilter) => Effect.Effect<number>
  /** The next `times` calls (default 1) of an operation fail with `error`, before anything else is looked at. */
  readonly failNext: <Key extends IdentityApi.OperationKey>(
    operation: Key,
    error: IdentityApi.Failure<Key>,
    times?: number
  ) => Effect.Effect<void>
  /** The failures that still wait, in the order in which the calls of an operation will meet them. */
  readonly pendingFailures: Effect.Effect<ReadonlyArray<PendingFailure>>
  /** Forgets the failures that wait for this operation, or for any. */
  readonly clearFailures: (operation?: IdentityApi.OperationKey) => Effect.Effect<void>
  /** Puts a secret where `EXTERNAL` credential providers look for it: a JSON object, read by its `jsonKey`. */
  readonly setSecret: (secretId: string, json: Redacted.Redacted) => Effect.Effect<void>
  /** Makes a workload identity one that AgentCore Runtime or Gateway owns, which no caller gets a token for. */
  readonly linkToService: (workloadName: string) => Effect.Effect<void>
  /** The last thousand calls, oldest first. */
  readonly journal: Effect.Effect<ReadonlyArray<JournalEntry>>
  /** Forgets the calls so far. */
  readonly clearJournal: Effect.Effect<void>
  /** The requests for consent that are remembered, oldest first. */
  readonly sessions: Effect.Effect<ReadonlyArray<ConsentSession>>
  /** What the vault holds of people's consents, in the order of their names. */
  readonly grants: Effect.Effect<ReadonlyArray<Grant>>
  /** What there is, as the lists tell it: unlike them, without a call in the journal, and whatever waits to fail. */
  readonly inventory: Effect.Effect<Inventory>
}>() {}
