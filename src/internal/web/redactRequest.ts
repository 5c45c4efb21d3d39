/** What the platform tells of a request by itself, without the secrets of its address and of its signature. */
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Tracer from "effect/Tracer"
import { redacted } from "../lib/redactText.js"
import { pathOf } from "../lib/requestTarget.js"

/** The span of the server is further up where an application has spans of its own around its pages. */
const redactSpan = (span: Tracer.AnySpan): void => {
  if (span._tag !== "Span") return
  const full = span.attributes.get("url.full")
  if (typeof full === "string" && full.includes("?")) span.attribute("url.full", `${pathOf(full)}?${redacted}`)
  if (span.attributes.has("url.query")) span.attribute("url.query", redacted)
  if (Option.isSome(span.parent)) redactSpan(span.parent.value)
}

/**
 * The platform's request log and its spans have the whole address, and here that is the session and its state.
 *
 * @internal
 */
export const redactRequest = <R>(
  app: Effect.Effect<HttpServerResponse.HttpServerResponse, never, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, R> =>
  Effect.currentParentSpan.pipe(
    Effect.map(redactSpan),
    Effect.ignore,
    Effect.zipRight(HttpMiddleware.withLoggerDisabled(app))
  )

const tokenHeaders = ["x-amz-security-token", "x-amz-s3session-token"].map((name) => `http.request.header.${name}`)

const isSigned = (query: unknown) =>
  typeof query === "string" && /x-amz-(security-token|credential|signature)/i.test(query)

const hideToken = (span: Tracer.AnySpan): void => {
  if (span._tag !== "Span") return
  for (const header of tokenHeaders) {
    if (span.attributes.has(header)) span.attribute(header, redacted)
  }
  if (isSigned(span.attributes.get("url.full"))) redactSpan(span)
  else if (Option.isSome(span.parent)) hideToken(span.parent.value)
}

/**
 * The platform's spans have the address and the headers of requests, and one that is signed with temporary credentials
 * carries its session token there. `authorization` is redacted by the platform itself.
 *
 * @internal
 */
export const withoutToken = <A, E, R>(app: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.currentParentSpan.pipe(Effect.map(hideToken), Effect.ignore, Effect.zipRight(app))
