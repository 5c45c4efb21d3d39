/** The page for a path that this server does not have. */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import { acceptsHtml } from "../../web/acceptsHtml.js"
import { notice, toDashboard } from "./frame.js"

const page = notice({
  title: "Page not found",
  status: 404,
  text: "This server has no page at this URL. The operations of AWS and the test controls are for programs.",
  more: toDashboard()
})

/** Replaces an answer with status 404 by a page if a browser asks. Any other client receives the answer. */
export const withUnknownPage = <E, R>(
  answer: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R | HttpServerRequest.HttpServerRequest> =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
    acceptsHtml(request)
      ? Effect.flatMap(answer, (response) => response.status === 404 ? page : Effect.succeed(response))
      : answer)
