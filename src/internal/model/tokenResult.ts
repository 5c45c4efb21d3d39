/** The result of a successful token request, which the call log of the server and that of the test controls report. */
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type { TokenResult } from "../../ControlModel.js"
import type { OperationKey } from "../../IdentityApi.js"

const hasSecret = (value: unknown, member: string) => Predicate.isRecord(value) && Redacted.isRedacted(value[member])

/** `undefined` for the other operations. */
export const tokenResult = (key: OperationKey, request: unknown, reply: unknown): TokenResult | undefined => {
  if (key !== "getResourceOauth2Token") return undefined
  if (hasSecret(reply, "accessToken")) return "token"
  if (Predicate.isRecord(reply) && reply["sessionStatus"] === "FAILED") return "denied"
  // A request with the URI of a session is a poll.
  return hasSecret(request, "sessionUri") ? "consent pending" : "consent required"
}
