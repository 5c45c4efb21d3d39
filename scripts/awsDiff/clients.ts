/** The clients of the AWS SDK as a description: what they say at run time, and what only their declarations say. */
import { Array as Arr, Record } from "effect"
import * as declarations from "./declarations.js"
import type { Description, Operation } from "./Description.js"
import * as smithy from "./smithy.js"

/** An installed client. */
export interface Client {
  readonly plane: "data" | "control"
  readonly name: string
  readonly version: string
  /** What the package exports. */
  readonly exports: { readonly [name: string]: unknown }
  /** The text of the files in `dist-types/models`. */
  readonly models: ReadonlyArray<string>
  /** The text of the file of a command in `dist-types/commands`; empty if there is none. */
  readonly command: (operation: string) => string
}

/** The first segment of a path: `/identities` of `/identities/api-key`. */
export const rootOf = (path: string): string => path.split("/").slice(0, 2).join("/")

const describe = (
  client: Client,
  isCompared: (operation: smithy.Found) => boolean
): ReadonlyArray<readonly [string, Operation]> => {
  const values = Record.values(client.exports)
  const found = Arr.filterMap(values, smithy.operationOf).filter(isCompared)
  const statuses = Record.fromEntries(Arr.filterMap(values, smithy.exceptionOf))
  const declared = declarations.read(client.models)
  return found.map(({ method, name, path, shapes, status }) => {
    const errors = declarations.errorsOf(client.command(name))
    return [name, {
      plane: client.plane,
      method,
      path,
      status,
      ...shapes(declared),
      errors: Record.fromEntries(errors.map((exception) => [exception, statuses[exception] ?? 0]))
    }]
  })
}

/**
 * The operations that our table has too, and those below the same roots (`/identities`, `/tags`, `/resourcepolicy`). All
 * other operations of a client are no part of AgentCore Identity.
 */
export const description = (clients: ReadonlyArray<Client>, ours: Description): Description => {
  const roots = new Set(Record.values(ours).map(({ path }) => rootOf(path)))
  return Record.fromEntries(
    clients.flatMap((client) => describe(client, ({ name, path }) => Record.has(ours, name) || roots.has(rootOf(path))))
  )
}
