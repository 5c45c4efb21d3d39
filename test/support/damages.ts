/** Damages of a folder of StoredIdentity, each with the expected error message. */
import { ClassicLevel } from "classic-level"
import { appendFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"

const file = (directory: string, pattern: RegExp) =>
  readdirSync(directory)
    .filter((name) => pattern.test(name))
    .map((name) => join(directory, name))
    .reduce((a, b) => statSync(b).size > statSync(a).size ? b : a)

type Damage = readonly [title: string, damage: (directory: string) => void | Promise<void>, expected: RegExp]

const edit = (records: { readonly [key: string]: string }) => async (directory: string) => {
  const db = new ClassicLevel(directory)
  await db.open()
  const stored = await db.iterator().all()
  const { default: crypto } = await import("node:crypto")
  const all = new Map([...stored, ...Object.entries(records)])
  all.delete("meta/commit")
  let sum = 0n
  for (const entry of all) {
    sum ^= crypto.createHash("sha256").update(JSON.stringify(entry)).digest().readBigUInt64BE()
  }
  await db.batch([...all].map(([key, value]) => ({ type: "put", key, value })))
  await db.put("meta/commit", JSON.stringify({ number: 9, sum: sum.toString(16) }))
  await db.close()
}

export const damages: ReadonlyArray<Damage> = [
  ["whose log has lost its end", (directory) => {
    const log = file(directory, /\.log$/)
    truncateSync(log, statSync(log).size - 10)
  }, /the last 1 of its commits were lost/],
  ["whose log is empty", (directory) => truncateSync(file(directory, /\.log$/), 0), /commits were lost/],
  ["without its log", (directory) => rmSync(file(directory, /\.log$/)), /damaged/],
  ["whose table is cut short", async (directory) => {
    await edit({})(directory)
    await edit({})(directory)
    const table = file(directory, /\.ldb$/)
    truncateSync(table, statSync(table).size - 20)
  }, /damaged/],
  ["with a bad CURRENT", (directory) => writeFileSync(join(directory, "CURRENT"), "junk"), /damaged/],
  ["without CURRENT", (directory) => rmSync(join(directory, "CURRENT")), /CURRENT is missing/],
  ["with a bad MANIFEST", (directory) => truncateSync(file(directory, /^MANIFEST/), 7), /damaged/],
  ["without its ACKNOWLEDGED", (directory) => rmSync(join(directory, "ACKNOWLEDGED")), /ACKNOWLEDGED is missing/],
  ["with a bad ACKNOWLEDGED", (directory) => appendFileSync(join(directory, "ACKNOWLEDGED"), "x"), /damaged/],
  ["that was changed behind its back", async (directory) => {
    const db = new ClassicLevel(directory)
    await db.put("workloads/one-agent", "{}")
    await db.close()
  }, /lost or changed/],
  ["of another version", edit({ "meta/version": "3" }), /format 3/],
  ["with an undecodable record", edit({ "workloads/one-agent": "{}" }), /a record of 'workloads' is damaged/],
  ["with a record of another kind", edit({ "things/a": "{}" }), /a record of 'things' is damaged/]
]
