/**
 * What callers can make the server store: 2,400 valid requests of 800 KB, whose members are all different, to a server with a
 * heap of 512 MB. It must answer them all, and its lists and pages must stay small and fast.
 */
import { Agent, get, request } from "node:http"
import type { Benchmark } from "./benchmark.js"
import { type Attacked, childName, type Memory, requests, returnUrl } from "./bytesChild.js"
import { ask, measurement, message } from "./child.js"
import { atMost, rule } from "./report.js"

const heapMegabytes = 512

const bodyBytes = 800_000

const connections = 4

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)

const named = (index: number, member: number, length: number) => `${index}-${member}-`.padEnd(length, "x")

/** A request of about 800 KB: long lists of scopes, and long lists of parameters with names of their own. */
const bodyOf = (token: string, index: number) => {
  const common = {
    workloadIdentityToken: token,
    resourceCredentialProviderName: "github",
    oauth2Flow: "USER_FEDERATION",
    resourceOauth2ReturnUrl: returnUrl
  }
  return JSON.stringify(
    index % 2 === 0
      ? { ...common, scopes: numbers(Math.floor(bodyBytes / 131)).map((member) => named(index, member, 128)) }
      : {
        ...common,
        scopes: ["repo"],
        customParameters: Object.fromEntries(
          numbers(Math.floor(bodyBytes / 326)).map((member) => [named(index, member, 64), named(index, member, 256)])
        )
      }
  )
}

/** The status of the response, or 0 if there is none. */
const send = (agent: Agent, port: number, body: string) =>
  new Promise<number>((resolve) => {
    const headers = {
      "content-type": "application/json",
      "content-length": String(Buffer.byteLength(body)),
      authorization: "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/bedrock-agentcore/aws4_request, " +
        `SignedHeaders=host, Signature=${"0".repeat(64)}`
    }
    request(
      { agent, host: "127.0.0.1", port, path: "/identities/oauth2/token", method: "POST", headers },
      (response) => {
        response.resume()
        response.once("end", () => resolve(response.statusCode ?? 0))
      }
    ).once("error", () => resolve(0)).end(body)
  })

const attack = async (port: number, tokens: ReadonlyArray<string>) => {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const statuses: Record<number, number> = {}
  const pending = [...tokens.entries()]
  const connection = async () => {
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
      const [index, token] = next
      const status = await send(agent, port, bodyOf(token, index))
      statuses[status] = (statuses[status] ?? 0) + 1
    }
  }
  await Promise.all(numbers(connections).map(connection))
  agent.destroy()
  return statuses
}

const paths = ["/_local/", "/_local/journal", "/_local/sessions", "/_local/state", "/_local/provider-failures", "/"]

/** The size of an answer, and the time until it is read. */
const read = (port: number, path: string) =>
  new Promise<{ readonly bytes: number; readonly millis: number }>((resolve, reject) => {
    const start = performance.now()
    get({ host: "127.0.0.1", port, path, agent: false }, (response) => {
      let bytes = 0
      response.on("data", (part: Buffer) => {
        bytes += part.length
      })
      response.once("end", () =>
        response.statusCode === 200
          ? resolve({ bytes, millis: Math.round(performance.now() - start) })
          : reject(new Error(`${path}: HTTP ${response.statusCode}`)))
    }).once("error", reject)
  })

const run = async () => {
  const server = measurement(childName, heapMegabytes)
  const { port, tokens } = await message<Attacked>(server)
  const before = await ask<Memory>(server, "memory")
  const began = performance.now()
  const statuses = await attack(port, tokens)
  const seconds = Math.round((performance.now() - began) / 1000)
  const after = await ask<Memory>(server, "memory")
  const lists: Record<string, { readonly bytes: number; readonly millis: number }> = {}
  for (const path of paths) lists[path] = await read(port, path)
  server.disconnect()
  const sizes = Object.entries(lists)
  return {
    goals: [
      rule(atMost(
        `requests of 800 KB that are not accepted, of ${requests.toLocaleString("en")}`,
        requests - (statuses[200] ?? 0),
        0,
        ""
      )),
      atMost("heap of the server after them", after.heap, heapMegabytes, "MiB"),
      atMost("largest list or page after them", Math.max(...sizes.map(([, { bytes }]) => bytes)), 1_048_576, "bytes"),
      atMost("slowest list or page after them", Math.max(...sizes.map(([, { millis }]) => millis)), 1_000, "ms")
    ],
    figures: { statuses, seconds, memoryMiB: { before, after }, lists },
    tables: [{
      title: `Lists and pages after ${requests.toLocaleString("en")} requests of 800 KB`,
      head: ["path", "size", "time"],
      rows: sizes.map(([path, { bytes, millis }]) => [path, `${Math.ceil(bytes / 1024)} KiB`, `${millis} ms`])
    }],
    plots: []
  }
}

export const bytes: Benchmark = {
  name: "bytes",
  group: "growth",
  title: "the memory of the server after large requests",
  measures:
    `${
      requests.toLocaleString("en")
    } valid requests of 800 KB, whose members are all different, to a server with a heap of ` +
    `${heapMegabytes} MiB. The server must accept them all. Then its lists and pages are read.`,
  run
}
