/** JSON requests and responses of the control API. */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { NotSimulated, ProviderRefused, SessionNotApproved, SessionNotPending } from "../../../IdentityControls.js"
import type { InvalidField } from "../../../IdentityError.js"
import { ControlLimitReached } from "../../model/controlLimit.js"
import * as check from "../../model/validation.js"
import { isForeign, mediaType, text } from "../../web/forms.js"
import { securityHeaders } from "../../web/html.js"

/** @internal */
export class ApiError extends Data.TaggedError("ApiError")<{
  readonly status: number
  readonly error: string
  readonly message: string
  readonly fieldList?: ReadonlyArray<InvalidField>
}> {}

const answer = (body: unknown, status = 200) =>
  HttpServerResponse.unsafeJson(body, { status, headers: securityHeaders })

/** @internal */
export const invalid = (...fieldList: ReadonlyArray<InvalidField>): ApiError =>
  new ApiError({
    status: 400,
    error: "InvalidBody",
    message: fieldList.map(({ message, name }) => `${name}: ${message}`).join("; "),
    fieldList
  })

const limitReached = ({ field, message, reason }: ControlLimitReached) =>
  new ApiError({ status: 409, error: "LimitReached", message, fieldList: [{ name: field, message: reason }] })

const notJson = new ApiError({ status: 400, error: "InvalidBody", message: "The body is not JSON: send a JSON object" })

/** The errors of the test controls, which the control API reports with status 409. */
export type ControlFailure = SessionNotPending | SessionNotApproved | NotSimulated | ProviderRefused

const conflict = ({ _tag, message }: ControlFailure) => Effect.succeed(answer({ error: _tag, message }, 409))

/** @internal */
export const respond = <R>(
  effect: Effect.Effect<unknown, ApiError | ControlFailure, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, R> =>
  effect.pipe(
    Effect.catchSomeDefect((defect) =>
      defect instanceof ControlLimitReached ? Option.some(Effect.fail(limitReached(defect))) : Option.none()
    ),
    Effect.map((body) => answer(body)),
    Effect.catchTags({
      ApiError: ({ error, fieldList, message, status }) =>
        Effect.succeed(answer({ error, message, ...(fieldList !== undefined && { fieldList }) }, status)),
      SessionNotPending: conflict,
      SessionNotApproved: conflict,
      NotSimulated: conflict,
      ProviderRefused: conflict
    })
  )

/** The body, validated against its schema. Errors do not contain the value, which may be a secret. */
export const body = <A, I>(
  schema: Schema.Schema<A, I>
): Effect.Effect<A, ApiError, HttpServerRequest.HttpServerRequest> => {
  const decode = Schema.decodeUnknownEither(schema, { errors: "all", onExcessProperty: "error" })
  return Effect.gen(function*() {
    const request = yield* HttpServerRequest.HttpServerRequest
    if (yield* isForeign(request)) {
      return yield* new ApiError({
        status: 403,
        error: "ForeignOrigin",
        message: "A page of another site sent this request"
      })
    }
    if (mediaType(request) !== "application/json") {
      return yield* new ApiError({
        status: 415,
        error: "UnsupportedMediaType",
        message: "The content type must be application/json"
      })
    }
    const given = yield* Effect.mapError(
      text(request),
      () =>
        new ApiError({
          status: 413,
          error: "BodyTooLarge",
          message: "The body is larger than 64 KiB, or it cannot be read"
        })
    )
    const json = yield* Effect.try({ try: (): unknown => JSON.parse(given), catch: () => notJson })
    return yield* Either.mapLeft(decode(json), ({ issue }) => invalid(...check.invalidFields(issue)))
  })
}
