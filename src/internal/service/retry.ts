import * as Effect from "effect/Effect"
import * as IdentityApi from "../../IdentityApi.js"
import { type IdentityError, isIdentityError, isTransient } from "../../IdentityError.js"
import type { Repeat } from "../../Operation.js"
import { RetryPolicy } from "../../RetryPolicy.js"

const repeats: {
  readonly [Key in IdentityApi.OperationKey]: {
    readonly repeat: (request: IdentityApi.Request<Key>) => Repeat
  }
} = IdentityApi.operations

const isThrottle = (error: IdentityError) =>
  error._tag === "Throttled" || (error._tag === "UnknownServiceError" && error.status === 429)

const retried = <A, E>(self: Effect.Effect<A, E>, repeat: Repeat): Effect.Effect<A, E> =>
  Effect.flatMap(RetryPolicy, (schedule) =>
    Effect.retry(self, {
      schedule,
      while: (error) => isIdentityError(error) && isTransient(error) && (repeat === "always" || isThrottle(error))
    }))

/**
 * The same port, with the program's retries; each operation says what may be sent twice.
 *
 * @internal
 */
export const withRetries = (api: IdentityApi.IdentityApi["Type"]): IdentityApi.IdentityApi["Type"] =>
  IdentityApi.make((key) => (request) => {
    const repeat = repeats[key].repeat(request)
    return repeat === "never" ? api[key](request) : retried(api[key](request), repeat)
  })
