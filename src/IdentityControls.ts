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
    return "no session of this URI waits for an answer: it is unknown, answered already, or expired"
  }
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
  readonly approve: (sessionUri: Redacted.Redacted) => Effect.Effect<Redacted.Redacted, SessionNotPending>
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
