import { Cookies, HttpClient, HttpClientRequest } from "@effect/platform"
import { Effect, Ref } from "effect"

/** A simulated browser: it keeps cookies, follows redirects, and submits forms. */
export const make = Effect.gen(function*() {
  const client = yield* HttpClient.HttpClient
  const jar = yield* Ref.make(Cookies.empty)

  const go = (request: HttpClientRequest.HttpClientRequest): Effect.Effect<Page> =>
    Effect.gen(function*() {
      const cookie = Cookies.toCookieHeader(yield* Ref.get(jar))
      const response = yield* client.execute(HttpClientRequest.setHeader(request, "cookie", cookie))
      yield* Ref.update(jar, Cookies.merge(response.cookies))
      const { location } = response.headers
      return location === undefined
        ? { url: request.url, text: yield* response.text }
        : yield* go(HttpClientRequest.get(new URL(location, request.url)))
    }).pipe(Effect.scoped, Effect.orDie)

  return {
    open: (url: string) => go(HttpClientRequest.get(url)),
    /** Submits the form of this page. */
    send: ({ text, url }: Page, fields: Record<string, string>) => {
      const action = /<form[^>]* action="([^"]+)"/.exec(text)?.[1]
      return action === undefined
        ? Effect.dieMessage(`there is no form at ${new URL(url).pathname}`)
        : go(HttpClientRequest.post(new URL(action, url)).pipe(HttpClientRequest.bodyUrlParams(fields)))
    }
  }
})

export interface Page {
  readonly url: string
  readonly text: string
}
