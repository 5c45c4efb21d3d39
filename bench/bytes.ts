/**
 * What callers can make the server store: 2,400 valid requests of 800 KB, whose members are all different, to a server with a
 * heap of 512 MB. It must answer them all, and its lists and pages must stay small and fast.
 */
import { type ChildProcess, fork } from "node:child_process"
import { Agent, get, request } from "node:http"
import { type Attacked, childName, type Memory, requests, returnUrl } from "./bytesChild.js"
import { goal } from "./report.js"

const heapMegabytes = 512

const bodyBytes = 800_000

const connections = 4

const start = () =>
  fork(new URL(import.meta.url), ["--child", childName], {
    execArgv: ["--expose-gc", `--max-old-space-size=${heapMegabytes}`]
  })

/** The next message of the server. Fails if the server ends before. */
const message = <A>(server: ChildProcess) =>
  new Promise<A>((resolve, reject) => {
    const ended = (code: number | null, signal: string | null) =>
      reject(new Error(`the server ended with ${code ?? signal}`))
    server.once("error", reject)
    server.once("exit", ended)
    server.once("message", (value: A) => {
      server.off("exit", ended)
      resolve(value)
    })
  })

const memoryOf = (server: ChildProcess) => {
  const answer = message<Memory>(server)
  server.send("memory")
  return answer
}

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

export const bytes = async () => {
  const server = start()
  const { port, tokens } = await message<Attacked>(server)
  const before = await memoryOf(server)
  const began = performance.now()
  const statuses = await attack(port, tokens)
  const seconds = Math.round((performance.now() - began) / 1000)
  const after = await memoryOf(server)
  const lists: Record<string, { readonly bytes: number; readonly millis: number }> = {}
  for (const path of paths) lists[path] = await read(port, path)
  server.disconnect()
  const goals = [
    goal(
      `requests of 800 KB that are not accepted, of ${requests.toLocaleString("en")}`,
      requests - (statuses[200] ?? 0),
      0,
      ""
    ),
    goal("heap after them", after.heap, heapMegabytes, "MiB"),
    ...Object.entries(lists).flatMap(([path, { bytes, millis }]) => [
      goal(`${path} after them`, bytes, 1_048_576, "bytes"),
      goal(`${path} after them`, millis, 1_000, "ms")
    ])
  ]
  return { statuses, seconds, memoryMiB: { before, after }, lists, goals }
}
