/** Loopback servers with scripted responses. */
import { Effect, type Scope } from "effect"
import { createServer, type RequestListener, type Server } from "node:http"
import { createServer as createTlsServer } from "node:https"

const listening = <A extends Server>(make: () => A, port: number): Effect.Effect<number, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const server = make()
      await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve))
      return server
    }),
    (server) =>
      Effect.async<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  ).pipe(Effect.map((server) => {
    const address = server.address()
    return typeof address === "object" && address !== null ? address.port : 0
  }))

/** An unused port. */
export const freePort = Effect.scoped(listening(() => createServer(), 0))

/** The received requests and the address of the server. */
export const answering = (listener: RequestListener) =>
  Effect.gen(function*() {
    const paths: Array<string> = []
    const port = yield* listening(
      () =>
        createServer((request, response) => {
          paths.push(request.url ?? "")
          listener(request, response)
        }),
      0
    )
    return { origin: `http://127.0.0.1:${port}`, paths }
  })

/** A server with an untrusted certificate. */
export const overTls = (listener: RequestListener, options: { readonly key: string; readonly cert: string }) =>
  Effect.map(listening(() => createTlsServer(options, listener), 0), (port) => `https://127.0.0.1:${port}`)

/** Forwards connections to this port. */
export const relay = (port: number, to: string) =>
  listening(() =>
    createServer((request, response) => {
      const chunks: Array<Buffer> = []
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => {
        const { authorization = "", "content-type": type = "" } = request.headers
        void fetch(new URL(request.url ?? "", to), {
          method: request.method ?? "GET",
          headers: { authorization, "content-type": type },
          body: Buffer.concat(chunks)
        }).then(async (answer) =>
          response.writeHead(answer.status, { "content-type": "application/json" }).end(await answer.text())
        )
      })
    }), port)
