/** Reads the records of workload access tokens, see `knownRecord`. */
import * as Predicate from "effect/Predicate"
import type { WorkloadToken } from "../state/state.js"
import { decodeKnown, nullable, readTime, readUser } from "./knownRecord.js"

/** @internal */
export const decodeToken = decodeKnown<WorkloadToken>(({ expiresAt: time, user: owner, workloadName }) => {
  const expiresAt = readTime(time)
  const user = nullable(owner, readUser)
  return Predicate.isString(workloadName) && expiresAt !== undefined && user !== undefined
    ? { workloadName, user: user.value, expiresAt }
    : undefined
})
