import { assert, describe, it } from "@effect/vitest"
import { Array as Arr, DateTime, Order, Redacted } from "effect"
import type { GrantFilter } from "../src/IdentityControls.js"
import * as selection from "../src/internal/emulator/data/tokenSelection.js"
import type { Grant, MachineToken } from "../src/internal/emulator/state/state.js"
import * as Table from "../src/internal/emulator/state/table.js"
import * as tables from "../src/internal/emulator/state/tables.js"
import { target } from "../src/internal/emulator/state/target.js"
import { grantKey } from "../src/internal/emulator/state/user.js"
import { assertEqual } from "./support/equality.js"

const time = DateTime.unsafeMake(0)

const accessToken = Redacted.make("token")

/** Names of which one begins with another, and users with every kind of character. */
const workloads = ["agent", "agent-2", "a"]

const providers = ["github", "github-2", "g"]

const users = ["userId:ada", "userId:ada2", "userId:\"\\\u0000", "jwt:https://idp.example|ada", "userId:ü"]

/** Rows that count how often their provider is read. */
const counted = () => {
  let reads = 0
  const row = (workloadName: string, providerName: string, user: string): Grant => ({
    workloadName,
    get providerName() {
      reads++
      return providerName
    },
    user,
    target: target({ scopes: [] }),
    accessToken,
    expiresAt: time,
    refreshAt: time,
    refresh: undefined
  })
  return { row, reads: () => reads, reset: () => (reads = 0) }
}

const grantsOf = (rows: ReadonlyArray<Grant>) =>
  Table.withEntries(Table.empty(tables.grants), rows.map((row) => [grantKey(row), row] as const))

const filters = [undefined, ...workloads, "other"].flatMap((workloadName) =>
  [undefined, ...providers, "other"].flatMap((providerName) =>
    [undefined, ...users, "userId:nobody"].map((user): GrantFilter => ({ workloadName, providerName, user }))
  )
)

const naive = <Row extends { readonly workloadName: string; readonly providerName: string; readonly user?: string }>(
  table: Iterable<readonly [key: string, row: Row]>,
  { providerName, user, workloadName }: GrantFilter
) =>
  Array.from(table).filter(([, row]) =>
    (providerName === undefined || providerName === row.providerName) &&
    (workloadName === undefined || workloadName === row.workloadName) &&
    (user === undefined || user === row.user)
  )

const keys = (entries: Iterable<readonly [key: string, row: unknown]>) =>
  Arr.sort(Array.from(entries, ([key]) => key), Order.string)

describe("the selection by a filter", () => {
  it("has exactly the grants that match", () => {
    const { row } = counted()
    const grants = grantsOf(
      workloads.flatMap((workload) =>
        providers.flatMap((provider) => users.map((user) => row(workload, provider, user)))
      )
    )
    for (const filter of filters) {
      assertEqual(keys(selection.grants({ grants }, filter)), keys(naive(grants, filter)), JSON.stringify(filter))
    }
    assertEqual(keys(selection.grants({ grants })), keys(grants))
  })

  it("has exactly the machine tokens that match, which belong to no user", () => {
    const rows = workloads.flatMap((workloadName) =>
      providers.map((providerName): readonly [string, MachineToken] => [
        `${workloadName} ${providerName}`,
        { workloadName, providerName, accessToken, expiresAt: time }
      ])
    )
    const machineTokens = Table.withEntries(Table.empty(tables.machineTokens), rows)
    for (const filter of filters) {
      const found = keys(selection.machineTokens({ machineTokens }, filter))
      assertEqual(found, keys(naive(machineTokens, filter)), JSON.stringify(filter))
    }
    assertEqual(keys(selection.machineTokens({ machineTokens })), keys(machineTokens))
  })

  it("reads the grants of one user, and not those of the others", () => {
    const readsFor = (others: number, filter: GrantFilter) => {
      const { reads, reset, row } = counted()
      const grants = grantsOf(
        Array.from(
          { length: others },
          (_, i) => providers.map((provider) => row("agent", provider, `userId:user-${i}`))
        ).flat()
      )
      reset()
      assert.lengthOf(keys(selection.grants({ grants }, filter)), filter.providerName === undefined ? 3 : 1)
      return reads()
    }
    for (
      const filter of [
        { user: "userId:user-7" },
        { user: "userId:user-7", workloadName: "agent" },
        { user: "userId:user-7", providerName: "github" },
        { user: "userId:user-7", providerName: "github", workloadName: "agent" }
      ]
    ) assert.strictEqual(readsFor(1_000, filter), readsFor(10, filter), JSON.stringify(filter))
  })
})
