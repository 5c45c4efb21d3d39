/** What follows when a resource refuses a token that the vault still gives out. */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import type { WaitFailure } from "../Consent.js"
import { type ConsentRequired, isTransient } from "../IdentityError.js"
import * as flights from "./flights.js"
import * as Grant from "./grant.js"
import type { Asked, TokenFlow } from "./tokenFlow.js"

type Failure = WaitFailure | ConsentRequired

/**
 * Asks again, and forces the person to be asked only if the same token comes back: forcing throws the refresh token
 * away, and with it the consent. Once for each refused token, however many noticed it, at once or while the person is
 * being asked.
 *
 * @internal
 */
export const make = (flow: TokenFlow) =>
  Effect.gen(function*() {
    const { join } = yield* flights.make<Redacted.Redacted, Failure>()
    const asked = yield* Ref.make(HashMap.empty<string, ConsentRequired>())

    const remember = (key: string, consent: ConsentRequired) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        Ref.update(asked, (all) =>
          HashMap.set(
            HashMap.filter(all, ({ expiresAt }) => DateTime.toEpochMillis(expiresAt) > now),
            key,
            consent
          )))

    const again = (request: Asked, refused: Redacted.Redacted, key: string) =>
      Effect.gen(function*() {
        const once = request.grant.authFlow === "USER_FEDERATION" ? flow.ask : flow.machine
        const token = yield* once(request, undefined)
        return Redacted.value(token) === Redacted.value(refused) ? yield* once(request, true) : token
      }).pipe(
        Effect.tapErrorTag("ConsentRequired", (consent) => remember(key, consent))
      )

    /** What has become of the consent that was asked for already; whatever has ended it, it is not asked for again here. */
    const pending = (consent: ConsentRequired, { workloadAccessToken }: Asked) =>
      Effect.map(
        Effect.either(flow.poll(consent, workloadAccessToken)),
        (answer): Option.Option<Either.Either<Redacted.Redacted, Failure>> => {
          if (Either.isRight(answer)) return Option.some(Either.right(answer.right))
          if (answer.left._tag === "ConsentPending") return Option.some(Either.left(consent))
          return isTransient(answer.left) ? Option.some(Either.left(answer.left)) : Option.none()
        }
      )

    return (request: Asked, refused: Redacted.Redacted): Effect.Effect<Redacted.Redacted, Failure> => {
      // With the caller's own token: whoever asks as another gets nothing of theirs.
      const key = [Grant.key(request.grant), Redacted.value(request.workloadAccessToken), Redacted.value(refused)].join(
        "\n"
      )
      return join(
        key,
        Effect.gen(function*() {
          const before = HashMap.get(yield* Ref.get(asked), key)
          const answer = Option.isNone(before) ? Option.none() : yield* pending(before.value, request)
          return yield* Option.isSome(answer) ? answer.value : again(request, refused, key)
        })
      )
    }
  })
