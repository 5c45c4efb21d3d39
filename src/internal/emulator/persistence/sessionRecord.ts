/** Reads the records of sessions, see `knownRecord`. */
import * as Predicate from "effect/Predicate"
import type { Session } from "../state/session.js"
import { decodeKnown, nullable, readGranted, readSecret, readTarget, readTime, readUser } from "./knownRecord.js"

/** Sessions with custom parameters, and those with an authorization, which lasts a moment, are left to the schema. */
export const decodeSession = decodeKnown<Session>((members) => {
  const { customParameters, isShown, ordinal, providerName, returnUrl, status, uri, workloadName } = members
  const user = readUser(members["user"])
  const target = readTarget(members["target"])
  const customState = nullable(members["customState"], readSecret)
  const createdAt = readTime(members["createdAt"])
  const expiresAt = readTime(members["expiresAt"])
  if (
    !Predicate.isString(uri) || !Number.isFinite(ordinal) || !Predicate.isNumber(ordinal) ||
    !Predicate.isString(workloadName) || !Predicate.isString(providerName) || !Predicate.isString(returnUrl) ||
    user === undefined || target === undefined || customState === undefined || customParameters !== null ||
    createdAt === undefined || expiresAt === undefined || members["authorization"] !== null
  ) return undefined
  const opened = {
    uri,
    ordinal,
    workloadName,
    user,
    providerName,
    target,
    returnUrl,
    customState: customState.value,
    customParameters: undefined,
    createdAt,
    expiresAt
  }
  if (status === "completed") {
    const granted = readGranted(members["granted"])
    return granted === undefined ? undefined : { ...opened, status, granted }
  }
  if (members["granted"] !== null) return undefined
  if (status === "pending") {
    return isShown === undefined ? { ...opened, status } : isShown === true ? { ...opened, status, isShown } : undefined
  }
  if (status === "failed") return { ...opened, status }
  return status === "approved" || status === "completing" ? { ...opened, status, authorization: undefined } : undefined
})
