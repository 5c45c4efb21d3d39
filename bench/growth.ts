/**
 * The cost of a call must not depend on how many calls came before: mints with many stored tokens, pages with many pending
 * sessions, and a request whose scopes collide in the hash of Effect.
 */
import { fork } from "node:child_process"
import { get } from "node:http"
import type { Child } from "./growthChild.js"
import { pendingSessions, sizes } from "./growthChild.js"
import { goal, plot } from "./report.js"
import { quantiles } from "./statistics.js"

interface Mints {
  readonly medians: Record<string, number>
  readonly perSecond: number
}

interface Served {
  readonly port: number
  readonly authorizationUrl: string
}

/** Starts this program again for one measurement; resolves with its first message. */
const child = <A>(name: Child) => {
  const process = fork(new URL(import.meta.url), ["--child", name], {
    execArgv: ["--expose-gc", "--max-old-space-size=6144"]
  })
  const message = new Promise<A>((resolve, reject) => {
    process.once("error", reject)
    process.once("exit", (code) => reject(new Error(`the measurement ${name} ended with ${code}`)))
    process.once("message", (value: A) => resolve(value))
  })
  return { message, stop: () => process.connected && process.disconnect() }
}

const measured = <A>(name: Child) => child<A>(name).message

/** The time until the whole response is read. */
const page = (port: number, path: string) =>
  new Promise<number>((resolve, reject) => {
    const start = performance.now()
    get({ host: "127.0.0.1", port, path, agent: false }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${path}: HTTP ${response.statusCode}`))
      response.resume()
      response.on("end", () => resolve(performance.now() - start))
    }).once("error", reject)
  })

const repeated = async (count: number, run: () => Promise<number>) => {
  const times: Array<number> = []
  for (let i = 0; i < count; i++) times.push(await run())
  return quantiles(times).p50
}

const pages = async () => {
  const { message, stop } = child<Served>("server")
  const { authorizationUrl, port } = await message
  const { pathname, search } = new URL(authorizationUrl)
  await page(port, "/_local/")
  const dashboard = await repeated(7, () => page(port, "/"))
  const consentPage = await repeated(7, () => page(port, `${pathname}${search}`))
  const dashboards = Array.from({ length: 10 }, () => page(port, "/"))
  const behindTenDashboards = await page(port, "/_local/")
  await Promise.all(dashboards)
  stop()
  return { dashboard, consentPage, behindTenDashboards }
}

const pointsOf = ({ medians }: Mints) => sizes.map((size): readonly [number, number] => [size, medians[size] ?? NaN])

/** The medians of a mint, as an SVG image. */
export const mintPlot = ({ mintMillis: { folder, memory } }: Awaited<ReturnType<typeof growth>>) =>
  plot("Median time of one mint", [
    { name: "with a folder", color: "#b4480f", points: pointsOf(folder) },
    { name: "in memory", color: "#0b62a4", points: pointsOf(memory) }
  ])

const ratioOf = ({ medians }: Mints) => (medians[sizes[2]] ?? NaN) / (medians[sizes[0]] ?? NaN)

export const growth = async () => {
  const memory = await measured<Mints>("memory")
  const folder = await measured<Mints & { readonly restartMillis: number }>("folder")
  const scopes = await measured<{ readonly distinct: number; readonly colliding: number }>("scopes")
  const served = await pages()
  const thousands = pendingSessions.toLocaleString("en")
  const goals = [
    goal("mint in memory, 100,000 tokens to 1,000", ratioOf(memory), 1.5, "×"),
    goal("mint with a folder, 100,000 tokens to 1,000", ratioOf(folder), 1.5, "×"),
    goal("restart with 100,000 tokens", folder.restartMillis, 2_000, "ms"),
    goal(`dashboard, ${thousands} pending sessions`, served.dashboard, 100, "ms"),
    goal(`consent page, ${thousands} pending sessions`, served.consentPage, 50, "ms"),
    goal("a call behind ten dashboards", served.behindTenDashboards, 1_000, "ms"),
    goal("16,384 scopes that collide to others", scopes.colliding / scopes.distinct, 3, "×")
  ]
  return { mintMillis: { memory, folder }, scopesMillis: scopes, pagesMillis: served, goals }
}
