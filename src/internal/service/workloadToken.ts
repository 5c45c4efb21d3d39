import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import { ValidationError } from "../../IdentityError.js"
import type { WithWorkloadAccessToken } from "../../TokenOptions.js"
import type { MintFailure } from "../../WorkloadAccessToken.js"

const message = "Member must be Redacted, or a source of workload access tokens"

const name = "workloadAccessToken"

// A program without type checks may pass anything, or nothing.
const notAToken = new ValidationError({
  operation: "GetWorkloadAccessToken",
  message: `1 validation error detected: Value at '${name}' failed to satisfy constraint: ${message}`,
  reason: "FieldValidationFailed",
  fieldList: [{ name, message }]
})

/** Returns the workload access token of a call, from its source if it has one. */
export const workloadTokenOf = (
  { workloadAccessToken: given }: WithWorkloadAccessToken
): Effect.Effect<Redacted.Redacted, MintFailure> => {
  if (Redacted.isRedacted(given)) return Effect.succeed(given)
  return Predicate.hasProperty(given, "get") && Effect.isEffect(given.get) ? given.get : Effect.fail(notAToken)
}
