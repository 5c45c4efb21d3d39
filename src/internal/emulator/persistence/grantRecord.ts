/** Reads the records of grants, see `knownRecord`. */
import * as Predicate from "effect/Predicate"
import type { Grant } from "../state/state.js"
import type { GrantOwner } from "../state/user.js"
import { decodeKnown, nullable, readGranted, readRefresh, readTarget, readTime } from "./knownRecord.js"

/** The owner of a grant, which is in the key of its record. */
export const decodeOwner = decodeKnown<GrantOwner>(({ providerName, user, workloadName }) =>
  Predicate.isString(workloadName) && Predicate.isString(user) && Predicate.isString(providerName)
    ? { workloadName, user, providerName }
    : undefined
)

/** @internal */
export const decodeGrant = decodeKnown<Omit<Grant, keyof GrantOwner>>((members) => {
  const granted = readGranted(members)
  const target = readTarget(members["target"])
  const refreshAt = readTime(members["freshUntil"])
  const refresh = nullable(members["refresh"], readRefresh)
  return granted === undefined || target === undefined || refreshAt === undefined || refresh === undefined
    ? undefined
    : { target, ...granted, refreshAt, refresh: refresh.value }
})
