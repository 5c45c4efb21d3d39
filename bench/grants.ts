/** How the calls of one user depend on the number of stored grants, in a process of its own. */
import { fork } from "node:child_process"
import { childName, type Grants, sizes } from "./grantsChild.js"
import { goal, rounded } from "./report.js"

const measured = () =>
  new Promise<Grants>((resolve, reject) => {
    const process = fork(new URL(import.meta.url), ["--child", childName], {
      execArgv: ["--expose-gc", "--max-old-space-size=6144"]
    })
    process.once("error", reject)
    process.once("exit", (code) => reject(new Error(`the measurement ${childName} ended with ${code}`)))
    process.once("message", (value: Grants) => resolve(value))
  })

const names: Readonly<Record<string, string>> = {
  getToken: "getToken of one user",
  forceAuthentication: "getToken with forceAuthentication",
  refresh: "getToken of an expired token",
  grantsPage: "a page of grants",
  revokeOneGrant: "revocation of one grant",
  revokeUser: "revocation of one user",
  expireTokensOfUser: "expiry of one user's tokens"
}

export const grants = async () => {
  const { few, many, restartMillis } = await measured()
  const [fewest, most] = sizes.map((size) => size.toLocaleString("en"))
  const ratio = (name: string) => (many[name] ?? NaN) / (few[name] ?? NaN)
  const goals = [
    ...Object.entries(names).map(([name, title]) =>
      goal(`${title}, ${most} grants to ${fewest}`, ratio(name), 1.5, "×")
    ),
    goal(`dashboard, ${most} grants`, many["dashboard"] ?? NaN, 100, "ms"),
    goal(`/_local/state, ${most} grants`, many["state"] ?? NaN, 250, "ms"),
    goal("memory of one grant with its session", many["bytesPerGrant"] ?? NaN, 6_144, "bytes")
  ]
  return { millis: { few, many }, restartMillis: rounded(restartMillis), goals }
}
