/** Completion of consent sessions (`CompleteResourceTokenAuth`). */
import * as Cause from "effect/Cause"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { UserIdentifier } from "../../../Credential.js"
import type { Method } from "../../../IdentityApi.js"
import type { AccessDenied, ValidationError } from "../../../IdentityError.js"
import { findOauth2Provider } from "../control/oauth2Providers.js"
import * as assumptions from "../state/assumptions.js"
import type { IssuedToken, ProviderError } from "../state/issuer.js"
import { reported } from "../state/providerFailures.js"
import * as sessions from "../state/session.js"
import type { State, User } from "../state/state.js"
import { type Result, result, type Store } from "../state/store.js"
import { clientOf } from "./clients.js"
import { grant, grantKey } from "./grants.js"

/** Compares the user id or the JWT exactly: a new JWT of the same person is another user here. */
const isSameUser = (user: User, identifier: UserIdentifier): boolean =>
  user.kind === "userId"
    ? "userId" in identifier && identifier.userId === user.userId
    : "userToken" in identifier && Redacted.value(identifier.userToken) === Redacted.value(user.token)

const operation = "CompleteResourceTokenAuth"

/**
 * Claims the session, sends the token request, and stores the grant. A second completion finds the session claimed. If the
 * call is interrupted before the provider answers, the claim is given back. A real provider may already have redeemed the
 * code, so its answer is awaited even if the caller is gone.
 */
export const complete = (store: Store): Method<"completeResourceTokenAuth"> => ({ sessionUri, userIdentifier }) => {
  const claim = store.decide((state, now) =>
    Either.gen(function*() {
      const approved = yield* sessions.find(state, now, sessionUri).pipe(
        Option.filter(sessions.isApproved),
        Option.filter(({ user }) => isSameUser(user, userIdentifier)),
        Either.fromOption(() => assumptions.sessionRefused(operation))
      )
      const provider = yield* findOauth2Provider(operation, state, approved.providerName)
      const exchangeClient = yield* clientOf(store, operation, state, provider)
      const [session, claimed] = sessions.claim(state, approved)
      return result({ session, client: exchangeClient }, claimed)
    })
  )
  return Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(claim, ({ client, session }) => {
      const exchange = client.issuer.user(client, session).pipe(reported(store, session.providerName))
      const settle = (exchanged: Effect.Effect<IssuedToken, ProviderError>) =>
        Effect.flatMap(Effect.exit(exchanged), (exit) =>
          Effect.flatMap(
            store.decide((state, now) => Either.right(settled(state, now, session, exit))),
            (isKept): Effect.Effect<IssuedToken, AccessDenied | ValidationError> =>
              Exit.isSuccess(exit) && !isKept
                ? assumptions.sessionRefused(operation)
                : Effect.mapError(exit, () => assumptions.retrievalFailed(operation))
          ))
      return (session.authorization === undefined
        ? settle(restore(exchange))
        : Effect.flatMap(
          Effect.forkDaemon(settle(Effect.interruptible(exchange))),
          (fiber) => restore(Fiber.join(fiber))
        ))
        .pipe(Effect.as({}))
    })
  )
}

/**
 * The state after the provider's answer, and whether the session still exists. Deleting the workload identity or the
 * provider deletes the session too; then nothing is stored.
 */
const settled = (
  state: State,
  now: DateTime.Utc,
  session: sessions.Completing,
  exit: Exit.Exit<IssuedToken, ProviderError>
): Result<boolean> =>
  HashMap.has(state.sessions, session.uri)
    ? result(
      true,
      Exit.match(exit, {
        onSuccess: (issued) => {
          const granted = grant(session.target, issued, now)
          return {
            ...sessions.complete(state, session, granted),
            grants: HashMap.set(state.grants, grantKey(session), granted)
          }
        },
        onFailure: (cause) => (isRedeemed(cause) ? sessions.fail : sessions.release)(state, session)
      })
    )
    : result(false, state)

/** Reasons for which the code was not sent, so that it can still be sent. */
const unsent: ReadonlyArray<ProviderError["reason"]> = ["Unreachable", "Certificate", "Forbidden", "Misconfigured"]

const isRedeemed = (cause: Cause.Cause<ProviderError>) =>
  Cause.isDie(cause) ||
  Option.exists(Cause.failureOption(cause), ({ reason, step }) => step === "token" && !unsent.includes(reason))
