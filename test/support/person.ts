import { Effect, Redacted } from "effect"
import { Credential, IdentityControls, IdentityError, IdentityService } from "../../src/index.js"
import { unhurried } from "./clock.js"

/** The person agrees in their browser, and the application finishes for them. */
export const consents = Effect.fn(function*(consent: IdentityError.ConsentRequired, userId = "ada") {
  const { approve } = yield* IdentityControls.IdentityControls
  const identity = yield* IdentityService.IdentityService
  const returned = new URL(Redacted.value(yield* approve(consent.sessionUri)))
  yield* identity.completeResourceTokenAuth({
    sessionUri: returned.searchParams.get("session_id") ?? "",
    userIdentifier: Credential.UserIdIdentifier(userId)
  })
  return returned
}, unhurried)

/** The consent that a call asks for. */
export const required = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.flatMap(Effect.flip(self), (error) =>
    error instanceof IdentityError.ConsentRequired
      ? Effect.succeed(error)
      : Effect.dieMessage(`no consent was required: ${String(error)}`))
