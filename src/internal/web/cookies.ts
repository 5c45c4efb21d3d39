/** The cookies of a request. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"

/** As much as Node accepts of all headers: 16 KiB. */
const maxLength = 16_384

/**
 * The cookies by name; none of a `Cookie` header of more than 16 KiB. Not every server limits its headers, and the
 * platform's parser takes quadratic time over semicolons without a name.
 *
 * @internal
 */
export const cookiesOf = (request: HttpServerRequest.HttpServerRequest): Readonly<Record<string, string>> =>
  (request.headers["cookie"] ?? "").length > maxLength ? {} : request.cookies
