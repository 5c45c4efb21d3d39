/**
 * Requests that are sent a second time within one call: after a stale connection, and after the SDK has corrected its clock.
 */
import * as Predicate from "effect/Predicate"
import { type IdentityError, TransportFailure } from "../../IdentityError.js"

/** The codes by which AWS rejects a signature with a wrong time. Nothing was done for such a request. */
const clockSkewCodes = new Set<unknown>([
  "AuthFailure",
  "InvalidSignatureException",
  "RequestExpired",
  "RequestInTheFuture",
  "RequestTimeTooSkewed",
  "SignatureDoesNotMatch"
])

const isSkewCorrected = (thrown: unknown): boolean =>
  Predicate.hasProperty(thrown, "name") && clockSkewCodes.has(thrown.name) &&
  Predicate.hasProperty(thrown, "$metadata") &&
  Predicate.hasProperty(thrown.$metadata, "clockSkewCorrected") && thrown.$metadata.clockSkewCorrected === true

/** Sends once more if the service rejected the time of the signature and the SDK has taken the service's time. */
export const withCorrectedClock = async <A>(send: () => Promise<A>): Promise<A> => {
  try {
    return await send()
  } catch (thrown) {
    if (isSkewCorrected(thrown)) return send()
    throw thrown
  }
}

/** The errors of a second attempt that may mean that the first one succeeded. */
const effectsOfSuccess: ReadonlyArray<readonly [operation: RegExp, tags: ReadonlyArray<IdentityError["_tag"]>]> = [
  [/^Create/, ["Conflict", "ResourceLimitExceeded", "ServiceQuotaExceeded", "ValidationError"]],
  [/^Delete/, ["ConcurrentModification", "Conflict", "ResourceNotFound"]],
  [/^(?:Set|Update)/, ["ConcurrentModification", "Conflict"]],
  [/^CompleteResourceTokenAuth$/, ["AccessDenied", "Conflict", "ResourceNotFound", "ValidationError"]]
]

/**
 * The error of a call whose first attempt was lost. It is unknown whether the service handled that attempt, so an error
 * that its success would cause is neither a success nor that error.
 */
export const afterLostAttempt = <E extends IdentityError>(operation: string, error: E): E | TransportFailure =>
  effectsOfSuccess.some(([name, tags]) => name.test(operation) && tags.includes(error._tag))
    ? new TransportFailure({
      operation,
      reason: "Connection",
      ...("requestId" in error && error.requestId !== undefined && { requestId: error.requestId }),
      message:
        `could not confirm ${operation}: the connection was closed before an answer to the first attempt, and the `
        + `second attempt failed with ${error._tag}: ${error.message}. Try again`
    })
    : error
