import { Effect } from "effect"
import { request } from "node:http"

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly cookies: ReadonlyArray<string>
  readonly body: string
}

/** One request as it is written, so that nothing follows a redirect or corrects a header. Interruption closes it. */
export const visit = (
  url: string,
  init: { readonly method?: string; readonly headers?: Record<string, string>; readonly body?: string } = {}
) =>
  Effect.async<Answer, Error>((resume) => {
    const { body = "", headers = {}, method = "GET" } = init
    // A connection of its own, so that no idle one keeps a server from closing.
    const sent = request(url, { method, headers, agent: false }, (response) => {
      let body = ""
      response.setEncoding("utf8")
      response.on("data", (text: string) => {
        body += text
      })
      response.on("end", () => {
        const cookies = response.headers["set-cookie"] ?? []
        resume(Effect.succeed({ status: response.statusCode ?? 0, headers: response.headers, cookies, body }))
      })
    })
    sent.on("error", (error) => resume(Effect.fail(error)))
    sent.end(body)
    return Effect.sync(() => sent.destroy())
  })
