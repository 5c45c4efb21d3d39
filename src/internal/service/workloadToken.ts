import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { WithWorkloadAccessToken } from "../../TokenOptions.js"
import type { MintFailure } from "../../WorkloadAccessToken.js"

/** Returns the workload access token of a call, from its source if it has one. */
export const workloadTokenOf = (
  { workloadAccessToken: given }: WithWorkloadAccessToken
): Effect.Effect<Redacted.Redacted, MintFailure> => Redacted.isRedacted(given) ? Effect.succeed(given) : given.get
