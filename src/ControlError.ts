/**
 * Errors of the test controls. `IdentityControls` exports them too.
 *
 * @since 0.1.0
 */
import type * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import { IdentityError, InvalidField } from "./IdentityError.js"

/**
 * No session with this URI is pending: the URI is unknown, or its session was answered or has expired.
 *
 * @since 0.1.0
 * @category errors
 */
export class SessionNotPending extends Schema.TaggedError<SessionNotPending>(
  "effect-agentcore-identity/SessionNotPending"
)("SessionNotPending", {}) {
  /** @since 0.1.0 */
  override get message(): string {
    return "no session with this URI is pending: the URI is unknown, or its session was answered or has expired; pass the " +
      "`sessionUri` of ConsentRequired, not its authorization URL"
  }
}

/**
 * No session with this URI is approved and still to be completed: the URI is unknown, or its session was not approved, was
 * completed, failed, or has expired.
 *
 * @since 0.1.0
 * @category errors
 */
export class SessionNotApproved extends Schema.TaggedError<SessionNotApproved>(
  "effect-agentcore-identity/SessionNotApproved"
)("SessionNotApproved", {}) {
  /** @since 0.1.0 */
  override get message(): string {
    return "no session with this URI can be completed: the URI is unknown, or its session was not approved, was completed, " +
      "failed, or has expired; call `approve` first, or use `IdentityControls.consent`, which does both"
  }
}

/**
 * The provider of this session is federated (see `FederatedIssuer`), so `approve` cannot replace its consent page. Open the
 * authorization URL in a browser, or call `setIssuer(providerName, "simulated")`.
 *
 * @since 0.1.0
 * @category errors
 */
export class NotSimulated extends Schema.TaggedError<NotSimulated>("effect-agentcore-identity/NotSimulated")(
  "NotSimulated",
  { providerName: Schema.String }
) {
  /** @since 0.1.0 */
  override get message(): string {
    return `provider '${this.providerName}' is federated: open its authorization URL in a browser, or call ` +
      `setIssuer('${this.providerName}', "simulated")`
  }
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
 * The vendor, or the user at the vendor, did not authorize the request, or the vendor could not be used.
 *
 * @since 0.1.0
 * @category errors
 */
export class ProviderRefused extends Schema.TaggedError<ProviderRefused>("effect-agentcore-identity/ProviderRefused")(
  "ProviderRefused",
  {
    providerName: Schema.String,
    /** `true` if the user or the vendor refused, which ends the session. */
    isFinal: Schema.Boolean,
    reason: Schema.String,
    error: Schema.optional(Schema.String),
    description: Schema.optional(Schema.String)
  }
) {
  /** @since 0.1.0 */
  override get message(): string {
    return `provider '${this.providerName}' did not authorize: ${
      [this.reason, this.error, this.description].filter((part) => part !== undefined).join(": ")
    }`
  }
}

/**
 * The JSON of a seed does not match `IdentityControls.Seed`. `fieldList` contains a path and a rule for each invalid member, and
 * never a value.
 *
 * @since 0.1.0
 * @category errors
 */
export class SeedInvalid extends Schema.TaggedError<SeedInvalid>("effect-agentcore-identity/SeedInvalid")(
  "SeedInvalid",
  { fieldList: Schema.Array(InvalidField) }
) {
  /** @since 0.1.0 */
  override get message(): string {
    return `the seed is invalid: ${this.fieldList.map(({ message, name }) => `${name}: ${message}`).join("; ")}`
  }
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

/**
 * The service rejected a member of a seed, for example because of a quota. `path` names the member. The members in `applied`
 * came before it and remain applied.
 *
 * @since 0.1.0
 * @category errors
 */
export class SeedFailed extends Schema.TaggedError<SeedFailed>("effect-agentcore-identity/SeedFailed")(
  "SeedFailed",
  { path: Schema.String, error: IdentityError, applied: Schema.Array(SeedResult) }
) {
  /** @since 0.1.0 */
  override get message(): string {
    return `${this.path}: ${this.error._tag}: ${this.error.message}`
  }
}
