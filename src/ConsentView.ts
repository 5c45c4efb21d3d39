/**
 * The public part of a consent request, for an HTTP API.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import type { ConsentRequired } from "./IdentityError.js"

/**
 * The part of a `ConsentRequired` that a user interface needs. It contains no session, custom state or custom parameter, and no
 * return URL.
 *
 * With the pages of `SessionBinding`, make it with `binding.view`: {@link make} keeps the authorization URL of the provider, which
 * skips the start page, and the return page then answers 404.
 *
 * Its JSON form reveals the authorization URL and the sealed handle: return it only to the user who must consent. In the
 * program both stay `Redacted`.
 *
 * @example
 * ```ts
 * import { HttpApiEndpoint, HttpApiSchema } from "@effect/platform"
 * import { Schema } from "effect"
 * import { ConsentView } from "effect-agentcore-identity"
 *
 * export const turn = HttpApiEndpoint.post("turn", "/turn")
 *   .addSuccess(Schema.String)
 *   .addError(ConsentView.ConsentView, { status: 409 })
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export class ConsentView extends Schema.TaggedClass<ConsentView>("effect-agentcore-identity/ConsentView")(
  "ConsentView",
  {
    providerName: Schema.String,
    scopes: Schema.Array(Schema.String),
    authorizationUrl: Schema.Redacted(Schema.String),
    expiresAt: Schema.DateTimeUtc,
    /** The sealed handle for `IdentityService.resume`, if the call was suspended. */
    handle: Schema.optional(Schema.Redacted(Schema.String))
  }
) {}

/**
 * Returns the public part of a consent request, with the authorization URL of the provider. In an application with
 * `SessionBinding` use `binding.view` instead: a browser that opens this URL has not visited the start page, and the return
 * page then answers 404.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import type { IdentityError } from "effect-agentcore-identity"
 * import { ConsentView } from "effect-agentcore-identity"
 *
 * export const forUser = <A, R>(turn: Effect.Effect<A, IdentityError.ConsentRequired, R>) =>
 *   Effect.catchTag(turn, "ConsentRequired", (consent) => Effect.fail(ConsentView.make(consent)))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  { authorizationUrl, expiresAt, handle, providerName, scopes }: ConsentRequired
): ConsentView => new ConsentView({ authorizationUrl, expiresAt, handle, providerName, scopes })
