/**
 * The time of a machine token through this library, the client of the AWS SDK and the official package: the same request to the
 * same server, whose reply is fixed. The steps between client and service, and a token from the cache, are measured too.
 */
import { BedrockAgentCoreClient } from "@aws-sdk/client-bedrock-agentcore"
import { Effect, Layer, Redacted } from "effect"
import * as AwsIdentity from "../src/AwsIdentity.js"
import { IdentityService, TokenCache } from "../src/index.js"
import type { Benchmark } from "./benchmark.js"
import { message, program } from "./child.js"
import { credentials, live, official, region, sendingBy } from "./environment.js"
import { atMost, rounded } from "./report.js"
import { interleaved, type Times, type Variant } from "./rounds.js"
import { median, spread } from "./statistics.js"

/** A multiple of 42, after which each of the seven variants has followed each of the others. */
const rounds = 126
const warmUpRounds = 21
const callsPerRound = 50
/** A round of the cache takes about as long as the others. */
const cachedCallsPerRound = 2_000

const token = "workload-access-token"

const repeated = <A, E>(call: Effect.Effect<A, E>, calls = callsPerRound): Variant => ({
  calls,
  run: (count) =>
    Effect.runPromise(Effect.gen(function*() {
      for (let i = 0; i < count; i++) yield* call
    }))
})

const repeatedPromise = (call: () => Promise<unknown>): Variant => ({
  calls: callsPerRound,
  run: async (count) => {
    for (let i = 0; i < count; i++) await call()
  }
})

const variants = (url: string) =>
  Effect.gen(function*() {
    const client = yield* Effect.acquireRelease(
      Effect.sync(() => new BedrockAgentCoreClient({ region, credentials, endpoint: url, maxAttempts: 1 })),
      (client) => Effect.sync(() => client.destroy())
    )
    const api = yield* AwsIdentity.make(live(url))
    const services = yield* Layer.build(AwsIdentity.layer(live(url)))
    const identity = yield* Effect.provide(IdentityService.IdentityService, services)
    const cache = yield* Layer.build(
      TokenCache.layer({ timeToLive: "1 hour" }).pipe(Layer.provide(Layer.succeedContext(services)))
    )
    const wrapped = official(url, { authFlow: "M2M", workloadIdentityToken: token })(async (value: string) => value)
    const cached = yield* Effect.provide(IdentityService.IdentityService, cache)
    const workloadAccessToken = Redacted.make(token)

    const send = sendingBy(client, token)
    const machineToken = (service: IdentityService.IdentityService["Type"]) =>
      Effect.suspend(() =>
        service.getToken({ providerName: "github", scopes: ["repo"], authFlow: "M2M", workloadAccessToken })
      )
    return {
      client: repeatedPromise(send),
      official: repeatedPromise(wrapped),
      tryPromise: repeated(Effect.tryPromise(send)),
      tryPromiseInSpan: repeated(Effect.withSpan(Effect.tryPromise(send), "send", { kind: "client" })),
      port: repeated(Effect.suspend(() =>
        api.getResourceOauth2Token({
          workloadIdentityToken: workloadAccessToken,
          resourceCredentialProviderName: "github",
          scopes: ["repo"],
          oauth2Flow: "M2M"
        })
      )),
      service: repeated(machineToken(identity)),
      cached: repeated(machineToken(cached), cachedCallsPerRound)
    } satisfies Readonly<Record<string, Variant>>
  })

const titles: Readonly<Record<string, string>> = {
  client: "client of the AWS SDK",
  official: "official withAccessToken",
  tryPromise: "client in Effect.tryPromise",
  tryPromiseInSpan: "the same in a span",
  port: "IdentityApi of AwsIdentity",
  service: "IdentityService of AwsIdentity",
  cached: "the same with TokenCache"
}

/** The differences of two variants within one round. */
const differences = (times: ReadonlyArray<number>, base: ReadonlyArray<number>) =>
  times.map((time, round) => time - (base[round] ?? NaN))

/** The time of one call, its spread, and its ratio to the client: the median of the ratios within one round. */
const figuresOf = (times: ReadonlyMap<string, Times>, pick: (times: Times) => ReadonlyArray<number>) => {
  const client = times.get("client")
  const base = client === undefined ? [] : pick(client)
  return new Map([...times].map(([name, own]) => {
    const { p10, p50, p90 } = spread(pick(own))
    return [name, {
      medianMicros: rounded(p50),
      p10Micros: rounded(p10),
      p90Micros: rounded(p90),
      ratio: rounded(median(pick(own).map((time, round) => time / (base[round] ?? NaN))))
    }]
  }))
}

/** The steps from the client to the service, each with what it adds. */
const profileOf = (times: ReadonlyMap<string, Times>) => {
  const wall = (name: string) => times.get(name)?.wall ?? []
  const whole = median(differences(wall("service"), wall("client")))
  const steps = [
    ["Effect.tryPromise around the client", "client", "tryPromise"],
    ["the span of a call", "tryPromise", "tryPromiseInSpan"],
    ["validation, errors and retries of IdentityApi", "tryPromiseInSpan", "port"],
    ["single flight, consent and tracing of IdentityService", "port", "service"]
  ] as const
  const rows = steps.map(([title, before, after]) => {
    const added = median(differences(wall(after), wall(before)))
    return [title, `${added.toFixed(1)} µs`, `${(added / whole * 100).toFixed(0)} %`]
  })
  return {
    title: "Time that a machine token takes beyond the client of the AWS SDK",
    head: ["part", "median", "share"],
    rows: [...rows, ["together", `${whole.toFixed(1)} µs`, "100 %"]]
  }
}

const micros = (value: number) => `${value < 100 ? value.toFixed(1) : value.toFixed(0)} µs`

const run = async () => {
  const server = program("./fixedReply.js")
  const { port } = await message<{ readonly port: number }>(server)
  const times = await Effect.runPromise(Effect.scoped(
    Effect.flatMap(
      variants(`http://127.0.0.1:${port}`),
      (all) => Effect.promise(() => interleaved(all, { rounds, warmUpRounds }))
    )
  ))
  server.disconnect()
  const wall = figuresOf(times, (own) => own.wall)
  return {
    goals: [
      atMost("a machine token, relative to the client of the SDK", wall.get("service")?.ratio ?? NaN, 1.25, "×"),
      atMost("a machine token from the cache", wall.get("cached")?.medianMicros ?? NaN, 20, "µs")
    ],
    figures: {
      call: Object.fromEntries(wall),
      processor: Object.fromEntries(figuresOf(times, (own) => own.cpu))
    },
    tables: [{
      title: "One machine token",
      head: ["call", "ratio", "median", "80 % of the rounds"],
      rows: [...wall].map(([name, { medianMicros, p10Micros, p90Micros, ratio }]) => [
        titles[name] ?? name,
        `${ratio} ×`,
        micros(medianMicros),
        `${micros(p10Micros)}–${micros(p90Micros)}`
      ])
    }],
    plots: [{
      kind: "bars" as const,
      name: "machine-token",
      title: "Median time of one machine token, and the range of 80 % of the rounds",
      unit: "µs",
      bars: [...wall].map(([name, { medianMicros, p10Micros, p90Micros }]) => ({
        name: titles[name] ?? name,
        value: medianMicros,
        spread: [p10Micros, p90Micros] as const
      }))
    }],
    profile: profileOf(times)
  }
}

export const overhead: Benchmark = {
  name: "overhead",
  title: "a machine token: this library, the client of the SDK and the official package",
  measures:
    "One machine token after the other, from a server in another process whose reply is fixed. The references are the " +
    "client of the AWS SDK, which all others use, and `withAccessToken` of the official package. The variants alternate in " +
    `rounds of ${callsPerRound} calls. A ratio is the median of the ratios within one round.`,
  run
}
