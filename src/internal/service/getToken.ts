/** Token requests whose consent is handled by the strategy of the call or of the program. */
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import { ProgramStrategy, type Strategy } from "../../Consent.js"
import type { ConsentRequired } from "../../IdentityError.js"
import type { AnyTokenOptions, WithWorkloadAccessToken } from "../../TokenOptions.js"
import { released } from "../lib/released.js"
import { withSpan } from "../lib/span.js"
import type { TokenContext } from "./askForToken.js"
import { type ConsentSession, isRetried, nextNumber, pollFrom } from "./consentSession.js"
import type { Flight, Flights, RequestFailure } from "./flights.js"
import { grantKey, requestKind } from "./grantKey.js"
import { ofOptions, type TokenRequestOptions } from "./tokenRequest.js"
import { type ConsentWaits, type Poll, stop, type Waiter, waiter } from "./waitForConsent.js"
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
export const make = (flights: Flights, waits: ConsentWaits, poll: Poll) => {
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
    let isLate = false
    const key = grantKey(caller, token, options, kind.name)
    const request = Effect.suspend(() => {
      isOwn = true
      return renewing(caller, token, (workloadAccessToken) => kind.request({ options, workloadAccessToken }, key))
    })
    let opened: ConsentSession | undefined
    /** The calls of an open session may wait for something else than its token, so a call that joins them polls once. */
    const orToken = (session: ConsentSession, consent: ConsentRequired) =>
      Effect.catchAll(
        pollFrom(session, nextNumber(session), session.currentFrom, poll(session, caller)),
        (error) => {
          if (error._tag === "ConsentPending" || isRetried(error)) return Effect.fail(consent)
          // After an answer for all calls, such as a denial, the session is not joined any more.
          return session.answer === undefined ? Effect.fail(error) : again
        }
      )
    const again: Effect.Effect<Redacted.Redacted, RequestFailure> = Effect.suspend(() =>
      Effect.zipRight(Effect.uninterruptible(release(call)), join(call, caller, token, options, kind))
    )
    const joined = Effect.uninterruptible(
      Effect.map(flights.join(key, request), (flight) => {
        call.flight = flight
        isLate = flight.isSuperseded
        opened = flight.session
        return flight
      })
    ).pipe(
      Effect.flatMap(flights.result),
      Effect.matchEffect({
        onFailure: (error) => {
          if (error._tag === "ConsentRequired" && opened !== undefined) return orToken(opened, error)
          // Only the token of the call that sent the request was rejected.
          return isRejected(error) && !isOwn ? again : Effect.fail(error)
        },
        // The request was sent before what has made its token out of date.
        onSuccess: (token) => isLate ? again : Effect.succeed(token)
      })
    )
    return kind.name === requestKind ? joined : Effect.ensuring(
      joined,
      // It has replaced the token that an earlier request may return.
      Effect.sync(() => flights.supersede(grantKey(caller, token, options, requestKind)))
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
