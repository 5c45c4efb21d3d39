/**
 * The cost of one call of the live layer relative to the client of the AWS SDK: the same request to the same server, whose
 * reply is fixed. The variants alternate in short rounds, so that the load of the machine is the same for all of them.
 */
import { BedrockAgentCoreClient, GetResourceOauth2TokenCommand } from "@aws-sdk/client-bedrock-agentcore"
import { Effect, Layer, Redacted } from "effect"
import { fork } from "node:child_process"
import * as AwsIdentity from "../src/AwsIdentity.js"
import { IdentityService } from "../src/index.js"
import type { CallTime, Goal } from "./report.js"
import { spread } from "./statistics.js"

const rounds = 120
const callsPerRound = 50
const roundsToWarmUp = 20

/** The goal of the service, relative to the client of the SDK. */
const mostOfService = 1.25

const token = "workload-access-token"

const fixedReply = () =>
  new Promise<{ readonly url: string; readonly stop: () => void }>((resolve, reject) => {
    const child = fork(new URL("./fixedReply.js", import.meta.url))
    child.once("error", reject)
    child.once("message", ({ port }: { readonly port: number }) =>
      resolve({
        url: `http://127.0.0.1:${port}`,
        stop: () => child.disconnect()
      }))
  })

/** Sends calls one after the other. */
type Variant = (count: number) => Promise<void>

const repeated = <A, E>(call: Effect.Effect<A, E>): Variant => (count) =>
  Effect.runPromise(Effect.gen(function*() {
    for (let i = 0; i < count; i++) yield* call
  }))

const variants = (url: string) =>
  Effect.gen(function*() {
    const region = "us-east-1"
    const credentials = {
      accessKeyId: "AKIAIOSFODNN7EXAMPLE",
      secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    }
    const client = yield* Effect.acquireRelease(
      Effect.sync(() => new BedrockAgentCoreClient({ region, credentials, endpoint: url, maxAttempts: 1 })),
      (client) => Effect.sync(() => client.destroy())
    )
    const options = { region, credentials, dataEndpoint: url, controlEndpoint: url }
    const api = yield* AwsIdentity.make(options)
    const services = yield* Layer.build(AwsIdentity.layer(options))
    const identity = yield* Effect.provide(IdentityService.IdentityService, services)
    const workloadAccessToken = Redacted.make(token)

    const send = () =>
      client.send(
        new GetResourceOauth2TokenCommand({
          workloadIdentityToken: token,
          resourceCredentialProviderName: "github",
          scopes: ["repo"],
          oauth2Flow: "M2M"
        })
      )
    const all: Readonly<Record<string, Variant>> = {
      client: async (count) => {
        for (let i = 0; i < count; i++) await send()
      },
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
      service: repeated(Effect.suspend(() =>
        identity.getToken({ providerName: "github", scopes: ["repo"], authFlow: "M2M", workloadAccessToken })
      ))
    }
    return all
  })

/**
 * The order of a round. Each variant follows each of the others equally often, since the garbage of one is collected during the
 * next. The number of names must be prime.
 */
const order = (names: ReadonlyArray<string>, round: number) => {
  const count = names.length
  const step = 1 + Math.floor(round / count) % (count - 1)
  return names.flatMap((_, i) => names.slice((round + i * step) % count).slice(0, 1))
}

const measured = async (all: Readonly<Record<string, Variant>>) => {
  const names = Object.keys(all)
  const wall = new Map<string, Array<number>>(names.map((name) => [name, []]))
  const cpu = new Map<string, Array<number>>(names.map((name) => [name, []]))
  for (let round = -roundsToWarmUp; round < rounds; round++) {
    for (const name of order(names, round + roundsToWarmUp)) {
      const before = process.cpuUsage()
      const start = performance.now()
      await all[name]?.(callsPerRound)
      const micros = (performance.now() - start) * 1000
      const { system, user } = process.cpuUsage(before)
      if (round < 0) continue
      wall.get(name)?.push(micros / callsPerRound)
      cpu.get(name)?.push((system + user) / callsPerRound)
    }
  }
  return { wall, cpu }
}

const rounded = (value: number, digits: number) => Number(value.toFixed(digits))

/** The time of one call, its spread, and its ratio to the client: the median of the ratios within one round. */
const figures = (times: ReadonlyMap<string, ReadonlyArray<number>>): Readonly<Record<string, CallTime>> => {
  const base = times.get("client") ?? []
  return Object.fromEntries(
    [...times].map(([name, own]) => {
      const { p10, p50, p90 } = spread(own)
      const ratio = spread(own.map((time, round) => time / (base[round] ?? NaN))).p50
      return [name, {
        medianMicros: rounded(p50, 0),
        p10Micros: rounded(p10, 0),
        p90Micros: rounded(p90, 0),
        ratio: rounded(ratio, 3)
      }]
    })
  )
}

export const overhead = async () => {
  const { stop, url } = await fixedReply()
  const { cpu, wall } = await Effect.runPromise(Effect.scoped(
    Effect.flatMap(variants(url), (all) => Effect.promise(() => measured(all)))
  ))
  stop()
  const call = figures(wall)
  const value = call["service"]?.ratio ?? NaN
  const goals: ReadonlyArray<Goal> = [{
    name: "a machine token, relative to the client of the SDK",
    value,
    atMost: mostOfService,
    unit: "×",
    isMet: value <= mostOfService
  }]
  return { call, processor: figures(cpu), goals }
}
