/**
 * A scripted HTTP server on loopback that records requests and sends prepared responses.
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as http from "node:http"
import type { AddressInfo } from "node:net"

export interface Received {
  readonly method: string | undefined
  readonly path: string | undefined
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
}

/** The headers that identify a response of AWS. */
export const asAws = { "content-type": "application/json", "x-amzn-requestid": "request-0" }

/**
 * A complete response or a network fault: no response, no connection, a truncated response, or a JSON object
 * after which the connection ends normally although the declared length is greater.
 */
export type Answer =
  | {
    readonly status?: number | undefined
    /** Defaults to the headers of AWS. */
    readonly headers?: Readonly<Record<string, string>> | undefined
    readonly body?: string | Uint8Array | undefined
  }
  | "hang"
  | "drop"
  | "cut"
  | "short"

export interface Wire {
  readonly url: string
  /** The received requests, oldest first. */
  readonly requests: ReadonlyArray<Received>
  /** The number of opened connections. */
  readonly connections: Effect.Effect<number>
  /** One item per received request. */
  readonly arrivals: Queue.Dequeue<Received>
  /** One item per request whose client disconnected before the response. */
  readonly aborts: Queue.Dequeue<Received>
}

const isAddress = (address: string | AddressInfo | null): address is AddressInfo =>
  typeof address === "object" && address !== null

export const serve = (answer: (request: Received) => Answer): Effect.Effect<Wire, never, Scope.Scope> =>
  Effect.gen(function*() {
    const requests: Array<Received> = []
    const arrivals = yield* Queue.unbounded<Received>()
    const aborts = yield* Queue.unbounded<Received>()

    const server = http.createServer((request, response) => {
      const chunks: Array<Buffer> = []
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => {
        const { headers, method, url } = request
        const received = { method, path: url, headers, body: Buffer.concat(chunks).toString() }
        response.on("close", () => response.writableFinished || aborts.unsafeOffer(received))
        requests.push(received)
        arrivals.unsafeOffer(received)
        const reply = answer(received)
        if (reply === "hang") return
        if (reply === "drop") return request.socket.destroy()
        if (reply === "cut" || reply === "short") {
          response.writeHead(200, { ...asAws, "content-length": "1000" })
          return reply === "cut"
            ? response.write("{", () => request.socket.destroy())
            : response.write("{}", () => request.socket.end())
        }
        response.writeHead(reply.status ?? 200, reply.headers ?? asAws).end(reply.body ?? "{}")
      })
    })

    let opened = 0
    server.on("connection", () => opened++)

    yield* Effect.acquireRelease(
      Effect.async<void>((resume) => {
        server.listen(0, "127.0.0.1", () => resume(Effect.void))
      }),
      () =>
        Effect.async<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    )
    const address = server.address()
    const port = isAddress(address) ? address.port : 0
    return { url: `http://127.0.0.1:${port}`, requests, connections: Effect.sync(() => opened), arrivals, aborts }
  })

/** An error response of AWS, with its name in a header and its members in the body. */
export const fault = (status: number, exception: string, members: object): Answer => ({
  status,
  headers: { "x-amzn-errortype": exception, "x-amzn-requestid": "request-1" },
  body: JSON.stringify(members)
})
