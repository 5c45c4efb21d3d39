/**
 * The errors of this library, one class per cause: those that AWS models, those of the wire, and those of a consent.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

const fields = {
  /** The AWS operation that failed, as AWS spells it. */
  operation: Schema.String,
  message: Schema.String,
  requestId: Schema.optional(Schema.String)
}

/**
 * A member of a request that breaks a rule, and the rule.
 *
 * @since 0.1.0
 * @category models
 */
export const InvalidField = Schema.Struct({ name: Schema.String, message: Schema.String })

/**
 * @since 0.1.0
 * @category models
 */
export interface InvalidField extends Schema.Schema.Type<typeof InvalidField> {}

/**
 * The request breaks a rule: `ValidationException`, HTTP 400. Raised locally, before anything is sent, for limits that
 * the model states, with the member in `fieldList`; raised by the service for everything else, often with a `reason`
 * and a `fieldList` that are absent.
 *
 * @since 0.1.0
 * @category errors
 */
export class ValidationError extends Schema.TaggedError<ValidationError>("effect-agentcore-identity/ValidationError")(
  "ValidationError",
  {
    ...fields,
    reason: Schema.optional(Schema.String),
    fieldList: Schema.optional(Schema.Array(InvalidField))
  }
) {}

/**
 * The caller is not known: `UnauthorizedException`, HTTP 401.
 *
 * @since 0.1.0
 * @category errors
 */
export class Unauthorized extends Schema.TaggedError<Unauthorized>("effect-agentcore-identity/Unauthorized")(
  "Unauthorized",
  fields
) {}

/**
 * The caller may not do this: `AccessDeniedException`, HTTP 403. Also what a session answers when it has expired or
 * belongs to another user.
 *
 * @since 0.1.0
 * @category errors
 */
export class AccessDenied extends Schema.TaggedError<AccessDenied>("effect-agentcore-identity/AccessDenied")(
  "AccessDenied",
  fields
) {}

/**
 * No such workload identity, credential provider, vault or portal: `ResourceNotFoundException`, HTTP 404.
 *
 * @since 0.1.0
 * @category errors
 */
export class ResourceNotFound extends Schema.TaggedError<ResourceNotFound>(
  "effect-agentcore-identity/ResourceNotFound"
)("ResourceNotFound", fields) {}

/**
 * AWS asks to slow down: `ThrottlingException`, HTTP 429.
 *
 * @since 0.1.0
 * @category errors
 */
export class Throttled extends Schema.TaggedError<Throttled>("effect-agentcore-identity/Throttled")(
  "Throttled",
  fields
) {}

/**
 * AWS failed: `InternalServerException`, HTTP 500.
 *
 * @since 0.1.0
 * @category errors
 */
export class InternalServerError extends Schema.TaggedError<InternalServerError>(
  "effect-agentcore-identity/InternalServerError"
)("InternalServerError", fields) {}

/**
 * The name is taken, or the resource is being changed: `ConflictException`, HTTP 409.
 *
 * @since 0.1.0
 * @category errors
 */
export class Conflict extends Schema.TaggedError<Conflict>("effect-agentcore-identity/Conflict")(
  "Conflict",
  fields
) {}

/**
 * The account has as many of these as its quota allows: `ServiceQuotaExceededException`, HTTP 402.
 *
 * @since 0.1.0
 * @category errors
 */
export class ServiceQuotaExceeded extends Schema.TaggedError<ServiceQuotaExceeded>(
  "effect-agentcore-identity/ServiceQuotaExceeded"
)("ServiceQuotaExceeded", fields) {}

/**
 * A limit of the resource itself is reached: `ResourceLimitExceededException`, HTTP 400.
 *
 * @since 0.1.0
 * @category errors
 */
export class ResourceLimitExceeded extends Schema.TaggedError<ResourceLimitExceeded>(
  "effect-agentcore-identity/ResourceLimitExceeded"
)("ResourceLimitExceeded", fields) {}

/**
 * The vault's key could not encrypt: `EncryptionFailure`, HTTP 400.
 *
 * @since 0.1.0
 * @category errors
 */
export class EncryptionFailure extends Schema.TaggedError<EncryptionFailure>(
  "effect-agentcore-identity/EncryptionFailure"
)("EncryptionFailure", fields) {}

/**
 * The vault's key could not decrypt: `DecryptionFailure`, HTTP 400.
 *
 * @since 0.1.0
 * @category errors
 */
export class DecryptionFailure extends Schema.TaggedError<DecryptionFailure>(
  "effect-agentcore-identity/DecryptionFailure"
)("DecryptionFailure", fields) {}

/**
 * Somebody else changed the vault's key at the same time: `ConcurrentModificationException`, HTTP 409.
 *
 * @since 0.1.0
 * @category errors
 */
export class ConcurrentModification extends Schema.TaggedError<ConcurrentModification>(
  "effect-agentcore-identity/ConcurrentModification"
)("ConcurrentModification", fields) {}

/**
 * The request did not reach the service or its answer did not come back: `Connection` (refused, reset, no such host),
 * `Timeout`, or `Credentials` (nothing was sent, most often because no AWS credentials were found).
 *
 * @since 0.1.0
 * @category errors
 */
export class TransportFailure extends Schema.TaggedError<TransportFailure>(
  "effect-agentcore-identity/TransportFailure"
)("TransportFailure", { ...fields, reason: Schema.Literal("Connection", "Timeout", "Credentials") }) {}

/**
 * The response is not a reply of this operation: it is not from AWS (a page of a proxy), not JSON, too large, or a member does
 * not fit. `path` names the member, where one is known; the response is never quoted, since it may contain a secret.
 *
 * @since 0.1.0
 * @category errors
 */
export class UndecodableReply extends Schema.TaggedError<UndecodableReply>(
  "effect-agentcore-identity/UndecodableReply"
)("UndecodableReply", { ...fields, path: Schema.optional(Schema.String) }) {}

/**
 * The service answered with an error that its model does not give this operation, such as
 * `InvalidSignatureException`. `code` is AWS's name for it.
 *
 * @since 0.1.0
 * @category errors
 */
export class UnknownServiceError extends Schema.TaggedError<UnknownServiceError>(
  "effect-agentcore-identity/UnknownServiceError"
)("UnknownServiceError", { ...fields, code: Schema.String, status: Schema.optional(Schema.Finite) }) {}

/**
 * A person has to open `authorizationUrl` and agree. Carries the whole of what was asked for, so that it can be shown,
 * sent elsewhere by its Schema (which reveals the `Redacted` members: encode it only for the person it belongs to) and
 * asked for again, unchanged. The session ends at `expiresAt`, ten minutes after it began.
 *
 * @since 0.1.0
 * @category errors
 */
export class ConsentRequired extends Schema.TaggedError<ConsentRequired>("effect-agentcore-identity/ConsentRequired")(
  "ConsentRequired",
  {
    providerName: Schema.String,
    authFlow: Schema.Literal("USER_FEDERATION", "M2M", "ON_BEHALF_OF_TOKEN_EXCHANGE"),
    scopes: Schema.Array(Schema.String),
    resources: Schema.optional(Schema.Array(Schema.String)),
    audiences: Schema.optional(Schema.Array(Schema.String)),
    callbackUrl: Schema.optional(Schema.String),
    customState: Schema.optional(Schema.Redacted(Schema.String)),
    customParameters: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.Redacted(Schema.String) })),
    authorizationUrl: Schema.Redacted(Schema.String),
    sessionUri: Schema.Redacted(Schema.String),
    expiresAt: Schema.DateTimeUtc,
    /** What `IdentityService.resume` takes, in this process or another; there under `Consent.suspend`. */
    handle: Schema.optional(Schema.Redacted(Schema.String))
  }
) {
  /** @since 0.1.0 */
  override get message(): string {
    return `consent is required: a person has to open the authorization URL of provider "${this.providerName}"`
  }
}

/**
 * The answer was no: the service reports the session as `FAILED`.
 *
 * @since 0.1.0
 * @category errors
 */
export class ConsentDenied extends Schema.TaggedError<ConsentDenied>("effect-agentcore-identity/ConsentDenied")(
  "ConsentDenied",
  { providerName: Schema.String }
) {
  /** @since 0.1.0 */
  override get message(): string {
    return `consent was denied, or provider "${this.providerName}" refused it`
  }
}

/**
 * No consent was completed in time: the schedule of the wait ended, or the session did. Agreeing is not enough: the page
 * to which the person returns has to complete the session.
 *
 * @since 0.1.0
 * @category errors
 */
export class ConsentTimedOut extends Schema.TaggedError<ConsentTimedOut>("effect-agentcore-identity/ConsentTimedOut")(
  "ConsentTimedOut",
  { providerName: Schema.String }
) {
  /** @since 0.1.0 */
  override get message(): string {
    return `no consent was completed in time for provider "${this.providerName}": ask again. If the person did agree, ` +
      "look whether the page they return to calls completeResourceTokenAuth"
  }
}

/**
 * The result of one poll while the user has not answered. A wait repeats the poll; only a strategy that polls by itself
 * (`Consent.make`) receives this error.
 *
 * @since 0.1.0
 * @category errors
 */
export class ConsentPending extends Schema.TaggedError<ConsentPending>("effect-agentcore-identity/ConsentPending")(
  "ConsentPending",
  { providerName: Schema.String }
) {
  /** @since 0.1.0 */
  override get message(): string {
    return `nobody has answered the consent request for provider "${this.providerName}" yet`
  }
}

/**
 * There is no workload access token: the effect that gives the user's JWT failed (`UserToken`; `failure` is the tag or the
 * name of its error, which may contain a secret), or the token is fixed, so that it cannot be renewed (`Fixed`).
 *
 * @since 0.1.0
 * @category errors
 */
export class WorkloadAccessTokenUnavailable extends Schema.TaggedError<WorkloadAccessTokenUnavailable>(
  "effect-agentcore-identity/WorkloadAccessTokenUnavailable"
)("WorkloadAccessTokenUnavailable", {
  reason: Schema.Literal("UserToken", "Fixed"),
  failure: Schema.optional(Schema.String)
}) {
  /** @since 0.1.0 */
  override get message(): string {
    return this.reason === "Fixed"
      ? "a fixed workload access token cannot be renewed: provide WorkloadAccessToken.layer, or call the agent again"
      : `the JWT of the user is not available: its effect failed with ${this.failure ?? "an error"}`
  }
}

const rejections = {
  Malformed: "this is no resume handle",
  Changed: "the resume handle was changed on its way",
  Foreign: "the resume handle was sealed with a key that this program does not have: give it the key, or ask again",
  Expired: "the consent that the resume handle is for has ended: ask again",
  Replayed: "the resume handle was used before: ask again"
}

/**
 * A resume handle that cannot be resumed: it is not a handle (`Malformed`), was changed (`Changed`), was sealed with a key
 * that this program does not have (`Foreign`), its session has ended (`Expired`), or it was used before (`Replayed`).
 *
 * @since 0.1.0
 * @category errors
 */
export class HandleRejected extends Schema.TaggedError<HandleRejected>("effect-agentcore-identity/HandleRejected")(
  "HandleRejected",
  { reason: Schema.Literal("Malformed", "Changed", "Foreign", "Expired", "Replayed") }
) {
  /** @since 0.1.0 */
  override get message(): string {
    return rejections[this.reason]
  }
}

/**
 * What is remembered of a consent could not be read or written.
 *
 * @since 0.1.0
 * @category errors
 */
export class LedgerFailure extends Schema.TaggedError<LedgerFailure>("effect-agentcore-identity/LedgerFailure")(
  "LedgerFailure",
  { message: Schema.String, cause: Schema.optional(Schema.Defect) }
) {}

/**
 * The errors of the wire, which any operation may have.
 *
 * @since 0.1.0
 * @category errors
 */
export type WireError = TransportFailure | UndecodableReply | UnknownServiceError

/**
 * Every error of this library, as a Schema.
 *
 * @since 0.1.0
 * @category schemas
 */
export const IdentityError = Schema.Union(
  ValidationError,
  Unauthorized,
  AccessDenied,
  ResourceNotFound,
  Throttled,
  InternalServerError,
  Conflict,
  ServiceQuotaExceeded,
  ResourceLimitExceeded,
  EncryptionFailure,
  DecryptionFailure,
  ConcurrentModification,
  TransportFailure,
  UndecodableReply,
  UnknownServiceError,
  ConsentRequired,
  ConsentDenied,
  ConsentTimedOut,
  ConsentPending,
  HandleRejected,
  LedgerFailure,
  WorkloadAccessTokenUnavailable
)

/**
 * Every error of this library, for callers who collect. Each method lists only the ones it can raise.
 *
 * @since 0.1.0
 * @category errors
 */
export type IdentityError = typeof IdentityError.Type

/**
 * @since 0.1.0
 * @category guards
 */
export const isIdentityError: (u: unknown) => u is IdentityError = Schema.is(IdentityError)

/**
 * Whether the same request may succeed later: throttling, a failure of the service or of the connection, or a consent that
 * the user has not answered. Retries, polls and waits repeat exactly these.
 *
 * @since 0.1.0
 * @category guards
 */
export const isTransient = (error: IdentityError): boolean => {
  switch (error._tag) {
    case "Throttled":
    case "InternalServerError":
    case "ConsentPending":
      return true
    case "TransportFailure":
      return error.reason !== "Credentials"
    case "UnknownServiceError":
      return error.status !== undefined && (error.status === 429 || error.status >= 500)
    default:
      return false
  }
}
