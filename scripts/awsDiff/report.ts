/** What the comparison says, and whether it is good. */
import { Console, Effect, Record } from "effect"
import * as clients from "./clients.js"
import { differences } from "./compare.js"
import { countMembers, type Description } from "./Description.js"

/**
 * Intended differences, as exact lines. AWS does not flag session URIs as sensitive. We keep them secret, because
 * the holder of one can act in a user's consent.
 */
export const intended: ReadonlyArray<string> = [
  "CompleteResourceTokenAuth request sessionUri",
  "GetResourceOauth2Token request sessionUri",
  "GetResourceOauth2Token reply sessionUri"
].map((member) => `${member}: sensitive only in our table`)

const uncompared = "Not compared, because the clients do not contain them: lengths, patterns and ranges."

/** Prints a line for each difference, or a summary. Succeeds with the exit code of the command. */
export const run = (ours: Description, installed: ReadonlyArray<clients.Client>): Effect.Effect<0 | 1> => {
  const theirs = clients.description(installed, ours)
  const all = differences(ours, theirs)
  const lines = [
    ...all.filter((line) => !intended.includes(line)),
    ...intended.filter((line) => !all.includes(line)).map((line) => `no longer a difference, remove it: ${line}`)
  ]
  const counted = Record.values(theirs).reduce(
    (count, { reply, request }) => count + countMembers(request) + countMembers(reply),
    0
  )
  const what = installed.map(({ name, version }) => `${name} ${version}`).join(" and ")
  const size = `${Record.size(theirs)} operations, ${counted} members`
  const found = lines.length === 0 ? "no differences" : `${lines.length} difference${lines.length === 1 ? "" : "s"}`
  return Console.log([...lines, `${size}: ${found} from ${what}`, uncompared].join("\n")).pipe(
    Effect.as(lines.length === 0 ? 0 : 1)
  )
}
