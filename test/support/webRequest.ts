/** Requests to server code that runs without a server. */
import { Headers, HttpServerRequest } from "@effect/platform"
import { Effect } from "effect"

export interface Asked {
  readonly url?: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | undefined
  /** The headers with their names, one after the other, as Node keeps them. */
  readonly rawHeaders?: unknown
}

/** A request whose headers are exactly these; the URL may be a path alone. */
export const webRequest = (
  { body, headers = {}, method = "GET", rawHeaders, url = "/" }: Asked = {}
): HttpServerRequest.HttpServerRequest => {
  const source = new Request(new URL(url, "http://localhost"), { method, ...(body !== undefined && { body }) })
  return HttpServerRequest.fromWeb(rawHeaders === undefined ? source : Object.assign(source, { rawHeaders })).modify({
    headers: Headers.fromInput(headers),
    ...(url.startsWith("/") && { url })
  })
}

/** Runs what needs a request. */
export const asking = (asked?: Asked) => <A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.provideService(self, HttpServerRequest.HttpServerRequest, webRequest(asked))
