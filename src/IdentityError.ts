/**
 * Errors of this library, one class per cause: modelled by AWS, of the wire, and of a consent.
 *
 * @since 0.1.0
 */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import {
  ConsentDenied,
  ConsentPending,
  ConsentRequired,
  ConsentTimedOut,
  findConsentRequired,
  HandleRejected,
  LedgerFailure
} from "./ConsentError.js"
import { searchWrapped } from "./internal/lib/searchWrapped.js"

/** @since 0.1.0 */
export * from "./ConsentError.js"

const fields = {
  /** Name of the AWS operation that failed, for example `GetResourceOauth2Token`. */
  operation: Schema.String,
  message: Schema.String,
  requestId: Schema.optional(Schema.String)
}

const repeatable = {
  ...fields,
  /** Seconds after which the service accepts the request again, from the header `Retry-After`. */
  retryAfter: Schema.optional(Schema.NonNegativeInt)
}

/**
 * A member of a request that violates a rule, and the rule.
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
 * The request violates a rule: `ValidationException`, HTTP 400. For limits of the model it is raised before the request is
 * sent, and `fieldList` names the member. For other rules the service raises it, often without `reason` and `fieldList`.
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
 * The caller is not authenticated: `UnauthorizedException`, HTTP 401.
 *
 * @since 0.1.0
 * @category errors
 */
export class Unauthorized extends Schema.TaggedError<Unauthorized>("effect-agentcore-identity/Unauthorized")(
  "Unauthorized",
  fields
) {}

/**
 * The caller does not have permission: `AccessDeniedException`, HTTP 403. The service also raises it for a session that
 * belongs to another user, and for the completion of a session that has expired. A poll of a session that has expired fails
 * with `ConsentTimedOut`, or `HandleRejected` from `resume`.
 *
 * @since 0.1.0
 * @category errors
 */
export class AccessDenied extends Schema.TaggedError<AccessDenied>("effect-agentcore-identity/AccessDenied")(
  "AccessDenied",
  fields
) {}

/**
 * The workload identity, credential provider, vault or portal does not exist: `ResourceNotFoundException`, HTTP 404.
 *
 * @since 0.1.0
 * @category errors
 */
export class ResourceNotFound extends Schema.TaggedError<ResourceNotFound>(
  "effect-agentcore-identity/ResourceNotFound"
)("ResourceNotFound", fields) {}

/**
 * The rate limit of the account is exceeded: `ThrottlingException`, HTTP 429.
 *
 * @since 0.1.0
 * @category errors
 */
export class Throttled extends Schema.TaggedError<Throttled>("effect-agentcore-identity/Throttled")(
  "Throttled",
  repeatable
) {}

/**
 * The service failed: `InternalServerException`, HTTP 500.
 *
 * @since 0.1.0
 * @category errors
 */
export class InternalServerError extends Schema.TaggedError<InternalServerError>(
  "effect-agentcore-identity/InternalServerError"
)("InternalServerError", repeatable) {}

/**
 * The name exists, or the resource is being changed: `ConflictException`, HTTP 409.
 *
 * @since 0.1.0
 * @category errors
 */
export class Conflict extends Schema.TaggedError<Conflict>("effect-agentcore-identity/Conflict")(
  "Conflict",
  fields
) {}

/**
 * The quota of the account is reached: `ServiceQuotaExceededException`, HTTP 402.
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
 * Another request changed the key of the vault at the same time: `ConcurrentModificationException`, HTTP 409.
 *
 * @since 0.1.0
 * @category errors
 */
export class ConcurrentModification extends Schema.TaggedError<ConcurrentModification>(
  "effect-agentcore-identity/ConcurrentModification"
)("ConcurrentModification", fields) {}

/**
 * No reply was received. The reason is `Connection` (refused, reset, unknown host), `Timeout`, or `Credentials` (the request
 * was not sent, usually because no AWS credentials were found).
 *
 * @since 0.1.0
 * @category errors
 */
export class TransportFailure extends Schema.TaggedError<TransportFailure>(
  "effect-agentcore-identity/TransportFailure"
)("TransportFailure", { ...fields, reason: Schema.Literal("Connection", "Timeout", "Credentials") }) {}

/**
 * The response is not a reply of this operation: it is not from AWS (a page of a proxy), not JSON, too large, or a member has
 * the wrong type. `path` names the member, if it is known. The response is not quoted, since it may contain a secret.
 *
 * @since 0.1.0
 * @category errors
 */
export class UndecodableReply extends Schema.TaggedError<UndecodableReply>(
  "effect-agentcore-identity/UndecodableReply"
)("UndecodableReply", { ...fields, path: Schema.optional(Schema.String) }) {}

/**
 * The service raised an error that the model does not list for this operation, such as `InvalidSignatureException`. `code` is
 * the name that AWS gives it.
 *
 * @since 0.1.0
 * @category errors
 */
export class UnknownServiceError extends Schema.TaggedError<UnknownServiceError>(
  "effect-agentcore-identity/UnknownServiceError"
)("UnknownServiceError", { ...repeatable, code: Schema.String, status: Schema.optional(Schema.Finite) }) {}

const unavailable = {
  UserToken: "the JWT of the user is not available: its effect failed with ",
  Fixed:
    "the workload access token was rejected, and a fixed token cannot be renewed: provide WorkloadAccessToken.layer, or " +
    "suspend the call (Consent.suspend) and resume it with another token",
  FixedUserToken:
    "the workload access token was rejected, and so is the fixed JWT of the user: pass an effect as userToken that " +
    "returns a fresh JWT, or suspend the call (Consent.suspend) and resume it with another token"
}

/**
 * No workload access token is available: the effect that provides the JWT of the user failed (`UserToken`), or the service
 * rejects the token, which is fixed (`Fixed`) or was requested with a fixed JWT that it rejects too (`FixedUserToken`).
 * `failure` is the tag or the name of the error of that effect; the error itself may contain a secret.
 *
 * @since 0.1.0
 * @category errors
 */
export class WorkloadAccessTokenUnavailable extends Schema.TaggedError<WorkloadAccessTokenUnavailable>(
  "effect-agentcore-identity/WorkloadAccessTokenUnavailable"
)("WorkloadAccessTokenUnavailable", {
  reason: Schema.Literal("UserToken", "Fixed", "FixedUserToken"),
  failure: Schema.optional(Schema.String)
}) {
  /** @since 0.1.0 */
  override get message(): string {
    return unavailable[this.reason].concat(this.reason === "UserToken" ? this.failure ?? "an error" : "")
  }
}

/**
 * The errors of the wire, which any operation can raise.
 *
 * @since 0.1.0
 * @category errors
 */
export type WireError = TransportFailure | UndecodableReply | UnknownServiceError

/**
 * Schema of all errors of this library.
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
 * Union of all errors of this library. Each method lists only the errors that it can raise.
 *
 * @since 0.1.0
 * @category errors
 */
export type IdentityError = typeof IdentityError.Type

/**
 * Tests if a value is an error of this library.
 *
 * @since 0.1.0
 * @category guards
 */
export const isIdentityError: (u: unknown) => u is IdentityError = Schema.is(IdentityError)

const decode = Schema.decodeUnknownOption(IdentityError)

const recognise = (value: object): Option.Option<IdentityError> => {
  if (isIdentityError(value)) return Option.some(value)
  // Its search accepts a decoded consent only with an authorization URL that is safe to open.
  if (Predicate.isTagged(value, "ConsentRequired")) return findConsentRequired(value)
  return Predicate.hasProperty(value, "_tag") ? decode(value) : Option.none()
}

/**
 * Finds an error of this library in a value that a framework caught or wrapped, with the search of `findConsentRequired`: in
 * `cause`, `error`, `errors`, `reason`, `inner` and `originalError`, in `AggregateError`, `FiberFailure` and `Cause`, at any depth,
 * also in its encoded form. Of several it returns the one with the fewest wrappers. It never throws, and it looks at 1,000 values
 * at most.
 *
 * @example
 * ```ts
 * import { Option } from "effect"
 * import { IdentityError } from "effect-agentcore-identity"
 *
 * export const isThrottled = (caught: unknown) =>
 *   Option.exists(IdentityError.find(caught), (error) => error._tag === "Throttled")
 * ```
 *
 * @since 0.1.0
 * @category guards
 */
export const find = (value: unknown): Option.Option<IdentityError> => searchWrapped(value, recognise)

/** HTTP statuses after which the same request may succeed. 501 and 505 are final. */
const transientStatuses = new Set<number | undefined>([408, 429, 500, 502, 503, 504])

/**
 * Tests if the same request may succeed later: after throttling, HTTP 408, 429, 500, 502, 503 or 504, a lost connection, or a
 * poll whose consent is not complete. Retries, polls and waits repeat exactly these errors.
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
      return transientStatuses.has(error.status)
    default:
      return false
  }
}
