/** Token requests whose consent is handled by the strategy of the call or of the program. */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import type * as Tracer from "effect/Tracer"
import { ProgramStrategy, type Strategy } from "../../Consent.js"
import type { ConsentRequired, Unauthorized } from "../../IdentityError.js"
import type { AnyTokenOptions, WithWorkloadAccessToken } from "../../TokenOptions.js"
import { released } from "../lib/released.js"
import { activate, contextIn, withSpan } from "../lib/span.js"
import type { TokenContext } from "./askForToken.js"
import { type ConsentSession, isRetried, nextNumber } from "./consentSession.js"
import type { Flight, Flights, RequestFailure } from "./flights.js"
import { forcedKind, grantKey, requestKind } from "./grantKey.js"
import type { Poll } from "./pollSession.js"
import { ofOptions, type TokenRequestOptions } from "./tokenRequest.js"
import { type ConsentWaits, stop, type Waiter, waiter } from "./waitForConsent.js"
import { isRejected, orRejected, renew, workloadTokenOf } from "./workloadToken.js"

/** What a call holds, and releases when it ends. */
interface Call {
  /** The workload access token was renewed once. */
  isRenewed: boolean
  readonly span: Tracer.Span
  flight: Flight | undefined
  waiter: Waiter | undefined
}

/** Requests of one kind, which share their results. */
interface Kind {
  readonly name: string
  readonly request: (context: TokenContext, key: string) => Effect.Effect<Redacted.Redacted, RequestFailure>
}

/** Makes the kinds of requests that force authentication or not. Nearly all calls have the same one. */
export const kinds = (
  request: (context: TokenContext, force: boolean | undefined) => Effect.Effect<Redacted.Redacted, RequestFailure>
): (force: boolean | undefined) => Kind => {
  const of = (force: boolean | undefined): Kind => ({
    name: force === true ? forcedKind : requestKind,
    request: (context) => request(context, force)
  })
  const usual = of(undefined)
  return (force) => force === undefined ? usual : of(force)
}

/** @internal */
export const make = (flights: Flights, waits: ConsentWaits, poll: Poll) => {
  const release = (call: Call): Effect.Effect<void> | undefined => {
    const { flight, waiter } = call
    call.flight = call.waiter = undefined
    const left = flight && flights.leave(flight)
    const stopped = waiter && stop(waiter)
    return left === undefined || stopped === undefined ? left ?? stopped : Effect.zipRight(stopped, left)
  }

  /** Joins and records the flight in one step, so that no interruption finds it half-done. */
  const join = (
    call: Call,
    caller: WithWorkloadAccessToken,
    token: Redacted.Redacted,
    options: TokenRequestOptions,
    kind: Kind,
    fiber: Fiber.RuntimeFiber<unknown, unknown>
  ): Effect.Effect<Redacted.Redacted, RequestFailure> => {
    const key = grantKey(caller, token, options, kind.name)
    const request = Effect.suspend(() => kind.request({ options, workloadAccessToken: token }, key))
    /** The calls of an open session may wait for something else than its token, so a call that joins them polls once. */
    const orToken = (session: ConsentSession, consent: ConsentRequired) =>
      Effect.catchAll(
        poll(session, caller, { number: nextNumber(session), since: session.currentFrom }),
        (error) => {
          if (error._tag === "ConsentPending" || isRetried(error)) return Effect.fail(consent)
          // After an answer for all calls, such as a denial, the session is not joined any more.
          return session.answer === undefined ? Effect.fail(error) : again(token)
        }
      )
    const left = Effect.uninterruptible(Effect.suspend(() => release(call) ?? Effect.void))
    const again = (token: Redacted.Redacted): Effect.Effect<Redacted.Redacted, RequestFailure> =>
      Effect.zipRight(
        left,
        Effect.withFiberRuntime<Redacted.Redacted, RequestFailure>((fiber) =>
          join(call, caller, token, options, kind, fiber)
        )
      )
    const flight = call.flight = flights.join(key, token, request, fiber, contextIn(fiber, call.span))
    const { isSuperseded, session: opened, token: sent } = flight
    /** The source of a call runs in the fiber of the call, so that it blocks no other one. */
    const onRejected = (error: Unauthorized) => {
      // Another token of the same user was rejected.
      if (sent !== undefined && Redacted.value(sent) !== Redacted.value(token)) return again(token)
      if (call.isRenewed || Redacted.isRedacted(caller.workloadAccessToken)) return Effect.fail(error)
      call.isRenewed = true
      return left.pipe(
        Effect.zipRight(activate(call.span)),
        Effect.zipRight(orRejected(renew(caller, token), error)),
        Effect.flatMap(again)
      )
    }
    const joined = Effect.matchEffect(flights.result(flight), {
      onFailure: (error) => {
        if (error._tag === "ConsentRequired" && opened !== undefined) {
          return Effect.zipRight(activate(call.span), orToken(opened, error))
        }
        return isRejected(error) ? onRejected(error) : Effect.fail(error)
      },
      // The request was sent before what has made its token out of date.
      onSuccess: (accessToken) => isSuperseded ? again(token) : Effect.succeed(accessToken)
    })
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

  /** After the wait for a token that replaces another one, the requests that were sent meanwhile are out of date. */
  const superseding = <E, R>(
    call: Call,
    options: AnyTokenOptions<E, R> & WithWorkloadAccessToken,
    kind: Kind,
    token: Redacted.Redacted,
    consent: ConsentRequired
  ) => {
    const handled = onConsent(call, options, consent)
    return kind.name === requestKind ? handled : Effect.ensuring(
      handled,
      Effect.withFiberRuntime((fiber) =>
        Effect.sync(() =>
          flights.supersede(grantKey(options, token, ofOptions(options, fiber.currentContext), requestKind))
        )
      )
    )
  }

  const joinWith = <E, R>(
    call: Call,
    options: AnyTokenOptions<E, R> & WithWorkloadAccessToken,
    kind: Kind,
    token: Redacted.Redacted
  ): Effect.Effect<Redacted.Redacted, RequestFailure | E, R> =>
    Effect.catchAll(
      Effect.withFiberRuntime<Redacted.Redacted, RequestFailure>((fiber) =>
        join(call, options, token, ofOptions(options, fiber.currentContext), kind, fiber)
      ),
      (error): Effect.Effect<Redacted.Redacted, RequestFailure | E, R> =>
        error._tag === "ConsentRequired"
          ? Effect.zipRight(activate(call.span), superseding(call, options, kind, token, error))
          : Effect.fail(error)
    )

  const start = <E, R>(
    call: Call,
    options: AnyTokenOptions<E, R> & WithWorkloadAccessToken,
    kind: Kind
  ): Effect.Effect<Redacted.Redacted, RequestFailure | E, R> =>
    Redacted.isRedacted(options.workloadAccessToken)
      ? joinWith(call, options, kind, options.workloadAccessToken)
      : Effect.zipRight(
        activate(call.span),
        Effect.flatMap(workloadTokenOf(options), (token) => joinWith(call, options, kind, token))
      )

  return <E, R>(
    name: string,
    options: AnyTokenOptions<E, R> & WithWorkloadAccessToken,
    kind: Kind
  ): Effect.Effect<Redacted.Redacted, RequestFailure | E, R> => {
    const { authFlow, providerName } = options
    return withSpan(name, { attributes: { providerName, authFlow }, kind: "internal" }, (span) => {
      const call: Call = { isRenewed: false, span, flight: undefined, waiter: undefined }
      // A waiting call keeps neither its options nor its strategy.
      return { use: released(Effect.suspend(() => start(call, options, kind))), finalizer: () => release(call) }
    })
  }
}
