/** Content negotiation: browsers and programs use the same server. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"

/**
 * Tests for a browser that opens a page: a GET or HEAD request whose `Accept` header names `text/html`. A program that
 * accepts anything (`*`/`*`), as an SDK does, is not a browser.
 */
export const acceptsHtml = ({ headers, method }: HttpServerRequest.HttpServerRequest): boolean =>
  (method === "GET" || method === "HEAD") &&
  (headers["accept"] ?? "").toLowerCase().split(",").some((range) => {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim())
    return type === "text/html" && !parameters.some((parameter) => /^q=0(?:\.0{1,3})?$/.test(parameter))
  })
