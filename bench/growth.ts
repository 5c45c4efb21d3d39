/**
 * The cost of a call must not depend on how many calls came before: mints with many stored tokens, a restart, pages with many
 * pending sessions, and a request whose scopes collide in the hash of Effect.
 */
import { get } from "node:http"
import type { Benchmark } from "./benchmark.js"
import { measured, measurement, message } from "./child.js"
import type { Child } from "./growthChild.js"
import { pendingSessions, sizes } from "./growthChild.js"
import { atMost } from "./report.js"
import { quantiles } from "./statistics.js"

interface Mints {
  readonly medians: Record<string, number>
  readonly perSecond: number
}

interface Served {
  readonly port: number
  readonly authorizationUrl: string
}

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
  const server = measurement("server" satisfies Child)
  const { authorizationUrl, port } = await message<Served>(server)
  const { pathname, search } = new URL(authorizationUrl)
  await page(port, "/_local/")
  const dashboard = await repeated(7, () => page(port, "/"))
  const consentPage = await repeated(7, () => page(port, `${pathname}${search}`))
  const dashboards = Array.from({ length: 10 }, () => page(port, "/"))
  const behindTenDashboards = await page(port, "/_local/")
  await Promise.all(dashboards)
  server.disconnect()
  return { dashboard, consentPage, behindTenDashboards }
}

const child = <A>(name: Child) => measured<A>(name)

const pointsOf = ({ medians }: Mints) => sizes.map((size): readonly [number, number] => [size, medians[size] ?? NaN])

const ratioOf = ({ medians }: Mints) => (medians[sizes[2]] ?? NaN) / (medians[sizes[0]] ?? NaN)

const run = async () => {
  const folder = await child<Mints & { readonly restartMillis: number }>("folder")
  const scopes = await child<{ readonly distinct: number; readonly colliding: number }>("scopes")
  const served = await pages()
  const thousands = pendingSessions.toLocaleString("en")
  return {
    goals: [
      atMost("mint with a folder, 100,000 tokens to 1,000", ratioOf(folder), 1.5, "×"),
      atMost("restart with 100,000 tokens", folder.restartMillis, 2_000, "ms"),
      atMost(`dashboard, ${thousands} pending sessions`, served.dashboard, 100, "ms"),
      atMost(`consent page, ${thousands} pending sessions`, served.consentPage, 50, "ms"),
      atMost("a call behind ten dashboards", served.behindTenDashboards, 1_000, "ms"),
      atMost("16,384 scopes that collide to others", scopes.colliding / scopes.distinct, 3, "×")
    ],
    figures: { mintMillis: { folder }, scopesMillis: scopes, pagesMillis: served },
    tables: [
      {
        title: "Median time of one mint in a folder, by stored workload access tokens",
        head: [...sizes.map((size) => size.toLocaleString("en")), "mints per second, 64 callers"],
        rows: [[
          ...pointsOf(folder).map(([, millis]) => `${(millis * 1_000).toFixed(0)} µs`),
          Math.round(folder.perSecond).toLocaleString("en")
        ]]
      },
      {
        title: `Pages with ${thousands} pending sessions`,
        head: ["page", "median"],
        rows: [
          ["dashboard", `${served.dashboard.toFixed(0)} ms`],
          ["consent page", `${served.consentPage.toFixed(0)} ms`],
          ["a call behind ten dashboards", `${served.behindTenDashboards.toFixed(0)} ms`]
        ]
      }
    ],
    plots: [{
      kind: "lines" as const,
      name: "mints",
      title: "Median time of one mint in a folder",
      xLabel: "stored workload access tokens",
      unit: "ms",
      lines: [{ name: "with a folder", points: pointsOf(folder) }]
    }]
  }
}

export const growth: Benchmark = {
  name: "tokens",
  group: "growth",
  title: "mints, restarts and pages by the number of stored tokens and sessions",
  measures: `Mints with 1,000 to 100,000 stored workload access tokens in a folder; a restart; pages with ${
    pendingSessions.toLocaleString("en")
  } pending sessions; and a request whose 16,384 scopes have one hash.`,
  run
}
