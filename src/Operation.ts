/**
 * AWS operations as values. Adapters, servers, validation, retries and spans are derived from them.
 *
 * @since 0.1.0
 */
import type * as Brand from "effect/Brand"
import type * as Schema from "effect/Schema"
import type { IdentityError, WireError } from "./IdentityError.js"

/**
 * A value of an enum that this version does not know. The service may add values at any time, so a `switch` over such a member
 * needs a default.
 *
 * @since 0.1.0
 * @category models
 */
export type UnknownValue = string & Brand.Brand<"UnknownValue">

/**
 * Tags of the errors that the model of AWS defines.
 *
 * @since 0.1.0
 * @category models
 */
export type ModelledTag =
  | "ValidationError"
  | "Unauthorized"
  | "AccessDenied"
  | "ResourceNotFound"
  | "Throttled"
  | "InternalServerError"
  | "Conflict"
  | "ServiceQuotaExceeded"
  | "ResourceLimitExceeded"
  | "EncryptionFailure"
  | "DecryptionFailure"
  | "ConcurrentModification"

/**
 * When the service sends a failed request again: after every transient failure (`"always"`), only after throttling, which
 * guarantees that the request was not executed (`"throttled"`), or not at all, since another schedule repeats it
 * (`"never"`).
 *
 * A request is repeated always if the model marks its operation as idempotent or read-only, or if a repetition is harmless
 * (workload access tokens, tags, the key of a vault). Creations are an exception: after a lost reply the repetition would
 * fail because the name exists.
 *
 * @since 0.1.0
 * @category models
 */
export type Repeat = "always" | "throttled" | "never"

/**
 * @since 0.1.0
 * @category models
 */
export type Method = "GET" | "POST" | "PUT" | "DELETE"

/**
 * One AWS operation.
 *
 * @since 0.1.0
 * @category models
 */
export interface Operation<
  in out Request,
  in out RequestEncoded,
  in out Reply,
  in out ReplyEncoded,
  out Tag extends ModelledTag
> {
  /** Name of the operation, for example `GetResourceOauth2Token`. */
  readonly name: string
  readonly plane: "data" | "control"
  readonly method: Method
  /** Path of the operation; `{member}` stands for a member of the request, percent-encoded. */
  readonly path: `/${string}`
  /** The members of the request that go into the query string; a list repeats its name. */
  readonly query: ReadonlyArray<string>
  /** The HTTP status of a success. */
  readonly status: 200 | 201 | 202 | 204
  /** Schema of the request. Decoded secrets are `Redacted`; every limit of the model is validated. */
  readonly request: Schema.Schema<Request, RequestEncoded>
  /** Schema of the reply, decoded leniently. Decoded secrets are `Redacted`. */
  readonly reply: Schema.Schema<Reply, ReplyEncoded>
  /** Tags of the errors that the model lists for this operation. */
  readonly errors: ReadonlyArray<Tag>
  readonly repeat: (request: Request) => Repeat
}

/**
 * @since 0.1.0
 * @category models
 */
export declare namespace Operation {
  /**
   * @since 0.1.0
   * @category models
   */
  // eslint-disable-next-line typescript/no-explicit-any
  export type Any = Operation<any, any, any, any, ModelledTag>

  /**
   * Errors of an operation: those that the model lists, and those of the wire.
   *
   * @since 0.1.0
   * @category models
   */
  export type Error<O> = O extends Operation<infer _A, infer _I, infer _B, infer _J, infer Tag>
    ? Extract<IdentityError, { readonly _tag: Tag }> | WireError
    : never
}

/**
 * Makes an operation. Defaults: `POST`, no query, status 200, and repetition after every transient failure.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <A, I, B, J, const Tag extends ModelledTag>(
  options: Omit<Operation<A, I, B, J, Tag>, "method" | "query" | "repeat" | "status"> & {
    readonly method?: Method
    readonly query?: ReadonlyArray<string>
    readonly status?: 200 | 201 | 202 | 204
    readonly repeat?: Repeat | ((request: A) => Repeat)
  }
): Operation<A, I, B, J, Tag> => {
  const { repeat = "always", ...rest } = options
  return {
    status: 200,
    method: "POST",
    query: [],
    ...rest,
    repeat: typeof repeat === "function" ? repeat : () => repeat
  }
}
