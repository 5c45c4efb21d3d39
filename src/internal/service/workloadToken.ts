/** The workload access token of a call, and its renewal. */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import { type Unauthorized, ValidationError, WorkloadAccessTokenUnavailable } from "../../IdentityError.js"
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

/** Requests another workload access token for one that the service has rejected. */
export const renew = (
  { workloadAccessToken: given }: WithWorkloadAccessToken,
  rejected: Redacted.Redacted
): Effect.Effect<Redacted.Redacted, MintFailure> =>
  Redacted.isRedacted(given) ? new WorkloadAccessTokenUnavailable({ reason: "Fixed" }) : given.renew(rejected)

/** Tests if the service has rejected the workload access token: it does not state a cause of its own for an expired one. */
export const isRejected = <E extends { readonly _tag: string }>(error: E): error is Extract<E, Unauthorized> =>
  error._tag === "Unauthorized"

/** A token that cannot be renewed may not be the cause of a rejection. */
export const orRejected = <E>(renewed: Effect.Effect<Redacted.Redacted, MintFailure>, rejected: E) =>
  Effect.mapError(
    renewed,
    (error) => error._tag === "WorkloadAccessTokenUnavailable" && error.reason === "Fixed" ? rejected : error
  )

/** Runs `use` with this token, and once more with another one if the service rejects it and its source can renew it. */
export const renewing = <A, E extends { readonly _tag: string }, R>(
  caller: WithWorkloadAccessToken,
  token: Redacted.Redacted,
  use: (workloadAccessToken: Redacted.Redacted) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | MintFailure, R> =>
  Redacted.isRedacted(caller.workloadAccessToken)
    // It cannot be renewed.
    ? use(token)
    : Effect.catchAll(
      use(token),
      (error): Effect.Effect<A, E | MintFailure, R> =>
        isRejected(error) ? Effect.flatMap(orRejected(renew(caller, token), error), use) : Effect.fail(error)
    )

/** Does the same with the workload access token of the call. */
export const withWorkloadToken = <A, E extends { readonly _tag: string }, R>(
  caller: WithWorkloadAccessToken,
  use: (workloadAccessToken: Redacted.Redacted) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | MintFailure, R> =>
  Effect.flatMap(workloadTokenOf(caller), (token) => renewing(caller, token, use))
