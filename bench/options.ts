/** Options of `npm run bench`. */
import { parseArgs } from "node:util"

/** What the command line asks for. */
export interface Options {
  /** Names of benchmarks, in their own order. */
  readonly names: ReadonlyArray<string>
  readonly json?: string | undefined
  readonly docs: boolean
  /** Files of earlier results, which are used instead of measuring. */
  readonly from: ReadonlyArray<string>
  readonly help: boolean
}

/** A benchmark that the command line can name by its name or by its group. */
export interface Named {
  readonly name: string
  readonly group?: string | undefined
  readonly title: string
}

/** The command line is wrong; the message says how to correct it. */
export class UsageError extends Error {}

const namesOf = (all: ReadonlyArray<Named>) => all.map(({ name }) => name).join(", ")

const groupsOf = (
  all: ReadonlyArray<Named>
) => [...new Set(all.flatMap(({ group }) => group === undefined ? [] : [group]))]

const selected = (all: ReadonlyArray<Named>, only: ReadonlyArray<string>) => {
  const unknown = only.filter((given) => !all.some(({ group, name }) => given === name || given === group))
  if (unknown.length > 0) {
    throw new UsageError(
      `--only: there is no benchmark ${unknown.map((name) => `"${name}"`).join(", ")}. ` +
        `Name one of: ${namesOf(all)}; or a group: ${groupsOf(all).join(", ")}`
    )
  }
  return all
    .filter(({ group, name }) => only.length === 0 || only.some((given) => given === name || given === group))
    .map(({ name }) => name)
}

const parsed = (args: ReadonlyArray<string>) => {
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: "string", multiple: true, default: [] },
        json: { type: "string" },
        docs: { type: "boolean", default: false },
        from: { type: "string", multiple: true, default: [] },
        help: { type: "boolean", short: "h", default: false }
      }
    }).values
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)} Use --help for the options`)
  }
}

/** Reads the options. Fails with `UsageError`. */
export const parse = (args: ReadonlyArray<string>, all: ReadonlyArray<Named>): Options => {
  const { docs = false, from = [], help = false, json, only = [] } = parsed(args)
  if (docs && only.length > 0) {
    throw new UsageError("--docs writes the page of all benchmarks: omit --only")
  }
  if (from.length > 0 && (!docs || json !== undefined)) {
    throw new UsageError("--from reads earlier results to write the page: use it with --docs, and without --json")
  }
  return { names: selected(all, only), json, docs, from, help }
}

/** Text of `--help`. */
export const usage = (all: ReadonlyArray<Named>): string => {
  const width = Math.max(...all.map(({ name }) => name.length))
  return [
    "npm run bench -- [--only NAME]... [--json FILE] [--docs [--from FILE]...]",
    "",
    "  --only NAME  measures only this benchmark or group; can be repeated",
    "  --json FILE  writes the results to FILE",
    "  --docs       writes docs/benchmarks.md and its plots from the results of all benchmarks",
    "  --from FILE  takes the results from FILE, which --json wrote, instead of measuring; can be repeated,",
    "               and a result of a later file replaces that of an earlier one",
    "  --help       prints this text",
    "",
    "Benchmarks:",
    ...all.map(({ group, name, title }) =>
      `  ${name.padEnd(width)}  ${title}${group === undefined ? "" : ` (group ${group})`}`
    ),
    ""
  ].join("\n")
}
