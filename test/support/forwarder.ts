/** What stands between a browser and the local server: a port mapping, or a terminator of TLS. */
import * as http from "node:http"
import * as https from "node:https"
import * as net from "node:net"
import * as tls from "node:tls"
import { selfSigned } from "../fixtures/selfSigned.js"

/** Passes on every byte from a port of its own to that of `target`; with `https` after it has taken off the TLS. */
export const forward = async (protocol: "http" | "https", target: string) => {
  const sockets = new Set<net.Socket>()
  const { hostname, port: targetPort } = new URL(target)
  const pass = (incoming: net.Socket) => {
    const outgoing = net.connect(Number(targetPort), hostname)
    for (const [one, other] of [[incoming, outgoing], [outgoing, incoming]] as const) {
      sockets.add(one)
      one.on("error", () => other.destroy())
      one.on("close", () => {
        sockets.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  }
  const server = protocol === "https" ? tls.createServer(selfSigned, pass) : net.createServer(pass)
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    close: () => {
      server.close()
      sockets.forEach((socket) => socket.destroy())
    }
  }
}

export interface Answer {
  readonly status: number
  readonly location: string
  /** The `Set-Cookie` headers, as they were sent. */
  readonly cookies: ReadonlyArray<string>
  readonly text: string
}

export interface Sent {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** One request to a port of this machine, with the `Host` header of the URL; no redirect is followed. */
export const send = (url: string, port: number, { body = "", headers = {}, method = "GET" }: Sent = {}) =>
  new Promise<Answer>((resolve, reject) => {
    const { host, pathname, protocol, search } = new URL(url)
    const options = {
      host: "127.0.0.1",
      port,
      method,
      path: `${pathname}${search}`,
      headers: { host, "content-length": String(Buffer.byteLength(body)), ...headers }
    }
    const request = protocol === "https:"
      ? https.request({ ...options, ca: selfSigned.cert, servername: "localhost" })
      : http.request(options)
    request.on("error", reject)
    request.on("response", (response) => {
      let text = ""
      response.setEncoding("utf8")
      response.on("data", (chunk: string) => text += chunk)
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          location: response.headers.location ?? "",
          cookies: response.headers["set-cookie"] ?? [],
          text
        }))
    })
    request.end(body)
  })
