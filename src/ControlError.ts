/**
 * Errors of the test controls. `IdentityControls` exports them too.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { SeedResult } from "./ControlModel.js"
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
