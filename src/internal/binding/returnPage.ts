/** The page to which the browser returns. It verifies the browser, the user and the session, and then completes the session. */
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
import { html, name } from "../web/html.js"
import type { AppOrigin } from "./appOrigin.js"
import {
  agentContinues,
  BindingPageError,
  consumed,
  done,
  expired,
  otherBrowser,
  otherUser,
  page,
  signedOut,
  signedOutMeanwhile,
  stateMismatch,
  unavailable,
  unfinished,
  unreachable,
  unreadable
} from "./pages.js"
import * as pendingConsent from "./pendingConsent.js"
import { cookieName, type PageRequest, readRequest, removeCookie, required } from "./readRequest.js"
import { isAfterSignIn, type SignIn } from "./signIn.js"
import { pending, redirectToSignIn } from "./startPage.js"
import { matchesHost } from "./urls.js"

/** Fails if the response contains an error. The text is not authenticated. */
export const checkProviderError = (of: PageRequest["of"]): Effect.Effect<void, BindingPageError> =>
  Option.match(of("error"), {
    onNone: () => Effect.void,
    onSome: (error) =>
      new BindingPageError({
        status: 400,
        title: "The provider denied the request",
        text: html`Error: <q>${name(error)}</q>${
          Option.match(of("error_description"), {
            onNone: () => undefined,
            onSome: (text) => html`: <q>${name(text)}</q>`
          })
        }. Nothing was approved.`
      })
  })

/** Checks that the request is at the return URL of the consent, in the browser that started, before the session expires. */
const verifyBrowser = (
  { cookies, path }: PageRequest,
  { id, record: { callbackUrl, expiresAt, verifier } }: pendingConsent.Entry<pendingConsent.Pending>,
  { isSecure, origin }: AppOrigin
): Effect.Effect<void, BindingPageError> =>
  Effect.gen(function*() {
    // Again, since `CurrentUser` may take any time.
    if (yield* DateTime.isPast(expiresAt)) return yield* expired
    // Each provider may have a return URL of its own: a response at another URL is a mix-up attack.
    if (callbackUrl !== `${origin}${path}`) return yield* stateMismatch
    const cookie = cookies[cookieName(isSecure, id)]
    if (verifier === undefined || cookie === undefined) return yield* otherBrowser
    if (!secureToken.timingSafeEqual(yield* digest(Redacted.make(cookie)), verifier)) return yield* otherBrowser
  })

/** Checks that the expected user is signed in. */
const verifyUser = (
  signedIn: Option.Option<string>,
  user: string,
  whenSignedOut: BindingPageError
): Effect.Effect<void, BindingPageError> =>
  Effect.flatMap(
    Effect.mapError(signedIn, () => whenSignedOut),
    (found) => secureToken.timingSafeEqual(found, user) ? Effect.void : otherUser
  )

/** Checks that the response is not an error, and belongs to the session. */
const verifyResponse = (
  { of }: PageRequest,
  { record: { sessionUri } }: pendingConsent.Entry<pendingConsent.Pending>
): Effect.Effect<void, BindingPageError> =>
  Effect.gen(function*() {
    yield* checkProviderError(of)
    if (
      !secureToken.timingSafeEqual(yield* required(of, "session_id"), Redacted.value(sessionUri))
    ) return yield* stateMismatch
  })

/** Errors about the session or the user. All others are errors of the service. */
const isAboutSession = (error: Failure<"completeResourceTokenAuth">) =>
  error._tag === "AccessDenied" || error._tag === "ResourceNotFound" || error._tag === "ValidationError"

/**
 * Completes the session for the exact user of the workload access token. The log omits the message of the error, which may
 * contain the session URI.
 */
export const complete = (
  { sessionUri, userIdentifier }: Pick<pendingConsent.Pending, "sessionUri" | "userIdentifier">
): Effect.Effect<void, BindingPageError, IdentityService> =>
  Effect.flatMap(IdentityService, (identity) =>
    identity.completeResourceTokenAuth({ sessionUri, userIdentifier }).pipe(
      Effect.tapError(({ _tag, requestId }) =>
        Effect.logWarning("A consent session could not be completed").pipe(
          Effect.annotateLogs({ error: _tag, requestId })
        )
      ),
      Effect.mapError((error) => isAboutSession(error) ? unfinished : unreachable)
    ))

type Entry = pendingConsent.Entry<pendingConsent.Pending>

type Answer<R> = Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  BindingPageError | LedgerFailure,
  ConsentLedger | ConsentSeal | R
>

/** Consumes the consent, and completes its session after `verified`. */
const finish = (
  entry: Entry,
  verified: Effect.Effect<void, BindingPageError>,
  doneUrl: string | undefined
): Answer<IdentityService> =>
  Effect.gen(function*() {
    const claimed = yield* pendingConsent.replace(entry, { _tag: "Spent" })
    if (Option.isNone(claimed)) return yield* consumed
    yield* verified
    const completed = yield* Effect.either(complete(entry.record))
    if (Either.isLeft(completed)) {
      if (completed.left.status !== unreachable.status) return yield* completed.left
      // The service did not answer. The same browser may try again, since the service completes a session once.
      yield* pendingConsent.replace(claimed.value, entry.record)
      return yield* page(unreachable)
    }
    if (doneUrl !== undefined) return seeOther(doneUrl)
    return yield* page(entry.record.agentContinues === true ? agentContinues : done)
  })

/** The browser keeps its cookie for another attempt if the service did not answer. */
const withoutCookie = (isSecure: boolean, id: string) => (response: HttpServerResponse.HttpServerResponse) =>
  response.status === unreachable.status ? response : removeCookie(response, isSecure, id)

/**
 * Continues after the sign-in. The state and the session were verified before it, so only the id of the consent is in the URL.
 * The id is not secret: such a request consumes the consent only if it completes it.
 */
const afterSignIn = <R>(
  request: PageRequest,
  appOrigin: AppOrigin,
  signedIn: Effect.Effect<Option.Option<string>, never, R>,
  doneUrl: string | undefined
): Answer<IdentityService | R> =>
  Effect.gen(function*() {
    const id = yield* required(request.of, "consent")
    if (!pendingConsent.isId(id)) return yield* unreadable
    const entry = yield* pending(id)
    if (entry.record.hasReturned !== true) return yield* stateMismatch
    const user = yield* signedIn
    yield* verifyBrowser(request, entry, appOrigin)
    yield* verifyUser(user, entry.record.user, signedOut)
    return yield* Effect.uninterruptible(finish(entry, Effect.void, doneUrl)).pipe(
      Effect.catchTag("BindingPageError", page),
      Effect.map(withoutCookie(appOrigin.isSecure, id))
    )
  })

/**
 * Builds the return page. The first request with a state consumes it, whatever its outcome, unless the service does not
 * answer, or the user has to sign in first. From then on the request is uninterruptible, so that a closed browser does not
 * stop the completion.
 */
export const returnPage = <R>(
  appOrigin: AppOrigin,
  signedIn: Effect.Effect<Option.Option<string>, never, R>,
  doneUrl: string | undefined,
  signIn: SignIn | undefined
): Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  BindingPageError | LedgerFailure,
  IdentityService | ConsentLedger | ConsentSeal | HttpServerRequest.HttpServerRequest | R
> =>
  Effect.gen(function*() {
    const request = yield* readRequest(matchesHost(appOrigin))
    if (signIn !== undefined && isAfterSignIn(request.of) && Option.isNone(request.of("state"))) {
      return yield* afterSignIn(request, appOrigin, signedIn, doneUrl)
    }
    const state = Redacted.make(yield* required(request.of, "state"))
    const id = yield* pendingConsent.idOf(state)
    const entry = yield* pending(id)
    if (
      !secureToken.timingSafeEqual(Redacted.value(state), Redacted.value(entry.record.state))
    ) return yield* stateMismatch
    const user = yield* signedIn
    const browserAndResponse = Effect.zipRight(
      verifyBrowser(request, entry, appOrigin),
      verifyResponse(request, entry)
    )
    if (Option.isNone(user) && signIn !== undefined && Either.isRight(yield* Effect.either(browserAndResponse))) {
      const isMarked = entry.record.hasReturned === true ||
        Option.isSome(yield* pendingConsent.replace(entry, { ...entry.record, hasReturned: true }))
      // Otherwise the consent has changed meanwhile: another request consumed it, or another browser started it.
      return isMarked ? yield* redirectToSignIn(signIn, request.path, id) : yield* unavailable
    }
    const verified = verifyBrowser(request, entry, appOrigin).pipe(
      Effect.zipRight(verifyUser(user, entry.record.user, signedOutMeanwhile)),
      Effect.zipRight(verifyResponse(request, entry))
    )
    return yield* Effect.uninterruptible(finish(entry, verified, doneUrl)).pipe(
      Effect.catchTag("BindingPageError", page),
      Effect.map(withoutCookie(appOrigin.isSecure, id))
    )
  })
