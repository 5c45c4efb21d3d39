import { Effect, Redacted } from "effect"
import * as Consent from "../../src/Consent.js"
import * as Credential from "../../src/Credential.js"
import * as IdentityControls from "../../src/IdentityControls.js"
import * as IdentityError from "../../src/IdentityError.js"
import * as IdentityService from "../../src/IdentityService.js"
import { unhurried, withoutTimers } from "./clock.js"

/** Approves a consent, and completes it at the return URL. */
export const consents = Effect.fn(function*(consent: IdentityError.ConsentRequired, userId = "ada") {
  const { approve } = yield* IdentityControls.IdentityControls
  const identity = yield* IdentityService.IdentityService
  const returned = new URL(Redacted.value(yield* approve(consent.sessionUri)))
  yield* identity.completeResourceTokenAuth({
    sessionUri: returned.searchParams.get("session_id") ?? "",
    userIdentifier: Credential.userId(userId)
  })
  return returned
}, unhurried)

/** Returns the consent that a call requires. */
export const required = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.flatMap(Effect.flip(self), (error) =>
    error instanceof IdentityError.ConsentRequired
      ? Effect.succeed(error)
      : Effect.dieMessage(`no consent was required: ${String(error)}`))

/** The standard wait without its timers: only the completion of the consent ends it. */
export const untilCompleted = <E, R>(
  onConsent: (consent: IdentityError.ConsentRequired) => Effect.Effect<unknown, E, R>
) => Consent.make((consent, { wait }) => Effect.zipRight(onConsent(consent), withoutTimers(wait())))
