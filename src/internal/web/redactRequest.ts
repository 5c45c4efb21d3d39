/** Removes secrets from the platform's own log and spans of a request. */
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Tracer from "effect/Tracer"
import { redacted } from "../lib/redactText.js"
import { pathOf } from "../lib/requestTarget.js"

/** The span of the server may be an ancestor, if the application has spans of its own around its pages. */
const redactSpan = (span: Tracer.AnySpan): void => {
  if (span._tag !== "Span") return
  const full = span.attributes.get("url.full")
  if (typeof full === "string" && full.includes("?")) span.attribute("url.full", `${pathOf(full)}?${redacted}`)
  if (span.attributes.has("url.query")) span.attribute("url.query", redacted)
  if (Option.isSome(span.parent)) redactSpan(span.parent.value)
}

/** Runs `redact` with the span of the request, if there is one. `Effect.currentParentSpan` would fail otherwise, which takes time. */
const withRedaction = <A, E, R>(redact: (span: Tracer.AnySpan) => void, app: Effect.Effect<A, E, R>) =>
  Effect.withFiberRuntime<A, E, R>(({ currentSpan }) => {
    if (currentSpan !== undefined) redact(currentSpan)
    return app
  })

/** Disables the platform's request log, and redacts the query in its spans: it contains the session and its state. */
export const redactRequest = <R>(
  app: Effect.Effect<HttpServerResponse.HttpServerResponse, never, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, R> =>
  withRedaction(redactSpan, HttpMiddleware.withLoggerDisabled(app))

const tokenHeaders = ["x-amz-security-token", "x-amz-s3session-token"].map((name) => `http.request.header.${name}`)

const isSigned = (query: unknown) =>
  typeof query === "string" && /x-amz-(security-token|credential|signature)/i.test(query)

const redactToken = (span: Tracer.AnySpan): void => {
  if (span._tag !== "Span") return
  for (const header of tokenHeaders) {
    if (span.attributes.has(header)) span.attribute(header, redacted)
  }
  if (isSigned(span.attributes.get("url.full"))) redactSpan(span)
  else if (Option.isSome(span.parent)) redactToken(span.parent.value)
}

/**
 * Redacts the session token of a request that is signed with temporary credentials. The spans of the platform contain the URL
 * and the headers of requests; the platform itself redacts `authorization`.
 */
export const withoutToken = <A, E, R>(app: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  withRedaction(redactToken, app)
