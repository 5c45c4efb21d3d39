/** The cookies of a request. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"

/** Node's limit for all headers: 16 KiB. */
const maxLength = 16_384

/**
 * The cookies by name, or none if the `Cookie` header is longer than 16 KiB. Not every server limits its headers, and the
 * parser of the platform takes quadratic time for semicolons without a name.
 */
export const cookiesOf = (request: HttpServerRequest.HttpServerRequest): Readonly<Record<string, string>> =>
  (request.headers["cookie"] ?? "").length > maxLength ? {} : request.cookies
