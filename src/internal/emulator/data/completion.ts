/** Completion of consent sessions: `CompleteResourceTokenAuth`, and the test control. */
import * as Cause from "effect/Cause"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { UserIdentifier } from "../../../Credential.js"
import type { Method } from "../../../IdentityApi.js"
import { type IdentityControls, type ProviderRefused, SessionNotApproved } from "../../../IdentityControls.js"
import type { AccessDenied, ResourceNotFound, ValidationError } from "../../../IdentityError.js"
import { findOauth2Provider } from "../control/oauth2Providers.js"
import * as assumptions from "../state/assumptions.js"
import type { Client, IssuedToken, ProviderError } from "../state/issuer.js"
import { reported, toProviderRefused } from "../state/providerFailures.js"
import * as sessions from "../state/session.js"
import type { State } from "../state/state.js"
import { type Result, result, type Store } from "../state/store.js"
import * as Table from "../state/table.js"
import { grantKey, grantOwner, type User } from "../state/user.js"
import { clientOf } from "./clients.js"
import { grant } from "./grants.js"

/** Compares the user id or the JWT exactly: a new JWT of the same person is another user here. */
const isSameUser = (user: User, identifier: UserIdentifier): boolean =>
  user.kind === "userId"
    ? "userId" in identifier && identifier.userId === user.userId
    : "userToken" in identifier && Redacted.value(identifier.userToken) === Redacted.value(user.token)

const operation = "CompleteResourceTokenAuth"

/** The errors of a completion, which differ for the API and the test controls. */
interface Errors<E> {
  /** The session was deleted during the token request. */
  readonly deleted: () => E
  readonly refused: (session: sessions.Completing, error: ProviderError) => E
}

/**
 * Claims the session, sends the token request, and stores the grant. A second completion finds the session claimed. If the
 * call is interrupted before the provider answers, the claim is given back. A real provider may already have redeemed the
 * code, so its answer is awaited even if the caller is gone.
 */
const completeSession = <E>(
  store: Store,
  select: (
    state: State,
    now: DateTime.Utc
  ) => Either.Either<{ readonly approved: sessions.Approved; readonly client: Client }, E>,
  { deleted, refused }: Errors<E>
): Effect.Effect<void, E> => {
  const claim = store.decide((state, now) =>
    Either.map(select(state, now), ({ approved, client }) => {
      const [session, claimed] = sessions.claim(state, approved)
      return result({ session, client }, claimed)
    })
  )
  return Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(claim, ({ client, session }) => {
      const exchange = client.issuer.user(client, session).pipe(reported(store, session.providerName))
      const settle = (exchanged: Effect.Effect<IssuedToken, ProviderError>): Effect.Effect<void, E> =>
        Effect.gen(function*() {
          const exit = yield* Effect.exit(exchanged)
          const isKept = yield* store.decide((state, now) => Either.right(settled(state, now, session, exit)))
          // A session whose code the provider rejected has failed, which ends the waits too.
          if (Exit.isSuccess(exit) ? isKept : isRedeemed(exit.cause)) {
            yield* store.completionEvents.publish(session.uri)
          }
          yield* Effect.mapError(exit, (error) => refused(session, error))
          if (!isKept) return yield* Effect.fail(deleted())
        })
      return session.authorization === undefined
        ? settle(restore(exchange))
        : Effect.flatMap(
          Effect.forkDaemon(settle(Effect.interruptible(exchange))),
          (fiber) => restore(Fiber.join(fiber))
        )
    })
  )
}

const findApproved = (state: State, now: DateTime.Utc, uri: Redacted.Redacted) =>
  Option.filter(sessions.find(state, now, uri), sessions.isApproved)

const clientOfSession = (store: Store, state: State, { providerName }: sessions.Approved) =>
  Either.flatMap(
    findOauth2Provider(operation, state, providerName),
    (provider) => clientOf(store, operation, state, provider)
  )

/** The operation: only the user who started the session completes it. */
export const complete = (store: Store): Method<"completeResourceTokenAuth"> => ({ sessionUri, userIdentifier }) =>
  Effect.as(
    completeSession<AccessDenied | ResourceNotFound | ValidationError>(
      store,
      (state, now) =>
        Either.gen(function*() {
          const approved = yield* findApproved(state, now, sessionUri).pipe(
            Option.filter(({ user }) => isSameUser(user, userIdentifier)),
            Either.fromOption(() => assumptions.sessionRefused(operation))
          )
          return { approved, client: yield* clientOfSession(store, state, approved) }
        }),
      {
        deleted: () => assumptions.sessionRefused(operation),
        refused: () => assumptions.retrievalFailed(operation)
      }
    ),
    {}
  )

/** The test control: completes the session as the user who started it. */
export const completeAsUser = (store: Store): IdentityControls["Type"]["complete"] => (sessionUri) =>
  completeSession<SessionNotApproved | ProviderRefused>(
    store,
    (state, now) =>
      Either.gen(function*() {
        const approved = yield* Either.fromOption(
          findApproved(state, now, sessionUri),
          () => new SessionNotApproved()
        )
        const client = yield* Either.mapLeft(
          clientOfSession(store, state, approved),
          ({ message }) => toProviderRefused(approved.providerName, { reason: "Misconfigured", description: message })
        )
        return { approved, client }
      }),
    {
      deleted: () => new SessionNotApproved(),
      refused: ({ providerName }, error) => toProviderRefused(providerName, error)
    }
  )

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
  Table.has(state.sessions, session.uri)
    ? result(
      true,
      Exit.match(exit, {
        onSuccess: (issued) => {
          const owner = grantOwner(session)
          const granted = grant(owner, session.target, issued, now)
          return {
            ...sessions.complete(state, session, granted),
            grants: Table.set(state.grants, grantKey(owner), granted)
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
