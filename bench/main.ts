/**
 * Measures the server relative to a baseline in the same run, calls that wait for consent, how times grow with the number of
 * stored entries, and a call of the live layer relative to the client of the SDK: `npm run bench -- --only server --json FILE`,
 * or `--only consent`, or `--only overhead`, or `--only growth`, which also writes the plot `growth.svg` next to FILE, or
 * `--only grants`, or `--only bytes`, which sends large requests to a server with a small heap.
 */
import { Array as Arr, Order } from "effect"
import { type ChildProcess, fork } from "node:child_process"
import { writeFileSync } from "node:fs"
import { cpus } from "node:os"
import { dirname, join } from "node:path"
import { bytes } from "./bytes.js"
import { runBytesChild } from "./bytesChild.js"
import { consent } from "./consent.js"
import { grants } from "./grants.js"
import { runGrantsChild } from "./grantsChild.js"
import { growth, mintPlot } from "./growth.js"
import { runChild } from "./growthChild.js"
import { load, type Measured, type Target } from "./load.js"
import { overhead } from "./overhead.js"
import { callTable, table } from "./report.js"

const median = (numbers: ReadonlyArray<number>) => Arr.sort(numbers, Order.number)[numbers.length >> 1] ?? 0

const start = (file: string) =>
  new Promise<{ readonly child: ChildProcess; readonly port: number; readonly token: string }>((resolve, reject) => {
    const child = fork(new URL(file, import.meta.url), { execArgv: ["--expose-gc"] })
    child.once("error", reject)
    child.once(
      "message",
      (message: { readonly port: number; readonly token: string }) => resolve({ child, ...message })
    )
  })

const memory = (child: ChildProcess) =>
  new Promise<number>((resolve) => {
    child.once("message", (message: { readonly memory: number }) => resolve(message.memory / 1024 / 1024))
    child.send("memory")
  })

const rounds = 5
const perRound = { connections: 16, count: 8_000 }
const many = 200_000

const server = async () => {
  const identity = await start("./server.js")
  const echo = await start("./echo.js")
  const platform = await start("./platform.js")
  const all = [identity, echo, platform]
  const body = JSON.stringify({
    workloadIdentityToken: identity.token,
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
  const target = ({ port }: { readonly port: number }): Target => ({
    port,
    path: "/identities/oauth2/token",
    headers,
    body
  })
  for (const one of all) await load(target(one), perRound)
  const results: Array<{ readonly identity: Measured; readonly echo: Measured; readonly platform: Measured }> = []
  for (let i = 0; i < rounds; i++) {
    results.push({
      identity: await load(target(identity), perRound),
      echo: await load(target(echo), perRound),
      platform: await load(target(platform), perRound)
    })
  }
  const before = await memory(identity.child)
  await load(target(identity), { ...perRound, count: many })
  const after = await memory(identity.child)
  for (const one of all) one.child.disconnect()
  const of = (pick: (result: (typeof results)[number]) => number) => Number(median(results.map(pick)).toFixed(2))
  return {
    requestsPerSecond: of((result) => result.identity.perSecond),
    echoPerSecond: of((result) => result.echo.perSecond),
    platformPerSecond: of((result) => result.platform.perSecond),
    ratio: of((result) => result.identity.perSecond / result.echo.perSecond),
    ratioOfPlatform: of((result) => result.identity.perSecond / result.platform.perSecond),
    platformToEcho: of((result) => result.platform.perSecond / result.echo.perSecond),
    p50Millis: of((result) => result.identity.p50),
    p99Millis: of((result) => result.identity.p99),
    p99OverP50: of((result) => result.identity.p99 / result.identity.p50),
    memoryMiBBefore: Math.round(before),
    [`memoryMiBAfter${many}`]: Math.round(after)
  }
}

const benches = { server, consent }

const option = (name: string) => {
  const index = process.argv.indexOf(name)
  return index < 0 ? undefined : process.argv[index + 1]
}

const main = async () => {
  const only = option("--only")
  const results: Record<string, unknown> = {
    node: process.version,
    machine: `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`
  }
  for (const [name, bench] of Object.entries(benches)) {
    if (only === undefined || only === name) results[name] = await bench()
  }
  const grown = only === undefined || only === "growth" ? await growth() : undefined
  if (grown !== undefined) results["growth"] = grown
  const granted = only === undefined || only === "grants" ? await grants() : undefined
  if (granted !== undefined) results["grants"] = granted
  const attacked = only === undefined || only === "bytes" ? await bytes() : undefined
  if (attacked !== undefined) results["bytes"] = attacked
  const calls = only === undefined || only === "overhead" ? await overhead() : undefined
  if (calls !== undefined) results["overhead"] = calls
  process.stdout.write(`${JSON.stringify(results, undefined, 2)}
`)
  // The tables are for a person, and the output stays JSON.
  if (calls !== undefined) {
    process.stderr.write(`${callTable(calls.call)}

`)
  }
  const goals = [
    ...(grown?.goals ?? []),
    ...(granted?.goals ?? []),
    ...(attacked?.goals ?? []),
    ...(calls?.goals ?? [])
  ]
  if (goals.length > 0) {
    process.stderr.write(`${table(goals)}
`)
  }
  const file = option("--json")
  if (file === undefined) return
  writeFileSync(file, JSON.stringify(results, undefined, 2))
  if (grown !== undefined) writeFileSync(join(dirname(file), "growth.svg"), mintPlot(grown))
}

const childName = option("--child")

if (!runChild(childName) && !runGrantsChild(childName) && !runBytesChild(childName)) await main()
