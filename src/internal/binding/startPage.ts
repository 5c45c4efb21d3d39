/** The page that a person opens to begin: it marks their browser, and sends it on to the provider. */
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
import * as record from "./pendingConsent.js"
import { matchesHost } from "./urls.js"
import { readRequest, remember, required } from "./visit.js"

/** @internal */
export const pending = (
  id: string
): Effect.Effect<record.Entry<record.Pending>, BindingPageError | LedgerFailure, ConsentLedger | ConsentSeal> =>
  Effect.gen(function*() {
    const found = yield* record.find(id)
    if (Option.isNone(found)) return yield* unknown
    const { record: one, sealed } = found.value
    if (one._tag === "Spent") return yield* consumed
    return (yield* DateTime.isPast(one.expiresAt)) ? yield* expired : { id, record: one, sealed }
  })

/** How many may start one consent in the same moment; each round one of them gets through. */
const rounds = 20

/** The record with the mark of this browser; whoever came in between is overwritten, since they came first. */
const bindBrowser = (
  entry: record.Entry<record.Pending>,
  verifier: string,
  left = rounds
): Effect.Effect<void, BindingPageError | LedgerFailure, ConsentLedger | ConsentSeal> =>
  Effect.gen(function*() {
    if (Option.isSome(yield* record.replace(entry, { ...entry.record, verifier }))) return
    if (left === 0) return yield* unavailable
    yield* bindBrowser(yield* pending(entry.id), verifier, left - 1)
  })

/**
 * Whoever starts again, in this browser or another, goes on there: the last one marked is the one that may end.
 *
 * @internal
 */
export const startPage = <R>(
  place: AppOrigin,
  signedIn: Effect.Effect<Option.Option<string>, never, R>
): Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  BindingPageError | LedgerFailure,
  ConsentLedger | ConsentSeal | HttpServerRequest.HttpServerRequest | R
> =>
  Effect.gen(function*() {
    const { of } = yield* readRequest(matchesHost(place))
    const id = yield* required(of, "consent")
    if (!record.isId(id)) return yield* unreadable
    const entry = yield* pending(id)
    const user = yield* Effect.mapError(yield* signedIn, () => signedOut)
    if (!secureToken.timingSafeEqual(user, entry.record.user)) return yield* otherUser
    const verifier = Redacted.make(yield* secureToken.token)
    yield* bindBrowser(entry, yield* digest(verifier))
    return remember(seeOther(Redacted.value(entry.record.authorizationUrl)), {
      isSecure: place.isSecure,
      id,
      verifier,
      until: entry.record.expiresAt,
      now: yield* DateTime.now
    })
  })
