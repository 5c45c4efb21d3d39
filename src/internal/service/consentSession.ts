/** A consent session, shared by all calls of one grant that wait for it: one series of polls, and one answer. */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import type * as Redacted from "effect/Redacted"
import type { WaitFailure } from "../../Consent.js"
import { type ConsentPending, ConsentRequired, isTransient } from "../../IdentityError.js"
import * as LinkedList from "../lib/linkedList.js"
import type { TokenRequestOptions } from "./tokenRequest.js"

/** @internal */
export type PollFailure = WaitFailure | ConsentPending

type PollExit = Exit.Exit<Redacted.Redacted, PollFailure>

interface Running {
  readonly exit: Deferred.Deferred<PollExit>
  fiber: Fiber.RuntimeFiber<unknown> | undefined
}

/** A call that waits. `onNotify` wakes it: there is an answer, or the session was completed. */
export interface Listener extends LinkedList.Node<Listener> {
  onNotify: () => void
}

/** @internal */
export interface ConsentSession extends Pick<ConsentRequired, "authorizationUrl" | "expiresAt" | "sessionUri"> {
  /** The request that opened the session. */
  readonly options: TokenRequestOptions
  readonly listeners: LinkedList.LinkedList<Listener>
  /** Polls so far; a poll has the number of those before it. */
  polls: number
  /** The last poll that has ended. */
  last: { readonly number: number; readonly at: number; readonly exit: PollExit } | undefined
  running: Running | undefined
  /** The number of polls before the last completion event. Those in progress then may have missed it. */
  completedAt: number | undefined
  /** Another session of the same grant was completed, so a new request may return its token. */
  isGrantCompleted: boolean
  /** The result for all calls: the token, a denial, or the end of the session; and the number of its poll. */
  answer: { readonly number: number; readonly exit: Exit.Exit<Redacted.Redacted, WaitFailure> } | undefined
  /** Polls with a smaller number are out of date for calls that join from now on. */
  currentFrom: number
}

/** @internal */
export const make = (consent: ConsentRequired): ConsentSession => ({
  options: {
    providerName: consent.providerName,
    authFlow: consent.authFlow,
    scopes: consent.scopes,
    resources: consent.resources,
    audiences: consent.audiences,
    callbackUrl: consent.callbackUrl,
    customState: consent.customState,
    customParameters: consent.customParameters
  },
  authorizationUrl: consent.authorizationUrl,
  sessionUri: consent.sessionUri,
  expiresAt: consent.expiresAt,
  listeners: LinkedList.empty(),
  polls: 0,
  last: undefined,
  running: undefined,
  completedAt: undefined,
  isGrantCompleted: false,
  answer: undefined,
  currentFrom: 0
})

/** The number from which a poll counts that another call may have started, but not ended, before now. */
export const nextNumber = ({ last }: ConsentSession): number => last === undefined ? 0 : last.number + 1

/** The consent request of the session, for a call that has joined later. */
export const toConsent = ({ authorizationUrl, expiresAt, options, sessionUri }: ConsentSession): ConsentRequired =>
  new ConsentRequired({ ...options, authorizationUrl, sessionUri, expiresAt }, { disableValidation: true })

const notify = ({ listeners }: ConsentSession) => {
  for (let listener = listeners.first; listener !== undefined; listener = listener.next) listener.onNotify()
}

/** Records that the session, or another one of its grant, was completed: each waiting call looks once. */
export const complete = (session: ConsentSession, isOther: boolean): void => {
  session.completedAt = session.polls
  session.isGrantCompleted ||= isOther
  notify(session)
}

/** Tests if a wait continues after this failure of a poll. */
export const isRetried = (error: PollFailure): boolean => error._tag === "ConsentPending" || isTransient(error)

/** Tests if the result of a poll is that of every call. */
const isAnswer = (exit: PollExit): exit is Exit.Exit<Redacted.Redacted, WaitFailure> =>
  Exit.isSuccess(exit) ||
  (exit.cause._tag === "Fail" && ["ConsentDenied", "ConsentTimedOut"].includes(exit.cause.error._tag))

/** Tests if the result of a poll tells another call that it has to wait. Other failures concern the call that polled. */
const isShared = (exit: PollExit): boolean =>
  Exit.isFailure(exit) && exit.cause._tag === "Fail" && isRetried(exit.cause.error)

/** Starts a poll in a fiber of its own, so that the interruption of one call does not stop the poll of the others. */
const start = (session: ConsentSession, poll: Effect.Effect<Redacted.Redacted, PollFailure>) =>
  Effect.uninterruptible(Effect.suspend(() => {
    const running: Running = { exit: Deferred.unsafeMake<PollExit>(FiberId.none), fiber: undefined }
    const number = session.polls++
    session.running = running
    return Effect.exit(Effect.interruptible(poll)).pipe(
      Effect.zip(Clock.currentTimeMillis),
      Effect.flatMap(([exit, at]) => {
        session.last = { number, at, exit }
        session.running = undefined
        if (isAnswer(exit)) {
          session.answer = { number, exit }
          notify(session)
        }
        return Deferred.succeed(running.exit, exit)
      }),
      Effect.forkDaemon,
      Effect.map((fiber) => {
        running.fiber = fiber
        return running.exit
      })
    )
  }))

/** A poll that counts for a call. */
export interface Wanted {
  /** The least number of the poll. */
  readonly number: number
  /** The least number of the poll whose result is an answer for all calls. */
  readonly since: number
}

/** A poll of one call. */
export interface OwnPoll {
  /** The workload access token of the call. Its source runs in the fiber of the call, so that it blocks no other one. */
  readonly token: Effect.Effect<Redacted.Redacted, PollFailure>
  /** Sends the poll. It is shared, so it must end by itself. */
  readonly send: (token: Redacted.Redacted) => Effect.Effect<Redacted.Redacted, PollFailure>
}

/** Returns the result of a poll that counts: of the last one, of the one in progress, or of a new one. */
export const pollFrom = (
  session: ConsentSession,
  wanted: Wanted,
  own: OwnPoll
): Effect.Effect<Redacted.Redacted, PollFailure> =>
  Effect.suspend(() => known(session, wanted, own) ?? sent(session, wanted, own))

const known = (session: ConsentSession, wanted: Wanted, own: OwnPoll) => {
  const { answer, last, running } = session
  if (answer !== undefined && answer.number >= wanted.since) return answer.exit
  if (last !== undefined && last.number >= wanted.number && isShared(last.exit)) return last.exit
  return running && Effect.flatMap(Deferred.await(running.exit), () => pollFrom(session, wanted, own))
}

const sent = (session: ConsentSession, wanted: Wanted, { send, token }: OwnPoll) =>
  Effect.flatMap(token, (token) =>
    // Another call may have polled while this one obtained its token.
    known(session, wanted, { send, token: Effect.succeed(token) }) ??
      Effect.flatMap(start(session, send(token)), (exit) => Effect.flatten(Deferred.await(exit))))
