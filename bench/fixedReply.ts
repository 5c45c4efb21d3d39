// @effect-diagnostics globalTimers:off
/**
 * The cheapest server: answers every request with the same reply of `GetResourceOauth2Token`, and reads nothing of it. It replies
 * after `argv[2]` milliseconds, by default at once, and reports the number of requests when it is asked.
 */
import { createServer } from "node:http"
import { setTimeout } from "node:timers"

const delay = Number(process.argv[2] ?? 0)

let requests = 0

const body = JSON.stringify({ accessToken: "token" })
const headers = {
  "content-type": "application/json",
  "content-length": Buffer.byteLength(body),
  "x-amzn-requestid": "00000000-0000-4000-8000-000000000000"
}

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  requests++
  const reply = () => {
    response.writeHead(200, headers)
    response.end(body)
  }
  request.resume()
  request.once("end", () => delay === 0 ? reply() : setTimeout(reply, delay))
})

server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  process.send?.({ port: typeof address === "object" ? address?.port : 0 })
})
process.on("message", () => process.send?.({ requests }))
process.on("disconnect", () => process.exit(0))
