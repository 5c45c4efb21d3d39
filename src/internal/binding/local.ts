import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { UserIdentifier } from "../../Credential.js"
import { IdentityService } from "../../IdentityService.js"
import { isLoopback } from "./address.js"
import { required, visit } from "./browser.js"
import { done, foreignHost, page, type Refused, unfinished } from "./pages.js"

/**
 * Completes for one user whatever comes back to this machine.
 *
 * @internal
 */
export const end = (
  userIdentifier: UserIdentifier
): Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  Refused,
  IdentityService | HttpServerRequest.HttpServerRequest
> =>
  Effect.gen(function*() {
    const { headers } = yield* HttpServerRequest.HttpServerRequest
    const host = headers["host"] ?? ""
    if (!isLoopback(`http://${host}`)) return yield* foreignHost
    const { of } = yield* visit(host)
    const sessionUri = Redacted.make(yield* required(of, "session_id"))
    const identity = yield* IdentityService
    yield* Effect.mapError(
      identity.completeResourceTokenAuth({ sessionUri, userIdentifier }),
      () => unfinished
    )
    return yield* page(done)
  })
