/** The grants and machine tokens that a filter of the test controls selects, found without reading the others. */
import * as Option from "effect/Option"
import type { GrantFilter } from "../../../IdentityControls.js"
import type { Grant, MachineToken, State } from "../state/state.js"
import * as Table from "../state/table.js"

type Entries<Row> = Iterable<readonly [key: string, row: Row]>

const matches = (
  { providerName, workloadName }: GrantFilter,
  row: { readonly workloadName: string; readonly providerName: string }
) =>
  (providerName === undefined || providerName === row.providerName) &&
  (workloadName === undefined || workloadName === row.workloadName)

const first = <A>(entries: Iterable<A>): Option.Option<A> => {
  for (const entry of entries) return Option.some(entry)
  return Option.none()
}

/** A user has at most one grant for each pair of a workload identity and a provider, so only the pairs are searched. */
function* grantsOfUser(
  table: State["grants"],
  user: string,
  filter: GrantFilter
): Generator<readonly [key: string, row: Grant], undefined> {
  const next = (from?: string) => first(Table.ascending(table, "name", filter.workloadName, from))
  let found = next()
  while (Option.isSome(found)) {
    const [, row] = found.value
    const pair = `${row.workloadName}\u0000${row.providerName}`
    if (matches(filter, row)) yield* Table.ascending(table, "name", `${pair}\u0000${JSON.stringify(user)}`)
    found = next(`${pair}\u0001`)
  }
}

/** @internal */
export const grants = ({ grants: table }: Pick<State, "grants">, filter: GrantFilter = {}): Entries<Grant> => {
  const { providerName, user, workloadName } = filter
  if (user !== undefined) {
    return workloadName !== undefined && providerName !== undefined
      ? Table.ascending(table, "name", `${workloadName}\u0000${providerName}\u0000${JSON.stringify(user)}`)
      : grantsOfUser(table, user, filter)
  }
  if (workloadName !== undefined) {
    return Table.ascending(
      table,
      "name",
      providerName === undefined ? workloadName : `${workloadName}\u0000${providerName}`
    )
  }
  return providerName === undefined ? table : Table.ascending(table, "provider", providerName)
}

/** The machine tokens, which belong to no user. */
export const machineTokens = (
  { machineTokens: table }: Pick<State, "machineTokens">,
  filter: GrantFilter = {}
): Entries<MachineToken> => {
  const { providerName, user, workloadName } = filter
  if (user !== undefined) return []
  if (workloadName === undefined) {
    return providerName === undefined ? table : Table.ascending(table, "provider", providerName)
  }
  return Array.from(Table.ascending(table, "workload", workloadName)).filter(([, row]) => matches(filter, row))
}
