/** The page to which a person returns: it finds out whether they are the one who began, and only then completes. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { ConsentLedger } from "../../ConsentLedger.js"
import type { ConsentSeal } from "../../ConsentSeal.js"
import type { Failure } from "../../IdentityApi.js"
import type { LedgerFailure } from "../../IdentityError.js"
import { IdentityService } from "../../IdentityService.js"
import { digest } from "../lib/digest.js"
import * as secureToken from "../lib/secureToken.js"
import { seeOther } from "../web/forms.js"
import { html } from "../web/html.js"
import type { AppOrigin } from "./appOrigin.js"
import {
  BindingPageError,
  consumed,
  done,
  expired,
  otherBrowser,
  otherUser,
  page,
  signedOutMeanwhile,
  stateMismatch,
  unfinished,
  unreachable
} from "./pages.js"
import * as record from "./pendingConsent.js"
import { pending } from "./startPage.js"
import { matchesHost } from "./urls.js"
import { cookieName, forget, readRequest, required, type Visit } from "./visit.js"

/**
 * What a provider says instead of yes. Anybody can have written it.
 *
 * @internal
 */
export const notRefused = (of: Visit["of"]): Effect.Effect<void, BindingPageError> =>
  Option.match(of("error"), {
    onNone: () => Effect.void,
    onSome: (error) =>
      new BindingPageError({
        status: 400,
        title: "The provider refused",
        text: html`It says <q>${error}</q>${
          Option.match(of("error_description"), { onNone: () => undefined, onSome: (text) => html`: <q>${text}</q>` })
        }. Nothing was allowed.`
      })
  })

/** Whether this visit is the end of that beginning, in the browser and by the person who made it. */
const check = (
  { cookies, of, path }: Visit,
  { id, record: { callbackUrl, expiresAt, sessionUri, user, verifier } }: record.Entry<record.Pending>,
  { isSecure, origin }: AppOrigin,
  signedIn: Option.Option<string>
): Effect.Effect<void, BindingPageError> =>
  Effect.gen(function*() {
    // Again, since finding out who is signed in takes as long as the application likes.
    if (yield* DateTime.isPast(expiresAt)) return yield* expired
    // Each provider may have a return URL of its own: an answer that came to another's is a mix-up.
    if (callbackUrl !== `${origin}${path}`) return yield* stateMismatch
    const held = cookies[cookieName(isSecure, id)]
    if (verifier === undefined || held === undefined) return yield* otherBrowser
    if (!secureToken.timingSafeEqual(yield* digest(Redacted.make(held)), verifier)) return yield* otherBrowser
    if (!secureToken.timingSafeEqual(yield* Effect.mapError(signedIn, () => signedOutMeanwhile), user)) {
      return yield* otherUser
    }
    yield* notRefused(of)
    if (
      !secureToken.timingSafeEqual(yield* required(of, "session_id"), Redacted.value(sessionUri))
    ) return yield* stateMismatch
  })

/** What AWS says of this session; anything else is not the person's doing. */
const isAboutSession = (error: Failure<"completeResourceTokenAuth">) =>
  error._tag === "AccessDenied" || error._tag === "ResourceNotFound" || error._tag === "ValidationError"

/**
 * Once, for the very user who minted the workload access token. The log has no message, which may name the session.
 *
 * @internal
 */
export const complete = (
  { sessionUri, userIdentifier }: Pick<record.Pending, "sessionUri" | "userIdentifier">
): Effect.Effect<void, BindingPageError, IdentityService> =>
  Effect.flatMap(IdentityService, (identity) =>
    identity.completeResourceTokenAuth({ sessionUri, userIdentifier }).pipe(
      Effect.tapError(({ _tag, requestId }) =>
        Effect.logWarning("A consent could not be completed").pipe(Effect.annotateLogs({ error: _tag, requestId }))
      ),
      Effect.mapError((error) => isAboutSession(error) ? unfinished : unreachable)
    ))

/**
 * The state is spent by the first visit that has it, whatever comes of it, unless the service gives no answer; from there to
 * the end nobody can interrupt, so that a browser that is closed too soon leaves nothing half done.
 *
 * @internal
 */
export const returnPage = <R>(
  place: AppOrigin,
  signedIn: Effect.Effect<Option.Option<string>, never, R>,
  doneUrl: string | undefined
): Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  BindingPageError | LedgerFailure,
  IdentityService | ConsentLedger | ConsentSeal | HttpServerRequest.HttpServerRequest | R
> =>
  Effect.gen(function*() {
    const seen = yield* readRequest(matchesHost(place))
    const state = Redacted.make(yield* required(seen.of, "state"))
    const id = yield* record.idOf(state)
    const entry = yield* pending(id)
    if (
      !secureToken.timingSafeEqual(Redacted.value(state), Redacted.value(entry.record.state))
    ) return yield* stateMismatch
    const user = yield* signedIn
    const answer = Effect.gen(function*() {
      const claimed = yield* record.replace(entry, { _tag: "Spent" })
      if (Option.isNone(claimed)) return yield* consumed
      yield* check(seen, entry, place, user)
      const completed = yield* Effect.either(complete(entry.record))
      if (Either.isLeft(completed)) {
        if (completed.left.status !== unreachable.status) return yield* completed.left
        // Nobody has answered for the service. The same browser may try again: the service completes once.
        yield* record.replace(claimed.value, entry.record)
        return yield* page(unreachable)
      }
      return doneUrl === undefined ? yield* page(done) : seeOther(doneUrl)
    })
    return yield* Effect.uninterruptible(answer).pipe(
      Effect.catchTag("BindingPageError", page),
      // The browser keeps its mark for another try.
      Effect.map((response) => response.status === unreachable.status ? response : forget(response, place.isSecure, id))
    )
  })
