/** Names and HTTP statuses of the exceptions of AWS, by the tag of the error. The AWS adapter and the server use them. */
import * as IdentityError from "../../IdentityError.js"
import type { ModelledTag } from "../../Operation.js"

/** @internal */
export type Modelled<Tag extends ModelledTag> = Extract<IdentityError.IdentityError, { readonly _tag: Tag }>

/** @internal */
export interface Fields {
  readonly operation: string
  readonly message: string
  readonly requestId?: string
  /** Only for the errors in `repeatable`. */
  readonly retryAfter?: number
}

/** @internal */
export interface ExceptionInfo<Tag extends ModelledTag> {
  readonly exception: string
  readonly status: number
  readonly make: new(fields: Fields) => Modelled<Tag>
}

/** @internal */
export type Exceptions = { readonly [Tag in ModelledTag]: ExceptionInfo<Tag> }

/** @internal */
export const exceptions: Exceptions = {
  ValidationError: { exception: "ValidationException", status: 400, make: IdentityError.ValidationError },
  Unauthorized: { exception: "UnauthorizedException", status: 401, make: IdentityError.Unauthorized },
  AccessDenied: { exception: "AccessDeniedException", status: 403, make: IdentityError.AccessDenied },
  ResourceNotFound: { exception: "ResourceNotFoundException", status: 404, make: IdentityError.ResourceNotFound },
  Throttled: { exception: "ThrottlingException", status: 429, make: IdentityError.Throttled },
  InternalServerError: { exception: "InternalServerException", status: 500, make: IdentityError.InternalServerError },
  Conflict: { exception: "ConflictException", status: 409, make: IdentityError.Conflict },
  ServiceQuotaExceeded: {
    exception: "ServiceQuotaExceededException",
    status: 402,
    make: IdentityError.ServiceQuotaExceeded
  },
  ResourceLimitExceeded: {
    exception: "ResourceLimitExceededException",
    status: 400,
    make: IdentityError.ResourceLimitExceeded
  },
  // AWS names the next two without a suffix.
  EncryptionFailure: { exception: "EncryptionFailure", status: 400, make: IdentityError.EncryptionFailure },
  DecryptionFailure: { exception: "DecryptionFailure", status: 400, make: IdentityError.DecryptionFailure },
  ConcurrentModification: {
    exception: "ConcurrentModificationException",
    status: 409,
    make: IdentityError.ConcurrentModification
  }
}

/** The modelled errors that have `retryAfter`. */
export const repeatable: ReadonlySet<ModelledTag> = new Set<ModelledTag>(["Throttled", "InternalServerError"])
