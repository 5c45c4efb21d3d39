/** Concurrent identical requests: the requests that reach the server, and the time until every caller has the token. */
import { BedrockAgentCoreClient } from "@aws-sdk/client-bedrock-agentcore"
import { Effect, Layer, Redacted } from "effect"
import * as AwsIdentity from "../src/AwsIdentity.js"
import { IdentityService, TokenCache } from "../src/index.js"
import type { Benchmark } from "./benchmark.js"
import { ask, message, program } from "./child.js"
import { credentials, live, official, region, sendingBy } from "./environment.js"
import { atMost, rounded, rule } from "./report.js"
import { order } from "./rounds.js"
import { median, spread } from "./statistics.js"

const callers = 1_000

const rounds = 9

/** Milliseconds until the server replies, as over a network. */
const delay = 20

const token = "workload-access-token"

/** The milliseconds until all callers have the token. */
type Variant = () => Promise<number>

const timed = async (call: () => Promise<unknown>) => {
  const start = performance.now()
  await Promise.all(Array.from({ length: callers }, call))
  return performance.now() - start
}

/** Begins with a service of its own, which has no token yet. */
const ofService = <E>(layer: Layer.Layer<IdentityService.IdentityService, E>): Variant => () =>
  Effect.gen(function*() {
    const identity = Effect.provide(IdentityService.IdentityService, yield* Layer.build(layer))
    const call = (yield* identity).getToken({
      providerName: "github",
      scopes: ["repo"],
      authFlow: "M2M",
      workloadAccessToken: Redacted.make(token)
    })
    const start = performance.now()
    yield* Effect.all(Array.from({ length: callers }, () => call), { concurrency: "unbounded", discard: true })
    return performance.now() - start
  }).pipe(Effect.scoped, Effect.runPromise)

const variants = (url: string): ReadonlyMap<string, Variant> => {
  const service = AwsIdentity.layer(live(url))
  const client = new BedrockAgentCoreClient({ region, credentials, endpoint: url })
  const wrapped = official(url, { authFlow: "M2M", workloadIdentityToken: token })(async (value: string) => value)
  const send = sendingBy(client, token)
  return new Map([
    ["client of the AWS SDK", () => timed(send)],
    ["official withAccessToken", () => timed(wrapped)],
    ["IdentityService", ofService(service)],
    ["IdentityService with TokenCache", ofService(Layer.provide(TokenCache.layer({ timeToLive: "1 hour" }), service))]
  ])
}

const run = async () => {
  const server = program("./fixedReply.js", String(delay))
  const { port } = await message<{ readonly port: number }>(server)
  const all = variants(`http://127.0.0.1:${port}`)
  const received = async () => (await ask<{ readonly requests: number }>(server, "requests")).requests
  const measured = new Map([...all.keys()].map((name) => [name, {
    millis: Array.of<number>(),
    requests: Array.of<number>()
  }]))
  // The first round lets Node compile the code.
  for (let round = 0; round <= rounds; round++) {
    for (const name of order([...all.keys()], round)) {
      const before = await received()
      const millis = await all.get(name)?.() ?? NaN
      measured.get(name)?.requests.push(await received() - before)
      if (round > 0) measured.get(name)?.millis.push(millis)
    }
  }
  server.disconnect()
  const figures = [...measured].map(([name, { millis, requests }]) => ({
    name,
    mostRequests: Math.max(...requests),
    millis: spread(millis),
    median: rounded(median(millis))
  }))
  const most = (name: string) => figures.find((figure) => figure.name === name)?.mostRequests ?? NaN
  return {
    goals: ["IdentityService", "IdentityService with TokenCache"].map((name) =>
      rule(atMost(`requests of ${callers.toLocaleString("en")} concurrent callers, ${name}`, most(name), 1, ""))
    ),
    figures: { callers: figures },
    tables: [{
      title: `${callers.toLocaleString("en")} concurrent identical requests`,
      head: ["caller", "requests", "median", "80 % of the rounds"],
      rows: figures.map(({ median, millis: { p10, p90 }, mostRequests, name }) => [
        name,
        mostRequests.toLocaleString("en"),
        `${median.toFixed(0)} ms`,
        `${p10.toFixed(0)}–${p90.toFixed(0)} ms`
      ])
    }],
    plots: [{
      kind: "bars" as const,
      name: "concurrent-requests",
      title: `Median time until ${callers.toLocaleString("en")} concurrent callers have the token`,
      unit: "ms",
      bars: figures.map(({ median, millis: { p10, p90 }, name }) => ({
        name,
        value: median,
        spread: [p10, p90] as const
      }))
    }]
  }
}

export const flight: Benchmark = {
  name: "flight",
  title: "1,000 concurrent identical requests",
  measures:
    `${
      callers.toLocaleString("en")
    } callers request the same machine token at once, from a server that replies after ` +
    `${delay} ms and counts requests. The references are the client of the AWS SDK and \`withAccessToken\` of the official package, ` +
    "which send a request for each caller. The number of requests is the largest of all rounds.",
  run
}
