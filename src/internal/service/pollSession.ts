/** One poll of a consent session, as one of the calls that wait for it. */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import { ConsentTimedOut, isTransient } from "../../IdentityError.js"
import type { WithWorkloadAccessToken } from "../../TokenOptions.js"
import { pollRequest, type TokenFlow } from "./askForToken.js"
import { type ConsentSession, nextNumber, type PollFailure, pollFrom, type Wanted } from "./consentSession.js"
import { isRejected, renew, workloadTokenOf } from "./workloadToken.js"

/** Sends the request of the session again, without the session. Another consent does not help the call that waits for this one. */
const requestAgain = <E>(flow: TokenFlow, session: ConsentSession, token: Redacted.Redacted, onConsent: () => E) =>
  Effect.catchTag(
    flow.requestUserToken({ options: session.options, workloadAccessToken: token }, undefined),
    "ConsentRequired",
    () => Effect.fail(onConsent())
  )

/**
 * Assumption: a session belongs to the workload and the user, and not to the workload access token that opened it, so that a
 * poll with another token of the same user continues it [I]. If the service rejects this, one new request is sent.
 */
const pollRenewed = (flow: TokenFlow, session: ConsentSession, token: Redacted.Redacted) =>
  Effect.catchTags(flow.readPoll(pollRequest(session, token)), {
    AccessDenied: () => requestAgain(flow, session, token, () => timedOut(session)),
    ConsentTimedOut: () => requestAgain(flow, session, token, () => timedOut(session)),
    Unauthorized: () => requestAgain(flow, session, token, () => timedOut(session))
  })

const timedOut = ({ options }: ConsentSession) => new ConsentTimedOut({ providerName: options.providerName })

/** If another session of the grant was completed, a new request may return the token that the poll does not. */
const orGrant = (flow: TokenFlow, session: ConsentSession, token: Redacted.Redacted) =>
  Effect.catchTag(
    flow.readPoll(pollRequest(session, token)),
    "ConsentPending",
    (pending) =>
      Effect.suspend((): Effect.Effect<Redacted.Redacted, PollFailure> => {
        if (!session.isGrantCompleted) return Effect.fail(pending)
        session.isGrantCompleted = false
        return requestAgain(flow, session, token, () => pending)
      })
  )

/** After the session has expired, a failure that would be retried becomes `ConsentTimedOut`. */
const unlessExpired = (session: ConsentSession, poll: Effect.Effect<Redacted.Redacted, PollFailure>) =>
  Effect.catchIf(
    poll,
    // The service denies access to a session that has ended.
    (error) => error._tag === "AccessDenied" || isTransient(error),
    (error) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        Effect.fail(now >= DateTime.toEpochMillis(session.expiresAt) ? timedOut(session) : error))
  )

/** Polls a session as one of its calls, or uses the poll of another call. */
export type Poll = (
  session: ConsentSession,
  caller: WithWorkloadAccessToken,
  wanted: Wanted
) => Effect.Effect<Redacted.Redacted, PollFailure>

/** A workload access token that has expired meanwhile is renewed, in the fiber of its call, and then the session is polled again. */
export const make = (flow: TokenFlow): Poll => (session, caller, wanted) =>
  Effect.suspend(() => {
    let used: Redacted.Redacted | undefined
    const polled = pollFrom(session, wanted, {
      token: workloadTokenOf(caller),
      send: (token) => {
        used = token
        return unlessExpired(session, orGrant(flow, session, token))
      }
    })
    return Effect.catchIf(polled, isRejected, (error) =>
      used === undefined ? Effect.fail(error) : pollFrom(session, { ...wanted, number: nextNumber(session) }, {
        token: renew(caller, used),
        send: (token) =>
          unlessExpired(session, pollRenewed(flow, session, token))
      }))
  })
