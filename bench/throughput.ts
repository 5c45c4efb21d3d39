/** Requests per second of the local server relative to servers that return the body of the request. */
import type { ChildProcess } from "node:child_process"
import type { Benchmark } from "./benchmark.js"
import { ask, message, program } from "./child.js"
import { load, type Measured, type Target } from "./load.js"
import { atLeast, atMost, rounded } from "./report.js"
import { order } from "./rounds.js"
import { median, spread } from "./statistics.js"
import type { Usage } from "./usage.js"

const rounds = 9
const perRound = { connections: 16, count: 4_000 }
const many = 50_000

interface Server {
  readonly process: ChildProcess
  readonly port: number
  readonly token: string
}

const start = async (file: string, ...args: ReadonlyArray<string>): Promise<Server> => {
  const process = program(file, ...args)
  const { port, token } = await message<{ readonly port: number; readonly token: string }>(process)
  return { process, port, token }
}

const usage = ({ process }: Server) => ask<Usage>(process, "usage")

const titles = {
  identity: "local server",
  protocol: "local server, fixed token",
  platform: "echo of @effect/platform",
  echo: "echo of node:http"
}

type Name = keyof typeof titles

const whole = (value: number) => Math.round(value).toLocaleString("en")

const run = async () => {
  const servers = {
    identity: await start("./server.js"),
    protocol: await start("./server.js", "fixed"),
    platform: await start("./platform.js"),
    echo: await start("./echo.js")
  }
  const names: ReadonlyArray<Name> = ["identity", "protocol", "platform", "echo"]
  const body = JSON.stringify({
    workloadIdentityToken: servers.identity.token,
    resourceCredentialProviderName: "github",
    scopes: ["repo"],
    oauth2Flow: "M2M"
  })
  const headers = {
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(body)),
    authorization: "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/bedrock-agentcore/aws4_request, " +
      `SignedHeaders=host, Signature=${"0".repeat(64)}`
  }
  const target = (name: Name): Target => ({
    port: servers[name].port,
    path: "/identities/oauth2/token",
    headers,
    body
  })
  const measured: Record<Name, Array<Measured & { readonly cpu: number }>> = {
    identity: [],
    protocol: [],
    platform: [],
    echo: []
  }
  // The first rounds let Node compile the code.
  for (let round = -1; round < rounds; round++) {
    for (const name of order(names, round + 1)) {
      const { cpu: before } = await usage(servers[name])
      const result = await load(target(name), perRound)
      const { cpu: after } = await usage(servers[name])
      if (round >= 0) measured[name].push({ ...result, cpu: (after - before) / perRound.count })
    }
  }
  const { heap: before } = await usage(servers.identity)
  await load(target("identity"), { ...perRound, count: many })
  const growth = (await usage(servers.identity)).heap - before
  for (const name of names) servers[name].process.disconnect()

  const cpuOf = (name: Name) => median(measured[name].map(({ cpu }) => cpu))
  const ratio = (name: Name, base: Name) =>
    rounded(median(measured[name].map(({ perSecond }, round) => perSecond / (measured[base][round]?.perSecond ?? NaN))))
  const figuresOf = (name: Name) => {
    const { p10, p50, p90 } = spread(measured[name].map(({ perSecond }) => perSecond))
    return {
      perSecond: rounded(p50),
      p10PerSecond: rounded(p10),
      p90PerSecond: rounded(p90),
      ratioToPlatform: ratio(name, "platform"),
      processorMicros: rounded(cpuOf(name)),
      p50Millis: rounded(median(measured[name].map(({ p50 }) => p50))),
      p99Millis: rounded(median(measured[name].map(({ p99 }) => p99)))
    }
  }
  const figures = names.map((name) => ({ name, ...figuresOf(name) }))
  return {
    goals: [
      atLeast("requests per second, relative to the echo of the platform", ratio("identity", "platform"), 0.9, "×"),
      atMost(`growth of the server's heap in ${many.toLocaleString("en")} requests`, growth, 2, "MiB")
    ],
    figures: {
      servers: Object.fromEntries(figures.map((figure) => [figure.name, figure])),
      ratioToEcho: ratio("identity", "echo"),
      platformToEcho: ratio("platform", "echo"),
      heapMiBBefore: rounded(before)
    },
    tables: [{
      title: "Machine tokens over HTTP",
      head: ["server", "requests per second", "80 % of the rounds", "ratio", "processor", "p50", "p99"],
      rows: figures.map(({ name, p50Millis, p99Millis, processorMicros, ...figure }) => [
        titles[name],
        whole(figure.perSecond),
        `${whole(figure.p10PerSecond)}–${whole(figure.p90PerSecond)}`,
        `${figure.ratioToPlatform} ×`,
        `${whole(processorMicros)} µs`,
        `${p50Millis.toFixed(2)} ms`,
        `${p99Millis.toFixed(2)} ms`
      ])
    }],
    plots: [{
      kind: "bars" as const,
      name: "server",
      title: "Requests per second, and the range of 80 % of the rounds",
      unit: "/s",
      bars: figures.map(({ name, p10PerSecond, p90PerSecond, perSecond }) => ({
        name: titles[name],
        value: perSecond,
        spread: [p10PerSecond, p90PerSecond] as const
      }))
    }],
    profile: {
      title: "Processor time of one request to the local server",
      head: ["part", "median", "share"],
      rows: [
        ["the platform and the body, as in its echo", cpuOf("platform")],
        ["host, signature, request and reply", cpuOf("protocol") - cpuOf("platform")],
        ["the emulator: rules, state and journal", cpuOf("identity") - cpuOf("protocol")],
        ["together", cpuOf("identity")]
      ].map(([part, micros]) => [
        String(part),
        `${whole(Number(micros))} µs`,
        `${whole(Number(micros) / cpuOf("identity") * 100)} %`
      ])
    }
  }
}

export const throughput: Benchmark = {
  name: "server",
  title: "requests per second of the local server",
  measures: `Machine tokens from the local server over ${perRound.connections} connections, in alternating rounds of ` +
    `${perRound.count.toLocaleString("en")} requests. The references only parse the body and return it: one uses ` +
    "`@effect/platform`, as the local server does, and one only `node:http`. The processor time is that of one request in the " +
    "process of the server. The local server also validates the request, " +
    "checks its host and signature, and finds or creates the token.",
  run
}
