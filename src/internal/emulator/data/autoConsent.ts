/** Answers each new consent session as its user, while a test asks for it. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import type { Method } from "../../../IdentityApi.js"
import type { IdentityControls } from "../../../IdentityControls.js"
import type { TokenReply, TokenRequest } from "./clients.js"

/** Returns the session that the reply has opened; the reply to a poll repeats the session of the request. */
const openedSession = ({ sessionUri }: TokenReply, request: TokenRequest) =>
  sessionUri !== undefined &&
    (request.sessionUri === undefined || Redacted.value(sessionUri) !== Redacted.value(request.sessionUri))
    ? sessionUri
    : undefined

/** @internal */
export const make = ({ approve, complete }: Pick<IdentityControls["Type"], "approve" | "complete">) => {
  /** Number of scopes that have turned it on. */
  const active = Ref.unsafeMake(0)

  return {
    control: Effect.acquireRelease(
      Ref.update(active, (count) => count + 1),
      () => Ref.update(active, (count) => count - 1)
    ),

    /** A consent that cannot be approved is a defect, because then the test is set up wrongly. */
    over: (method: Method<"getResourceOauth2Token">): Method<"getResourceOauth2Token"> => (request) =>
      Effect.tap(method(request), (reply) =>
        Effect.flatMap(Ref.get(active), (count) => {
          const sessionUri = count === 0 ? undefined : openedSession(reply, request)
          return sessionUri === undefined
            ? Effect.void
            : Effect.orDie(Effect.zipRight(approve(sessionUri), complete(sessionUri)))
        }))
  }
}
