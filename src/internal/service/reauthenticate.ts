/** Requests another token for one that a resource has rejected, while the vault still returns it. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { type ConsentRequired, isTransient } from "../../IdentityError.js"
import * as expiringMap from "../lib/expiringMap.js"
import { again, type TokenContext, type TokenFlow } from "./askForToken.js"
import type { RequestFailure } from "./flights.js"

const isSame = (one: Redacted.Redacted, other: Redacted.Redacted) => Redacted.value(one) === Redacted.value(other)

/**
 * Requests the token again, and forces authentication only if the service returns the rejected token: forcing discards the
 * refresh token, and with it the consent. All callers with the same rejected token share one request (`flights`), and while its
 * consent is pending, one session. `key` is that of the call.
 */
export const make = (flow: TokenFlow, entries?: Map<string, ConsentRequired>) => {
  /** The consents that were required and have not expired, by the key of their call. */
  const consents = expiringMap.make(entries)

  const retryWithForce = (request: TokenContext, refused: Redacted.Redacted, key: string) =>
    Effect.gen(function*() {
      const once = request.options.authFlow === "USER_FEDERATION" ? flow.requestUserToken : flow.requestMachineToken
      const token = yield* once(request, undefined)
      return isSame(token, refused) ? yield* once(request, true) : token
    }).pipe(
      Effect.tapErrorTag(
        "ConsentRequired",
        (consent) => Effect.map(DateTime.now, (now) => consents.set(key, consent, now))
      )
    )

  /** Polls a consent that was required before. Returns `None` if its session has ended without another token. */
  const pollEarlier = (consent: ConsentRequired, { workloadAccessToken }: TokenContext, refused: Redacted.Redacted) =>
    Effect.map(
      Effect.either(flow.poll(consent, workloadAccessToken)),
      (answer): Option.Option<Either.Either<Redacted.Redacted, RequestFailure>> => {
        if (Either.isRight(answer)) {
          return isSame(answer.right, refused) ? Option.none() : Option.some(Either.right(answer.right))
        }
        if (answer.left._tag === "ConsentPending") return Option.some(Either.left(again(consent)))
        return isTransient(answer.left) ? Option.some(Either.left(answer.left)) : Option.none()
      }
    )

  return (
    request: TokenContext,
    refused: Redacted.Redacted,
    key: string
  ): Effect.Effect<Redacted.Redacted, RequestFailure> =>
    Effect.gen(function*() {
      const before = consents.get(key, yield* DateTime.now)
      const answer = Option.isNone(before) ? Option.none() : yield* pollEarlier(before.value, request, refused)
      return yield* Option.isSome(answer) ? answer.value : retryWithForce(request, refused, key)
    })
}
