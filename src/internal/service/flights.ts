/** Calls that request the same grant share one token request, and the consent session that it opens. */
import type * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Runtime from "effect/Runtime"
import * as RuntimeFlags from "effect/RuntimeFlags"
import type { WaitFailure } from "../../Consent.js"
import { ConsentSignal } from "../../ConsentSignal.js"
import type { ConsentRequired } from "../../IdentityError.js"
import type { MintFailure } from "../../WorkloadAccessToken.js"
import { digest } from "../lib/digest.js"
import * as expiringMap from "../lib/expiringMap.js"
import * as subscriptions from "../lib/subscriptions.js"
import * as consentSession from "./consentSession.js"
import type { ConsentSession } from "./consentSession.js"

/** @internal */
export type RequestFailure = WaitFailure | ConsentRequired | MintFailure

type TokenExit = Exit.Exit<Redacted.Redacted, RequestFailure>

interface SessionSubscription {
  readonly sessionUri: string
  readonly subscription: subscriptions.Subscription
}

/** The calls of one grant. It ends with its last call. */
export interface Flight {
  readonly key: string
  /** Key of the grant: the key of a request for it. A resumed call has another key. */
  readonly grant: string
  /** The workload access token of the request; `undefined` for resumed calls. */
  readonly token: Redacted.Redacted | undefined
  callers: number
  /** The request; `undefined` after it has opened a session. */
  request: Fiber.RuntimeFiber<TokenExit> | undefined
  session: ConsentSession | undefined
  /** The token that the request returns is out of date for calls that join from now on. A consent that it requires is not. */
  isSuperseded: boolean
  /** The subscriptions to the session, and to earlier sessions of the grant. */
  subscribed: ReadonlyArray<SessionSubscription>
  /** Publishes the completion that another process reports. */
  listener: Fiber.RuntimeFiber<unknown> | undefined
}

/** The sessions of a grant that no call waits for any more. */
interface Earlier extends expiringMap.Expiring {
  readonly sessionUris: ReadonlyArray<string>
}

/** The newest sessions of a grant whose completion wakes a later call. */
const maxEarlier = 4

/** @internal */
export interface Flights {
  /** Joins the calls of `key`, or starts `request` for them in a fiber that inherits from `caller`, with this context. */
  readonly join: (
    key: string,
    token: Redacted.Redacted,
    request: Effect.Effect<Redacted.Redacted, RequestFailure>,
    caller: Fiber.RuntimeFiber<unknown, unknown>,
    context: Context.Context<never>
  ) => Flight
  /** Joins the resumed calls that wait for the session of this consent. `grant` is the key of its request. */
  readonly joinSession: (key: string, grant: string, consent: ConsentRequired) => Effect.Effect<Flight>
  /** The result of the request. While calls wait for its session, it is the consent that they require. */
  readonly result: (flight: Flight) => Effect.Effect<Redacted.Redacted, RequestFailure>
  /** Leaves the calls of a flight. The last one interrupts what is in progress: the effect that is returned, if there is any. */
  readonly leave: (flight: Flight) => Effect.Effect<void> | undefined
  /** Marks the request and the poll in progress for this key: a token they return is out of date for calls that join later. */
  readonly supersede: (key: string) => void
  /** The number of flights. */
  readonly size: Effect.Effect<number>
}

// Made here, so that it does not keep the consent request and its stack trace in memory.
const onCompleted = (session: ConsentSession) => () => consentSession.complete(session, false)

/** Another session of the grant was completed. */
const onEarlier = (flight: Flight) => () => {
  if (flight.session !== undefined) consentSession.complete(flight.session, true)
}

const interrupt = (fiber: Fiber.RuntimeFiber<unknown> | undefined) =>
  fiber === undefined || fiber.unsafePoll() !== null ? Effect.void : Fiber.interrupt(fiber)

/**
 * Awaits the request. An observer costs less than `Fiber.await`, and much less than a `Deferred`. The one of a caller that is
 * interrupted does nothing, and ends with the request.
 */
const awaited = (request: Fiber.RuntimeFiber<TokenExit>) =>
  Effect.async<Redacted.Redacted, RequestFailure>((resume) => {
    request.addObserver((exit) => resume(Exit.isSuccess(exit) ? exit.value : Effect.failCause(exit.cause)))
  })

/** The request is interrupted in one place only, and opens its session in one piece. */
const requestFlags = RuntimeFlags.disable(Runtime.defaultRuntimeFlags, RuntimeFlags.Interruption)

/** @internal */
export const make = (registry: subscriptions.SubscriptionRegistry): Flights => {
  // Native maps: callers choose the keys. Each step that changes a map is synchronous, so no other fiber sees half of it.
  const flights = new Map<string, Flight>()
  const earlier = expiringMap.make<Earlier>()

  const open = (key: string, grant: string, token?: Redacted.Redacted): Flight => {
    const flight = {
      key,
      grant,
      token,
      callers: 1,
      request: undefined,
      session: undefined,
      isSuperseded: false,
      subscribed: [],
      listener: undefined
    }
    flights.set(key, flight)
    return flight
  }

  /** Later calls of the key start another flight. */
  const detach = (flight: Flight) => {
    if (flights.get(flight.key) === flight) flights.delete(flight.key)
  }

  const find = (key: string): Flight | undefined => {
    const found = flights.get(key)
    if (found === undefined || found.session?.answer !== undefined) return undefined
    found.callers++
    return found
  }

  const subscribe = (flight: Flight, sessionUri: string, onNotify: () => void) =>
    Effect.suspend(() => {
      const subscription = subscriptions.subscription(onNotify)
      flight.subscribed = [...flight.subscribed, { sessionUri, subscription }]
      return registry.subscribe(sessionUri, subscription)
    })

  const earlierOf = (grant: string, now: DateTime.Utc) =>
    Option.match(earlier.get(grant, now), { onNone: () => [], onSome: ({ sessionUris }) => sessionUris })

  const subscribeEarlier = (flight: Flight, own?: string) =>
    Effect.flatMap(DateTime.now, (now) =>
      Effect.forEach(
        earlierOf(flight.grant, now).filter((uri) => uri !== own),
        (uri) => subscribe(flight, uri, onEarlier(flight)),
        { discard: true }
      ))

  const listen = (flight: Flight, { sessionUri }: ConsentSession) =>
    Effect.flatMap(ConsentSignal, (signal) =>
      signal === undefined
        ? Effect.void
        // Computes the digest before the URL is shown, so that the signal of a user who answers at once is not missed.
        : digest(sessionUri).pipe(
          Effect.flatMap((name) =>
            Effect.forkDaemon(
              Effect.interruptible(Effect.zipRight(signal.arrival(name), registry.publish(Redacted.value(sessionUri))))
            )
          ),
          Effect.map((fiber) => {
            flight.listener = fiber
          })
        ))

  /** Opens the session before any call shows its URL, since the user may answer at once. */
  const openSession = (flight: Flight, consent: ConsentRequired) =>
    Effect.suspend(() => {
      const session = consentSession.make(consent)
      flight.session = session
      if (flight.subscribed.some(({ subscription }) => subscription.isNotified)) consentSession.complete(session, true)
      return subscribe(flight, Redacted.value(session.sessionUri), onCompleted(session)).pipe(
        Effect.zipRight(listen(flight, session)),
        Effect.map(() => {
          flight.request = undefined
        })
      )
    })

  const sent = (flight: Flight, request: Effect.Effect<Redacted.Redacted, RequestFailure>) => {
    // As an `Exit`, since a fiber that fails is logged as one whose error is not handled.
    const exit = Effect.flatMap(Effect.exit(Effect.interruptible(request)), (exit): Effect.Effect<TokenExit> => {
      const { error } = Exit.isFailure(exit) && exit.cause._tag === "Fail" ? exit.cause : { error: undefined }
      if (error?._tag === "ConsentRequired") return Effect.as(openSession(flight, error), exit)
      detach(flight)
      return Effect.succeed(exit)
    })
    return earlier.isEmpty() ? exit : Effect.zipRight(subscribeEarlier(flight), exit)
  }

  /** Remembers a session without an answer, whose URL the user may still open. */
  const remember = ({ grant, session }: Flight) =>
    session === undefined || session.answer !== undefined
      ? Effect.void
      : Effect.map(DateTime.now, (now) => {
        const uri = Redacted.value(session.sessionUri)
        const sessionUris = [uri, ...earlierOf(grant, now).filter((one) => one !== uri)].slice(0, maxEarlier)
        earlier.set(grant, { sessionUris, expiresAt: session.expiresAt }, now)
      })

  const close = (flight: Flight) => {
    detach(flight)
    // Most requests have ended, and have opened no session.
    if (flight.subscribed.length === 0 && flight.request !== undefined && flight.request.unsafePoll() !== null) {
      return undefined
    }
    // Now, since a call that starts before the effect below runs sends a request of its own.
    for (const fiber of [flight.request, flight.session?.running?.fiber]) fiber?.unsafeInterruptAsFork(FiberId.none)
    // The request first: when it has ended, no session is opened any more.
    return Effect.zipRight(
      interrupt(flight.request),
      Effect.suspend(() =>
        Effect.forEach(
          flight.subscribed,
          ({ sessionUri, subscription }) => registry.unsubscribe(sessionUri, subscription),
          { discard: true }
        ).pipe(
          Effect.zipRight(interrupt(flight.listener)),
          Effect.zipRight(interrupt(flight.session?.running?.fiber)),
          Effect.zipRight(remember(flight))
        )
      )
    )
  }

  return {
    join: (key, token, request, caller, context) => {
      const found = find(key)
      if (found !== undefined) return found
      const flight = open(key, key, token)
      const runtime = Runtime.make({ context, fiberRefs: caller.getFiberRefs(), runtimeFlags: requestFlags })
      // Not at once: it must not end before the flight knows its fiber.
      flight.request = Runtime.runFork(runtime, sent(flight, request), { immediate: false })
      return flight
    },
    joinSession: (key, grant, consent) =>
      Effect.uninterruptible(Effect.suspend(() => {
        const found = find(key)
        if (found !== undefined) return Effect.succeed(found)
        const flight = open(key, grant)
        return subscribeEarlier(flight, Redacted.value(consent.sessionUri)).pipe(
          Effect.zipRight(openSession(flight, consent)),
          Effect.as(flight)
        )
      })),
    result: ({ request, session }) => {
      if (request !== undefined) return awaited(request)
      return session === undefined ? Effect.interrupt : Effect.fail(consentSession.toConsent(session))
    },
    leave: (flight) => --flight.callers === 0 ? close(flight) : undefined,
    supersede: (key) => {
      const flight = flights.get(key)
      if (flight === undefined) return
      if (flight.request !== undefined) flight.isSuperseded = true
      if (flight.session !== undefined) flight.session.currentFrom = flight.session.polls
    },
    size: Effect.sync(() => flights.size)
  }
}
