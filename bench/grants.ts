/** How the calls of one user depend on the number of stored grants. */
import type { Benchmark } from "./benchmark.js"
import { measured } from "./child.js"
import { childName, type Grants, sizes } from "./grantsChild.js"
import { atMost } from "./report.js"

/** The calls with a goal. That of `getToken` is a goal of `scale`. */
const names: Readonly<Record<string, string>> = {
  forceAuthentication: "getToken with forceAuthentication",
  refresh: "getToken of an expired token",
  grantsPage: "a page of grants",
  revokeOneGrant: "revocation of one grant",
  revokeUser: "revocation of one user",
  expireTokensOfUser: "expiry of one user's tokens"
}

const [fewest, most] = sizes.map((size) => size.toLocaleString("en"))

const millis = (value: number | undefined) => value === undefined ? "" : `${value.toFixed(3)} ms`

const run = async () => {
  const { few, many } = await measured<Grants>(childName)
  const ratio = (name: string) => (many[name] ?? NaN) / (few[name] ?? NaN)
  const all = { getToken: "getToken of one user", ...names, dashboard: "dashboard", state: "/_local/state" }
  return {
    goals: [
      ...Object.entries(names).map(([name, title]) =>
        atMost(`${title}, ${most} grants to ${fewest}`, ratio(name), 1.5, "×")
      ),
      atMost(`dashboard, ${most} grants`, many["dashboard"] ?? NaN, 100, "ms"),
      atMost(`/_local/state, ${most} grants`, many["state"] ?? NaN, 250, "ms"),
      atMost("memory of one grant with its session", many["bytesPerGrant"] ?? NaN, 6_144, "bytes")
    ],
    figures: { millis: { few, many } },
    tables: [{
      title: "Median time of one call by stored grants",
      head: ["call", `${fewest} grants`, `${most} grants`, "ratio"],
      rows: Object.entries(all).map(([name, title]) => [
        title,
        millis(few[name]),
        millis(many[name]),
        `${ratio(name).toFixed(2)} ×`
      ])
    }],
    plots: []
  }
}

export const grants: Benchmark = {
  name: "grants",
  group: "growth",
  title: "the calls of one user by the number of stored grants",
  measures: `Calls of single users and test controls with ${fewest} and with ${most} stored grants, in memory.`,
  run
}
