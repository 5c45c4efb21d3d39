/** Token requests whose consent is handled by the strategy of the call or of the program. */
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import { ProgramStrategy, type Strategy } from "../../Consent.js"
import type { ConsentRequired } from "../../IdentityError.js"
import type { AnyTokenOptions, WithWorkloadAccessToken } from "../../TokenOptions.js"
import { released } from "../lib/released.js"
import { withSpan } from "../lib/span.js"
import type { TokenContext } from "./askForToken.js"
import type { Flight, Flights, RequestFailure } from "./flights.js"
import { grantKey } from "./grantKey.js"
import { ofOptions, type TokenRequestOptions } from "./tokenRequest.js"
import { type ConsentWaits, stop, type Waiter, waiter } from "./waitForConsent.js"
import { isRejected, renewing, workloadTokenOf } from "./workloadToken.js"

/** What a call holds, and releases when it ends. */
interface Call {
  flight: Flight | undefined
  waiter: Waiter | undefined
}

/** Requests of one kind, which share their results. */
interface Kind {
  readonly name: string
  readonly request: (context: TokenContext, key: string) => Effect.Effect<Redacted.Redacted, RequestFailure>
}

/** @internal */
export const make = (flights: Flights, waits: ConsentWaits) => {
  const release = (call: Call) =>
    Effect.suspend(() => {
      const { flight, waiter } = call
      call.flight = call.waiter = undefined
      const left = flight === undefined ? Effect.void : flights.leave(flight)
      return waiter === undefined ? left : Effect.zipRight(stop(waiter), left)
    })

  const join = (
    call: Call,
    caller: WithWorkloadAccessToken,
    token: Redacted.Redacted,
    options: TokenRequestOptions,
    kind: Kind
  ): Effect.Effect<Redacted.Redacted, RequestFailure> => {
    let isOwn = false
    const key = grantKey(caller, token, options, kind.name)
    const request = Effect.suspend(() => {
      isOwn = true
      return renewing(caller, token, (workloadAccessToken) => kind.request({ options, workloadAccessToken }, key))
    })
    return Effect.uninterruptible(
      Effect.map(flights.join(key, request), (flight) => {
        call.flight = flight
        return flight
      })
    ).pipe(
      Effect.flatMap(flights.result),
      // Only the token of the call that sent the request was rejected.
      Effect.catchIf(
        (error) => isRejected(error) && !isOwn,
        () => Effect.zipRight(Effect.uninterruptible(release(call)), join(call, caller, token, options, kind))
      )
    )
  }

  const onConsent = <E, R>(
    call: Call,
    options: AnyTokenOptions<E, R> & WithWorkloadAccessToken,
    consent: ConsentRequired
  ): Effect.Effect<Redacted.Redacted, RequestFailure | E, R> => {
    const session = call.flight?.session
    if (session === undefined) return Effect.fail(consent)
    const own = call.waiter = waiter(session, options)
    const apply = <E2, R2>({ onConsent }: Strategy<E2, R2>) => onConsent(consent, waits.waiting(own))
    return options.consent === undefined ? Effect.flatMap(ProgramStrategy, apply) : apply(options.consent)
  }

  return <E, R>(
    span: string,
    options: AnyTokenOptions<E, R> & WithWorkloadAccessToken,
    kind: Kind
  ): Effect.Effect<Redacted.Redacted, RequestFailure | E, R> => {
    const { authFlow, providerName } = options
    const requested = (call: Call) =>
      Effect.flatMap(workloadTokenOf(options), (token) =>
        ofOptions(options).pipe(
          Effect.flatMap((resolved) => join(call, options, token, resolved, kind)),
          Effect.catchIf(
            (error): error is ConsentRequired => error._tag === "ConsentRequired",
            (consent) => onConsent(call, options, consent)
          )
        ))
    return Effect.suspend(() => {
      const call: Call = { flight: undefined, waiter: undefined }
      // A waiting call keeps neither its options nor its strategy.
      return withSpan(span, { providerName, authFlow }, released(Effect.suspend(() => requested(call))), release(call))
    })
  }
}
