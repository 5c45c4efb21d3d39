/**
 * Errors of a consent. `IdentityError` exports them too.
 *
 * @since 0.1.0
 */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { isHttpsOrLoopback } from "./internal/lib/loopback.js"
import { searchWrapped } from "./internal/lib/searchWrapped.js"
import { parseUrl } from "./internal/lib/url.js"

/**
 * A user must open `authorizationUrl` and consent. The session ends at `expiresAt`, 10 minutes after it was opened.
 *
 * The error contains all options of the token request, so that a program can show the consent and repeat the request
 * unchanged. It is encodable by its Schema; that reveals the `Redacted` members, so encode it only for this user.
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
    /** The argument of `IdentityService.resume`, in this process or another one; set by `Consent.suspend`. */
    handle: Schema.optional(Schema.Redacted(Schema.String))
  }
) {
  /** @since 0.1.0 */
  override get message(): string {
    return `consent is required: the user must open the authorization URL of provider "${this.providerName}"`
  }
}

/**
 * The user or the provider denied the consent: the service reports the session as `FAILED`.
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
    return `the user or provider "${this.providerName}" denied the consent`
  }
}

/**
 * The consent was not completed before the schedule of the wait, or the session, ended: after 10 minutes, or when the service
 * replies to a poll that the session is invalid or expired. A consent is complete only when the
 * page at the return URL has called `completeResourceTokenAuth`.
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
    return `the consent for provider "${this.providerName}" was not completed in time: request the token again. If the ` +
      "user did consent, check that the page at the return URL calls completeResourceTokenAuth"
  }
}

/**
 * The result of one poll while the consent is not complete: the user has not answered, or the page at the return URL has not
 * called `completeResourceTokenAuth`. A wait repeats the poll; only a strategy that polls by itself
 * (`Consent.make`), and `resume` with `wait: false`, receive this error.
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
    return `the consent for provider "${this.providerName}" is not complete: the user has not answered, or the page at ` +
      "the return URL has not called completeResourceTokenAuth"
  }
}

const rejections = {
  Malformed: "this is not a resume handle: pass the handle of a ConsentRequired error",
  Changed: "the resume handle was modified: request the token again",
  Foreign:
    "the resume handle was sealed with a key that ConsentSeal does not have: add the key, or request the token again",
  Expired: "the session of the resume handle has expired: request the token again",
  Replayed: "the resume handle was used before: request the token again"
}

/**
 * A resume handle is rejected: it is not a handle (`Malformed`), was modified (`Changed`), was sealed with a key that this
 * program does not have (`Foreign`), its session has expired (`Expired`), or it was used before (`Replayed`).
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
 * `ConsentLedger` could not read or write an entry.
 *
 * @since 0.1.0
 * @category errors
 */
export class LedgerFailure extends Schema.TaggedError<LedgerFailure>("effect-agentcore-identity/LedgerFailure")(
  "LedgerFailure",
  { message: Schema.String, cause: Schema.optional(Schema.Defect) }
) {}

const decode = Schema.decodeUnknownOption(ConsentRequired)

// The class of another copy of this package has the same members.
const validate = Schema.validateOption(Schema.Struct(ConsentRequired.fields))

/** Decoded data may come from anywhere: a user is sent to an https URL, or to this machine. */
const isSafe = ({ authorizationUrl }: ConsentRequired) =>
  Option.exists(parseUrl(Redacted.value(authorizationUrl)), isHttpsOrLoopback)

const fromTagged = (value: object): Option.Option<ConsentRequired> => {
  if (value instanceof ConsentRequired) return Option.some(value)
  if (!Predicate.isTagged(value, "ConsentRequired")) return Option.none()
  return decode(value).pipe(
    Option.orElse(() => Option.map(validate(value), (members) => new ConsentRequired(members))),
    Option.filter(isSafe)
  )
}

/**
 * Finds the `ConsentRequired` in a value that a framework caught or wrapped. Searches `cause`, `error`, `errors`, `reason`,
 * `inner` and `originalError`, `AggregateError`, `FiberFailure` and `Cause`, at any depth, and decodes the encoded form. Of several it returns the one with
 * the fewest wrappers. It never throws, and it looks at 1,000 values at most. Encoded data is accepted only with an https or
 * loopback authorization URL. Do not pass an error that contains the response of a server that you do not trust.
 *
 * @example
 * ```ts
 * import { Effect, Option } from "effect"
 * import { ConsentView, IdentityError } from "effect-agentcore-identity"
 *
 * export const respond = (promise: Promise<string>) =>
 *   promise.catch((error: unknown) =>
 *     Option.match(IdentityError.findConsentRequired(error), {
 *       onNone: () => Promise.reject(error),
 *       onSome: (consent) => ConsentView.make(consent)
 *     })
 *   )
 * ```
 *
 * @since 0.1.0
 * @category guards
 */
export const findConsentRequired = (value: unknown): Option.Option<ConsentRequired> => searchWrapped(value, fromTagged)
