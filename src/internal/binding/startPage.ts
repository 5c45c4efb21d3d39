/** The page at which a consent starts. It binds the browser with a cookie, and redirects it to the provider. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { ConsentLedger } from "../../ConsentLedger.js"
import type { ConsentSeal } from "../../ConsentSeal.js"
import type { LedgerFailure } from "../../IdentityError.js"
import { digest } from "../lib/digest.js"
import * as secureToken from "../lib/secureToken.js"
import { seeOther } from "../web/forms.js"
import type { AppOrigin } from "./appOrigin.js"
import {
  type BindingPageError,
  consumed,
  expired,
  otherUser,
  signedOut,
  unavailable,
  unknown,
  unreadable
} from "./pages.js"
import * as pendingConsent from "./pendingConsent.js"
import { readRequest, required, setCookie } from "./readRequest.js"
import { isAfterSignIn, returnTo, type SignIn } from "./signIn.js"
import { matchesHost } from "./urls.js"

/** @internal */
export const pending = (
  id: string
): Effect.Effect<
  pendingConsent.Entry<pendingConsent.Pending>,
  BindingPageError | LedgerFailure,
  ConsentLedger | ConsentSeal
> =>
  Effect.gen(function*() {
    const found = yield* pendingConsent.find(id)
    if (Option.isNone(found)) return yield* unknown
    const { record: consent, sealed } = found.value
    if (consent._tag === "Spent") return yield* consumed
    return (yield* DateTime.isPast(consent.expiresAt)) ? yield* expired : { id, record: consent, sealed }
  })

/** The attempts to bind a browser while other browsers start the same consent. One of them succeeds in each round. */
const maxAttempts = 20

/** Stores the digest of the verifier of this browser. The last browser that starts replaces the earlier ones. */
const bindBrowser = (
  entry: pendingConsent.Entry<pendingConsent.Pending>,
  verifier: string,
  attempts = maxAttempts
): Effect.Effect<void, BindingPageError | LedgerFailure, ConsentLedger | ConsentSeal> =>
  Effect.gen(function*() {
    const record = { ...entry.record, verifier, hasReturned: undefined }
    if (Option.isSome(yield* pendingConsent.replace(entry, record))) return
    if (attempts === 0) return yield* unavailable
    yield* bindBrowser(yield* pending(entry.id), verifier, attempts - 1)
  })

/** Sends a signed-out user to the sign-in page, which redirects the user to this page of the application. */
export const redirectToSignIn = (
  signIn: SignIn,
  path: string,
  id: string
): Effect.Effect<HttpServerResponse.HttpServerResponse, BindingPageError> =>
  Option.match(signIn(returnTo(path, id)), {
    onNone: () =>
      Effect.zipRight(
        Effect.logError(
          "signInUrl: expected a path of the application, or a URL that is https or on loopback; the user must sign in without it"
        ),
        signedOut
      ),
    onSome: (url) => Effect.succeed(seeOther(url))
  })

/** Builds the start page. If a consent is started again, in this browser or another, the last browser may finish it. */
export const startPage = <R>(
  appOrigin: AppOrigin,
  signedIn: Effect.Effect<Option.Option<string>, never, R>,
  path: string,
  signIn: SignIn | undefined
): Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  BindingPageError | LedgerFailure,
  ConsentLedger | ConsentSeal | HttpServerRequest.HttpServerRequest | R
> =>
  Effect.gen(function*() {
    const { of } = yield* readRequest(matchesHost(appOrigin))
    const id = yield* required(of, "consent")
    if (!pendingConsent.isId(id)) return yield* unreadable
    const entry = yield* pending(id)
    const found = yield* signedIn
    if (Option.isNone(found) && signIn !== undefined && !isAfterSignIn(of)) {
      return yield* redirectToSignIn(signIn, path, id)
    }
    const user = yield* Effect.mapError(found, () => signedOut)
    if (!secureToken.timingSafeEqual(user, entry.record.user)) return yield* otherUser
    const verifier = Redacted.make(yield* secureToken.token)
    yield* bindBrowser(entry, yield* digest(verifier))
    return setCookie(seeOther(Redacted.value(entry.record.authorizationUrl)), {
      isSecure: appOrigin.isSecure,
      id,
      verifier,
      until: entry.record.expiresAt,
      now: yield* DateTime.now
    })
  })
