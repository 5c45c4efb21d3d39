/** The indexes and limits of the tables. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import type { ConsentPortal } from "../../../ConsentPortal.js"
import { sessionLifetime } from "../../model/session.js"
import * as assumptions from "./assumptions.js"
import * as limits from "./limits.js"
import type { Session } from "./session.js"
import type { Grant, MachineToken, WorkloadToken } from "./state.js"
import { type Rules, sortable, sortableTime } from "./table.js"
import { type GrantOwner, grantOwner, userKey } from "./user.js"

const workloadName = (row: { readonly workloadName: string }) => row.workloadName

const providerName = (row: { readonly providerName: string }) => row.providerName

const expiry = (row: { readonly expiresAt: DateTime.Utc }) => DateTime.toEpochMillis(row.expiresAt)

/** A table whose number of rows has a quota, or is limited by the number of resources. */
export const resources: Rules<unknown> = { indexes: {} }

/** @internal */
export const portals: Rules<Omit<ConsentPortal, "status">, "name"> = { indexes: { name: ({ name }) => name } }

/** Rows that tests set, and that have no end. `controlLimits.ts` checks their limits, so the table removes none. */
export const testInput: Rules<unknown> = {
  indexes: {},
  limits: { rows: Infinity, characters: Infinity, endOf: () => 0 }
}

/**
 * The tokens of a workload identity are sorted by their expiry, so that a new token is added at the end of the index. The keys
 * are random: without the expiry, a new one would be added anywhere, which takes longer.
 */
export const workloadTokens: Rules<WorkloadToken, "workload"> = {
  indexes: { workload: (row) => `${row.workloadName}\u0000${sortableTime(row.expiresAt)}` },
  limits: { ...limits.workloadTokens, endOf: expiry }
}

/** @internal */
export const machineTokens: Rules<MachineToken, "workload" | "provider"> = {
  indexes: { workload: workloadName, provider: providerName },
  limits: { ...limits.machineTokens, endOf: expiry }
}

/** Sorted by workload identity, provider and user. */
export const grants: Rules<Grant, "name" | "provider"> = {
  indexes: {
    name: (row) => `${row.workloadName}\u0000${row.providerName}\u0000${JSON.stringify(row.user)}`,
    provider: providerName
  },
  limits: {
    ...limits.grants,
    // A grant whose refresh token has no known end is kept longest.
    endOf: ({ expiresAt, refresh }) =>
      refresh === undefined
        ? DateTime.toEpochMillis(expiresAt)
        : refresh.expiresAt === undefined
        ? Infinity
        : DateTime.toEpochMillis(refresh.expiresAt)
  }
}

/**
 * The parts of the index `owner`: the user at a provider, whose id may contain any character, so it is written as JSON.
 */
export const sessionOwner = (owner: GrantOwner): string =>
  `${owner.workloadName}\u0000${owner.providerName}\u0000${JSON.stringify(owner.user)}`

const opened = ({ ordinal }: Session) => sortable(ordinal)

/** A session that is pending until the end of its lifetime: no test and no limit has ended it before. */
const isOpen = ({ createdAt, expiresAt, status }: Session) =>
  status === "pending" &&
  DateTime.toEpochMillis(expiresAt) >= DateTime.toEpochMillis(createdAt) + Duration.toMillis(sessionLifetime)

const ifOpen = (value: (row: Session) => string) => (row: Session) => isOpen(row) ? value(row) : undefined

const byExpiry = (row: Session) => `${sortableTime(row.expiresAt)}\u0000${opened(row)}`

/**
 * The indexes `pending` and `owner` have the sessions that are pending until the end of their lifetime, by their expiry,
 * which is also the order of their age. Those that have not expired are at the end. `finished` has the others.
 */
export const sessions: Rules<Session, "age" | "pending" | "finished" | "owner" | "workload" | "provider" | "user"> = {
  indexes: {
    age: opened,
    pending: ifOpen(byExpiry),
    finished: (row) => isOpen(row) ? undefined : opened(row),
    owner: ifOpen((row) => `${sessionOwner(grantOwner(row))}\u0000${byExpiry(row)}`),
    workload: (row) => `${row.workloadName}\u0000${opened(row)}`,
    provider: (row) => `${row.providerName}\u0000${opened(row)}`,
    user: (row) => `${JSON.stringify(userKey(row.user))}\u0000${opened(row)}`
  },
  limits: {
    ...limits.sessions,
    endOf: ({ expiresAt }) => DateTime.toEpochMillis(DateTime.addDuration(expiresAt, assumptions.sessionRetention))
  }
}
