/**
 * Limits the share of requests that are repetitions, as the standard retry mode of the AWS SDKs does, so that an outage is
 * not answered with five times the load.
 */
import type { IdentityError } from "../../IdentityError.js"

/** A token bucket. A repetition takes tokens and is not sent if there are too few; success gives tokens back. */
export interface RetryBudget {
  /** Takes the tokens for a repetition after this error; 0 if there are too few. */
  readonly take: (error: IdentityError) => number
  /** A call succeeded: gives back what its last repetition took, or 1 if there was none. */
  readonly give: (taken: number) => void
  /** Gives back what was taken for a repetition that was not sent. */
  readonly refund: (taken: number) => void
}

/** The costs of the AWS SDKs: a timeout has used more of the service's time. */
const cost = { timeout: 10, other: 5 }

/** @internal */
export const make = (capacity: number): RetryBudget => {
  let tokens = capacity
  const refund = (taken: number) => {
    tokens = Math.min(capacity, tokens + taken)
  }
  return {
    refund,
    take: (error) => {
      const price = error._tag === "TransportFailure" && error.reason === "Timeout" ? cost.timeout : cost.other
      // A capacity that is not a number allows no repetition.
      if (!(tokens >= price)) return 0
      tokens -= price
      return price
    },
    give: (taken) => refund(Math.max(1, taken))
  }
}
