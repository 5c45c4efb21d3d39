/** A service between a server and its service, which holds requests back until the test releases them. */
import { Effect, Queue, type Scope } from "effect"
import { answering } from "./answering.js"

export interface Held {
  readonly path: string
  /** Passes the request on, and answers with what comes back. */
  readonly release: () => void
}

export interface Upstream {
  readonly origin: string
  /** One item per request that is held, as it arrives. */
  readonly held: Queue.Dequeue<Held>
  /** One path per request whose client went away before it had its answer. */
  readonly aborts: Queue.Dequeue<string>
}

/** Passes requests on to the server at `to`, except that the next `times` requests for `path` are held. */
export const holding = (
  to: string,
  path: string,
  times: number
): Effect.Effect<Upstream, never, Scope.Scope> =>
  Effect.gen(function*() {
    const held = yield* Queue.unbounded<Held>()
    const aborts = yield* Queue.unbounded<string>()
    let left = times
    const { origin } = yield* answering((request, response) => {
      const chunks: Array<Buffer> = []
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => {
        const { headers, method = "GET", url = "" } = request
        let isAborted = false
        response.on("close", () => {
          if (response.writableFinished) return
          isAborted = true
          aborts.unsafeOffer(url)
        })
        const release = () => {
          // A request that was given up does not arrive.
          if (isAborted) return
          const { authorization = "", "content-type": type = "" } = headers
          void fetch(new URL(url, to), {
            method,
            headers: { authorization, "content-type": type },
            ...(method !== "GET" && { body: Buffer.concat(chunks) })
          }).then(async (answer) => {
            response.writeHead(answer.status, {
              "content-type": "application/json",
              "x-amzn-errortype": answer.headers.get("x-amzn-errortype") ?? ""
            }).end(await answer.text())
          })
        }
        if (url !== path || left === 0) return release()
        left--
        held.unsafeOffer({ path: url, release })
      })
    })
    return { origin, held, aborts }
  })
